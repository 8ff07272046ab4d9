// Connections whose Durable Object hibernates: Cloudflare removes it from memory while nothing happens, and keeps the
// sockets. What a connection needs to go on is attached to its socket.

import type { WebSock } from '@websock/spec';
import { type AcceptedUpgrade, Adapter, type AdapterOptions, checkRoute, withControls } from '../adapter.ts';
import { type Clock, realTime } from '../connection/clock.ts';
import { Connection } from '../connection/connection.ts';
import type { Connections, ShutdownOptions } from '../connection/connections.ts';
import { ConnectionMailbox } from '../connection/mailbox.ts';
import { describe } from '../describe.ts';
import { createFetchHandler, type FetchResultOf } from '../fetch/handler.ts';
import { chosenProtocol, handshakeHeaders } from '../fetch/messages.ts';
import { checkHandler } from '../handler.ts';
import type { ConnectionInfo } from '../observer.ts';
import { type CheckedOptions, checkOptions } from '../options.ts';
import type { Route } from '../route.ts';
import { WrappedState } from '../wrapper.ts';
import type { CloudflarePlatform } from './index.ts';
import { type CloudflareSocket, CloudflareWire, closeSocket, createPair } from './wire.ts';

/** The part of a Durable Object's `ctx` that hibernation uses. */
export interface HibernationContext {
  /** Keeps the object in memory until the promise settles. */
  waitUntil(promise: Promise<unknown>): void;
  /** Accepts a socket that stays while the object hibernates. */
  acceptWebSocket(socket: any, tags?: string[]): void;
  /** The sockets that were accepted, with a tag. */
  getWebSockets(tag?: string): object[];
  /** Sets the message that Cloudflare answers by itself. */
  setWebSocketAutoResponse(pair?: any): void;
  /** Delivers no event until the promise settles. */
  blockConcurrencyWhile(callback: () => Promise<unknown>): Promise<unknown>;
}

type StateOf<Handler> = Handler extends { handleIn(frame: any, state: infer State): unknown } ? State : never;
type InfoOf<Handler> = Handler extends { handleInfo(info: infer Info, state: any): unknown } ? Info : never;

/** How the state of a handler is saved, and restored in another object of the same class. */
export interface Hibernating<Handler> {
  /** The handler, which any number of connections share. */
  readonly handler: Handler;
  /**
   * What to save of a state: a value that can be cloned (structured clone), of at most about 16,000 bytes. Called with each
   * result, before its messages are sent.
   */
  readonly save: (state: StateOf<Handler>) => unknown;
  /**
   * Makes the state from what was saved. Called for all connections when the object has woken, before any event, so it may
   * subscribe the mailbox, which is that of the connection.
   */
  readonly restore: (saved: any, mailbox: WebSock.Mailbox<InfoOf<Handler>>) => StateOf<Handler>;
}

/** Whether values of a type can be cloned, as far as a type says: functions cannot, nor objects that have them. */
type IsCloneable<Value, Depth extends 0[] = []> = unknown extends Value
  ? true
  : Value extends (...args: any[]) => unknown
    ? false
    : Value extends Cloneable
      ? true
      : Depth['length'] extends 4
        ? true
        : Value extends object
          ? false extends { [Key in keyof Value]-?: IsCloneable<Value[Key], [...Depth, 0]> }[keyof Value]
            ? false
            : true
          : true;
type Cloneable =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Date
  | RegExp
  | ArrayBuffer
  | ArrayBufferView
  | ReadonlyMap<any, any>
  | ReadonlySet<any>
  | readonly any[];

/** A handler by itself, if its state can be cloned. */
type Alone<Handler> = Handler &
  (IsCloneable<StateOf<Handler>> extends true
    ? unknown
    : { readonly needs: 'save and restore, as its state has functions' });

/** Options of {@link createHibernation}. */
export interface HibernationOptions<Handlers extends { readonly [name: string]: WebSock.Any }> extends AdapterOptions {
  /**
   * The handlers that the route accepts, each with a name, by which it is found again: `{ member }`, or
   * `{ member: { handler: member, save, restore } }` if its state cannot be cloned. Do not rename one while it has
   * connections.
   */
  readonly handlers: { readonly [Name in keyof Handlers]: Hibernating<Handlers[Name]> | Alone<Handlers[Name]> };
  /**
   * A text message of the client that Cloudflare answers by itself, without waking the object: a ping of the application's
   * own. The handler receives neither. Default: none.
   */
  readonly autoResponse?: { readonly request: string; readonly response: string } | undefined;
}

