// Tests the tests of brokers: each wrong broker must fail a test of the promise that it breaks. brokers.test.ts shows that the
// broker from which they are made passes all tests.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brokerTests } from '@websock/pubsub/testing';
import { transformSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { type WrongBroker, wrongBrokers } from './wrong-brokers.ts';

type Module = typeof import('./memory-broker.ts');

const source = readFileSync(join(import.meta.dirname, 'memory-broker.ts'), 'utf8');

/** The module of the broker with one line replaced. */
async function load([, , right, wrong]: WrongBroker): Promise<Module> {
  const replaced = source.replace(right, () => wrong);
  const { code } = transformSync(replaced, { loader: 'ts', format: 'esm' });
  const named = Buffer.from(`${code}\n//# sourceURL=wrong-broker.js`); // otherwise stack traces contain the whole module
  return import(/* @vite-ignore */ `data:text/javascript;base64,${named.toString('base64')}`);
}

/** The failure of the first test of the promise that fails. */
async function failureOf(wrongBroker: WrongBroker): Promise<string | undefined> {
  const { MemoryServer, memoryBroker } = await load(wrongBroker);
  for (const { title, run } of brokerTests.filter((each) => each.title.startsWith(wrongBroker[0]))) {
    const server = new MemoryServer();
    const failure = await run({
      patience: 1_000,
      create: () => memoryBroker(server),
      cut: () => server.cut(),
      stop: async () => server.stop(),
      pause: async () => server.pause(),
    }).then(
      () => undefined,
      (error) => `${title}: ${error.message}`,
    );
    if (failure) return failure;
  }
  return undefined;
}

describe('a test of the promise fails if a broker', () => {
  test.concurrent.each(wrongBrokers.map((each) => [`${each[0]} ${each[1]}`, each] as const))(
    '%s',
    async (_title, wrongBroker) => {
      expect(await failureOf(wrongBroker)).toBeDefined();
    },
  );
});

test('the source that a wrong broker replaces occurs exactly once', () => {
  expect(wrongBrokers.filter(([, , right]) => source.split(right).length !== 2)).toEqual([]);
});
