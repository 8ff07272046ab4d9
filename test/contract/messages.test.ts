// What the compilers that people use say of natural mistakes: whole, with its line, because a cheaper type for results
// can make one line at the property into five at the `return`. After a change that is meant, add
// `--update` and read the difference.

import { describe, expect, test } from 'vitest';
import { type Compiler, compile, nameOf } from '../toolkit/compilers.ts';

const file = 'test/contract/mistakes.ts';
const used: readonly Compiler[] = ['typescript-5.4', 'typescript-5.9', 'typescript', 'typescript-7.0'];

describe.each(used.map((compiler) => [nameOf(compiler), compiler] as const))('%s', (name, compiler) => {
  test('explains twenty mistakes as it did', async () => {
    const diagnostics = await compile(compiler, 'test/contract/tsconfig.json', [file]);
    expect(diagnostics.length).toBe(20);
    const said = diagnostics.map(({ line, text }) => `${line}: ${text}\n`).join('');
    await expect(said).toMatchFileSnapshot(`mistakes/${name}.txt`);
  });
});
