// WebSock on Deno.
//
//   const server = await serve((request) => accept(echo), { port: 8080 });
//
// Deno keeps a handshake that is never completed, and a message of endless fragments, for as long as the client likes,
// with or without this package: put a proxy in front of it where clients are not trusted.
//
// A message that crosses the server's close frame makes Deno reset the socket, so that such a client may see 1006 in place
// of the code that was sent.

import type { WebSock } from '@websock/spec';
import { type AcceptedUpgrade, Adapter, type AdapterOptions, checkRoute } from './adapter.ts';
import type { Cannot } from './capabilities.ts';
import { LONGEST_DELAY } from './connection/clock.ts';
import { Connection } from './connection/connection.ts';
import type { Connections, ShutdownOptions } from './connection/connections.ts';
import type { Wire } from './connection/wire.ts';
import { createFetchHandler, createUpgrader, listen, orNotFound, stopGently } from './fetch/handler.ts';
import { subprotocol } from './handshake.ts';
import { DEFAULT_IDLE_TIMEOUT } from './options.ts';
import type { Route } from './route.ts';
import { checkPlatform, checkServe, type ServeOptions, type Serving, urlOf } from './serve.ts';

export * from './index.ts';

/** What Deno 2.9 cannot do. */
export const cannot: Cannot = {
  rejectsHttp10: 'Deno does not show the version of HTTP',
  canSkipUtf8Validation: 'Deno always validates',
  compresses: 'Deno cannot compress',
  largeMessages: 'Deno accepts frames of up to 64 MiB',
  receivesControlFrames: 'Deno hides them',
  sendsControlFrames: 'Deno cannot send them; they are left out',
  sendsProtocolErrorCodes: 'Deno drops the socket, mostly without a close frame',
  rejectsUnmaskedFrames: 'Deno accepts them',
  rejectsLongControlFrames: 'Deno accepts long close frames',
  seesCloseFrames: "Deno answers a client's close frame before it shows it",
  reportsRemote1014: 'Deno takes 1014 for a protocol error',
  idleCountsControlFrames: 'Deno counts pongs, and hides them; it does not count pings',
  idleCountsFragments: 'Deno shows, and counts, whole messages only',
  sendsTimeoutCode: 'the clock of Deno closes with 1001',
  dropsSockets:
    'Deno ends a socket only with the client, by its own clock, or, if nothing waits to be sent, with the server',
  pausesReading: 'Deno cannot stop reading; a bounded number of messages waits',
  seesSendProgress: 'Deno shows progress by whole messages only',
};

/** What a route receives on Deno beside the request: the `info` of `Deno.serve`. */
export interface DenoPlatform {
  /** The client's address. */
  readonly remoteAddr: { readonly transport: string; readonly hostname?: string; readonly port?: number };
  /** Settles when the response has been sent. */
  readonly completed: Promise<void>;
}

// Of Deno's own types, what is used here.
declare const Deno: {
  serve(
    options: {
      port: number;
      hostname: string | undefined;
      onListen(): void;
    },
    handler: (request: Request, info: DenoPlatform) => Response | Promise<Response>,
  ): { readonly addr: { readonly port: number }; shutdown(): Promise<void> };
  upgradeWebSocket(request: Request, options: { idleTimeout: number }): { socket: Socket; response: Response };
};

interface Socket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  binaryType: 'blob' | 'arraybuffer';
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: string | ArrayBuffer }) => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  send(data: Data): void;
  close(code?: number, reason?: string): void;
}

type Data = string | ArrayBuffer | ArrayBufferView;

/**
 * Listens on a port, and asks the route about every request.
 *
 * Rejects with an error that says why if the port cannot be listened on, with the `code` of the system (`EADDRINUSE`), and
 * with a TypeError for an invalid option.
 */
export async function serve(route: Route<DenoPlatform>, options?: ServeOptions): Promise<Serving> {
  checkRoute('serve', route);
  checkPlatform('Deno');
  const { port, hostname, adapter } = checkServe(options);
  const ask = fetchOf(adapter, route);
  const server = listen(port, hostname, () =>
    Deno.serve({ port, hostname, onListen() {} }, (request, info) => orNotFound(request, ask(request, info))),
  );
  return {
    url: urlOf(hostname, server.addr.port),
    async shutdown(bounds) {
      await adapter.shutdown(bounds);
      // Deno waits for sockets that could not be dropped, for as long as their clients like, and cannot be forced.
      await stopGently(server.shutdown());
    },
  };
}

/** What {@link createFetch} returns. */
export interface DenoFetch {
  /** For `Deno.serve`. Returns `undefined` for a request that the route wants nothing of. */
  readonly fetch: (request: Request, info: DenoPlatform) => Response | undefined | Promise<Response | undefined>;
  /**
   * From now on requests are answered with 503 (rule 1.6), and every connection is closed with 1001 (rule 4.3). Settles
   * when all are over, or the bound has passed (rule 4.5). Shut Deno's server down after it: Deno would close the
   * connections itself, and their handlers would not learn why.
   */
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
}

/**
 * For a server that is yours: `Deno.serve(fetch)`, `export default`, or a framework. Throws a TypeError for an invalid
 * option.
 */
export function createFetch(route: Route<DenoPlatform>, options?: AdapterOptions): DenoFetch {
  checkRoute('createFetch', route);
  const adapter = new Adapter('createFetch', options);
  return { fetch: fetchOf(adapter, route), shutdown: (bounds) => adapter.shutdown(bounds) };
}

function fetchOf(adapter: Adapter, route: Route<DenoPlatform>): DenoFetch['fetch'] {
  return createFetchHandler(adapter, route, (request, _info, upgrade) => open(adapter.connections, request, upgrade));
}

