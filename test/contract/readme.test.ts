// The documents: their code is that of files that are compiled or tested, their links work, their tables agree with the code,
// and the rules of SPEC.md have the format that other tests read.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { cannot as onBun } from '../../adapter/src/bun.ts';
import { cannot as onCloudflare } from '../../adapter/src/cloudflare/index.ts';
import { cannot as onCrossws } from '../../adapter/src/crossws.ts';
import { cannot as onDeno } from '../../adapter/src/deno.ts';
import { cannot as onNode } from '../../adapter/src/node/index.ts';
import { checkBounds, checkOptions } from '../../adapter/src/options.ts';
import { refusalsIn, root } from '../toolkit/compilers.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** All documents, except for the generated API reports. */
const documents = ['.', '.github', 'adapter', 'pubsub', 'tck', 'examples', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: folder === 'examples' || folder === 'test', encoding: 'utf8' })
    .filter((path) => path.endsWith('.md') && !path.endsWith('.api.md') && !path.includes('node_modules'))
    .map((path) => join(folder, path)),
);
const spec = read('SPEC.md');

test('the documents are found', () => {
  const known = [
    'README.md',
    'SPEC.md',
    'CHANGELOG.md',
    '.github/CONTRIBUTING.md',
    'adapter/README.md',
    'examples/chat/README.md',
  ];
  expect(documents).toEqual(expect.arrayContaining(known));
});

/** This test takes its code from the documents. */
const QUICKSTART = 'test/package/quickstart.test.ts';

/** Without indentation, because a block may be nested in its file. */
const flat = (code: string) => code.replace(/^ +/gm, '');

const blocks = documents.flatMap((document) =>
  [...read(document).matchAll(/(?:<!-- (\S+) -->\n)?```(ts|js|yaml|capnp)\n(.*?)```/gs)].map(
    ([, file, language = '', code = '']) => ({ document, file, language, code }),
  ),
);

test.each(blocks)('a block of $document is part of $file', ({ file, language, code }) => {
  expect(file, `the block\n${code}has no comment above it that names its file`).toBeDefined();
  if (file === QUICKSTART) return;
  expect(file).toMatch(new RegExp(`\\.(m?${language}|yml)$`));
  expect(flat(read(file as string))).toContain(flat(code));
});

/** The valid fragments of links: the ids of a document, and its headings as GitHub converts them. */
const fragmentsOf = (document: string) => [
  ...[...document.matchAll(/<a id="([^"]+)"><\/a>/g)].map(([, id]) => id as string),
  ...[...document.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^a-z0-9 _-]/g, '')
      .replaceAll(' ', '-'),
  ),
];

test.each(documents)('the links of %s work', (name) => {
  const links = [...read(name).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)];
  const broken = links.filter(([, file, fragment]) => {
    const path = file ? join(root, dirname(name), file) : join(root, name);
    if (!existsSync(path)) return true;
    return fragment !== undefined && !fragmentsOf(readFileSync(path, 'utf8')).includes(fragment);
  });
  expect(broken.map(([link]) => link)).toEqual([]);
});

test('README.md is short, and its first screen has the commands and an example', () => {
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

test('the compiler errors in README.md are those of compilers', () => {
  const section = /## Reading compiler errors\n(.*?)\n## /s.exec(read('README.md'))?.[1] ?? '';
  const said = refusalsIn('test/contract/common-errors.ts').map(({ words }) => words);
  const quoted = [...section.matchAll(/^\| `(.+?)`(?:,| \|)/gm)].map(([, text = '']) => text.replaceAll('\\|', '|'));
  expect(quoted.length).toBeGreaterThan(8);
  const unsaid = quoted.filter(
    (text) => !said.some((words) => text.split('…').every((part) => words.includes(part.trim()))),
  );
  expect(unsaid).toEqual(['TS1287']); // depends on the project, not on the contract
});

// ---- adapter/README.md ----

const adapter = read('adapter/README.md');

/** The second column of each row whose first column is a name in backticks. */
const columnOf = (document: string) =>
  Object.fromEntries([...document.matchAll(/^\| `(\w+)` \| ([^|]*?) \|/gm)].map(([, name, value]) => [name, value]));

test('adapter/README.md has every option, with its default', () => {
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

test('adapter/README.md lists the limits of each platform, with their reasons', () => {
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

test('the rules and the rows of 4.3 are unique and in order, each with an anchor of its number', () => {
  const marked = [...spec.matchAll(/^(?:- | {2}\| )\*\*(\d\.\d[a-z]?)\*\* <a id="rule-(.*?)"><\/a>/gm)];
  const numbers = marked.map(([, number]) => number as string);
  expect(marked.map(([, , anchor]) => anchor)).toEqual(numbers);
  expect(numbers).toEqual([...new Set(numbers)].sort());
  expect(numbers).toHaveLength(fragmentsOf(spec).filter((fragment) => fragment.startsWith('rule-')).length);
  expect(numbers.filter((number) => /^4\.3[a-z]$/.test(number))).toHaveLength(17);
});

test('each rule has a key word of RFC 2119 and its own intent', () => {
  const rules = spec.split(/^(?=- \*\*\d\.\d\*\*|## )/gm).filter((part) => part.startsWith('- **'));
  const intents = rules.map((rule) => /^ {2}_(.+)_$/m.exec(rule)?.[1]);
  expect(rules.filter((rule) => !/\b(MUST|SHOULD|MAY)\b/.test(rule))).toEqual([]);
  expect(new Set(intents).size).toBe(rules.length);
  expect(intents).not.toContain(undefined);
});
