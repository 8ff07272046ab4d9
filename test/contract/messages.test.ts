// The complete errors of current compilers for twenty common mistakes. Changes of the contract can make them longer, or
// move them from the property to the `return`. After an intended change, run with `--update` and review the difference.

import { describe, expect, test } from 'vitest';
import { type Compiler, compile, nameOf } from '../toolkit/compilers.ts';

const file = 'test/contract/mistakes.ts';
const used: readonly Compiler[] = ['typescript-5.4', 'typescript-5.9', 'typescript', 'typescript-7.0'];

describe.each(used.map((compiler) => [nameOf(compiler), compiler] as const))('%s', (name, compiler) => {
  test('reports twenty mistakes as before', async () => {
    const diagnostics = await compile(compiler, 'test/contract/tsconfig.json', [file]);
    expect(diagnostics.length).toBe(20);
    const said = diagnostics.map(({ line, text }) => `${line}: ${text}\n`).join('');
    await expect(said).toMatchFileSnapshot(`mistakes/${name}.txt`);
  });
});
