// A node:http server in this process for tests of the Node.js adapter, and handlers for it.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type AdapterOptions, accept, attach, type NodePlatform, type Route } from '@websock/adapter/node';
import type { WebSock } from '@websock/spec';
import { pause } from '../../tck/src/server-under-test.ts';

export interface Served {
  readonly url: string;
  readonly http: Server;
  /** What was passed to `onError`. */
  readonly errors: { readonly callback: string; readonly error: unknown }[];
  readonly shutdown: () => Promise<void>;
  /** The number of the server's open sockets. */
  sockets(): Promise<number>;
}

const running: Served[] = [];

/** Attaches a route to a server on a free port, with time limits short enough to wait for. */
export async function served(
  route: Route<Parameters<Parameters<typeof attach>[1]>[1]>,
  options: AdapterOptions = {},
  http: Server = createServer(),
): Promise<Served> {
  const errors: Served['errors'] = [];
  const onError: AdapterOptions['onError'] = (error, { callback }) => errors.push({ callback, error });
  const { shutdown } = attach(http, route, { onError, closeTimeout: 300, stallTimeout: 500, ...options });
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
  const server: Served = {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    http,
    errors,
    shutdown: () => shutdown({ timeout: 1_000 }),
    sockets: () => new Promise((resolve) => http.getConnections((_error, count) => resolve(count))),
  };
  running.push(server);
  return server;
}

/** The headers of a valid upgrade. */
export const UPGRADE = [
  'Host: localhost',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

/** Sends a request, and returns the answer: all bytes until the server ends the connection, or for 200 ms. */
export async function exchange(url: string, lines: readonly string[], body = ''): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket
    .on('error', () => {})
    .on('data', (chunk) => {
      answer += chunk;
    });
  socket.write([...lines, '', body].join('\r\n'));
  await Promise.race([once(socket, 'close'), once(socket, 'end'), once(socket, 'data').then(() => pause(200))]);
  socket.destroy();
  return answer;
}

/** Ends all servers that `served` started; call it after each test. */
export async function endServers(): Promise<void> {
  await Promise.all(
    running.splice(0).map(async ({ http, shutdown }) => {
      await shutdown();
      await new Promise((closed) => {
        http.close(closed);
        http.closeAllConnections();
      });
    }),
  );
}

/** A handler with the given callbacks, and the reasons that its `terminate` received. */
export function handlerOf(callbacks: Partial<Record<keyof WebSock.Any, (...args: any[]) => unknown>> = {}): {
  readonly handler: WebSock<number, unknown, unknown>;
  readonly reasons: WebSock.CloseReason[];
} {
  const reasons: WebSock.CloseReason[] = [];
  const ok = { type: 'ok', state: 0 };
  const handler = {
    init: () => ok,
    handleIn: () => ok,
    handleInfo: () => ok,
    terminate: (reason: WebSock.CloseReason) => void reasons.push(reason),
    ...callbacks,
  };
  return { handler: handler as unknown as WebSock<number, unknown, unknown>, reasons };
}

/** Echoes every message. */
export const echo: WebSock<number, unknown, unknown> = {
  init: () => ({ type: 'ok', state: 0 }),
  handleIn: (frame, state) => ({ type: 'push', messages: frame, state: state + 1 }),
  handleInfo: (_info, state) => ({ type: 'ok', state }),
};

/** A route for one path. */
export const only = (path: string) => (request: Request) =>
  new URL(request.url).pathname === path ? accept(echo, 0) : undefined;

/** The same route, which decides later. */
export const later =
  (route: Route<NodePlatform>): Route<NodePlatform> =>
  async (request, platform) => {
    await pause(20);
    return route(request, platform);
  };

/** The ways in which a route decides. */
export const ways: readonly (readonly [way: string, (route: Route<NodePlatform>) => Route<NodePlatform>])[] = [
  ['synchronous', (route) => route],
  ['asynchronous', later],
];
