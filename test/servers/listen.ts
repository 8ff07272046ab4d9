// A node:http server on a free port of this machine, for the tests of `ws.ts` within one process.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { UpgradeRequest } from './ws.ts';

/** Starts to listen; plain requests are answered with 404. */
export async function listen(onUpgrade: (upgradeRequest: UpgradeRequest) => void): Promise<{
  readonly url: string;
  readonly server: Server;
  stop(): Promise<void>;
}> {
  const server = createServer((_request, response) => response.writeHead(404).end());
  server.on('upgrade', (request, socket, head) => onUpgrade({ request, socket, head }));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}`,
    server,
    stop: () => new Promise((stopped) => server.close(() => stopped())),
  };
}
