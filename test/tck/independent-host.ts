// Hosts the probe on the independent server until stdin ends or SIGTERM comes: `tsx test/tck/independent-host.ts`. The
// environment variable PORT gives the port; without it, one is chosen.

import type { AddressInfo } from 'node:net';
import { route } from '../../tck/src/probe.ts';
import { createIndependentServer } from './independent-server.ts';

const { server, shutdown } = createIndependentServer(route, (callback, error) =>
  console.error(`${callback}: ${error}`),
);
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () =>
  console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`),
);
const stop = async () => {
  await shutdown();
  process.exit();
};
if (process.env['PORT'] === undefined) process.stdin.resume().on('end', stop);
process.once('SIGTERM', stop);