/** What {@link createAdapter} returns. */
export interface DenoAdapter {
  /**
   * Turns a request into a connection; returns the response for Deno to give. A request that is not a valid upgrade gets
   * a response of 4xx and reaches no callback (rule 1.5). Throws a TypeError for an invalid handler or option; Deno
   * answers the client with 500.
   */
  readonly upgrade: WebSock.Upgrade<Request, Response>;
  /** See {@link DenoFetch.shutdown}. */
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
}

/** For code that decides for itself which requests to upgrade. Throws a TypeError for an invalid option. */
export function createAdapter(options?: AdapterOptions): DenoAdapter {
  return createUpgrader(new Adapter('createAdapter', options), (request) => request, 'the Request', open);
}

function open(connections: Connections, request: Request, { handler, arg, options }: AcceptedUpgrade): Response {
  const protocol = subprotocol(request.headers.get('Sec-WebSocket-Protocol'), options.protocol);
  const { idleTimeout = DEFAULT_IDLE_TIMEOUT, heartbeat } = options;
  // Only Deno itself can ping, so with a heartbeat its clock is used (rule 4.6), and otherwise the connection's own.
  const { socket, response } = Deno.upgradeWebSocket(request, {
    idleTimeout:
      heartbeat && idleTimeout !== Number.POSITIVE_INFINITY ? Math.min(idleTimeout, LONGEST_DELAY) / 1_000 : 0,
  });
  // Deno's own option would take `a,b`, written without a space, for one subprotocol.
  if (protocol !== undefined) response.headers.set('Sec-WebSocket-Protocol', protocol);
  for (const [name, value] of options.headers) response.headers.append(name, value);
  const own = { ...options, idleTimeout: heartbeat ? Number.POSITIVE_INFINITY : idleTimeout };
  const link = new Link(socket, connections.bounds.maxUnsentBytes);
  link.listen(new Connection(connections, link, handler, own), arg);
  return response;
}

const OPEN = 1;
const CLOSING = 2;

/** Deno's error when its clock has run out. It closes with this code. */
const TIMED_OUT = 'No response from ping frame.';
const TIMED_OUT_CODE = 1001;

/** Deno's only error for which it sends a close frame, with 1002. */
const BAD_CLOSE_CODE = 'Invalid close code';

/** Deno reports a socket that was cut and a client's fault by the same event; these words are of the former. */
const CUT = /EOF|reset|pipe|os error|Failed to send/;

/** How often Deno is asked whether it has sent enough, in ms. */
const POLL = 20;

/** A socket and its connection. */
class Link implements Wire {
  readonly #socket: Socket;
  readonly #maxUnsent: number;
  #connection!: Connection<any, any, any>; // since listen()
  #polling = false;
  #closes = false;

  constructor(socket: Socket, maxUnsent: number) {
    this.#socket = socket;
    this.#maxUnsent = maxUnsent;
  }

  /** Synchronously, or what the client sends first is lost (rule 1.3). */
  listen(connection: Connection<any, any, any>, arg: unknown): void {
    const socket = this.#socket;
    let failure = '';
    this.#connection = connection;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => connection.open(arg);
    socket.onmessage = ({ data }) =>
      connection.data(
        typeof data === 'string' ? { opcode: 'text', data } : { opcode: 'binary', data: new Uint8Array(data) },
      );
    socket.onerror = ({ message = '' }) => {
      failure = message;
    };
    socket.onclose = ({ code, reason }) => {
      if (failure === TIMED_OUT) connection.timedOut(TIMED_OUT_CODE);
      else if (failure === '' && code !== 0) connection.closing(code, reason);
      else if (failure !== '' && !CUT.test(failure)) {
        connection.failed(new Error(failure), failure === BAD_CLOSE_CODE ? 1002 : 1006);
      }
      connection.gone();
      // Deno's clock keeps a socket that was cut until it fires: not what belonged to it.
      socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
    };
  }

  send({ opcode, data = '' }: WebSock.Message): void {
    if (this.#socket.readyState !== OPEN) this.#showEnd();
    else if (opcode === 'text' || opcode === 'binary') this.#socket.send(unshared(data));
  }

  unsent(): number {
    const { bufferedAmount } = this.#socket;
    this.#showEnd();
    if (bufferedAmount > this.#maxUnsent && !this.#polling) {
      this.#polling = true;
      this.#whenBelow(this.#maxUnsent, () => {
        this.#polling = false;
        this.#connection.sent();
      });
    }
    return bufferedAmount;
  }

  /** When Deno's clock has run out, its close frame, and so its events, may wait for a client that does not read. */
  #showEnd(): void {
    if (this.#socket.readyState !== CLOSING || this.#closes) return;
    queueMicrotask(() => this.#connection.timedOut(TIMED_OUT_CODE));
  }

  close(code: number, reason: string): void {
    this.#closes = true;
    // After its close() Deno hides what is unsent (rule 4.5).
    this.#whenBelow(0, () => this.#socket.close(code, reason));
  }

  drop(): void {
    this.#closes = true;
    this.#socket.close(); // then the client's next message, if it sends one, ends the socket
  }

  #whenBelow(bytes: number, run: () => void): void {
    const { readyState, bufferedAmount } = this.#socket;
    if (readyState === OPEN && bufferedAmount > bytes) setTimeout(() => this.#whenBelow(bytes, run), POLL);
    else run();
  }
}

/** Deno cannot send shared memory, which the contract allows. */
function unshared(data: Data): Data {
  if (!ArrayBuffer.isView(data) || data.buffer instanceof ArrayBuffer) return data;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}
