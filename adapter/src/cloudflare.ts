// WebSock on Cloudflare Workers, in a Durable Object:
//
//   export class Room {
//     #sockets = createFetch((request) => accept(chat, arg));
//     fetch(request) { return this.#sockets.fetch(request); }
//   }
//   export default {
//     fetch: (request, env) => env.ROOM.get(env.ROOM.idFromName('kitchen')).fetch(request),
//   };
//
// Only connections of the same Durable Object can reach each other: workerd lets no request touch the sockets of another.

import type { WebSock } from '@websock/spec';
import { type AcceptedUpgrade, Adapter, type AdapterOptions, checkRoute } from './adapter.ts';
import type { Cannot } from './capabilities.ts';
import { isSendableCode, truncateReason } from './connection/close.ts';
import { Connection } from './connection/connection.ts';
import type { Connections, ShutdownOptions } from './connection/connections.ts';
import type { Wire } from './connection/wire.ts';
import { createFetchHandler, createUpgrader } from './fetch/handler.ts';
import { subprotocol } from './handshake.ts';
import type { Route } from './route.ts';

export * from './index.ts';

/** What workerd 1.20260415 cannot do. */
export const cannot: Cannot = {
  rejectsHttp10: 'workerd does not show the version of HTTP',
  validatesUtf8: 'workerd never validates; malformed bytes arrive as U+FFFD',
  largeMessages: 'workerd accepts messages of up to 32 MiB',
  receivesControlFrames: 'workerd hides them',
  sendsControlFrames: 'workerd cannot send them; they are left out',
  sendsInflationErrorCode: 'workerd closes with 1002',
  rejectsUnmaskedFrames: 'workerd accepts them',
  rejectsLongControlFrames: 'workerd accepts long pings and pongs',
  rejectsShortCloseFrames: 'workerd takes them for close frames without a code',
  pingsByItself: 'workerd cannot send pings',
  idleTimeoutByDefault: 'a client that only listens could not show that it is there',
  idleCountsControlFrames: 'workerd hides them',
  idleCountsFragments: 'workerd shows whole messages only',
  dropsSockets: 'workerd ends a socket only when the client sends its next message',
  pausesReading: 'workerd cannot stop reading; a bounded number of messages waits',
  knowsBacklog: 'workerd hides how much waits to be sent',
  seesSendProgress: 'workerd hides how much waits to be sent',
  reportsMemory: 'workerd itself grows with every connection that has been, with or without this package',
};

/** Of what Cloudflare passes as `ctx`, what is used here: an `ExecutionContext`, or a Durable Object's state. */
export interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

/** What a route receives on Cloudflare beside the request: what was passed to `fetch` with it. */
export interface CloudflarePlatform<Env = unknown> {
  /** The bindings. */
  readonly env: Env;
  /** The context of the request, or the state of the Durable Object. */
  readonly ctx: Context | undefined;
}

/** What {@link createFetch} returns. */
export interface CloudflareFetch<Env = unknown> {
  /**
   * For the `fetch` of a Durable Object or Worker. Returns `undefined` for a request that the route wants nothing of.
   * Outside of a Durable Object `ctx` is needed: without it workerd stops `terminate` when the client has left.
   */
  readonly fetch: (request: Request, env?: Env, ctx?: Context) => Response | undefined | Promise<Response | undefined>;
  /**
   * From now on requests are answered with 503 (rule 1.6), and every connection is closed with 1001 (rule 4.3). Settles
   * when all are over, or the bound has passed (rule 4.5). To be called in the Durable Object of the connections.
   */
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
}

/** For a Durable Object, which keeps one of its own; see above. Throws a TypeError for an invalid option. */
export function createFetch<Env = unknown>(
  route: Route<CloudflarePlatform<Env>>,
  options?: AdapterOptions,
): CloudflareFetch<Env> {
  checkRoute('createFetch', route);
  const adapter = new Adapter('createFetch', options);
  const ask = createFetchHandler(adapter, route, (request, { ctx }, upgrade) =>
    open(adapter.connections, request, upgrade, ctx),
  );
  return {
    fetch: (request, env, ctx) => ask(request, { env: env as Env, ctx }),
    shutdown: (bounds) => adapter.shutdown(bounds),
  };
}

