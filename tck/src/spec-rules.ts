// Reads the rules from SPEC.md, to print the rule with a failed test.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The rules of SPEC.md. */
export interface Spec {
  /** The version of SPEC.md, such as `0.1`. */
  readonly version: string;
  /** The text of each rule (`2.1`), and of each row of the table in 4.3 (`4.3a`). */
  readonly rules: ReadonlyMap<string, string>;
}

/** Reads SPEC.md of the installed `@websock/spec`. */
export function readSpec(): Spec {
  const folder = dirname(createRequire(import.meta.url).resolve('@websock/spec/package.json'));
  const markdown = readFileSync(join(folder, 'SPEC.md'), 'utf8');
  const found = new Map<string, string>();
  const plain = (text: string) =>
    text
      .replace(/<a id="[^"]*"><\/a>/g, '')
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/\s+/g, ' ')
      .trim();
  // A rule ends before its intent, which is in italics, or before its table.
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

/** Whether a rule, such as `4.3a`, is the `wanted` one, or belongs to it: `4.3a` belongs to `4.3` and to `4`. */
export function isOf(rule: string, wanted: string): boolean {
  return rule === wanted || (rule.startsWith(wanted) && /^(\d|\d\.\d)$/.test(wanted));
}
