// WebSock on Node.js, with node:http and the `ws` package.

import { createServer, type Server as HttpServer, type IncomingMessage } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebSock } from '@websock/spec';
import { type AcceptedUpgrade, Adapter, type AdapterOptions, checkRoute, unavailable } from '../adapter.ts';
import type { Cannot } from '../capabilities.ts';
import type { ShutdownOptions } from '../connection/connections.ts';
import { describe } from '../describe.ts';
import type { Route } from '../route.ts';
import { checkServe, type ServeOptions, type Serving, urlOf } from '../serve.ts';
import { answer, listen, type NodePlatform, stop } from './http.ts';
import { isTaken, UpgradeListener, type UpgradeRequest } from './upgrades.ts';

export type { AdapterOptions } from '../adapter.ts';
export type { Cannot, Capability } from '../capabilities.ts';
export type { ShutdownOptions } from '../connection/connections.ts';
export type { Bounds } from '../options.ts';
export type { ErrorContext, FailedCallback } from '../report.ts';
export { type Accepted, accept, type Route, type RouteResult } from '../route.ts';
export type { ServeOptions, Serving } from '../serve.ts';
export type { NodePlatform } from './http.ts';
export type { UpgradeRequest } from './upgrades.ts';

/** What Node.js cannot do: nothing, so every rule holds. */
export const cannot: Cannot = {};

/**
 * Listens on a port, and asks the route about every request.
 *
 * Rejects with an error that says why if the server cannot listen, with the system's `code` (`EADDRINUSE`), and with a
 * TypeError for an invalid option.
 */
export async function serve(route: Route<NodePlatform>, options?: ServeOptions): Promise<Serving> {
  checkRoute('serve', route);
  const { port, hostname, adapter } = checkServe(options);
  const upgrades = new UpgradeListener(adapter);
  const server = createServer((request, response) => answer(adapter, route, request, response));
  server.on('upgrade', (request, socket, head) => upgrades.ask(route, { request, socket, head }, 1));
  await listen(server, port, hostname);
  server.on('error', (error) => adapter.connections.report(error, { callback: 'server' }));
  return {
    url: urlOf(hostname, (server.address() as AddressInfo).port),
    shutdown: (options) => {
      const upgradesOver = upgrades.shutdown(options);
      return upgradesOver.then(() => stop(server, adapter.connections.bounds.closeTimeout));
    },
  };
}

/**
 * Serves the WebSockets of an existing server: one of node:http or node:https, or that of a framework. The route is asked
 * about upgrades only. Where it returns `undefined`, the socket is left to the server's other listeners of `upgrade`; if
 * there are none, the answer is 404.
 *
 * Throws a TypeError for an invalid option. After `shutdown` the adapter continues to refuse upgrades with 503; the server
 * itself is not closed.
 */
export function attach(
  server: HttpServer | HttpsServer,
  route: Route<NodePlatform>,
  options?: AdapterOptions,
): Pick<Serving, 'shutdown'> {
  if (typeof (server as Partial<HttpServer> | undefined)?.on !== 'function') {
    throw new TypeError('attach: the server is not one of node:http or node:https; pass what createServer() returned');
  }
  checkRoute('attach', route);
  const upgrades = new UpgradeListener(new Adapter('attach', options));
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgrades.ask(route, { request, socket, head }, server.listenerCount('upgrade'));
  });
  return { shutdown: (options) => upgrades.shutdown(options) };
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
   * invalid handler or option, after it has answered with 500, and an Error if the socket has been upgraded already.
   */
  readonly upgrade: WebSock.Upgrade<UpgradeRequest>;
  /** Refuses new upgrades with 503, and closes all connections with 1001. */
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
} {
  const adapter = new Adapter('createAdapter', options);
  const upgrades = new UpgradeListener(adapter);
  return {
    upgrade(upgradeRequest, handler, arg, options) {
      checkUpgradeRequest(upgradeRequest);
      if (isTaken(upgradeRequest.socket)) {
        throw new Error('upgrade: this socket has been upgraded already; call upgrade once for each request');
      }
      let decision: AcceptedUpgrade | Response;
      try {
        decision = adapter.check(handler as WebSock.Any, arg, options);
      } catch (error) {
        upgrades.respond(upgradeRequest, new Response(null, { status: 500 }));
        throw error;
      }
      if (adapter.connections.isShuttingDown) decision = unavailable();
      upgrades.respond(upgradeRequest, decision);
    },
    shutdown: (options) => upgrades.shutdown(options),
  };
}

function checkUpgradeRequest(value: Partial<UpgradeRequest> | undefined): void {
  const { request, socket, head } = value ?? {};
  if (request?.headers && typeof socket?.unshift === 'function' && head instanceof Uint8Array) return;
  const expected = "{ request, socket, head }, the arguments of a listener of 'upgrade'";
  throw new TypeError(`upgrade: the first argument is ${describe(value)}; pass ${expected}`);
}
