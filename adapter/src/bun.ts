// WebSock on Bun.
//
//   const server = await serve((request) => accept(echo), { port: 8080 });
//
// After an `await`, Bun refuses to upgrade a client that has already sent a frame. So keep a route synchronous if it does
// not have to wait.

import type { WebSock } from '@websock/spec';
import { type AcceptedUpgrade, Adapter, type AdapterOptions, checkRoute, withControls } from './adapter.ts';
import type { Cannot } from './capabilities.ts';
import { Connection } from './connection/connection.ts';
import type { Connections } from './connection/connections.ts';
import type { Wire } from './connection/wire.ts';
import { describe } from './describe.ts';
import { faultOf } from './fetch/faults.ts';
import {
  createFetchHandler,
  createServerHandler,
  createUpgrader,
  type FetchAdapter,
  type FetchResult,
  type FetchResultOf,
  type UpgradeAdapter,
} from './fetch/handler.ts';
import { type Bytes, chosenProtocol, dataFrame, handshakeHeaders } from './fetch/messages.ts';
import { serveFetch } from './fetch/server.ts';
import type { Route } from './route.ts';
import type { ServeOptions, Serving } from './serve.ts';

export * from './index.ts';

/** What Bun 1.4 cannot do. */
export const cannot: Cannot = {
  rejectsHttp10: 'Bun does not show the version of HTTP',
  keepsEarlyFrames: 'Bun refuses an upgrade after an await if the client has already sent a frame',
  canSkipUtf8Validation: 'Bun always validates',
  largeMessages: 'Bun has one limit for all connections of a server: the option maxPayloadLength',
  idleCountsFragments: 'Bun shows whole messages only',
};

/** Options of an adapter on Bun. */
export interface BunOptions extends AdapterOptions {
  /**
   * The largest message of any connection, in bytes, as inflated. A larger message closes with 1009. Bun has one such limit
   * for a whole server, and applies it before `maxMessageSize`. A larger `maxMessageSize` is an error, if it is given. Raise
   * it only to the largest that you use: a compressed kilobyte from a client can take this much memory.
   * Default: 10 000 000.
   */
  readonly maxPayloadLength?: number | undefined;
}

/** Options of {@link serve} on Bun. */
export interface BunServeOptions extends BunOptions, ServeOptions {}

/** What a route receives on Bun in addition to the request. */
export interface BunPlatform {
  /** The server that `Bun.serve` passes to `fetch`; its `requestIP` returns the client's address. */
  readonly server: BunServer;
}

/** The first argument of `upgrade`: the parameters of Bun's `fetch`. */
export interface UpgradeRequest extends BunPlatform {
  /** The request to upgrade. */
  readonly request: Request;
}

/** The part of Bun's `Server` that the adapter uses. */
export interface BunServer {
  upgrade(request: Request, options?: any): boolean;
  requestIP(request: Request): { readonly address: string; readonly family: string; readonly port: number } | null;
}

/** The part of Bun's `ServerWebSocket` that the adapter uses. */
export interface BunSocket {
  readonly data: unknown;
  binaryType?: any;
  send(data: any, compress?: boolean): number;
  ping(data?: any): number;
  pong(data?: any): number;
  getBufferedAmount(): number;
  pause(): unknown;
  resume(): unknown;
  close(code?: number, reason?: string): void;
  terminate(): void;
}

/** The `websocket` of `Bun.serve`. */
export interface BunWebSocket {
  readonly maxPayloadLength: number;
  readonly backpressureLimit: number;
  readonly idleTimeout: number;
  readonly perMessageDeflate: boolean;
  open(socket: BunSocket): void;
  message(socket: BunSocket, data: string | Uint8Array): void;
  ping(socket: BunSocket, data: Uint8Array): void;
  pong(socket: BunSocket, data: Uint8Array): void;
  drain(socket: BunSocket): void;
  close(socket: BunSocket, code: number, reason: string): void;
}

declare const Bun: {
  serve(settings: {
    port: number;
    hostname: string | undefined;
    idleTimeout: number;
    development: boolean;
    reusePort: boolean;
    websocket: BunWebSocket;
    fetch(request: Request, server: BunServer): Response | Promise<Response>;
  }): { readonly port: number; stop(closeActiveConnections: boolean): Promise<void> };
};

