// WebSock on Deno.
//
//   const server = await serve((request) => accept(echo), { port: 8080 });
//
// Deno has no time limit for a handshake that is never completed, nor for a message of endless fragments, with or without
// this package: put a proxy in front of it where clients are not trusted.
//
// If a message from the client crosses the server's close frame, Deno resets the socket, so that the client may see 1006
// instead of the code that was sent.

import type { WebSock } from '@websock/spec';
import { type AcceptedUpgrade, Adapter, type AdapterOptions, checkRoute } from './adapter.ts';
import type { Cannot } from './capabilities.ts';
import { LONGEST_DELAY } from './connection/clock.ts';
import { Connection } from './connection/connection.ts';
import type { Connections } from './connection/connections.ts';
import type { Wire } from './connection/wire.ts';
import {
  createFetchHandler,
  createUpgrader,
  type FetchAdapter,
  orNotFound,
  type UpgradeAdapter,
} from './fetch/handler.ts';
import { dataFrame, handshakeHeaders, unshared } from './fetch/messages.ts';
import { serveFetch } from './fetch/server.ts';
import { DEFAULT_IDLE_TIMEOUT } from './options.ts';
import type { Route } from './route.ts';
import type { ServeOptions, Serving } from './serve.ts';

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

/** What a route receives on Deno in addition to the request: the `info` of `Deno.serve`. */
export interface DenoPlatform {
  /** The client's address. */
  readonly remoteAddr: { readonly transport: string; readonly hostname?: string; readonly port?: number };
  /** Settles when the response has been sent. */
  readonly completed: Promise<void>;
}

// The part of Deno's types that is used here.
declare const Deno: {
  serve(
    options: { port: number; hostname: string | undefined; onListen(): void },
    handler: (request: Request, info: DenoPlatform) => Response | Promise<Response>,
  ): { readonly addr: { readonly port: number }; shutdown(): Promise<void> };
  upgradeWebSocket(request: Request, options: { idleTimeout: number }): { socket: DenoSocket; response: Response };
};

interface DenoSocket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  binaryType: 'blob' | 'arraybuffer';
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: string | ArrayBuffer }) => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  send(data: string | ArrayBuffer | ArrayBufferView): void;
  close(code?: number, reason?: string): void;
}

/**
 * Listens on a port, and asks the route about every request.
 *
 * Rejects with an error that says why if it cannot listen, with the system's `code` (such as `EADDRINUSE`), and with a
 * TypeError for an invalid option.
 */
export async function serve(route: Route<DenoPlatform>, options?: ServeOptions): Promise<Serving> {
  return serveFetch('Deno', route, options, [], (adapter) => {
    const handle = fetchOf(adapter, route);
    return (port, hostname) => {
      const server = Deno.serve({ port, hostname, onListen() {} }, (request, info) =>
        orNotFound(request, handle(request, info)),
      );
      return { port: server.addr.port, stop: () => server.shutdown() };
    };
  });
}

/**
 * What {@link createFetch} returns: `fetch` for `Deno.serve`, and `shutdown`. Shut Deno's server down after it: Deno closes
 * connections itself, and their handlers would not receive the reason.
 */
export type DenoFetch = FetchAdapter<[request: Request, info: DenoPlatform]>;

/**
 * For a server of your own: `Deno.serve(fetch)`, `export default`, or a framework. Throws a TypeError for an invalid
 * option.
 */
export function createFetch(route: Route<DenoPlatform>, options?: AdapterOptions): DenoFetch {
  checkRoute('createFetch', route);
  const adapter = new Adapter('createFetch', options);
  return { fetch: fetchOf(adapter, route), shutdown: (shutdownOptions) => adapter.shutdown(shutdownOptions) };
}

function fetchOf(adapter: Adapter, route: Route<DenoPlatform>): DenoFetch['fetch'] {
  return createFetchHandler(adapter, route, (request, _info, upgrade) => open(adapter.connections, request, upgrade));
}

