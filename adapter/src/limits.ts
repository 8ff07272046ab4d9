// Limits on what one client can cost the others: connections at a time, messages per second.
//
//   const limited = limitMessages(chat, { perSecond: 10, burst: 50, over: 'wait' });
//   const route = limitConnections<NodePlatform>(
//     () => accept(limited),
//     { key: (_request, { request }) => request.socket.remoteAddress ?? '', max: 20 },
//   );

import type { WebSock } from '@websock/spec';
import { LONGEST_DELAY, realTime } from './connection/clock.ts';
import { describe } from './describe.ts';
import { checkHandler } from './handler.ts';
import { refusal } from './handshake.ts';
import { OptionsReader } from './options.ts';
import { type Accepted, isAccepted, type RouteResult, withHandler } from './route.ts';
import { andThen, resultParts, WrappedState } from './wrapper.ts';

// ---- Connections ----

/** How {@link limitConnections} counts. */
export interface ConnectionLimit<Platform> {
  /**
   * Whose connection it would be: the connections with the same key share the limit. Called for each connection that the
   * route accepts.
   *
   * Beware of headers such as `X-Forwarded-For`: a client writes them as it likes. Read one only if every request passes a
   * proxy of yours that sets it, and then the part which that proxy wrote.
   */
  readonly key: (request: Request, platform: Platform) => string | PromiseLike<string>;
  /** The number of connections that one key may have open at a time. A whole number, at least 1. */
  readonly max: number;
}

/** What a limited route returns: what the route itself returns, or a 429. */
export type LimitedResult<Result> = Result | Response | Promise<Awaited<Result> | Response>;

/** After this time, in ms, an accepted request that has not become a connection no longer counts: its client has left. */
const OPENING_TIME = 10_000;

/**
 * The same route, except that it answers 429 (RFC 6585 §4) in place of accepting more than `max` connections of one key. A
 * connection counts from the moment when it is accepted to its end (`mailbox.signal`); a callback that is still pending
 * then does not prolong it. A process counts its own connections.
 *
 * Throws a TypeError for an invalid option. A key that is no string is a failure of the route (500).
 *
 * @param route - decides as before; what it refuses does not count
 */
export function limitConnections<Platform, Result extends RouteResult | PromiseLike<RouteResult>>(
  route: (request: Request, platform: Platform) => Result,
  options: ConnectionLimit<Platform>,
): (request: Request, platform: Platform) => LimitedResult<Result> {
  if (typeof route !== 'function') {
    throw new TypeError(`limitConnections: the route is ${describe(route)}; pass a function`);
  }
  const reader = new OptionsReader('limitConnections', options, ['key', 'max']);
  const key = reader.required('key', isFunction<typeof options.key>, 'a function (request, platform) => string');
  const max = reader.required('max', isCount, 'a whole number of connections, at least 1');
  const counter = new ConnectionCounter(max);

  return (request, platform) =>
    andThen<RouteResult, RouteResult>(route(request, platform), (result) => {
      if (!isAccepted(result) || refusal(request)) return result;
      return andThen(key(request, platform), (of) => counter.admit(of, result));
    }) as LimitedResult<Result>;
}

/** One connection that counts. */
interface Counted {
  readonly key: string;
  /** When it no longer counts unless it has opened. */
  readonly openBy: number;
}