/**
 * Listens on a port, and asks the route about every request.
 *
 * Rejects with an error that says why if it cannot listen, with the system's `code` (such as `EADDRINUSE`), and with a
 * TypeError for an invalid option.
 */
export async function serve(route: Route<BunPlatform>, options?: BunServeOptions): Promise<Serving> {
  return serveFetch('Bun', route, options, OWN_OPTIONS, (adapter) => {
    const handle = createServerHandler(adapter, route, (request, { server }, upgrade) =>
      open(adapter, { request, server }, upgrade),
    );
    const websocket = websocketOf(adapter);
    return (port, hostname) => {
      const server = Bun.serve({
        port,
        hostname,
        // In seconds, at most 255; longer than the route's own limit, which answers with 503.
        idleTimeout: Math.min(Math.ceil(adapter.routeTimeout / 1_000) + 1, 255),
        development: false, // or Bun would show an error to the client, with the source around it
        reusePort: false, // without development, Bun would share a port with another program
        websocket,
        fetch: (request, bunServer) => handle(request, { server: bunServer }),
      });
      return { port: server.port, stop: () => server.stop(false), stopNow: () => server.stop(true) };
    };
  });
}

/**
 * What {@link createFetch} returns: `fetch` and `websocket` for `Bun.serve`, and `shutdown`. After an upgrade, `fetch`
 * returns a response that Bun ignores.
 */
export interface BunFetch<Result = FetchResult> extends FetchAdapter<[request: Request, server: BunServer], Result> {
  /** For `websocket` of `Bun.serve`. */
  readonly websocket: BunWebSocket;
}

/**
 * For a server of your own: `Bun.serve({ fetch, websocket })`, `export default`, or a framework. Throws a TypeError for an
 * invalid option.
 */
export function createFetch<OwnRoute extends Route<BunPlatform>>(
  route: OwnRoute,
  options?: BunOptions,
): BunFetch<FetchResultOf<OwnRoute>> {
  checkRoute('createFetch', route);
  const adapter = new Adapter('createFetch', options, OWN_OPTIONS);
  const handle = createFetchHandler(adapter, route, (request, { server }, upgrade) =>
    open(adapter, { request, server }, upgrade),
  );
  const fetch: BunFetch['fetch'] = (request, server) => {
    if (isServer(server)) return handle(request, { server });
    const remedy = 'pass the second argument of the fetch of Bun.serve';
    throw new TypeError(`fetch: the server is ${describe(server)}; ${remedy}`);
  };
  return withControls(adapter, {
    fetch: fetch as BunFetch<FetchResultOf<OwnRoute>>['fetch'],
    websocket: websocketOf(adapter),
  });
}

/** What {@link createAdapter} returns. */
export interface BunAdapter extends UpgradeAdapter<UpgradeRequest> {
  /** For `websocket` of `Bun.serve`. */
  readonly websocket: BunWebSocket;
}

/** For code that decides for itself which requests to upgrade. Throws a TypeError for an invalid option. */
export function createAdapter(options?: BunOptions): BunAdapter {
  const adapter = new Adapter('createAdapter', options, OWN_OPTIONS);
  const needs = '{ request, server }, the parameters of fetch';
  const requestOf = (target: UpgradeRequest) => (isServer(target?.server) ? target.request : undefined);
  const upgrader = createUpgrader(adapter, requestOf, needs, (target, upgrade) => open(adapter, target, upgrade));
  return Object.assign(upgrader, { websocket: websocketOf(adapter) });
}

function isServer(value: BunServer | undefined): boolean {
  return typeof value?.upgrade === 'function';
}

function open(adapter: Adapter, { request, server }: UpgradeRequest, upgrade: AcceptedUpgrade): Response {
  if (!upgrade.options.compress) request.headers.delete('Sec-WebSocket-Extensions'); // or Bun would agree to compress
  const protocol = chosenProtocol(request, upgrade.options);
  const headers = handshakeHeaders(upgrade.options, protocol, true);
  // If the client has left, `upgrade` would still return true.
  const upgraded =
    !request.signal.aborted &&
    server.upgrade(request, { data: new BunWire(adapter.connections, upgrade, protocol), headers });
  if (upgraded) return new Response(null);
  adapter.refused(request.url, 400);
  return new Response('Bun has refused the upgrade.\n', { status: 400 });
}

