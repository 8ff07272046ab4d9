// The contract on every supported compiler: what it accepts, and what it refuses in which words. tsd compares the types
// themselves, on one compiler; here each of them reads the same files.

import { describe, expect, test } from 'vitest';
import { type Compiler, compile, compilers, differences, nameOf, refusalsIn } from '../compilers.ts';

const project = 'test/contract/tsconfig.json';
const accepted = ['handlers', 'inference', 'names', 'narrowing'].map((name) => `test/contract/${name}.test-d.ts`);

const accepts = (compiler: Compiler, files: readonly string[], options: object) => async () => {
  expect(await compile(compiler, project, files, { ...options })).toEqual([]);
};

describe.each(compilers.map((compiler) => [nameOf(compiler), compiler] as const))('%s', (_name, compiler) => {
  // tsd's own declarations are not ours to check
  test('accepts what the contract accepts', accepts(compiler, accepted, { skipLibCheck: true }));
  test('accepts it in JavaScript', accepts(compiler, ['test/contract/javascript.js'], {}));
  test('accepts the declarations with nothing but ES2015', accepts(compiler, ['dist/websock.d.ts'], {}));
  test(
    'accepts the declarations where nothing is strict',
    accepts(compiler, ['dist/websock.d.ts'], { strict: false, exactOptionalPropertyTypes: false }),
  );
  test.each(['test/contract/refusals.ts', 'test/contract/refusals.js'])('refuses all of %s', async (file) => {
    expect(refusalsIn(file).length).toBeGreaterThan(3);
    expect(differences(file, await compile(compiler, project, [file]))).toEqual([]);
  });
});