/** What {@link createHibernation} returns: what the methods of the Durable Object call. */
export interface Hibernation<Handlers extends { readonly [name: string]: WebSock.Any }, Result> {
  /** For `fetch`. */
  readonly fetch: (request: Request, env?: any) => Result;
  /** For `webSocketMessage`. */
  readonly webSocketMessage: (socket: any, data: string | ArrayBuffer) => void;
  /** For `webSocketClose`. */
  readonly webSocketClose: (socket: any, code: number, reason: string, wasClean: boolean) => void;
  /** For `webSocketError`. */
  readonly webSocketError: (socket: any, error: unknown) => void;
  /**
   * The mailboxes of all open connections, or of those of one handler, also of connections that were suspended: in place of
   * a list in memory, which hibernation would lose.
   */
  readonly mailboxes: <Name extends keyof Handlers = keyof Handlers>(
    handler?: Name,
  ) => WebSock.Mailbox<InfoOf<Handlers[Name]>>[];
  /** Answers new requests with 503 (rule 1.6), and closes every connection with 1001 (rule 4.3o), also suspended ones. */
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
  /** The number of connections in memory: after waking, those that have been used. */
  readonly connections: number;
}

/** What is attached to a socket. */
interface Attachment {
  /** The name of the handler. */
  readonly websock: string;
  readonly maxMessageSize: number;
  readonly info: Omit<ConnectionInfo, 'arg'>;
  /** What was saved of the state; missing until `init` has returned one. */
  readonly saved?: unknown;
  /** The states of the wrappers of the handler, the innermost first; missing if there are none. */
  readonly wrappers?: readonly unknown[];
  /** Whether the connection has ended: the socket may stay until the client closes it. */
  readonly ended?: true;
}

function isSaved(attached: Partial<Attachment>): attached is Attachment {
  return 'saved' in attached;
}

/** The tag of the sockets of a handler, so that a program's own sockets are left alone. */
const tagOf = (name: string) => `websock:${name}`;

/**
 * Serves WebSockets from a Durable Object that hibernates:
 *
 *     export class Room extends DurableObject {
 *       sockets = createHibernation(this.ctx, (request) => accept(member, arg), { handlers: { member } });
 *       fetch(request) { return this.sockets.fetch(request); }
 *       webSocketMessage(socket, data) { return this.sockets.webSocketMessage(socket, data); }
 *       webSocketClose(...args) { return this.sockets.webSocketClose(...args); }
 *       webSocketError(...args) { return this.sockets.webSocketError(...args); }
 *     }
 *
 * After each callback the state is saved, then messages are sent (rule 7.2). When the object wakes, the next callback
 * receives the restored state; `init` is not called again (rule 7.3).
 *
 * Throws a TypeError for an invalid option.
 */
export function createHibernation<
  OwnRoute extends Route<CloudflarePlatform<any>>,
  Handlers extends { readonly [name: string]: WebSock.Any },