const OWN_OPTIONS = ['maxPayloadLength'];

function websocketOf(adapter: Adapter): BunWebSocket {
  const maxPayloadLength = adapter.options.count('maxPayloadLength', 10_000_000, 'bytes');
  adapter.maxPayloadLength = maxPayloadLength;
  return {
    maxPayloadLength,
    backpressureLimit: 0, // no limit: beyond one, Bun discards messages (rule 5.2)
    idleTimeout: 0, // each connection has its own clock
    perMessageDeflate: true, // for connections that ask for it
    open: (socket) => wireOf(socket).open(socket),
    message: (socket, data) => wireOf(socket).connection.data(dataFrame(data as string | Bytes)),
    ping: (socket, data) => wireOf(socket).pinged(data as Bytes),
    pong: (socket, data) => wireOf(socket).connection.control({ opcode: 'pong', data: data as Bytes }),
    drain: (socket) => wireOf(socket).drained(),
    close: (socket, code, reason) => wireOf(socket).closed(code, reason),
  };
}

function wireOf({ data }: BunSocket): BunWire {
  return data as BunWire;
}

/** A connection and its socket. */
class BunWire implements Wire {
  readonly connection: Connection<any, any, any>;
  readonly #arg: unknown;
  readonly #protocol: string | undefined;
  readonly #compress: boolean;
  #socket!: BunSocket; // since open()
  /** Whether Bun may be buffering data. */
  #buffers = false;
  /** The close frame, until the buffered data has been sent. */
  #close: readonly [code: number, reason: string] | undefined;

  constructor(
    connections: Connections,
    { handler, arg, options, context }: AcceptedUpgrade,
    protocol: string | undefined,
  ) {
    this.connection = new Connection(connections, this, handler, options, context);
    this.#arg = arg;
    this.#protocol = protocol;
    this.#compress = options.compress;
  }

  // ---- What Bun calls ----

  open(socket: BunSocket): void {
    socket.binaryType = 'uint8array'; // each message has its own memory (rule 2.7)
    this.#socket = socket;
    this.connection.open(this.#arg, this.#protocol);
  }

  pinged(data: Bytes): void {
    this.#buffers ||= this.#socket.getBufferedAmount() > 0; // Bun's own answers can be buffered too
    this.connection.control({ opcode: 'ping', data });
  }

  /** Bun has sent some of the buffered data. */
  drained(): void {
    if (this.#close && this.unsent() === 0) this.#socket.close(...this.#close);
    else this.connection.sent();
  }

  closed(code: number, reason: string): void {
    this.#buffers = false; // nothing more is sent
    // Only Bun itself gives a reason with 1006: the client broke the protocol, and Bun has sent it a close frame.
    if (code !== 1006) this.connection.closing(code, reason);
    else if (reason !== '') {
      const { code: sent, rule } = faultOf(reason);
      this.connection.failed(new Error(reason), sent, rule);
    }
    this.connection.gone();
  }

  // ---- What the connection calls ----

  send({ opcode, data = '' }: WebSock.Message): void {
    const socket = this.#socket;
    const sent = opcode === 'ping' || opcode === 'pong' ? socket[opcode](data) : socket.send(data, this.#compress);
    if (sent === -1) this.#buffers = true;
  }

  ping(): void {
    if (this.#socket.ping() === -1) this.#buffers = true;
  }

  unsent(): number {
    if (!this.#buffers) return 0;
    const amount = this.#socket.getBufferedAmount();
    this.#buffers = amount > 0;
    return amount;
  }

  close(code: number, reason: string): void {
    // After close(), Bun hides the amount of unsent data, and keeps the socket until the client reads it (rule 4.5).
    if (this.unsent() > 0) this.#close = [code, reason];
    else this.#socket.close(code, reason);
  }

  drop(): void {
    this.#socket.terminate();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}
