// What every supported compiler says of the wrong handlers and servers of this folder, which are compiled as a user's
// are: through the packed package. Each `// refused:` comment is a fault, whole, on the first line of the error below.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { compile, differences, nameOf, refusalsIn, root, tried } from '../toolkit/compilers.ts';
import { project } from '../toolkit/package.ts';

const files = ['accepted', 'refused', 'servers', 'checked', 'demo'].map((name) => `test/conformance/${name}.ts`);
const folder = project('test/conformance');
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(tried.map((compiler) => [nameOf(compiler), compiler] as const))('%s', (_name, compiler) => {
  test('refuses every wrong handler and server with its fault, and accepts every right one', async () => {
    const diagnostics = await compile(compiler, 'test/conformance/tsconfig.json', files, {}, folder);
    const firstLines = diagnostics.map((said) => ({ ...said, text: said.text.split('\n')[0] as string }));
    expect(differences(files, firstLines, compiler)).toEqual([]);
  });
});

test('every fault of the suite has a fixture', () => {
  const suite = readFileSync(join(root, 'src/conformance/texts.ts'), 'utf8');
  const texts = [...suite.matchAll(/^ +(\w+): ?['`](\d\.\d .*)['`];$/gm)].flatMap(
    ([, name, text]) => (name === 'handlerOther' ? [] : [text as string]), // for what no check explains; no such handler is known
  );
  expect(texts.length).toBeGreaterThan(30);
  const refused = files.flatMap((file) => refusalsIn(file).map(({ words }) => words));
  const pattern = (text: string) =>
    new RegExp(text.replace(/[.*+?^()|[\]\\{}$]/g, '\\$&').replace(/\\\$\\\{\w+\\\}/g, '\\w+'));
  expect(texts.filter((text) => !refused.some((words) => pattern(text).test(words)))).toEqual([]);
});
