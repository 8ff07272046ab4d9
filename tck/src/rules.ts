// All tests, chapter by chapter, and the sentences of the rules that they name.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { RuleTest } from './rule.ts';
import { opening } from './rules/1-opening.ts';
import { callbacks } from './rules/2-callbacks.ts';
import { results } from './rules/3-results.ts';
import { closing } from './rules/4-closing.ts';
import { flow } from './rules/5-flow.ts';
import { mailbox } from './rules/6-mailbox.ts';

export const rules: readonly RuleTest[] = [...opening, ...callbacks, ...results, ...closing, ...flow, ...mailbox];

/** What SPEC.md says: its version, and the text of each rule and of each row of its table. */
export interface Spec {
  readonly version: string;
  readonly rules: ReadonlyMap<string, string>;
}

/** Reads SPEC.md of the installed `@websock/spec`. */
export function readSpec(): Spec {
  const folder = dirname(createRequire(import.meta.url).resolve('@websock/spec/package.json'));
  return parseSpec(readFileSync(join(folder, 'SPEC.md'), 'utf8'));
}

export function parseSpec(markdown: string): Spec {
  const found = new Map<string, string>();
  const plain = (text: string) =>
    text
      .replace(/<a id="[^"]*"><\/a>/g, '')
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/\s+/g, ' ')
      .trim();
  // A rule goes on until its intent, in italics, or its table.
  for (const [, rule, text] of markdown.matchAll(/^- \*\*(\d\.\d)\*\* ([\s\S]*?)(?=\n {2}_|\n\n)/gm)) {
    found.set(rule as string, plain(text as string));
  }
  for (const [, row, text] of markdown.matchAll(/^ *\| \*\*(\d\.\d[a-z])\*\*(.*)\|$/gm)) {
    const [, ended = '', whose = '', code = '', receives = ''] = (text as string).split(/(?<!\\)\|/).map(plain);
    found.set(
      row as string,
      `${ended} (the ${whose} end): ${code === '–' ? 'no close frame is sent' : `${code} is sent`}; \`terminate\` receives ${receives}`,
    );
  }
  return { version: /^\*\*Version ([\d.]+)\*\*$/m.exec(markdown)?.[1] ?? 'unknown', rules: found };
}

/** Whether a rule, such as `4.3a`, is meant by `wanted`: itself, or the rule or the chapter that it belongs to. */
export function isOf(rule: string, wanted: string): boolean {
  return rule === wanted || (rule.startsWith(wanted) && /^(\d|\d\.\d)$/.test(wanted));
}
