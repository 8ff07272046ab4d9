// The wrong handlers and servers of this folder, on every supported compiler, compiled as in a user's project: against
// the packed package. Each `// refused:` comment is part of the first line of the compiler error at the line below it.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { compile, differences, nameOf, refusalsIn, root, tried } from '../toolkit/compilers.ts';
import { project } from '../toolkit/package.ts';

const files = ['right-handlers', 'wrong-handlers', 'servers', 'checked', 'demo'].map(
  (name) => `test/conformance/${name}.ts`,
);
const folder = project('test/conformance');
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(tried.map((compiler) => [nameOf(compiler), compiler] as const))('%s', (_name, compiler) => {
  test('rejects every wrong handler and server with its fault, and accepts every right one', async () => {
    const diagnostics = await compile(compiler, 'test/conformance/tsconfig.json', files, {}, folder);
    const firstLines = diagnostics.map((said) => ({ ...said, text: said.text.split('\n')[0] as string }));
    expect(differences(files, firstLines, compiler)).toEqual([]);
  });
});

test('every fault of the suite has a test', () => {
  const suite = readFileSync(join(root, 'src/conformance/messages.ts'), 'utf8');
  const texts = [...suite.matchAll(/^ +(\w+): ?['`](\d\.\d .*)['`];$/gm)].flatMap(
    ([, name, text]) => (name === 'handlerOther' ? [] : [text as string]), // the fallback; no handler is known that has this fault
  );
  expect(texts.length).toBeGreaterThan(30);
  const refused = files.flatMap((file) => refusalsIn(file).map(({ words }) => words));
  const pattern = (text: string) =>
    new RegExp(text.replace(/[.*+?^()|[\]\\{}$]/g, '\\$&').replace(/\\\$\\\{\w+\\\}/g, '\\w+'));
  expect(texts.filter((text) => !refused.some((words) => pattern(text).test(words)))).toEqual([]);
});
