// h3, and in the same way Nitro: a path of the application is a WebSocket.

import { toHooks } from '@websock/adapter/crossws';
import { plugin } from 'crossws/server';
import { defineWebSocketHandler, H3, serve } from 'h3';
import { route } from './authorise.ts';

const hooks = toHooks(route);

const app = new H3();
app.get('/health', () => 'ok');
app.get('/chat', defineWebSocketHandler(hooks));

const own = { idleTimeout: 0 }; // the connections have clocks of their own
export const server = serve(app, {
  port: Number(process.env['PORT'] ?? 8080),
  plugins: [plugin({ options: { node: own, bun: own } })],
});

export async function stop(): Promise<void> {
  await hooks.shutdown();
  await server.close();
}
