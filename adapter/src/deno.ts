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
import { type AcceptedUpgrade, Adapter, type AdapterOptions, checkRoute, withControls } from './adapter.ts';
import type { Cannot } from './capabilities.ts';
import { LONGEST_DELAY } from './connection/clock.ts';
import { Connection } from './connection/connection.ts';
import type { Connections } from './connection/connections.ts';
import type { Wire } from './connection/wire.ts';
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
import { chosenProtocol, dataFrame, handshakeHeaders, unshared } from './fetch/messages.ts';
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
    options: { port: number; hostname: string | undefined; signal: AbortSignal; onListen(): void },
    handler: (request: Request, info: DenoPlatform) => Response | Promise<Response>,
  ): { readonly addr: { readonly port: number }; readonly finished: Promise<void> };
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
    const handle = createServerHandler(adapter, route, (request, _info, upgrade) => open(adapter, request, upgrade));
    return (port, hostname) => {
      const controller = new AbortController();
      const { signal } = controller;
      const responses = new PendingResponses();
      const server = Deno.serve({ port, hostname, signal, onListen() {} }, (request, info) =>
        responses.track(handle(request, info), info.completed),
      );
      // Not by Deno's own `shutdown`, which waits without a limit for some clients, and cannot be interrupted.
      const stopNow = () => {
        controller.abort();
        return server.finished;
      };
      const stop = async () => {
        await responses.sent();
        await new Promise((resolve) => setTimeout(resolve, FLUSH));
        await stopNow();
      };
      return { port: server.addr.port, stop, stopNow };
    };
  });
}

/** How long the last response may need from Deno to the system, in ms. */
const FLUSH = 20;

/** The responses that a server is sending. */
class PendingResponses {
  #count = 0;
  #allSent: (() => void) | undefined;