>(
  ctx: HibernationContext,
  route: OwnRoute,
  options: HibernationOptions<Handlers>,
): Hibernation<Handlers, FetchResultOf<OwnRoute>> {
  checkContext(ctx);
  checkRoute('createHibernation', route);
  const clock = new SleepyClock();
  const adapter = new Adapter('createHibernation', options, ['handlers', 'autoResponse'], clock);
  const kinds = readHandlers(adapter);
  setAutoResponse(ctx, adapter);
  const { connections } = adapter;
  /** The connections in memory. */
  const known = new WeakMap<object, HibernatingConnection>();
  let isAwake = false;

  /** The connection of a socket; `undefined` if it has ended, or is not of these handlers. */
  function connectionOf(socket: CloudflareSocket): HibernatingConnection | undefined {
    const found = known.get(socket);
    if (found) return found;
    const attached = socket.deserializeAttachment() as Partial<Attachment> | null;
    if (typeof attached?.websock !== 'string' || attached.ended) return undefined;
    const kind = kinds.get(attached.websock);
    if (!kind || !isSaved(attached)) {
      const why = kind ? 'its state had not been saved' : `there is no handler "${attached.websock}" any more`;
      connections.report(new Error(`a connection cannot go on: ${why}`), { callback: 'restore' });
      closeSocket(socket, 1011);
      return undefined;
    }
    const connection = new HibernatingConnection(connections, new HibernatingWire(ctx, socket, kind, attached), kind, {
      ...checkOptions(undefined),
      maxMessageSize: attached.maxMessageSize,
    });
    known.set(socket, connection);
    connection.awaken(attached);
    return connection;
  }

  function socketsOf(name: string): CloudflareSocket[] {
    return ctx.getWebSockets(tagOf(name)) as CloudflareSocket[];
  }

  /** When the object has been constructed anew: states that need restoring are restored, as they may join rooms again. */
  function wake(): void {
    if (isAwake) return;
    isAwake = true;
    for (const [name, { restore }] of kinds) {
      if (restore) for (const socket of socketsOf(name)) connectionOf(socket);
    }
  }

  // Before the first event, which may be one that calls nothing here, such as an alarm that publishes to those rooms. A
  // microtask later, as fields of the object may be set by then, and what its constructor loads in the same way comes first.
  queueMicrotask(() => ctx.blockConcurrencyWhile(async () => wake()));

  const handle = createFetchHandler<CloudflarePlatform<any>>(adapter, route, (request, _platform, upgrade) => {
    const { handler, arg, options, context } = upgrade;
    const kind = [...kinds.values()].find((each) => each.handler === handler);
    const refused = refusedOptions(kind, options);
    if (refused || !kind) return adapter.failed(new TypeError(refused), 'route');
    const protocol = chosenProtocol(request, options);
    const headers = new Headers(handshakeHeaders(options, protocol));
    if (!options.compress) headers.set('Sec-WebSocket-Extensions', 'none'); // or workerd would agree to compress
    const { webSocket, socket } = createPair();
    const info = { id: crypto.randomUUID(), protocol, openedAt: Date.now() };
    const wire = new HibernatingWire(ctx, socket, kind, {
      websock: kind.name,
      maxMessageSize: options.maxMessageSize,
      info,
    });
    const connection = new HibernatingConnection(connections, wire, kind, options, context);
    ctx.acceptWebSocket(socket, [tagOf(kind.name)]);
    known.set(socket, connection);
    connection.open(arg, protocol, info.id);
    return new Response(null, { status: 101, headers, webSocket } as ResponseInit);
  });

  const hibernation = {
    fetch(request: Request, env?: unknown) {
      wake();
      return handle(request, { env, ctx }) as FetchResultOf<OwnRoute>;
    },
    webSocketMessage(socket: CloudflareSocket, data: string | ArrayBuffer): void {
      wake();
      connectionOf(socket)?.wire.received(data);
    },
    webSocketClose(socket: CloudflareSocket, code: number, reason: string, wasClean: boolean): void {
      wake();
      const connection = connectionOf(socket);
      if (connection) connection.wire.closed({ code, reason, wasClean });
      else closeSocket(socket);
    },
    webSocketError(socket: CloudflareSocket, error: unknown): void {
      wake();
      connectionOf(socket)?.wire.failed(String((error as Error | undefined)?.message ?? error));
    },
    mailboxes(handler?: PropertyKey) {
      wake();
      if (handler !== undefined && !kinds.has(handler as string)) {
        const names = [...kinds.keys()].join(', ');
        throw new TypeError(`mailboxes: there is no handler ${describe(handler)}; the handlers are ${names}`);
      }
      const names = handler === undefined ? [...kinds.keys()] : [handler as string];
      return names.flatMap((name) => socketsOf(name).flatMap((socket) => connectionOf(socket)?.openMailbox ?? []));
    },
  };
  const shutdown = async (shutdownOptions?: ShutdownOptions) => {
    for (const name of kinds.keys()) for (const socket of socketsOf(name)) connectionOf(socket);
    clock.runs = true;
    await adapter.shutdown(shutdownOptions);
  };
  return withControls(adapter, hibernation, shutdown) as Hibernation<Handlers, FetchResultOf<OwnRoute>>;
}

/** A handler with its name. */
interface Kind {
  readonly name: string;
  readonly handler: WebSock.Any;
  readonly save: ((state: any) => unknown) | undefined;
  readonly restore: ((saved: unknown, mailbox: WebSock.Mailbox<any>) => unknown) | undefined;
}

function readHandlers({ options }: Adapter): ReadonlyMap<string, Kind> {
  const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
    typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  const handlers = options.required('handlers', isObject, 'an object with the handlers that the route accepts');
  const kinds = new Map<string, Kind>();
  for (const [name, value] of Object.entries(handlers)) {
    const caller = `createHibernation: handlers.${name}`;
    const isKind = typeof value === 'object' && value !== null && 'handler' in value;
    const { handler, save, restore } = (isKind ? value : { handler: value }) as Omit<Kind, 'name'>;
    checkHandler(handler, caller);
    for (const [what, given] of Object.entries({ save, restore })) {
      if (given === undefined || typeof given === 'function') continue;
      throw new TypeError(`${caller}.${what} is ${describe(given)}; it must be a function`);
    }
    if (!save !== !restore) {
      throw new TypeError(`${caller} has only one of save and restore; give both, or none to save the state itself`);
    }
    kinds.set(name, { name, handler, save, restore });
  }
  return kinds;
}

declare const WebSocketRequestResponsePair: new (request: string, response: string) => object;

