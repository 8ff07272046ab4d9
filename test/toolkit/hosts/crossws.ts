// Hosts a file on crossws, with its adapter for the platform that runs this (Node.js, Bun or Deno):
// `tsx test/toolkit/hosts/crossws.ts FILE`. See host.ts.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CrosswsHooks, cannot, toHooks } from '@websock/adapter/crossws';
import { LOOPBACK, run } from './run.ts';

// The parts of the platforms that are used here.
type Fetch = (request: Request, more: any) => Response | Promise<Response>;
declare const Bun: { serve(options: object): { readonly port: number } };
declare const Deno: { serve(options: object, fetch: Fetch): { readonly addr: { readonly port: number } } };

const own = { idleTimeout: 0 }; // the adapter's connections have idle timeouts of their own

/** Listens, and returns the port. */
async function listen(hooks: CrosswsHooks): Promise<number> {
  if ('Bun' in globalThis) {
    const { default: adapter } = await import('crossws/adapters/bun');
    const { websocket, handleUpgrade } = adapter({ hooks, ...own });
    return Bun.serve({ ...LOOPBACK, websocket, fetch: handleUpgrade }).port;
  }
  if ('Deno' in globalThis) {
    const { default: adapter } = await import('crossws/adapters/deno');
    const { handleUpgrade } = adapter({ hooks, ...own });
    return Deno.serve({ ...LOOPBACK, onListen() {} }, handleUpgrade).addr.port;
  }
  const { default: adapter } = await import('crossws/adapters/node');
  const { handleUpgrade } = adapter({ hooks, ...own });
  const server = createServer((_request, response) => response.writeHead(404).end());
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {}); // crossws does not listen for it until the hook `upgrade` has settled
    handleUpgrade(request, socket, head);
  });
  await new Promise<void>((listening) => server.listen({ port: LOOPBACK.port, host: LOOPBACK.hostname }, listening));
  return (server.address() as AddressInfo).port;
}

run(cannot, async (route, options) => {
  const hooks = toHooks(route, options);
  return { url: `ws://127.0.0.1:${await listen(hooks)}`, shutdown: hooks.shutdown };
});
