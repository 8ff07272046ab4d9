// Hosts the probe on the independent server until stdin ends: `tsx test/tck/independent-host.ts`.

import type { AddressInfo } from 'node:net';
import { route } from '../../tck/src/probe.ts';
import { createIndependentServer } from './independent-server.ts';

const { server, shutdown } = createIndependentServer(route, (callback, error) =>
  console.error(`${callback}: ${error}`),
);
server.listen(0, '127.0.0.1', () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));
process.stdin.resume().on('end', async () => {
  await shutdown();
  process.exit();
});
