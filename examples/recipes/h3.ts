// h3 (and Nitro, in the same way): serves the route on a path of the application.

import { toHooks } from '@websock/adapter/crossws';
import { plugin } from 'crossws/server';
import { defineWebSocketHandler, H3, serve } from 'h3';
import { route } from './authorise.ts';

const hooks = toHooks(route);

const app = new H3();
app.get('/health', () => 'ok');
app.get('/chat', defineWebSocketHandler(hooks));

const own = { idleTimeout: 0 }; // the adapter has idle timeouts of its own
export const server = serve(app, {
  port: Number(process.env['PORT'] ?? 8080),
  plugins: [plugin({ options: { node: { ...own, serverOptions: { maxPayload: 64_000 } }, bun: own } })],
});
// While middleware is pending there is no other listener, and a client's reset would end the process.
server.node?.server?.on('upgrade', (_request, socket) => socket.on('error', () => {}));

export async function stop(): Promise<void> {
  await hooks.shutdown();
  await server.close();
}
