// The documents: their code is the code of files that a compiler or a test reads, their links lead somewhere, their
// tables say what the code says, and the rules of SPEC.md have the form that other tests read.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { cannot as onBun } from '../../adapter/src/bun.ts';
import { cannot as onCloudflare } from '../../adapter/src/cloudflare.ts';
import { cannot as onCrossws } from '../../adapter/src/crossws.ts';
import { cannot as onDeno } from '../../adapter/src/deno.ts';
import { cannot as onNode } from '../../adapter/src/node/index.ts';
import { checkBounds, checkOptions } from '../../adapter/src/options.ts';
import { refusalsIn, root } from '../toolkit/compilers.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** Every document except the API reports, which are generated. */
const documents = ['.', '.github', 'adapter', 'tck', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: folder === 'test', encoding: 'utf8' })
    .filter((path) => path.endsWith('.md') && !path.endsWith('.api.md'))
    .map((path) => join(folder, path)),
);
const spec = read('SPEC.md');

test('the documents are found', () => {
  const known = ['README.md', 'SPEC.md', 'CHANGELOG.md', '.github/CONTRIBUTING.md', 'adapter/README.md'];
  expect(documents).toEqual(expect.arrayContaining(known));
});

/** This test reads its code from the documents. */
const QUICKSTART = 'test/package/quickstart.test.ts';

/** Without indentation, which may differ in the file. */
const flat = (code: string) => code.replace(/^ +/gm, '');

const blocks = documents.flatMap((document) =>
  [...read(document).matchAll(/(?:<!-- (\S+) -->\n)?```(ts|js|yaml|capnp)\n(.*?)```/gs)].map(
    ([, file, language = '', code = '']) => ({ document, file, language, code }),
  ),
);

test.each(blocks)('a block of $document is part of $file', ({ file, language, code }) => {
  expect(file, `the block\n${code}names no file in a comment above it`).toBeDefined();
  if (file === QUICKSTART) return;
  expect(file).toMatch(new RegExp(`\\.(m?${language}|yml)$`));
  expect(flat(read(file as string))).toContain(flat(code));
});

/** The valid fragments of links to a document: its ids, and its headings as GitHub converts them. */
const fragmentsOf = (document: string) => [
  ...[...document.matchAll(/<a id="([^"]+)"><\/a>/g)].map(([, id]) => id as string),
  ...[...document.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^a-z0-9 _-]/g, '')
      .replaceAll(' ', '-'),
  ),
];

test.each(documents)('the links of %s are valid', (name) => {
  const links = [...read(name).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)];
  const broken = links.filter(([, file, fragment]) => {
    const path = file ? join(root, dirname(name), file) : join(root, name);
    if (!existsSync(path)) return true;
    return fragment !== undefined && !fragmentsOf(readFileSync(path, 'utf8')).includes(fragment);
  });
  expect(broken.map(([link]) => link)).toEqual([]);
});

test('the front page is short, and its first 60 lines have the commands, a handler, a client and the test kit', () => {
  const lines = read('README.md').trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(300);
  const screen = lines.slice(0, 60).join('\n');
  for (const part of [
    'npm ci && npm start',
    'npm ci && npm test',
    'satisfies WebSock',
    'new WebSocket(',
    '@websock/tck',
  ]) {
    expect(screen).toContain(part);
  }
});

test('the front page quotes real compiler errors', () => {
  const section = /## Reading compiler errors\n(.*?)\n## /s.exec(read('README.md'))?.[1] ?? '';
  const said = refusalsIn('test/contract/common-errors.ts').map(({ words }) => words);
  const quoted = [...section.matchAll(/^\| `(.+?)`(?:,| \|)/gm)].map(([, text = '']) => text.replaceAll('\\|', '|'));
  expect(quoted.length).toBeGreaterThan(8);
  const unsaid = quoted.filter(
    (text) => !said.some((words) => text.split('…').every((part) => words.includes(part.trim()))),
  );
  expect(unsaid).toEqual(['TS1287']); // caused by the project's settings, not by a handler
});

// ---- adapter/README.md ----

const adapter = read('adapter/README.md');

/** The second column of each table row whose first column is a name in code format. */
const columnOf = (document: string) =>
  Object.fromEntries([...document.matchAll(/^\| `(\w+)` \| ([^|]*?) \|/gm)].map(([, name, value]) => [name, value]));

test('adapter/README.md has every option and bound, with its default', () => {
  const { idleTimeout: _, ...options } = checkOptions();
  const none = new Set(['protocol', 'headers']);
  const shown = Object.entries({ ...options, ...checkBounds() }).map(([name, value]) => [
    name,
    none.has(name) ? 'none' : String(value),
  ]);
  const column = columnOf(adapter);
  const defaults = shown.map(([name = '']) => [name, column[name]?.replace(/`|(?<=\d) (?=\d)| \D+$/g, '')]);
  expect(defaults).toEqual(shown);
  expect(column).toHaveProperty('idleTimeout');
  expect(column).toHaveProperty('onError');
  expect(column).toHaveProperty('routeTimeout');
});

test('adapter/README.md says what each platform cannot do, and why', () => {
  expect(onNode).toEqual({});
  const platforms = { Bun: onBun, Deno: onDeno, Cloudflare: onCloudflare, crossws: onCrossws };
  const names = [...new Set(Object.values(platforms).flatMap((cannot) => Object.keys(cannot)))].sort();
  const rows = names.map((name) => {
    const reasons = Object.values(platforms).map((cannot) => cannot[name as keyof typeof cannot] ?? '');
    return `| \`${name}\` | ${reasons.join(' | ')} |`;
  });
  const table = [`| name | ${Object.keys(platforms).join(' | ')} |`, '|---|---|---|---|---|', ...rows].join('\n');
  expect(/^\| name \| Bun .*\n(?:\|.*\n)+/m.exec(adapter)?.[0]).toBe(`${table}\n`);
});

// ---- SPEC.md ----

test('each rule and each row of 4.3 has a unique number, in order, and its anchor', () => {
  const marked = [...spec.matchAll(/^(?:- | {2}\| )\*\*(\d\.\d[a-z]?)\*\* <a id="rule-(.*?)"><\/a>/gm)];
  const numbers = marked.map(([, number]) => number as string);
  expect(marked.map(([, , anchor]) => anchor)).toEqual(numbers);
  expect(numbers).toEqual([...new Set(numbers)].sort());
  expect(numbers).toHaveLength(fragmentsOf(spec).filter((fragment) => fragment.startsWith('rule-')).length);
  expect(numbers.filter((number) => /^4\.3[a-z]$/.test(number))).toHaveLength(16);
});

test('each rule has a key word of RFC 2119 and its own intent', () => {
  const rules = spec.split(/^(?=- \*\*\d\.\d\*\*|## )/gm).filter((part) => part.startsWith('- **'));
  const intents = rules.map((rule) => /^ {2}_(.+)_$/m.exec(rule)?.[1]);
  expect(rules.filter((rule) => !/\b(MUST|SHOULD|MAY)\b/.test(rule))).toEqual([]);
  expect(new Set(intents).size).toBe(rules.length);
  expect(intents).not.toContain(undefined);
});
