// WebSock on crossws, and so on the servers that use it: h3, Nitro, srvx.
//
//   const hooks = toHooks((request) => accept(chat, arg));
//   app.get('/chat', defineWebSocketHandler(hooks));    // h3 and Nitro
//   serve({ websocket: hooks, fetch });                 // crossws/server
//   nodeAdapter({ hooks, idleTimeout: 0 });             // crossws by itself
//   await hooks.shutdown();
//
// crossws has an idle timeout of its own: disable it with `idleTimeout: 0`, or it pings and closes before the `idleTimeout`
// of a connection does.

import type { WebSock } from '@websock/spec';
import {
  type AcceptedUpgrade,
  Adapter,
  type AdapterOptions,
  type Controls,
  checkRoute,
  type Decision,
  notFound,
  withControls,
} from './adapter.ts';
import type { Cannot } from './capabilities.ts';
import { Connection } from './connection/connection.ts';
import type { Connections, ShutdownOptions } from './connection/connections.ts';
import type { Wire } from './connection/wire.ts';
import { faultOf } from './fetch/faults.ts';
import { chosenProtocol, dataFrame, handshakeHeaders, unshared } from './fetch/messages.ts';
import { guardBody } from './response.ts';
import type { Route } from './route.ts';
import { unsentBytes } from './unsent.ts';

export * from './index.ts';

/** What crossws 0.4 cannot do on Node.js, where it can do the most. */
export const cannot: Cannot = {
  rejectsHttp10: 'crossws does not show the version of HTTP',
  canSkipUtf8Validation: 'crossws has one setting for all connections: the option skipUTF8Validation of ws',
  largeMessages: 'crossws has one limit for all connections: the option maxPayload of ws',
  sendsControlFrames: 'crossws can send pings, but no pongs; they are left out',
  idleCountsFragments: 'crossws shows whole messages only',
  seesCloseFrames: 'crossws shows them when the socket is gone',
  pausesReading: 'crossws cannot stop reading; a bounded number of messages waits',
};

/** What a route receives on crossws in addition to the request. */
export interface CrosswsPlatform {
  /** The framework's data for the request, such as `event.context` of h3; `undefined` if there is none. */
  readonly context: Record<string, unknown> | undefined;
}

/** The part of crossws's `Peer` that the hooks use. */
export interface CrosswsPeer {
  readonly context: object;
  readonly bufferedAmount: number;
  readonly websocket: { binaryType?: any };
  send(data: unknown, options?: { compress?: boolean }): unknown;
  ping(data?: unknown): unknown;
  close(code?: number, reason?: string): void;
  terminate(): void;
}

/** The part of crossws's `Message` that the hooks use. */
export interface CrosswsMessage {
  readonly rawData: unknown;
  uint8Array(): Uint8Array;
}

/** The part of a request that the hook `upgrade` uses. */
export interface CrosswsRequest extends Request {
  readonly context?: Record<string, unknown>;
  readonly runtime?: unknown;
}

/** How to open a connection; crossws keeps the context with it. */
export interface CrosswsUpgrade {
  readonly headers: [string, string][];
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
   * Answers new requests with 503 (rule 1.6), and closes every connection with 1001 (rule 4.3). Settles when all have
   * ended, or at its time limit (rule 4.5). Close the server after it.
   */
  shutdown(options?: ShutdownOptions): Promise<void>;
  /** The number of connections: those whose socket is open, or whose handler has not finished. */
  readonly connections: number;
}

/**
 * Hooks for crossws that ask the route about every upgrade, and answer with 404 if it declines. Throws a TypeError for an
 * invalid option.
 */
export function toHooks(route: Route<CrosswsPlatform>, options?: AdapterOptions): CrosswsHooks {
  checkRoute('toHooks', route);
  const adapter = new Adapter('toHooks', options);
  const { connections } = adapter;
  const report = (error: unknown) => connections.report(error, { callback: 'route' });
  const key = Symbol('WebSock'); // of a peer's context: only these hooks write there
  const wireOf = ({ context }: CrosswsPeer) => {
    const value = (context as { [name: symbol]: unknown })[key];
    return value instanceof CrosswsWire ? value : undefined;
  };
  const refuse = (request: Request, response: Response) => {
    adapter.refused(request.url, response.status);
    return response;
  };
  const hooks: Omit<CrosswsHooks, keyof Controls> = {
    upgrade(request) {
      ignoreSocketErrors(request);
      const respond = (decision: Decision) => {
        if (decision === undefined) return refuse(request, notFound(true));
        // Its body may only end: an error would go from crossws to the process.
        if (decision instanceof Response) return guardBody(refuse(request, decision), report, true);
        setTimeout(adapter.awaitOpening(), 0); // it opens soon, or never
        return upgradeOf(request, decision, key);
      };
      const decision = adapter.decide(route, request, { context: request.context });
      return decision instanceof Promise ? decision.then(respond) : respond(decision);
    },
    open(peer) {
      const context = peer.context as { [name: symbol]: unknown };
      const upgrade = context[key] as Opening | undefined;
      if (upgrade) {
        const wire = new CrosswsWire(connections, peer, upgrade);
        context[key] = wire;
        wire.connection.open(upgrade.arg, upgrade.protocol);
      } else {
        const lost = 'crossws opened a connection without the context that the hook `upgrade` returned';
        const remedy = 'pass all the hooks on together; on Cloudflare, use @websock/adapter/cloudflare';
        connections.report(new Error(`${lost}; ${remedy}`), { callback: 'server' });
        peer.close(1011);
      }
    },
    message: (peer, message) => wireOf(peer)?.received(message),
    ping: (peer, data) => wireOf(peer)?.connection.control({ opcode: 'ping', data: new Uint8Array(data) }),
    pong: (peer, data) => wireOf(peer)?.connection.control({ opcode: 'pong', data: new Uint8Array(data) }),
    drain: (peer) => wireOf(peer)?.connection.sent(),
    error: (peer, error) => wireOf(peer)?.failed(error),
    close: (peer, { code, reason }) => wireOf(peer)?.closed(code, reason),
  };
  return withControls(adapter, hooks);
}

