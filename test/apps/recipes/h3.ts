// h3, and in the same way Nitro: a path of the application is a WebSocket.

import { toHooks } from '@websock/adapter/crossws';
import { plugin } from 'crossws/server';
import { defineWebSocketHandler, H3, serve } from 'h3';
import { route } from './authorise.ts';

const hooks = toHooks(route);

const app = new H3();
app.get('/health', () => 'ok');
app.get('/chat', defineWebSocketHandler(hooks));

const own = { idleTimeout: 0 }; // each connection has a clock of its own
export const server = serve(app, {
  port: Number(process.env['PORT'] ?? 8080),
  plugins: [plugin({ options: { node: { ...own, serverOptions: { maxPayload: 64_000 } }, bun: own } })],
});
// While middleware waits, nobody else listens: a client's reset would end the process.
server.node?.server?.on('upgrade', (_request, socket) => socket.on('error', () => {}));

export async function stop(): Promise<void> {
  await hooks.shutdown();
  await server.close();
}
