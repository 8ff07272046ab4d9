// The tests of brokers, as pubsub/README.md shows them to others.

import { type BrokerUnderTest, brokerTests } from '@websock/pubsub/testing';
import { describe, expect, test } from 'vitest';
import { MemoryServer, memoryBroker } from './memory-broker.ts';

const memory = new MemoryServer();
const server: BrokerUnderTest = { create: () => memoryBroker(memory) };

describe.each(brokerTests)('$title', ({ needs, run }) => {
  const canRun = needs.every((need) => server[need]);
  test.runIf(canRun)('on my broker', () => run(server));
});

test('there are tests that need no control of the server, and tests that need each kind', () => {
  expect(brokerTests.filter(({ needs }) => needs.length === 0).length).toBeGreaterThan(8);
  expect(new Set(brokerTests.flatMap(({ needs }) => needs))).toEqual(new Set(['cut', 'stop', 'pause']));
});
