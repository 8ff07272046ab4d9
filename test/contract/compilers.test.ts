// The contract on every supported compiler: the handlers that it accepts, and the errors for those that it rejects. tsd
// also compares exact types, but on one compiler only.

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
const rejected = ['refused.ts', 'common-errors.ts', 'refused.js'];
const here = (files: readonly string[]) => files.map((file) => `test/contract/${file}`);

const accepts = (compiler: Compiler, files: readonly string[], options: object) => async () => {
  expect(await compile(compiler, project, files, { ...options })).toEqual([]);
};

describe.each(tried.map((compiler) => [nameOf(compiler), compiler] as const))('%s', (_name, compiler) => {
  // Without the declarations of tsd itself.
  test('accepts right handlers', accepts(compiler, here(accepted), { skipLibCheck: true }));
  test('compiles the declarations with only ES2015', accepts(compiler, ['dist/websock.d.ts'], {}));
  test(
    'compiles the declarations without strict',
    accepts(compiler, ['dist/websock.d.ts'], { strict: false, exactOptionalPropertyTypes: false }),
  );
  test.each([
    ['without AbortSignal', 'basic-signal.ts', {}],
    ['with lib: dom', 'platform-signal.ts', { lib: ['es2015', 'dom'] }],
    ['with types: node', 'platform-signal.ts', { types: ['node'], skipLibCheck: true }],
  ])('the signal of a mailbox, %s', async (_lib, file, options) => {
    const errors = await compile(compiler, project, here([file]), options);
    expect(differences(here([file]), errors, compiler)).toEqual([]);
  });
  test('rejects wrong handlers, with these errors', async () => {
    for (const file of here(rejected)) expect(refusalsIn(file).length).toBeGreaterThan(3);
    const errors = await compile(compiler, project, here(rejected));
    expect(differences(here(rejected), errors, compiler)).toEqual([]);
  });
});