  track(response: Response | Promise<Response>, sent: Promise<void>): Response | Promise<Response> {
    this.#count += 1;
    const done = () => {
      this.#count -= 1;
      if (this.#count === 0) this.#allSent?.();
    };
    sent.then(done, done); // it rejects if the client leaves
    return response;
  }

  async sent(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => (this.#allSent = resolve));
  }
}

/**
 * What {@link createFetch} returns: `fetch` for `Deno.serve`, and `shutdown`. End Deno's server after it, or handlers would
 * not receive the reason, and by the option `signal`: `shutdown` of Deno's server can wait for a client without a limit.
 */
export type DenoFetch<Result = FetchResult> = FetchAdapter<[request: Request, info: DenoPlatform], Result>;

/**
 * For a server of your own: `Deno.serve(fetch)`, `export default`, or a framework. Throws a TypeError for an invalid
 * option.
 */
export function createFetch<OwnRoute extends Route<DenoPlatform>>(
  route: OwnRoute,
  options?: AdapterOptions,
): DenoFetch<FetchResultOf<OwnRoute>> {
  checkRoute('createFetch', route);
  const adapter = new Adapter('createFetch', options);
  const fetch = createFetchHandler(adapter, route, (request, _info, upgrade) => open(adapter, request, upgrade));
  return withControls(adapter, { fetch: fetch as DenoFetch<FetchResultOf<OwnRoute>>['fetch'] });
}

/** What {@link createAdapter} returns. */
export type DenoAdapter = UpgradeAdapter<Request>;

/** For code that decides for itself which requests to upgrade. Throws a TypeError for an invalid option. */
export function createAdapter(options?: AdapterOptions): DenoAdapter {
  const adapter = new Adapter('createAdapter', options);
  return createUpgrader(
    adapter,
    (request) => request,
    'the Request',
    (request, upgrade) => open(adapter, request, upgrade),
  );
}

function open(adapter: Adapter, request: Request, { handler, arg, options, context }: AcceptedUpgrade): Response {
  const { connections } = adapter;
  const { idleTimeout = DEFAULT_IDLE_TIMEOUT, heartbeat } = options;
  // After the upgrade, the request cannot be read.
  const protocol = chosenProtocol(request, options);
  const headers = handshakeHeaders(options, protocol);
  // Only Deno itself can ping, so with a heartbeat its clock is used (rule 4.6), and otherwise the connection's own.
  const { socket, response } = Deno.upgradeWebSocket(request, {
    idleTimeout:
      heartbeat && idleTimeout !== Number.POSITIVE_INFINITY ? Math.min(idleTimeout, LONGEST_DELAY) / 1_000 : 0,
  });
  // Not by Deno's own option for the subprotocol, which reads `a,b`, without a space, as one subprotocol.
  for (const [name, value] of headers) response.headers.append(name, value);
  const own = { ...options, idleTimeout: heartbeat ? Number.POSITIVE_INFINITY : idleTimeout };
  const wire = new DenoWire(socket, connections);
  const connection = new Connection(connections, wire, handler, own, context);
  wire.listen(connection, () => connection.open(arg, protocol), adapter.awaitOpening());
  return response;
}

const OPEN = 1;
const CLOSING = 2;

/** Deno's error after its own idle timeout, with the code that it sends. */
const TIMED_OUT = 'No response from ping frame.';
const TIMED_OUT_CODE = 1001;

/** The only error for which Deno sends a close frame, with 1002. */
const BAD_CLOSE_CODE = 'Invalid close code';

/**
 * Deno reports a lost socket and a protocol error by the same events, which differ in their message alone. These messages
 * mean a protocol error: all that Deno's own parser has. Any other is of the network: of the system, of TLS, of a proxy.
 */
const PROTOCOL_ERROR = /^(Invalid |Reserved bits |Control frame |Ping frame |Frame too large)/;

/** How often to check whether Deno has sent enough, in ms. */
const POLL = 20;

/** A socket and its connection. */
class DenoWire implements Wire {
  /** Deno counts whole messages. */
  readonly coarseUnsent = true;
  readonly #socket: DenoSocket;
  readonly #connections: Connections;
  #connection!: Connection<any, any, any>; // since listen()
  #polling = false;
  #closes = false;

  constructor(socket: DenoSocket, connections: Connections) {
    this.#socket = socket;
    this.#connections = connections;
  }

  /**
   * Call it synchronously, or the client's first messages are lost (rule 1.3).
   *
   * @param open - opens the connection
   * @param opened - called when the connection opens, or never will; during a shutdown, with the promise of its end
   */
  listen(connection: Connection<any, any, any>, open: () => void, opened: (over?: Promise<unknown>) => void): void {
    const socket = this.#socket;
    let failure = '';
    this.#connection = connection;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      open();
      opened(this.#connections.isShuttingDown ? connection.over : undefined);
    };
    socket.onmessage = ({ data }) => connection.data(dataFrame(data));
    socket.onerror = ({ message = '' }) => {
      failure = message;
    };
    socket.onclose = ({ code, reason }) => {
      if (failure === TIMED_OUT) connection.timedOut(TIMED_OUT_CODE);
      else if (failure === '' && code !== 0) connection.closing(code, reason);
      else if (PROTOCOL_ERROR.test(failure)) {
        connection.failed(new Error(failure), failure === BAD_CLOSE_CODE ? 1002 : 1006, faultOf(failure).rule);
      }
      connection.gone();
      opened();
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
    if (!this.#polling && bufferedAmount > this.#connections.bounds.maxUnsentBytes) this.#poll();
    return bufferedAmount;
  }

  /** Waits until little enough is buffered; Deno has no event for it. */
  #poll(): void {
    const { readyState, bufferedAmount } = this.#socket;
    this.#polling = readyState === OPEN && bufferedAmount > this.#connections.bounds.maxUnsentBytes;
    if (this.#polling) setTimeout(() => this.#poll(), POLL);
    else this.#connection.sent();
  }

  /** After Deno's own idle timeout, a client that does not read delays its close frame, and so the event. */
  #showEnd(): void {
    if (this.#socket.readyState !== CLOSING || this.#closes) return;
    queueMicrotask(() => this.#connection.timedOut(TIMED_OUT_CODE));
  }

  close(code: number, reason: string): void {
    this.#closes = true;
    // Immediately, so that a client which closes after the last message gets this code (rule 3.4). From now on Deno hides
    // how much is buffered.
    this.#socket.close(code, reason);
  }

  drop(): void {
    this.#closes = true;
    this.#socket.close(); // the client's next message, if there is one, then ends the socket
  }
}
