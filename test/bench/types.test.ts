// The compiler's cost of one more handler, in instantiations, as their number is the same on every machine. The handler is
// the sample in measure.ts, with all five callbacks, seven results, and types of its own for state, info and arg.

import { describe, expect, test } from 'vitest';
import { type Compiler, nameOf, tried } from '../toolkit/compilers.ts';
import { type Cost, costOf, type Kind, measured } from './measure.ts';

const limits: Partial<Record<Kind, number>> = {
  annotated: 75,
  'annotated + Assert': 350,
  'satisfies + Assert': 356,
  'bare + Assert': 360,
  // One of the callbacks is async.
  'class + Assert': 305,
  // 204 of these are the contract's, which compares the `then` of each promise.
  'async + Assert': 602,
};

const counted = new Map<string, Promise<Cost>>();

function count(compiler: Compiler, kind: Kind, handlers: number): Promise<Cost> {
  const key = `${compiler}: ${handlers} ${kind}`;
  const cost = counted.get(key) ?? costOf(compiler, kind, handlers);
  counted.set(key, cost);
  return cost;
}

/** The average cost of one more handler, when a project grows from `handlers` to twice as many. */
async function costOfOne(compiler: Compiler, kind: Kind, handlers: number): Promise<number> {
  const [few, many] = await Promise.all([count(compiler, kind, handlers), count(compiler, kind, 2 * handlers)]);
  return (many.instantiations - few.instantiations) / handlers;
}

describe.each(measured.filter((each) => tried.includes(each)).map((compiler) => [nameOf(compiler), compiler] as const))(
  '%s',
  (_name, compiler) => {
    test.each(Object.entries(limits) as [Kind, number][])(
      '%s: at most %i instantiations for one more handler',
      async (kind, limit) => {
        const cost = await costOfOne(compiler, kind, 10);
        expect(
          cost,
          `${kind}: one more handler costs ${cost} instantiations; the limit is ${limit}`,
        ).toBeLessThanOrEqual(limit);
      },
    );
  },
);

test.each(Object.keys(limits) as Kind[])('%s: the cost does not grow with the project', async (kind) => {
  expect(await costOfOne('typescript-7.0', kind, 20)).toBe(await costOfOne('typescript-7.0', kind, 10)); // the fastest compiler
});
