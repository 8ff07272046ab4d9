// Hosts an application on the `ws` server: `tsx test/toolkit/hosts/node.ts APPLICATION`. See host.ts.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { offeredIn } from '../../../adapter/src/handshake.ts';
import { limits, shutdown, upgrade } from '../../../adapter/src/node.ts';
import type { Application } from './application.ts';
import { untilInputEnds } from './exit-with-parent.ts';

async function host(file: string): Promise<void> {
  const { default: application } = (await import(pathToFileURL(file).href)) as { default: Application };
  const server = createServer((_request, response) => response.writeHead(404).end());
  server.on('upgrade', (request, socket, head) => {
    const protocols = offeredIn(request.headers['sec-websocket-protocol']);
    const service = application({ url: request.url ?? '/', protocols, limits });
    if (!service) socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    else upgrade({ request, socket, head }, service.handler, service.arg, service.options);
  });
  server.listen(0, '127.0.0.1', () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));

  untilInputEnds(async () => {
    server.close();
    await shutdown();
  });
}

host(process.argv[2] as string);
