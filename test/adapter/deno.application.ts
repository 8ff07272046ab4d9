// For deno.test.ts: a Deno server with `createFetch`, `createAdapter` and other paths.

import { readFileSync } from 'node:fs';
import { accept, createAdapter, createFetch } from '@websock/adapter/deno';
import type { WebSock } from '@websock/spec';
import { echo } from '../../examples/echo/echo.ts';
import { untilInputEnds } from '../toolkit/hosts/exit-with-parent.ts';

type Fetch = ReturnType<typeof createFetch>['fetch'];

declare const Deno: {
  serve(
    options: { port: number; hostname: string; onListen(address: { port: number }): void },
    handler: (request: Request, info: Parameters<Fetch>[1]) => Promise<Response>,
  ): { shutdown(): Promise<void> };
};

const ending: WebSock<undefined> = {
  ...echo,
  terminate: ({ type, code }) => console.error(`ended: ${type} ${code}`),
};

const sockets = createFetch((request) => (new URL(request.url).pathname === '/fetch' ? accept(ending) : undefined));
const adapter = createAdapter();
const shutting = createFetch(() => accept(echo));
const folder = process.env['TLS'];
const secure = folder && {
  key: readFileSync(`${folder}/key.pem`, 'utf8'),
  cert: readFileSync(`${folder}/cert.pem`, 'utf8'),
};
const onListen = ({ port }: { port: number }) => console.log(`ws://127.0.0.1:${port}`);

const server = Deno.serve({ port: 0, hostname: '127.0.0.1', onListen, ...secure }, async (request, info) => {
  const { pathname } = new URL(request.url);
  if (pathname === '/adapter') return adapter.upgrade(request, echo, undefined);
  if (pathname === '/shutdown') {
    const response = shutting.fetch(request, info); // accepted, but open only once Deno has sent it
    shutting.shutdown().then(() => console.error('shut down'));
    return response;
  }
  return (await sockets.fetch(request, info)) ?? new Response('not mine', { status: 404 });
});

untilInputEnds(async () => {
  await Promise.all([sockets.shutdown(), adapter.shutdown()]);
  await server.shutdown();
});
