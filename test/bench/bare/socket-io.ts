// A room of Socket.IO; with REDIS_URL, that of all processes.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient } from '@redis/client';
import { createAdapter } from '@socket.io/redis-adapter';
import { Server } from 'socket.io';
import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';

const server = createServer();
const io = new Server(server, {
  transports: ['websocket'],
  serveClient: false,
  perMessageDeflate: false,
  maxHttpBufferSize: 10_000_000,
  pingInterval: 1_000_000_000, // the bench's client answers no pings
});
const url = process.env['REDIS_URL'];
if (url !== undefined) {
  const [publisher, subscriber] = await Promise.all([0, 1].map(() => createClient({ url }).connect()));
  io.adapter(createAdapter(publisher, subscriber));
}
io.on('connection', (socket) => {
  socket.join('topic');
  socket.on('m', (data) => io.to('topic').emit('m', data));
});
server.listen(0, '127.0.0.1', () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));

untilInputEnds(async () => {});
