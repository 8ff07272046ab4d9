// Adds a line to a document, and prints the document. Each run sees the lines of those before.

import { WebSocket } from 'ws'; // Node.js 20 has no WebSocket
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';

const doc = new Y.Doc();
const text = doc.getText();
const provider = new WebsocketProvider(`ws://127.0.0.1:${process.env['PORT'] ?? 8080}`, 'plan', doc, {
  params: { token: 'a-token' },
  WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
});
provider.once('sync', () => {
  text.insert(text.length, `${new Date().toISOString()}\n`);
  console.log(text.toString());
  provider.destroy();
  doc.destroy();
});
