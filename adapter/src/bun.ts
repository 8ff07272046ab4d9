// WebSock on Bun.
//
//   const server = await serve((request) => accept(echo), { port: 8080 });
//
// Bun refuses an upgrade after an `await` if the client has already sent a frame. So where a route need not wait, let it
// be synchronous.

import type { WebSock } from '@websock/spec';
import { type AcceptedUpgrade, Adapter, type AdapterOptions, checkRoute } from './adapter.ts';
import type { Cannot } from './capabilities.ts';
import { Connection } from './connection/connection.ts';
import type { Connections, ShutdownOptions } from './connection/connections.ts';
import type { Wire } from './connection/wire.ts';
import { describe } from './describe.ts';
import { createFetchHandler, createUpgrader, listen, orNotFound, stopGently } from './fetch/handler.ts';
import { subprotocol } from './handshake.ts';
import type { Route } from './route.ts';
import { checkPlatform, checkServe, type ServeOptions, type Serving, urlOf } from './serve.ts';

export * from './index.ts';

/** What Bun 1.4 cannot do. */
export const cannot: Cannot = {
  rejectsHttp10: 'Bun does not show the version of HTTP',
  keepsEarlyFrames: 'Bun refuses an upgrade after an await if the client has already sent a frame',
  canSkipUtf8Validation: 'Bun always validates',
  largeMessages: 'Bun has one limit for all connections of a server: the option maxPayloadLength',
  idleCountsFragments: 'Bun shows whole messages only',
};

/** How an adapter on Bun treats its connections. */
export interface BunOptions extends AdapterOptions {
  /**
   * The largest message of any connection, in bytes, as inflated: Bun has one limit for a whole server, and inflates up to
   * it before `maxMessageSize` of the connection is looked at. A larger message closes with 1009. Raise it only as far as
   * the largest `maxMessageSize` that you use: a client's kilobyte can become this much memory. Default: 10 000 000.
   */
  readonly maxPayloadLength?: number | undefined;
}

/** Where a server listens on Bun, beside what all adapters on Bun have in common. */
export interface BunServeOptions extends BunOptions, ServeOptions {}

/** What a route receives on Bun beside the request. */
export interface BunPlatform {
  /** What `Bun.serve` passes to `fetch`; it knows the client's address. */
  readonly server: BunServer;
}

/** What `upgrade` needs: the parameters of Bun's `fetch`. */
export interface UpgradeRequest extends BunPlatform {
  /** The request to upgrade. */
  readonly request: Request;
}

/** Of Bun's `Server`, what is used here. */
export interface BunServer {
  upgrade(request: Request, options?: any): boolean;
  requestIP(request: Request): { readonly address: string; readonly family: string; readonly port: number } | null;
}

/** Of Bun's `ServerWebSocket`, what is used here. */
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
    websocket: BunWebSocket;
    fetch(request: Request, server: BunServer): Response | Promise<Response>;
  }): { readonly port: number; stop(closeActiveConnections: boolean): Promise<void> };
};

/**
 * Listens on a port, and asks the route about every request.
 *
 * Rejects with an error that says why if the port cannot be listened on, with the `code` of the system (`EADDRINUSE`), and
 * with a TypeError for an invalid option.
 */
export async function serve(route: Route<BunPlatform>, options?: BunServeOptions): Promise<Serving> {
  checkRoute('serve', route);
  checkPlatform('Bun');
  const { port, hostname, adapter } = checkServe(options, OWN_OPTIONS);
  const ask = fetchOf(adapter, route);
  const websocket = websocketOf(adapter);
  const server = listen(port, hostname, () =>
    Bun.serve({
      port,
      hostname,
      // So that the route's own bound comes first; in seconds, at most 255.
      idleTimeout: Math.min(Math.ceil(adapter.routeTimeout / 1_000) + 1, 255),
      websocket,
      fetch: (request, bunServer) => orNotFound(request, ask(request, bunServer)),
    }),
  );
  return {
    url: urlOf(hostname, server.port),
    async shutdown(bounds) {
      await adapter.shutdown(bounds);
      await stopGently(server.stop(false), () => server.stop(true));
    },
  };
}

/** What {@link createFetch} returns. */
export interface BunFetch {
  /**
   * For `fetch` of `Bun.serve`. Returns `undefined` for a request that the route wants nothing of; after an upgrade a
   * response that Bun ignores.
   */
  readonly fetch: (request: Request, server: BunServer) => Response | undefined | Promise<Response | undefined>;
  /** For `websocket` of `Bun.serve`. */
  readonly websocket: BunWebSocket;
  /**
   * From now on requests are answered with 503 (rule 1.6), and every connection is closed with 1001 (rule 4.3). Settles
   * when all are over, or the bound has passed (rule 4.5). Stop Bun's server after it.
   */
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
}

/**
 * For a server that is yours: `Bun.serve({ fetch, websocket })`, `export default`, or a framework. Throws a TypeError for
 * an invalid option.
 */
export function createFetch(route: Route<BunPlatform>, options?: BunOptions): BunFetch {
  checkRoute('createFetch', route);
  const adapter = new Adapter('createFetch', options, OWN_OPTIONS);
  return {
    fetch: fetchOf(adapter, route),
    websocket: websocketOf(adapter),
    shutdown: (bounds) => adapter.shutdown(bounds),
  };
}

