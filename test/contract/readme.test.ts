// The code in README.md and SPEC.md is the code of files that the compiler checks or a test runs, their links lead
// somewhere, and the rules of SPEC.md have the form that other tests read.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../toolkit/compilers.ts';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const spec = readFileSync(join(root, 'SPEC.md'), 'utf8');

/** Without leading spaces, so that a block may be nested in its file. */
const flat = (code: string) => code.replace(/^ +/gm, '');

const blocksOf = (document: string) => [...document.matchAll(/(?:<!-- (\S+) -->\n)?```(ts|js|yaml)\n(.*?)```/gs)];
const blocks = [...blocksOf(readme), ...blocksOf(spec)];

test('both documents have code', () => {
  expect(blocksOf(readme).length).toBeGreaterThan(3);
  expect(blocksOf(spec).length).toBeGreaterThan(0);
});

test.each(blocks.map(([, file, language, code]) => [file, language, code] as const))(
  'a block of code is part of %s',
  (file, language, code) => {
    expect(file, `the block\n${code}names no file in a comment above it`).toMatch(
      new RegExp(`\\.(m?${language}|yml)$`),
    );
    expect(flat(readFileSync(join(root, file as string), 'utf8'))).toContain(flat(code as string));
  },
);

/** The fragments that a link may end with: the ids of a document, and its headings as GitHub writes them. */
const fragmentsOf = (document: string) => [
  ...[...document.matchAll(/<a id="([^"]+)"><\/a>/g)].map(([, id]) => id as string),
  ...[...document.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  ),
];

test.each([
  ['README.md', readme],
  ['SPEC.md', spec],
])('the links of %s lead somewhere', (name, document) => {
  const links = [...document.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)];
  expect(links.length).toBeGreaterThan(3);
  const broken = links.filter(([, file, fragment]) => {
    const path = join(root, file || name);
    if (!existsSync(path)) return true;
    return fragment !== undefined && !fragmentsOf(readFileSync(path, 'utf8')).includes(fragment);
  });
  expect(broken.map(([link]) => link)).toEqual([]);
});

test('each rule and each row of 4.3 stands once, in order, with an anchor of its number', () => {
  const marked = [...spec.matchAll(/^(?:- | {2}\| )\*\*(\d\.\d[a-z]?)\*\* <a id="rule-(.*?)"><\/a>/gm)];
  const numbers = marked.map(([, number]) => number as string);
  expect(marked.map(([, , anchor]) => anchor)).toEqual(numbers);
  expect(numbers).toEqual([...new Set(numbers)].sort());
  expect(numbers).toHaveLength(fragmentsOf(spec).filter((fragment) => fragment.startsWith('rule-')).length);
  expect(numbers.filter((number) => /^4\.3[a-z]$/.test(number))).toHaveLength(16);
});

test('each rule has a key word of RFC 2119 and an intent of its own', () => {
  const rules = spec.split(/^(?=- \*\*\d\.\d\*\*|## )/gm).filter((part) => part.startsWith('- **'));
  const intents = rules.map((rule) => /^ {2}_(.+)_$/m.exec(rule)?.[1]);
  expect(rules.filter((rule) => !/\b(MUST|SHOULD|MAY)\b/.test(rule))).toEqual([]);
  expect(new Set(intents).size).toBe(rules.length);
  expect(intents).not.toContain(undefined);
});
