// Joins a room, sends a text, and prints it when it arrives.

import { Socket, type SocketConnectOption } from 'phoenix';
import { WebSocket } from 'ws'; // Node.js 20 has no WebSocket

const socket = new Socket(`ws://127.0.0.1:${process.env['PORT'] ?? 8080}/socket`, {
  transport: WebSocket as unknown as SocketConnectOption['transport'],
  params: { token: 'token-of-alice' },
});
socket.connect();

const room = socket.channel('room:kitchen', { mood: 'good' });
room.on('said', ({ from, text }) => {
  console.log(`${from}: ${text}`);
  socket.disconnect();
});
room.join().receive('ok', () => room.push('say', { text: 'hello' }));
