// What one more handler costs a compiler, in instantiations: they are the same on every machine. The sample is that of
// measure.ts: all five callbacks, seven results, and a state, an info and an arg that no other handler shares.

import { describe, expect, test } from 'vitest';
import { nameOf } from '../compilers.ts';
import { costOf, type Kind, measured } from './measure.ts';

const limits: Partial<Record<Kind, number>> = {
  annotated: 70,
  'annotated + Assert': 400,
  'satisfies + Assert': 400,
  'bare + Assert': 400,
  'class + Assert': 400,
  // Of which the contract alone is 490: four promises, each compared with `PromiseLike` member by member.
  'async + Assert': 970,
};

describe.each(measured.map((compiler) => [nameOf(compiler), compiler] as const))('%s', (_name, compiler) => {
  test.each(Object.entries(limits) as [Kind, number][])('%s: at most %i for one more handler', async (kind, limit) => {
    const [few, some, many] = await Promise.all([10, 20, 40].map((count) => costOf(compiler, kind, count)));
    if (few === undefined || some === undefined || many === undefined) throw new Error('not measured');
    const cost = (some.instantiations - few.instantiations) / 10;
    const later = (many.instantiations - some.instantiations) / 20;
    expect(cost, `${kind}: one more handler costs ${cost} instantiations, and may cost ${limit}`).toBeLessThanOrEqual(
      limit,
    );
    expect(later, `${kind}: a handler costs ${cost} instantiations at first and ${later} later`).toBe(cost);
  });
});
