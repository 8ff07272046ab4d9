// Hosts a file on Node.js, over HTTP/2, behind a gateway from HTTP/1.1: `tsx test/toolkit/hosts/http2.ts FILE`. See host.ts.

import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { attach, cannot } from '@websock/adapter/node';
import { startGateway } from '../http2-gateway.ts';
import { LOOPBACK, run } from './run.ts';

run(cannot, async (route, options) => {
  const server = createServer({ settings: { enableConnectProtocol: true }, maxSessionMemory: 1_000 });
  const { shutdown } = attach(server, route, options);
  await new Promise<void>((listening) => server.listen(LOOPBACK.port, LOOPBACK.hostname, listening));
  const gateway = await startGateway(`http://${LOOPBACK.hostname}:${(server.address() as AddressInfo).port}`);
  return {
    url: gateway.url,
    async shutdown(options) {
      await shutdown(options);
      gateway.close();
      server.close();
    },
  };
});
