// For deno.test.ts: a Deno server with `createFetch`, `createAdapter` and other paths.

import { accept, createAdapter, createFetch } from '@websock/adapter/deno';
import { echo } from '../../examples/echo/echo.ts';
import { untilInputEnds } from '../toolkit/hosts/exit-with-parent.ts';

type Fetch = ReturnType<typeof createFetch>['fetch'];

declare const Deno: {
  serve(
    options: { port: number; hostname: string; onListen(address: { port: number }): void },
    handler: (request: Request, info: Parameters<Fetch>[1]) => Promise<Response>,
  ): { shutdown(): Promise<void> };
};

const sockets = createFetch((request) => (new URL(request.url).pathname === '/fetch' ? accept(echo) : undefined));
const adapter = createAdapter();
const onListen = ({ port }: { port: number }) => console.log(`ws://127.0.0.1:${port}`);

const server = Deno.serve({ port: 0, hostname: '127.0.0.1', onListen }, async (request, info) => {
  if (new URL(request.url).pathname === '/adapter') return adapter.upgrade(request, echo, undefined);
  return (await sockets.fetch(request, info)) ?? new Response('not mine', { status: 404 });
});

untilInputEnds(async () => {
  await Promise.all([sockets.shutdown(), adapter.shutdown()]);
  await server.shutdown();
});