/** What {@link createAdapter} returns. */
export interface CloudflareAdapter {
  /**
   * Turns a request into a connection; returns the response for `fetch` to return. A request that is not a valid upgrade
   * gets a response of 4xx and reaches no callback (rule 1.5). Throws a TypeError for an invalid handler or option;
   * workerd answers the client with 500.
   */
  readonly upgrade: WebSock.Upgrade<Request, Response>;
  /** See {@link CloudflareFetch.shutdown}. */
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
}

/** For code that decides for itself which requests to upgrade. Throws a TypeError for an invalid option. */
export function createAdapter(options?: AdapterOptions): CloudflareAdapter {
  return createUpgrader(new Adapter('createAdapter', options), (request) => request, 'the Request', open);
}

// Of workerd's own types, what is used here.
declare const WebSocketPair: new () => { 0: object; 1: Socket };

interface Socket {
  readonly readyState: number;
  binaryType: 'blob' | 'arraybuffer';
  accept(options: { allowHalfOpen: boolean }): void;
  addEventListener(type: 'message', listener: (event: { readonly data: string | ArrayBuffer }) => void): void;
  addEventListener(type: 'close', listener: (event: CloseEvent) => void): void;
  addEventListener(type: 'error', listener: (event: { readonly message?: string }) => void): void;
  send(data: string | ArrayBuffer | ArrayBufferView): void;
  close(code?: number, reason?: string): void;
}

interface CloseEvent {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

function open(
  connections: Connections,
  request: Request,
  { handler, arg, options }: AcceptedUpgrade,
  ctx?: Context | undefined,
): Response {
  const headers = new Headers();
  for (const [name, value] of options.headers) headers.append(name, value);
  const protocol = subprotocol(request.headers.get('Sec-WebSocket-Protocol'), options.protocol);
  if (protocol !== undefined) headers.set('Sec-WebSocket-Protocol', protocol);
  if (!options.compress) headers.set('Sec-WebSocket-Extensions', 'none'); // or workerd would agree to compress
  const { 0: webSocket, 1: socket } = new WebSocketPair();
  const link = new Link(socket);
  const connection = new Connection(connections, link, handler, options);
  link.listen(connection);
  socket.accept({ allowHalfOpen: true }); // or workerd would answer close frames that break the protocol
  connection.open(arg);
  ctx?.waitUntil?.(connection.over);
  return new Response(null, { status: 101, headers, webSocket } as ResponseInit);
}

/** A socket and its connection. */
class Link implements Wire {
  readonly #socket: Socket;
  #dropped = false;
  #closed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  listen(connection: Connection<any, any, any>): void {
    const socket = this.#socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => {
      if (this.#dropped) throw new Error('the connection is over'); // this ends the socket, and nothing else
      connection.data(
        typeof data === 'string' ? { opcode: 'text', data } : { opcode: 'binary', data: new Uint8Array(data) },
      );
    });
    socket.addEventListener('close', ({ code, reason, wasClean }) => {
      if (!wasClean) {
        this.#answer(); // or workerd would keep the socket until garbage is collected
        return connection.gone();
      }
      const empty = code === 1005 && reason === '';
      // 1010 is a client's own; a longer reason than `cut` leaves does not fit a control frame (RFC 6455 §5.5).
      if (empty || ((isSendableCode(code) || code === 1010) && truncateReason(reason) === reason)) {
        if (empty) this.#answer();
        else this.#answer(code, reason);
        connection.closing(code, reason);
      } else {
        this.#answer(1002);
        connection.failed(new Error(`the client sent an invalid close frame, with the code ${code} (rule 4.3)`), 1002);
      }
      connection.gone();
    });
    // A fault of the client, for which workerd has closed the connection, comes with no close event.
    socket.addEventListener('error', ({ message = '' }) => {
      const code = /protocolError\.statusCode = (\d+)/.exec(message)?.[1];
      if (code !== undefined) connection.failed(new Error(message), Number(code));
      connection.gone();
    });
  }

  send({ opcode, data = '' }: WebSock.Message): void {
    // Without toWellFormed workerd would send half a surrogate pair as bytes that are not UTF-8.
    if (opcode === 'text') this.#socket.send((data as string).toWellFormed());
    else if (opcode === 'binary') this.#socket.send(data);
  }

  unsent(): number {
    return 0;
  }

  close(code: number, reason: string): void {
    this.#answer(code, reason.toWellFormed());
  }

  drop(): void {
    this.#dropped = true;
  }

  #answer(code?: number, reason?: string): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#socket.close(code, reason);
    } catch {
      // Outside of a Durable Object another request may not touch this socket.
    }
  }
}
