// Echo on the `ws` package and node:http alone, set up as the reference server sets it up.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';

const sockets = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: 10_000_000 });
const server = createServer((_request, response) => response.writeHead(404).end());
server.on('upgrade', (request, socket, head) =>
  sockets.handleUpgrade(request, socket, head, (webSocket) =>
    webSocket.on('message', (data, binary) => webSocket.send(data, { binary })),
  ),
);
server.listen(0, '127.0.0.1', () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));

untilInputEnds(async () => {});