function setAutoResponse(ctx: HibernationContext, { options }: Adapter): void {
  const isPair = (value: any): value is { readonly request: string; readonly response: string } =>
    typeof value?.request === 'string' && typeof value.response === 'string';
  const pair = options.option('autoResponse', isPair, "{ request, response }, two texts, such as 'ping' and 'pong'");
  if (pair) ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(pair.request, pair.response));
}

function checkContext(ctx: Partial<HibernationContext> | undefined): void {
  if (typeof ctx?.acceptWebSocket === 'function' && typeof ctx.getWebSockets === 'function') return;
  const remedy = 'pass the ctx of the Durable Object, which its constructor receives';
  throw new TypeError(`createHibernation: the context is ${describe(ctx)}; ${remedy}`);
}

/** Why a connection cannot hibernate, if so. */
function refusedOptions(kind: Kind | undefined, { idleTimeout }: CheckedOptions): string | undefined {
  if (!kind)
    return 'the route accepted a handler that is not in the option "handlers" of createHibernation; name it there (limitConnections does not work here)';
  if (idleTimeout === undefined || idleTimeout === Number.POSITIVE_INFINITY) return undefined;
  return `the option "idleTimeout" is ${idleTimeout}, but a timer would keep the object awake; leave it out (rule 7.4)`;
}

class HibernatingConnection extends Connection<any, any, any> {
  readonly wire: HibernatingWire;
  readonly mailbox: WebSock.Mailbox<any> = new ConnectionMailbox(this);
  readonly #kind: Kind;

  constructor(
    connections: Connections,
    wire: HibernatingWire,
    kind: Kind,
    options: CheckedOptions,
    context?: AcceptedUpgrade['context'],
  ) {
    super(connections, wire, kind.handler, { ...options, idleTimeout: Number.POSITIVE_INFINITY }, context);
    this.wire = wire;
    this.#kind = kind;
    wire.serve(this);
  }

  /** The mailbox, unless the connection has ended. */
  get openMailbox(): WebSock.Mailbox<any> | undefined {
    return this.wire.hasEnded ? undefined : this.mailbox;
  }

  /** Goes on with what was saved. */
  awaken({ saved, wrappers = [], info }: Attachment): void {
    const { restore } = this.#kind;
    const wrap = (state: unknown, own: unknown) => new WrappedState(state, own, this.mailbox);
    this.resume(() => wrappers.reduce(wrap, restore ? restore(saved, this.mailbox) : saved), {
      ...info,
      arg: undefined,
    });
  }
}

/** A socket that stays while its object hibernates. */
class HibernatingWire extends CloudflareWire {
  readonly #ctx: HibernationContext;
  readonly #kind: Kind;
  #attachment: Attachment;

  constructor(ctx: HibernationContext, socket: CloudflareSocket, kind: Kind, attachment: Attachment) {
    super(socket);
    this.#ctx = ctx;
    this.#kind = kind;
    this.#attachment = attachment;
  }

  get hasEnded(): boolean {
    return this.#attachment.ended === true;
  }

  pending(result: PromiseLike<unknown>): void {
    this.#ctx.waitUntil(Promise.resolve(result).catch(() => {})); // what it rejects with is reported elsewhere
  }

  save(state: unknown): void {
    const { name, save } = this.#kind;
    const wrappers: unknown[] = [];
    let inner = state;
    for (; inner instanceof WrappedState; inner = inner.state) wrappers.unshift(inner.own);
    try {
      const saved = save ? save(inner) : inner;
      this.#attach({ ...this.#attachment, saved, ...(wrappers.length > 0 && { wrappers }) });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const remedy =
        'save what can be cloned, of at most 16,384 bytes with what the adapter adds: see save and restore';
      throw new TypeError(`the state of the handler "${name}" cannot be saved: ${why}; ${remedy} (rule 7.2)`, {
        cause,
      });
    }
  }

  override closed(event: Parameters<CloudflareWire['closed']>[0]): void {
    this.#end();
    super.closed(event);
  }

  override failed(message?: string): void {
    this.#end();
    super.failed(message);
  }

  override close(code: number, reason: string): void {
    this.#end();
    super.close(code, reason);
  }

  /** From now on no other object goes on with this connection. */
  #end(): void {
    const { saved: _, wrappers: __, ...rest } = this.#attachment;
    this.#attach({ ...rest, ended: true });
  }

  #attach(attachment: Attachment): void {
    this.socket.serializeAttachment(attachment);
    this.#attachment = attachment;
  }
}

/** A clock without timers, which would keep the object awake; in a shutdown it runs. */
class SleepyClock implements Clock {
  runs = false;

  now(): number {
    return realTime.now();
  }

  start(run: () => void, delay: number): unknown {
    return this.runs ? realTime.start(run, delay) : undefined;
  }

  stop(timer: unknown): void {
    realTime.stop(timer);
  }
}
