// WebSock on crossws, and so on whatever runs crossws: h3, Nitro, srvx.
//
//   const hooks = toHooks((request) => accept(chat, arg));
//   app.get('/chat', defineWebSocketHandler(hooks));    // h3 and Nitro
//   serve({ websocket: hooks, fetch });                 // crossws/server
//   nodeAdapter({ hooks, idleTimeout: 0 });             // crossws by itself
//   await hooks.shutdown();
//
// crossws closes silent clients by a clock of its own; switch that off with `idleTimeout: 0`, or its pings and closes come
// before those of a connection's `idleTimeout`.

import type { WebSock } from '@websock/spec';
import { type AcceptedUpgrade, Adapter, type AdapterOptions, checkRoute, type Decision, notFound } from './adapter.ts';
import type { Cannot } from './capabilities.ts';
import { Connection } from './connection/connection.ts';
import type { Connections, ShutdownOptions } from './connection/connections.ts';
import type { Wire } from './connection/wire.ts';
import { subprotocol } from './handshake.ts';
import type { Route } from './route.ts';

export * from './index.ts';

/** What crossws 0.4 cannot do on Node.js, where it can do most. */
export const cannot: Cannot = {
  rejectsHttp10: 'crossws does not show the version of HTTP',
  canSkipUtf8Validation: 'crossws has one setting for all connections: the option skipUTF8Validation of ws',
  largeMessages: 'crossws has one limit for all connections: the option maxPayload of ws',
  sendsControlFrames: 'crossws can send pings, but no pongs; they are left out',
  idleCountsFragments: 'crossws shows whole messages only',
  seesCloseFrames: 'crossws shows them when the socket is gone',
  pausesReading: 'crossws cannot stop reading; a bounded number of messages waits',
  seesSendProgress: 'crossws shows progress by whole messages only',
};

/** What a route receives on crossws beside the request. */
export interface CrosswsPlatform {
  /** What a framework keeps for the request, such as `event.context` of h3; `undefined` where there is none. */
  readonly context: Record<string, unknown> | undefined;
}

/** Of crossws's `Peer`, what is used here. */
export interface CrosswsPeer {
  readonly context: object;
  readonly bufferedAmount: number;
  readonly websocket: { binaryType?: any };
  send(data: unknown, options?: { compress?: boolean }): unknown;
  ping(data?: unknown): unknown;
  close(code?: number, reason?: string): void;
  terminate(): void;
}

/** Of crossws's `Message`, what is used here. */
export interface CrosswsMessage {
  readonly rawData: unknown;
  uint8Array(): Uint8Array;
}

/** Of what crossws passes to the hook `upgrade`, what is used here. */
export interface CrosswsRequest extends Request {
  readonly context?: Record<string, unknown>;
  readonly runtime?: unknown;
}

/** How a connection is opened; crossws keeps the context with it. */
export interface CrosswsUpgrade {
  readonly headers: [string, string][];
  readonly protocol?: string;
  readonly perMessageDeflate: boolean;
  readonly context: Record<string, unknown>;
}

/**
 * What {@link toHooks} returns: all of crossws's hooks, for `defineWebSocketHandler` of h3 and Nitro, `websocket` of
 * crossws/server, or `hooks` of one of crossws's adapters; and how to shut down.
 */
export interface CrosswsHooks {
  upgrade(request: CrosswsRequest): Response | CrosswsUpgrade | Promise<Response | CrosswsUpgrade>;
  open(peer: CrosswsPeer): void;
  message(peer: CrosswsPeer, message: CrosswsMessage): void;
  ping(peer: CrosswsPeer, data: Uint8Array): void;
  pong(peer: CrosswsPeer, data: Uint8Array): void;
  drain(peer: CrosswsPeer): void;
  error(peer: CrosswsPeer, error: Error): void;
  close(peer: CrosswsPeer, details: { readonly code?: number; readonly reason?: string }): void;
  /**
   * From now on requests are answered with 503 (rule 1.6), and every connection is closed with 1001 (rule 4.3). Settles
   * when all are over, or the bound has passed (rule 4.5). Close the server after it.
   */
  shutdown(options?: ShutdownOptions): Promise<void>;
}

/**
 * Hooks for crossws that ask the route about every upgrade. A request that the route wants nothing of is answered with
 * 404. Throws a TypeError for an invalid option.
 */
export function toHooks(route: Route<CrosswsPlatform>, options?: AdapterOptions): CrosswsHooks {
  checkRoute('toHooks', route);
  const adapter = new Adapter('toHooks', options);
  const { connections } = adapter;
  const key = Symbol('WebSock'); // what is found under it in a peer's context is from these hooks
  const linkOf = ({ context }: CrosswsPeer) => {
    const kept = (context as { [name: symbol]: unknown })[key];
    return kept instanceof Link ? kept : undefined;
  };
  return {
    upgrade(request) {
      survive(request);
      const answer = (decision: Decision) => {
        if (decision === undefined || decision instanceof Response) return decision ?? notFound(true);
        return acceptance(request, decision, key);
      };
      const decision = adapter.decide(route, request, { context: request.context });
      return decision instanceof Promise ? decision.then(answer) : answer(decision);
    },
    open(peer) {
      const context = peer.context as { [name: symbol]: unknown };
      const upgrade = context[key] as AcceptedUpgrade | undefined;
      if (upgrade) {
        const link = new Link(connections, peer, upgrade);
        context[key] = link;
        link.connection.open(upgrade.arg);
      } else {
        const lost = 'crossws has opened a connection without what its hook `upgrade` has returned';
        const remedy = 'pass all the hooks on together; on Cloudflare, use @websock/adapter/cloudflare';
        connections.report(new Error(`${lost}; ${remedy}`), { callback: 'server' });
        peer.close(1011);
      }
    },
    message: (peer, message) => linkOf(peer)?.received(message),
    ping: (peer, data) => linkOf(peer)?.connection.control({ opcode: 'ping', data: new Uint8Array(data) }),
    pong: (peer, data) => linkOf(peer)?.connection.control({ opcode: 'pong', data: new Uint8Array(data) }),
    drain: (peer) => linkOf(peer)?.connection.sent(),
    error: (peer, error) => linkOf(peer)?.failed(error),
    close: (peer, { code, reason }) => linkOf(peer)?.closed(code, reason),
    shutdown: (bounds) => adapter.shutdown(bounds),
  };
}