function fetchOf(adapter: Adapter, route: Route<BunPlatform>): BunFetch['fetch'] {
  const ask = createFetchHandler(adapter, route, (request, { server }, upgrade) =>
    open(adapter.connections, { request, server }, upgrade),
  );
  return (request, server) => {
    if (!isServer(server)) {
      const remedy = 'pass the server, which Bun gives to fetch as well';
      throw new TypeError(`fetch: the second argument is ${describe(server)}; ${remedy}`);
    }
    return ask(request, { server });
  };
}

/** What {@link createAdapter} returns. */
export interface BunAdapter {
  /**
   * Turns a request into a connection; returns what `fetch` must return. A request that is not a valid upgrade gets a
   * response of 4xx and reaches no callback (rule 1.5). Call it before any `await`. Throws a TypeError for an invalid
   * handler or option; Bun answers the client with 500.
   */
  readonly upgrade: WebSock.Upgrade<UpgradeRequest, Response>;
  /** For `websocket` of `Bun.serve`. */
  readonly websocket: BunWebSocket;
  /** See {@link BunFetch.shutdown}. */
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
}

/** For code that decides for itself which requests to upgrade. Throws a TypeError for an invalid option. */
export function createAdapter(options?: BunOptions): BunAdapter {
  const adapter = new Adapter('createAdapter', options, OWN_OPTIONS);
  const needs = '{ request, server }, the parameters of fetch';
  const requestOf = (target: UpgradeRequest) => (isServer(target?.server) ? target.request : undefined);
  return { ...createUpgrader(adapter, requestOf, needs, open), websocket: websocketOf(adapter) };
}

function isServer(value: BunServer | undefined): boolean {
  return typeof value?.upgrade === 'function';
}

function open(connections: Connections, { request, server }: UpgradeRequest, upgrade: AcceptedUpgrade): Response {
  const { protocol, compress, headers } = upgrade.options;
  if (!compress) request.headers.delete('Sec-WebSocket-Extensions'); // or Bun would agree to compress
  // Without this header Bun would answer the first subprotocol that the client offers.
  const chosen = subprotocol(request.headers.get('Sec-WebSocket-Protocol'), protocol) ?? '';
  const options = { data: new Link(connections, upgrade), headers: [...headers, ['Sec-WebSocket-Protocol', chosen]] };
  // Of a client that is gone Bun says that it has upgraded it.
  const upgraded = !request.signal.aborted && server.upgrade(request, options);
  if (upgraded) return new Response(null);
  return new Response('Bun has refused the upgrade.\n', { status: 400 });
}

const OWN_OPTIONS = ['maxPayloadLength'];

function websocketOf({ options }: Adapter): BunWebSocket {
  return {
    maxPayloadLength: options.count('maxPayloadLength', 10_000_000, 'bytes'),
    backpressureLimit: 0, // no limit: beyond one, Bun drops messages (rule 5.2)
    idleTimeout: 0, // the connection has a clock of its own
    perMessageDeflate: true, // for those that ask for it
    open: (socket) => linkOf(socket).open(socket),
    message: (socket, data) =>
      linkOf(socket).connection.data(
        typeof data === 'string' ? { opcode: 'text', data } : { opcode: 'binary', data: data as Bytes },
      ),
    ping: (socket, data) => linkOf(socket).pinged(data as Bytes),
    pong: (socket, data) => linkOf(socket).connection.control({ opcode: 'pong', data: data as Bytes }),
    drain: (socket) => linkOf(socket).drained(),
    close: (socket, code, reason) => linkOf(socket).closed(code, reason),
  };
}

type Bytes = InstanceType<Uint8ArrayConstructor>;

function linkOf({ data }: BunSocket): Link {
  return data as Link;
}

/** A connection and its socket. */
class Link implements Wire {
  readonly connection: Connection<any, any, any>;
  readonly #arg: unknown;
  readonly #compress: boolean;
  #socket!: BunSocket; // since open()
  /** Whether Bun may have buffered something. */
  #buffers = false;
  /** The close frame that waits for what is buffered. */
  #close: readonly [code: number, reason: string] | undefined;

  constructor(connections: Connections, { handler, arg, options }: AcceptedUpgrade) {
    this.connection = new Connection(connections, this, handler, options);
    this.#arg = arg;
    this.#compress = options.compress;
  }

  // ---- What Bun calls ----

  open(socket: BunSocket): void {
    socket.binaryType = 'uint8array'; // a message's bytes are its own (rule 2.7)
    this.#socket = socket;
    this.connection.open(this.#arg);
  }

  pinged(data: Bytes): void {
    this.#buffers ||= this.#socket.getBufferedAmount() > 0; // Bun's own answer, too
    this.connection.control({ opcode: 'ping', data });
  }

  /** Bun has sent some of what it buffers. */
  drained(): void {
    if (this.#close && this.unsent() === 0) this.#socket.close(...this.#close);
    else this.connection.sent();
  }

  closed(code: number, reason: string): void {
    this.#buffers = false; // nothing is sent any more
    // Only Bun itself gives a reason with 1006: the client has broken the protocol, and Bun has told it so.
    if (code !== 1006) this.connection.closing(code, reason);
    else if (reason !== '') this.connection.failed(new Error(reason), faultCode(reason));
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
    // After its close(), Bun would hide what is unsent, and hold the socket for as long as the client likes (rule 4.5).
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

/** The code of the close frame in which Bun gave this reason. */
function faultCode(reason: string): number {
  if (reason.includes('too big message')) return 1009;
  return /UTF-8|compressed/.test(reason) ? 1007 : 1002;
}
