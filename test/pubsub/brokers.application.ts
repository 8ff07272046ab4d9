// For brokers.test.ts: the tests of brokers, on the platform that runs this. A request to CONTROL cuts the connections.

import { brokerTests } from '@websock/pubsub/testing';
import { type BrokerKind, createBroker } from './create-broker.ts';

const { BROKER, PORT, CONTROL = '' } = process.env;
const failures: string[] = [];
let passed = 0;
for (const { title, needs, run } of brokerTests) {
  if (needs.some((need) => need !== 'cut')) continue;
  try {
    await run({ create: () => createBroker(BROKER as BrokerKind, Number(PORT)), cut: () => fetch(CONTROL) });
    passed += 1;
  } catch (error) {
    failures.push(`${title}: ${(error as Error).message}`);
  }
}
console.log(JSON.stringify({ passed, failures }));
process.exit();
