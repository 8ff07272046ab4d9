// Sends a message to the server, and prints the answer.

import { once } from 'node:events';
import { WebSocket } from 'ws'; // Node.js 20 has no WebSocket

const socket = new WebSocket(`ws://127.0.0.1:${process.env['PORT'] ?? 8080}`);
await once(socket, 'open');
socket.send('hello');
const [data] = await once(socket, 'message');
console.log(String(data));
socket.close();