class ConnectionCounter {
  readonly #max: number;
  readonly #counts = new Map<string, number>();
  /** Accepted, but not open yet, the oldest first. A list that each request cleans needs no timers. */
  readonly #opening = new Set<Counted>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Accepts the connection, or answers 429. */
  admit(key: unknown, accepted: Accepted): Accepted | Response {
    if (typeof key !== 'string') {
      throw new TypeError(`limitConnections: the key is ${describe(key)}; it must be a string, such as an address`);
    }
    this.#forgetUnopened();
    if (!this.#add(key)) return new Response('Too Many Requests\n', { status: 429 });
    const counted: Counted = { key, openBy: realTime.now() + OPENING_TIME };
    this.#opening.add(counted);
    return withHandler(accepted, this.#counting(accepted.handler, counted));
  }

  /** The handler, for this one connection. */
  #counting(handler: WebSock.Any, counted: Counted): WebSock.Any {
    let isRefused = false;
    return {
      init: (arg, mailbox) => {
        isRefused = !this.#opened(counted);
        if (isRefused) return { type: 'stop', state: undefined, close: { code: 1008 } };
        onEnd(mailbox, () => this.#remove(counted.key));
        return handler.init(arg, mailbox);
      },
      handleIn: (frame, state) => handler.handleIn(frame, state),
      handleInfo: (info, state) => handler.handleInfo(info, state),
      handleControl: handler.handleControl && ((frame, state) => handler.handleControl?.(frame, state) as never),
      terminate: (reason, state) => (isRefused ? undefined : handler.terminate?.(reason, state)),
    };
  }

  /** Whether the connection may open: after its time, it counts as a new one. */
  #opened(counted: Counted): boolean {
    return this.#opening.delete(counted) || this.#add(counted.key);
  }

  #forgetUnopened(): void {
    const now = realTime.now();
    for (const counted of this.#opening) {
      if (counted.openBy > now) return;
      this.#opening.delete(counted);
      this.#remove(counted.key);
    }
  }