function acceptance(request: Request, upgrade: AcceptedUpgrade, key: symbol): CrosswsUpgrade {
  const { headers, protocol: wanted, compress } = upgrade.options;
  const protocol = subprotocol(request.headers.get('Sec-WebSocket-Protocol'), wanted);
  const lines = headers.map(([name, value]): [string, string] => [name, value]);
  // Without this header Bun would answer the first subprotocol that the client offers.
  if (onBun && protocol === undefined) lines.push(['Sec-WebSocket-Protocol', '']);
  return {
    headers: lines,
    ...(protocol === undefined ? undefined : { protocol }),
    perMessageDeflate: compress,
    context: { [key]: upgrade },
  };
}

/** Keeps a reset from ending the process, where the socket shows: at `upgrade`, Node.js has removed its own listener. */
function survive({ runtime }: CrosswsRequest): void {
  const { node } = (runtime ?? {}) as {
    node?: { req?: { socket?: { on(event: 'error', listener: () => void): unknown } } };
  };
  node?.req?.socket?.on('error', () => {});
}

const onBun = 'Bun' in globalThis;

/** What `send` returns on Bun, and on uWebSockets, for a message that is over their limit, which they then discard. */
const DISCARDED = onBun ? 0 : 2;

/** A peer and its connection. */
class Link implements Wire {
  readonly connection: Connection<any, any, any>;
  readonly ping?: () => void;
  readonly #peer: CrosswsPeer;
  readonly #compress: { readonly compress: boolean };
  #closed = false;
  #closing = false;
  /** The least that has waited since the close frame was handed over: nothing follows it. */
  #least = Number.POSITIVE_INFINITY;

  constructor(connections: Connections, peer: CrosswsPeer, { handler, options }: AcceptedUpgrade) {
    this.#peer = peer;
    this.#compress = { compress: options.compress };
    if (canPing(peer)) this.ping = () => void peer.ping();
    if (peer.websocket.binaryType === 'blob') peer.websocket.binaryType = 'arraybuffer'; // a blob's bytes come too late
    this.connection = new Connection(connections, this, handler, options);
  }

  // ---- What crossws calls ----

  received(message: CrosswsMessage): void {
    const { rawData } = message;
    this.connection.data(
      typeof rawData === 'string'
        ? { opcode: 'text', data: rawData }
        : { opcode: 'binary', data: new Uint8Array(message.uint8Array()) }, // copied: the platform's may be reused
    );
  }

  failed(error: Error): void {
    // Where errors are events, crossws has made their text of the event, and a reset is one, too.
    if (!error.message.startsWith('[object')) this.connection.failed(error, faultCode(error.message));
  }

  closed(code = 1006, reason = ''): void {
    this.#closed = true;
    if (code !== 1006) this.connection.closing(code, reason);
    else if (reason !== '') this.connection.failed(new Error(reason), faultCode(reason)); // Bun's word for a fault
    this.connection.gone();
  }

  // ---- What the connection calls ----

  send({ opcode, data = '' }: WebSock.Message): void {
    const peer = this.#peer;
    if (opcode === 'pong') return;
    if (opcode === 'ping') {
      if (this.ping) peer.ping(bytesOf(data));
    } else if (peer.send(bytesOf(data), this.#compress) === DISCARDED && peer.bufferedAmount > DISCARDED) {
      throw new Error('the platform has discarded a message: too much waits for the client (rule 5.2)');
    }
  }

  unsent(): number {
    const amount = this.#closed ? 0 : (this.#peer.bufferedAmount ?? 0);
    if (!this.#closing) return amount;
    this.#least = Math.min(this.#least, amount); // `ws` goes on counting answers to pings, which it does not send
    return this.#least;
  }

  close(code: number, reason: string): void {
    this.#closing = true;
    this.#peer.close(code, reason);
  }

  drop(): void {
    try {
      this.#peer.terminate();
    } catch {
      this.#peer.close(); // on Deno, whose sockets have no terminate
    }
  }
}

/** Whether a peer has a `ping` of its own; the one that all inherit writes a warning instead. */
function canPing(peer: CrosswsPeer): boolean {
  let base: Partial<CrosswsPeer> = peer;
  for (let next = base; next !== Object.prototype && next !== null; next = Object.getPrototypeOf(next)) base = next;
  return peer.ping !== base.ping;
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): string | Uint8Array {
  if (typeof data === 'string') return data;
  if (!ArrayBuffer.isView(data)) return new Uint8Array(data);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return data.buffer instanceof ArrayBuffer ? bytes : bytes.slice(); // Deno cannot send shared memory
}

/** The code of the close frame that `ws`, or Bun, sends for a fault of these words. */
function faultCode(words: string): number {
  if (/max payload|payload length >|too big message/i.test(words)) return 1009;
  if (/too many/i.test(words)) return 1008;
  // Words of `ws` name the frame, words of zlib do not.
  if (/UTF-8|compressed/i.test(words) || /^Error: (?!Invalid WebSocket)/.test(words)) return 1007;
  return 1002;
}
