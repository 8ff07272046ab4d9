// A sample of the mutations of the contract; `npm run mutations` tries them all, and those of the suite. SEED in the environment chooses the sample.

import { expect, test } from 'vitest';
import { mutations, told, tryOut } from './mutations.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const size = 48;

test(`the type tests notice what is changed in src/websock.ts, with SEED=${seed}`, async () => {
  const all = mutations().filter(({ file }) => file === 'websock.ts');
  const step = Math.floor(all.length / size);
  const sample = all.filter((_mutation, index) => index % step === seed % step);
  expect(sample.length).toBeGreaterThanOrEqual(size);
  expect((await tryOut(sample)).survived.map(told)).toEqual([]);
});