  #add(key: string): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (count >= this.#max) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  #remove(key: string): void {
    const count = (this.#counts.get(key) as number) - 1;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}

function onEnd({ signal }: WebSock.Mailbox<never>, run: () => void): void {
  if (signal.aborted) run();
  else signal.addEventListener('abort', run, { once: true });
}

// ---- Messages ----

/** How {@link limitMessages} counts. */
export interface MessageLimit {
  /** The number of messages per second that a client may send in the long run. More than 0; may be a fraction. */
  readonly perSecond: number;
  /** The number of messages that a client may send at once after a pause. A whole number, at least 1. */
  readonly burst: number;
  /**
   * What happens to the messages of a client that sends more.
   *
   * - `'wait'`: each waits for its time, and the server soon stops reading from the client (rule 5.1). Posted messages wait
   *   behind it. When the client has closed, nothing waits any more: up to `burst` messages of those that the server has read
   *   are handled, and further ones are discarded
   * - `'stop'`: the connection closes with 1008; `terminate` receives an error
   */
  readonly over: 'wait' | 'stop';
}

/**
 * The same handler, except that it limits the messages of each connection by a token bucket. Messages are calls of
 * `handleIn` and, if the handler has it, of `handleControl`.
 *
 * Throws a TypeError for an invalid handler or option.
 *
 * Between its callbacks a server keeps the handler's state in an object of the wrapper's own: call the callbacks through a
 * connection, such as that of `@websock/adapter/testing`, not by hand.
 */
export function limitMessages<Handler extends WebSock.Any>(handler: Handler, options: MessageLimit): Handler {
  checkHandler(handler, 'limitMessages');
  const reader = new OptionsReader('limitMessages', options, ['perSecond', 'burst', 'over']);
  const perSecond = reader.required('perSecond', isRate, 'a number of messages per second, more than 0');
  const burst = reader.required('burst', isCount, 'a whole number of messages, at least 1');
  const over = reader.required('over', isReaction, "'wait' or 'stop'");

  const rate: Rate = { perSecond, burst };
  const limited = (limit: Limited, call: (state: unknown) => unknown): any => {
    const { state, own, mailbox } = limit;
    if (take(own, rate)) return keep(limit, call(state));
    if (over === 'wait') {
      return waitForToken(own, rate, mailbox).then((isTurn) =>
        isTurn ? keep(limit, call(state)) : { type: 'ok', state: limit },
      );
    }
    const error = new Error(`the client sent more than ${perSecond} messages per second`);
    return { type: 'stop', state: limit, reason: { error }, close: { code: 1008 } };
  };
  const callbacks: WebSock.Any = {
    init: (arg, mailbox): any =>
      keep(new WrappedState(undefined, fullBucket(rate), mailbox), handler.init(arg, mailbox)),
    handleIn: (frame, limit: any) => limited(limit, (state) => handler.handleIn(frame, state)),
    handleInfo: (info, limit: any) => keep(limit, handler.handleInfo(info, limit.state)),
    handleControl:
      handler.handleControl &&
      ((frame, limit: any) => limited(limit, (state) => handler.handleControl?.(frame, state))),
    terminate: handler.terminate && ((reason, limit: any) => handler.terminate?.(reason, limit.state)),
  };
  return withCallbacks(handler, callbacks);
}

type Limited = WrappedState<Bucket>;

/** A result of the handler, with its state in one of the wrapper. */
function keep({ own, mailbox }: Limited, result: unknown): any {
  return andThen(result, (value) => {
    const parts = resultParts(value);
    return parts ? { ...parts, state: new WrappedState(parts.state, own, mailbox) } : value;
  });
}

/** How buckets fill. */
interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** A token bucket: holds at most `burst` tokens, gets `perSecond` of them, and gives one for each message. */
interface Bucket {
  tokens: number;
  /** By the monotonic clock; on Cloudflare, where a connection may go on in another process, this is the time since 1970. */
  filledAt: number;
  isClosed: boolean;
}

const fullBucket = ({ burst }: Rate): Bucket => ({ tokens: burst, filledAt: realTime.now(), isClosed: false });

/** Takes a token, if there is one. */
function take(bucket: Bucket, { perSecond, burst }: Rate): boolean {
  const now = realTime.now();
  const added = (Math.max(now - bucket.filledAt, 0) / 1_000) * perSecond;
  bucket.tokens = Math.min(burst, bucket.tokens + added);
  bucket.filledAt = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

/** Takes a token as soon as there is one. After the end of the connection, only if there is one in a last full bucket. */
async function waitForToken(bucket: Bucket, rate: Rate, mailbox: WebSock.Mailbox<never>): Promise<boolean> {
  while (!bucket.isClosed) {
    await untilToken(bucket, rate, mailbox);
    if (mailbox.signal.aborted) {
      bucket.isClosed = true;
      const { cause } = mailbox.signal.reason as { readonly cause: WebSock.CloseReason };
      if (cause.type === 'remote') bucket.tokens = rate.burst;
    }
    if (take(bucket, rate)) return true;
  }
  return false;
}

/** Settles when the next token is there, or at the end of the connection. */
function untilToken({ tokens }: Bucket, { perSecond }: Rate, { signal }: WebSock.Mailbox<never>): Promise<void> {
  const delay = Math.min(Math.ceil(((1 - tokens) / perSecond) * 1_000), LONGEST_DELAY);
  return new Promise((resolve) => {
    const done = () => {
      realTime.stop(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = realTime.start(done, delay);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

// ---- What both use ----

/** The handler with other callbacks. Anything else of it is its own: its methods keep their `this`, also private members. */
function withCallbacks<Handler extends WebSock.Any>(handler: Handler, callbacks: WebSock.Any): Handler {
  const target: Handler = Object.create(handler, Object.getOwnPropertyDescriptors(callbacks));
  return new Proxy(target, {
    get(_target, name) {
      if (Object.hasOwn(target, name)) return target[name as keyof Handler];
      const value = Reflect.get(handler, name, handler);
      return typeof value === 'function' ? value.bind(handler) : value;
    },
    set: (_target, name, value) => Reflect.set(handler, name, value, handler),
  });
}

const isFunction = <Wanted>(value: unknown): value is Wanted => typeof value === 'function';
const isCount = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 1;
const isRate = (value: unknown): value is number => Number.isFinite(value) && Number(value) > 0;
const isReaction = (value: unknown): value is MessageLimit['over'] => value === 'wait' || value === 'stop';
