// Asks one question, and prints the answer as it comes.

import { WebSocket } from 'ws'; // Node.js 20 has no WebSocket

const socket = new WebSocket(`ws://127.0.0.1:${process.env['PORT'] ?? 8080}`);
socket.on('open', () => socket.send('to be or not to be'));
socket.on('message', (data) => {
  process.stdout.write(String(data));
  if (String(data) === 'the end') socket.close();
});
socket.on('close', () => console.log());
