// `ws` and node:http alone, with the adapter's settings.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';
import { collectGarbage } from './garbage.ts';
import { workBy } from './work.ts';

const workOf = workBy<WebSocket>((socket, data, binary) => socket.send(data, { binary: binary as boolean }));

const sockets = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: 10_000_000 });
const server = createServer((_request, response) => {
  collectGarbage();
  response.end();
});
server.on('upgrade', (request, socket, head) =>
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    const { message, opened, closed } = workOf(request.url ?? '');
    webSocket.on('message', (data, binary) => message(webSocket, data, binary));
    webSocket.on('error', () => {});
    if (closed) webSocket.on('close', () => closed(webSocket));
    opened?.(webSocket);
  }),
);
server.listen(0, '127.0.0.1', () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));

untilInputEnds(async () => {});
