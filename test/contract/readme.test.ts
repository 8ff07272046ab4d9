// The README's code is the code of files that the compiler checks or a test runs, and what it links to is there.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../toolkit/compilers.ts';

const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** Without leading spaces, so that a block may be nested in its file. */
const flat = (code: string) => code.replace(/^ +/gm, '');

const blocks = [...readme.matchAll(/(?:<!-- (\S+) -->\n)?```(ts|js|yaml)\n(.*?)```/gs)];

test('the README has code', () => expect(blocks.length).toBeGreaterThan(3));

test.each(blocks.map(([, file, language, code]) => [file, language, code] as const))(
  'a block of the README is part of %s',
  (file, language, code) => {
    expect(file, `the block\n${code}names no file in a comment above it`).toMatch(
      new RegExp(`\\.(m?${language}|yml)$`),
    );
    expect(flat(readFileSync(join(root, file as string), 'utf8'))).toContain(flat(code as string));
  },
);

test('what the README links to is there', () => {
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => link as string);
  expect(links.length).toBeGreaterThan(3);
  expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([]);
});
