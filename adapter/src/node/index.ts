// WebSock on Node.js, with node:http and the `ws` package.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WebSock } from '@websock/spec';
import { Adapter, type AdapterOptions, checkRoute, withControls } from '../adapter.ts';
import type { Cannot } from '../capabilities.ts';
import type { ShutdownOptions } from '../connection/connections.ts';
import { describe } from '../describe.ts';
import type { Route } from '../route.ts';
import { checkServe, type ServeOptions, type Serving, urlOf } from '../serve.ts';
import { answer, listen, type NodePlatform, stop } from './http.ts';
import type { UpgradeRequest } from './upgrade.ts';
import { UpgradeListener, type UpgradeServer } from './upgrades.ts';

export * from '../index.ts';
export type { NodePlatform } from './http.ts';
export type { UpgradeRequest } from './upgrade.ts';
export type { UpgradeServer } from './upgrades.ts';

/** What Node.js cannot do: nothing, so every rule holds. */
export const cannot: Cannot = {};

/**
 * Listens on a port, and asks the route about every request.
 *
 * Rejects with an error that says why if the server cannot listen, with the system's `code` (`EADDRINUSE`), and with a
 * TypeError for an invalid option.
 */
export async function serve(route: Route<NodePlatform>, options?: ServeOptions): Promise<Serving> {
  checkPlatform('serve');
  checkRoute('serve', route);
  const { port, hostname, adapter } = checkServe(options);
  const { sendNodeResponse } = await import('srvx/node'); // not above: it has side effects, and only `serve` needs it
  const upgrades = new UpgradeListener(adapter);
  const server = createServer((request, response) => answer(adapter, route, request, response, sendNodeResponse));
  upgrades.listen(server, route);
  await listen(server, port, hostname);
  server.on('error', (error) => adapter.connections.report(error, { callback: 'server' }));
  return withControls(adapter, { url: urlOf(hostname, (server.address() as AddressInfo).port) }, async (options) => {
    await upgrades.shutdown(options);
    await stop(server, adapter.connections.bounds.closeTimeout);
  });
}

/**
 * Serves the WebSockets of an existing server: one of node:http, node:https or node:http2, or that of a framework. The
 * route is asked about upgrades to WebSocket only. Where it returns `undefined`, the socket is left to the server's other
 * listeners of `upgrade`. If there are none, the answer is 404; if they do not answer either, it is 404 after
 * `routeTimeout`.
 *
 * A server of node:http2 needs the setting `enableConnectProtocol` to receive WebSockets over HTTP/2 (RFC 8441), and the
 * option `allowHTTP1` to receive those over HTTP/1.1 too. Over HTTP/2, other listeners are those of `stream` and `connect`.
 *
 * Throws a TypeError for an invalid server or option. While `shutdown` closes the connections, the route is still asked,
 * and an upgrade that it would have answered is left to the other listeners too; if none takes it, the answer is 503. Then
 * the adapter leaves the server, which is not closed.
 */
export function attach(
  server: UpgradeServer,
  route: Route<NodePlatform>,
  options?: AdapterOptions,
): Pick<Serving, 'shutdown' | 'connections'> {
  checkPlatform('attach');
  checkServer(server);
  checkRoute('attach', route);
  const adapter = new Adapter('attach', options);
  const upgrades = new UpgradeListener(adapter);
  upgrades.listen(server, route);
  return withControls(adapter, {}, (options) => upgrades.shutdown(options));
}

/**
 * An upgrade function and its shutdown, for a server that routes requests by itself:
 *
 *     server.on('upgrade', (request, socket, head) => upgrade({ request, socket, head }, handler, arg));
 *
 * Call `upgrade` before anything is awaited: until then, a client that resets its socket ends the process. Throws a
 * TypeError for an invalid option.
 */
export function createAdapter(options?: AdapterOptions): {
  /**
   * Opens a connection, or answers a request that is not a valid upgrade with 4xx (rule 1.5). Throws a TypeError for an
   * invalid handler or option, after it has answered with 500, and an Error if the request has been answered already.
   */
  readonly upgrade: WebSock.Upgrade<UpgradeRequest>;
  /** Refuses new upgrades with 503, and closes all connections with 1001. */
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
  /** See {@link Serving.connections}. */
  readonly connections: number;
} {
  checkPlatform('createAdapter');
  const adapter = new Adapter('createAdapter', options);
  const upgrades = new UpgradeListener(adapter);
  const upgrade: WebSock.Upgrade<UpgradeRequest> = (received, handler, arg, options) => {
    checkUpgradeRequest(received);
    upgrades.respond(received, () => adapter.check(handler as WebSock.Any, arg, options));
  };
  return withControls(adapter, { upgrade }, (options) => upgrades.shutdown(options));
}

/** Bun has these modules of Node.js too, but its WebSockets hide from `ws` much of what the rules need. */
function checkPlatform(caller: string): void {
  if (!('Bun' in globalThis)) return;
  throw new Error(`${caller}: @websock/adapter/node needs Node.js; on Bun, import @websock/adapter/bun`);
}

/** Throws a TypeError, which names the remedy, for what is not a server, such as an app of a framework. */
function checkServer(value: unknown): void {
  const server = (value ?? {}) as { readonly [name: string]: unknown };
  const has = (name: string) => typeof server[name] === 'function';
  let what = describe(value);
  let remedy = 'pass what createServer() of node:http or node:https returned';
  if (typeof value === 'function') {
    what = 'an app, such as that of Express';
    remedy = 'pass createServer(app), of node:http, and call listen() on that server';
  } else if (has('callback') && has('use')) {
    what = 'an app, such as that of Koa';
    remedy = 'pass createServer(app.callback()), of node:http, and call listen() on that server';
  } else if (has('getHttpServer')) {
    remedy = 'pass app.getHttpServer()';
  } else if (has('fetch') || has('request')) {
    what = 'an app, such as that of Hono';
    remedy = 'pass what serve() of @hono/node-server returned';
  } else if (has('on') && has('off') && has('prependListener') && has('listeners')) {
    // The servers of node:net and node:tls have no `setTimeout`.
    if (!has('address') || has('setTimeout')) return;
    what = 'one of node:net or node:tls';
  } else if (typeof server['httpServer'] === 'object') {
    remedy = 'pass its httpServer';
  } else if (typeof server['server'] === 'object') {
    remedy = 'pass app.server';
  }
  throw new TypeError(`attach: the server is ${what}, which emits no upgrades; ${remedy}`);
}

function checkUpgradeRequest(value: Partial<UpgradeRequest> | undefined): void {
  const { request, socket, head } = value ?? {};
  if (request?.headers && typeof socket?.unshift === 'function' && head instanceof Uint8Array) return;
  const expected = "{ request, socket, head }, the arguments of a listener of 'upgrade'";
  throw new TypeError(`upgrade: the first argument is ${describe(value)}; pass ${expected}`);
}