/** A connection that crossws is about to open. */
interface Opening extends AcceptedUpgrade {
  readonly protocol: string | undefined;
}

function upgradeOf(request: Request, upgrade: AcceptedUpgrade, key: symbol): CrosswsUpgrade {
  const protocol = chosenProtocol(request, upgrade.options);
  const opening: Opening = { ...upgrade, protocol };
  return {
    headers: handshakeHeaders(upgrade.options, protocol, onBun),
    perMessageDeflate: upgrade.options.compress,
    context: { [key]: opening },
  };
}

/** A reset would end the process: before `upgrade`, Node.js removes its own listener of errors from the socket. */
function ignoreSocketErrors({ runtime }: CrosswsRequest): void {
  const { node } = (runtime ?? {}) as {
    node?: { req?: { socket?: { on(event: 'error', listener: () => void): unknown } } };
  };
  node?.req?.socket?.on('error', () => {});
}

const onBun = 'Bun' in globalThis;

/** What `send` returns on Bun, and on uWebSockets, when it discards a message because too much data is unsent. */
const DISCARDED = onBun ? 0 : 2;

/** A peer and its connection. */
class CrosswsWire implements Wire {
  readonly connection: Connection<any, any, any>;
  readonly ping?: () => void;
  readonly coarseUnsent: boolean;
  readonly #peer: CrosswsPeer;
  readonly #compress: { readonly compress: boolean };
  /** The socket below, on Node.js. */
  readonly #socket: unknown;
  #closed = false;
  #closing = false;
  /** The smallest backlog since the close frame: nothing is sent after it. */
  #leastUnsent = Number.POSITIVE_INFINITY;

  constructor(connections: Connections, peer: CrosswsPeer, { handler, options, context }: AcceptedUpgrade) {
    this.#peer = peer;
    this.#compress = { compress: options.compress };
    this.#socket = (peer.websocket as { readonly _socket?: unknown })._socket;
    this.coarseUnsent = this.#socket === undefined && !onBun;
    if (canPing(peer)) this.ping = () => void peer.ping();
    if (peer.websocket.binaryType === 'blob') peer.websocket.binaryType = 'arraybuffer'; // reading a blob is asynchronous
    this.connection = new Connection(connections, this, handler, options, context);
  }

  // ---- What crossws calls ----

  received(message: CrosswsMessage): void {
    const { rawData } = message;
    // Copied, as the platform may reuse its memory (rule 2.7).
    this.connection.data(dataFrame(typeof rawData === 'string' ? rawData : new Uint8Array(message.uint8Array())));
  }

  failed(error: Error): void {
    // Where errors are events, crossws makes the message from the event; a reset is such an event too.
    if (!error.message.startsWith('[object')) this.#fail(error);
  }

  closed(code = 1006, reason = ''): void {
    this.#closed = true;
    if (code !== 1006) this.connection.closing(code, reason);
    else if (reason !== '') this.#fail(new Error(reason)); // only Bun gives a reason with 1006
    this.connection.gone();
  }

  #fail(error: Error): void {
    const { code, rule } = faultOf(error.message);
    this.connection.failed(error, code, rule);
  }

  // ---- What the connection calls ----

  send({ opcode, data = '' }: WebSock.Message): void {
    const peer = this.#peer;
    if (opcode === 'pong') return;
    if (opcode === 'ping') {
      if (this.ping) peer.ping(textOrBytes(data));
    } else if (peer.send(textOrBytes(data), this.#compress) === DISCARDED && peer.bufferedAmount > DISCARDED) {
      throw new Error('the platform discarded a message, as too much data for the client is unsent (rule 5.2)');
    }
  }

  unsent(): number {
    const amount = this.#closed ? 0 : unsentBytes(this.#peer.bufferedAmount ?? 0, this.#socket);
    if (!this.#closing) return amount;
    this.#leastUnsent = Math.min(this.#leastUnsent, amount); // `ws` counts answers to pings that it no longer sends
    return this.#leastUnsent;
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

/** Whether a peer has a `ping` of its own; the inherited one only writes a warning. */
function canPing(peer: CrosswsPeer): boolean {
  let base: Partial<CrosswsPeer> = peer;
  for (let next = base; next !== Object.prototype && next !== null; next = Object.getPrototypeOf(next)) base = next;
  return peer.ping !== base.ping;
}

/** Data that `peer.send` sends as it is: text, or a `Uint8Array`. */
function textOrBytes(data: string | ArrayBuffer | ArrayBufferView): string | Uint8Array {
  const own = unshared(data);
  if (typeof own === 'string') return own;
  return ArrayBuffer.isView(own) ? new Uint8Array(own.buffer, own.byteOffset, own.byteLength) : new Uint8Array(own);
}
