// For bun.test.ts: a Bun server with `createFetch`, `createAdapter` and other paths.

import { accept, createAdapter, createFetch } from '@websock/adapter/bun';
import type { WebSock } from '@websock/spec';
import { echo } from '../../examples/echo/echo.ts';
import { untilInputEnds } from '../toolkit/hosts/exit-with-parent.ts';

declare const Bun: {
  serve(options: object): { readonly port: number; stop(now: boolean): Promise<void> };
  gc(force: boolean): void;
};

const reporting: WebSock<undefined> = {
  ...echo,
  terminate(reason) {
    console.error(JSON.stringify(reason));
  },
};
const stuck: WebSock<undefined> = { ...reporting, handleIn: () => new Promise(() => {}) };

const options = { maxPayloadLength: 2_000_000 };

const sockets = createFetch((request) => {
  const { pathname, searchParams } = new URL(request.url);
  const accepted = accept(pathname === '/stuck' ? stuck : reporting, undefined, {
    compress: searchParams.has('compress'),
    ...(searchParams.has('max') ? { maxMessageSize: Number(searchParams.get('max')) } : undefined),
  });
  if (searchParams.has('await')) return new Promise((settle) => setTimeout(() => settle(accepted), 50));
  return pathname === '/fetch' || pathname === '/stuck' ? accepted : undefined;
}, options);

const adapter = createAdapter(options);

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  websocket: sockets.websocket,
  async fetch(request: Request, bun: Parameters<typeof sockets.fetch>[1]) {
    const { pathname } = new URL(request.url);
    if (pathname === '/memory') {
      Bun.gc(true);
      return new Response(String(process.memoryUsage().rss));
    }
    if (pathname === '/adapter') return adapter.upgrade({ request, server: bun }, echo, undefined);
    return (await sockets.fetch(request, bun)) ?? new Response('not mine', { status: 404 });
  },
});
console.log(`ws://127.0.0.1:${server.port}`);

untilInputEnds(async () => {
  await Promise.all([sockets.shutdown({ timeout: 100 }), adapter.shutdown()]);
  await server.stop(true);
});