/** What {@link createAdapter} returns. */
export type DenoAdapter = UpgradeAdapter<Request>;

/** For code that decides for itself which requests to upgrade. Throws a TypeError for an invalid option. */
export function createAdapter(options?: AdapterOptions): DenoAdapter {
  return createUpgrader(new Adapter('createAdapter', options), (request) => request, 'the Request', open);
}

function open(
  connections: Connections,
  request: Request,
  { handler, arg, options, context }: AcceptedUpgrade,
): Response {
  const { idleTimeout = DEFAULT_IDLE_TIMEOUT, heartbeat } = options;
  const headers = handshakeHeaders(request, options); // after the upgrade, the request cannot be read
  // Only Deno itself can ping, so with a heartbeat its clock is used (rule 4.6), and otherwise the connection's own.
  const { socket, response } = Deno.upgradeWebSocket(request, {
    idleTimeout:
      heartbeat && idleTimeout !== Number.POSITIVE_INFINITY ? Math.min(idleTimeout, LONGEST_DELAY) / 1_000 : 0,
  });
  // Not by Deno's own option for the subprotocol, which reads `a,b`, without a space, as one subprotocol.
  for (const [name, value] of headers) response.headers.append(name, value);
  const own = { ...options, idleTimeout: heartbeat ? Number.POSITIVE_INFINITY : idleTimeout };
  const wire = new DenoWire(socket, connections.bounds.maxUnsentBytes);
  wire.listen(new Connection(connections, wire, handler, own, context), arg);
  return response;
}

const OPEN = 1;
const CLOSING = 2;

/** Deno's error after its own idle timeout, with the code that it sends. */
const TIMED_OUT = 'No response from ping frame.';
const TIMED_OUT_CODE = 1001;

/** The only error for which Deno sends a close frame, with 1002. */
const BAD_CLOSE_CODE = 'Invalid close code';

/** Deno reports a lost socket and a protocol error by the same event; these messages mean a lost socket. */
const CUT = /EOF|reset|pipe|os error|Failed to send/;

/** How often to check whether Deno has sent enough, in ms. */
const POLL = 20;

/** A socket and its connection. */
class DenoWire implements Wire {
  readonly coarseUnsent = true;
  readonly #socket: DenoSocket;
  readonly #maxUnsent: number;
  #connection!: Connection<any, any, any>; // since listen()
  #polling = false;
  #closes = false;

  constructor(socket: DenoSocket, maxUnsent: number) {
    this.#socket = socket;
    this.#maxUnsent = maxUnsent;
  }

  /** Call it synchronously, or the client's first messages are lost (rule 1.3). */
  listen(connection: Connection<any, any, any>, arg: unknown): void {
    const socket = this.#socket;
    let failure = '';
    this.#connection = connection;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => connection.open(arg);
    socket.onmessage = ({ data }) => connection.data(dataFrame(data));
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
      // Deno's clock keeps a lost socket in memory until it fires: do not let it keep the connection too.
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

  /** After Deno's own idle timeout, a client that does not read delays its close frame, and so the event. */
  #showEnd(): void {
    if (this.#socket.readyState !== CLOSING || this.#closes) return;
    queueMicrotask(() => this.#connection.timedOut(TIMED_OUT_CODE));
  }

  close(code: number, reason: string): void {
    this.#closes = true;
    // After close(), Deno hides the amount of unsent data (rule 4.5).
    this.#whenBelow(0, () => this.#socket.close(code, reason));
  }

  drop(): void {
    this.#closes = true;
    this.#socket.close(); // the client's next message, if there is one, then ends the socket
  }

  #whenBelow(bytes: number, run: () => void): void {
    const { readyState, bufferedAmount } = this.#socket;
    if (readyState === OPEN && bufferedAmount > bytes) setTimeout(() => this.#whenBelow(bytes, run), POLL);
    else run();
  }
}
