// The contract on every supported compiler: what it accepts, and what it refuses in which words. tsd compares the types
// themselves, on one compiler; here each of them reads the same files.

import { describe, expect, test } from 'vitest';
import { type Compiler, compile, differences, nameOf, refusalsIn, tried } from '../toolkit/compilers.ts';

const project = 'test/contract/tsconfig.json';
const accepted = [
  'handlers.test-d.ts',
  'inference.test-d.ts',
  'names.test-d.ts',
  'narrowing.test-d.ts',
  'javascript.js',
];
const refused = ['refused.ts', 'refused.common.ts', 'refused.js'];
const here = (files: readonly string[]) => files.map((file) => `test/contract/${file}`);

const accepts = (compiler: Compiler, files: readonly string[], options: object) => async () => {
  expect(await compile(compiler, project, files, { ...options })).toEqual([]);
};

describe.each(tried.map((compiler) => [nameOf(compiler), compiler] as const))('%s', (_name, compiler) => {
  // tsd's own declarations are not ours to check
  test('accepts right handlers', accepts(compiler, here(accepted), { skipLibCheck: true }));
  test('accepts the declarations with nothing but ES2015', accepts(compiler, ['dist/websock.d.ts'], {}));
  test(
    'accepts the declarations where nothing is strict',
    accepts(compiler, ['dist/websock.d.ts'], { strict: false, exactOptionalPropertyTypes: false }),
  );
  test('refuses wrong ones, in these words', async () => {
    for (const file of here(refused)) expect(refusalsIn(file).length).toBeGreaterThan(3);
    const said = await compile(compiler, project, here(refused));
    expect(differences(here(refused), said, compiler)).toEqual([]);
  });
});
