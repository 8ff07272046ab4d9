// The adapter, which all platforms share: the options, the route and the connections of one server. Nothing is global.

import type { WebSock } from '@websock/spec';
import { type Clock, LONGEST_DELAY } from './connection/clock.ts';
import { Connections, type ShutdownOptions } from './connection/connections.ts';
import { type AsyncContext, saveContext } from './connection/context.ts';
import { isThenable } from './connection/results.ts';
import { describe } from './describe.ts';
import { checkHandler } from './handler.ts';
import { refusal } from './handshake.ts';
import { checkObserver, type Observer } from './observer.ts';
import type { Bounds } from './options.ts';
import {
  type CheckedOptions,
  checkOptions,
  checkShutdown,
  OptionsReader,
  readBounds,
  SERVER_OPTION_NAMES,
} from './options.ts';
import type { ErrorContext } from './report.ts';
import { unsendable } from './response.ts';
import { contextOf, isAccepted, type Route, type RouteResult } from './route.ts';
import { RouteCall } from './route-call.ts';

/** The options of an adapter, for all its connections. */
export interface AdapterOptions extends Bounds {
  /**
   * Receives each error of a route, a callback or the server once, with its source (rule 4.4). If `onError` itself throws
   * or rejects, both errors are written to the console, and no connection is affected. Default: `console.error`.
   */
  readonly onError?: ((error: unknown, context: ErrorContext) => unknown) | undefined;
  /**
   * Receives what happens to the connections, for metrics, traces and logs. Default: none.
   */
  readonly observer?: Observer | undefined;
  /**
   * The time limit of a route, in ms; `Infinity` for none. After it, the request is answered with 503, and the timeout is
   * reported to `onError`. Default: 10 000.
   */
  readonly routeTimeout?: number | undefined;
}

/** A connection to open. Its handler and options have been checked; the options include the defaults. */
export interface AcceptedUpgrade {
  readonly handler: WebSock.Any;
  readonly arg: unknown;
  readonly options: CheckedOptions;
  /** The AsyncLocalStorage context of the callbacks. */
  readonly context: AsyncContext | undefined;
}

/** A connection to open, a response to send, or `undefined` if the route does not handle the request. */
export type Decision = AcceptedUpgrade | Response | undefined;

/** How long an accepted connection may take to open, in ms. */
const OPENING = 1_000;

/** One adapter: its options and its connections. */
export class Adapter {
  readonly connections: Connections;
  /** Requests whose route is pending: the function that refuses each of them, and the decision. */
  readonly #pending = new Map<() => void, Promise<unknown>>();
  /** Accepted connections that are not open yet: the function that ends the wait for each, and its time limit. */
  readonly #opening = new Map<() => void, { readonly promise: Promise<void>; readonly until: number }>();
  /** The time limit of a route, in ms. */
  readonly routeTimeout: number;
  /** The largest message that the platform accepts, in bytes, if that is an option of the server. */
  maxPayloadLength: number = Number.POSITIVE_INFINITY;
  /** Reads further options, which the caller of the constructor has named. */
  readonly options: OptionsReader;

  /**
   * Throws a TypeError for an option that is unknown or invalid.
   *
   * @param caller - the function that error messages name, such as `'serve'`
   * @param ownOptions - names of further options, which the caller reads from {@link Adapter.options}
   * @param clock - of the connections, by default that of the platform
   */
  constructor(caller: string, options: AdapterOptions | undefined, ownOptions: readonly string[] = [], clock?: Clock) {
    const reader = new OptionsReader(caller, options, [...ownOptions, ...SERVER_OPTION_NAMES]);
    this.options = reader;
    const isFunction = (value: unknown): value is NonNullable<AdapterOptions['onError']> => typeof value === 'function';
    this.routeTimeout = reader.milliseconds('routeTimeout', 10_000, 1);
    const onError = reader.option('onError', isFunction, 'a function (error, { callback }) => …');
    const isObserver = (value: unknown): value is Observer => checkObserver(caller, value);
    const observer = reader.option('observer', isObserver, 'an object of functions');
    this.connections = new Connections({ onError, observer, ...readBounds(reader) }, clock);
  }

  /**
   * Tells the observer that a request for a WebSocket is refused.
   *
   * @param url - its path and query, or all of its URL
   */
  refused(url: string, status: number): void {
    this.connections.observer?.refused({ status, url: url.replace(/^https?:\/\/[^/]*/i, '') });
  }

  /**
   * Asks the route about a request. Returns a promise only if the route does, as some platforms must upgrade before
   * anything is awaited. Never throws or rejects. An accepted request is a valid upgrade (rule 1.5).
   *
   * During a shutdown, the decision is a 503 (rule 1.6). If the shutdown begins while the route is pending, a 503 replaces
   * the connection.
   *
   * @param isShared - whether the request may be for other software, so that the route is asked even during a shutdown
   */
  decide<Platform>(
    route: Route<Platform>,
    request: Request,
    platform: Platform,
    isShared = false,
  ): Decision | Promise<Decision> {
    if (this.connections.isShuttingDown && !isShared) return unavailable();
    const call = new RouteCall();
    try {
      const result = route(request, platform);
      const isPending = isThenable(result);
      call.returned(isPending);
      return isPending ? this.#await(request, result, call) : this.#check(request, result, call);
    } catch (error) {
      return this.#fail(request, error);
    }
  }

  /** Checks the arguments of `upgrade`. Throws a TypeError for an invalid handler or option. */
  check(
    handler: WebSock.Any,
    arg: unknown,
    options: WebSock.ConnectionOptions | undefined,
    context: AsyncContext | undefined = saveContext(),
  ): AcceptedUpgrade {
    checkHandler(handler);
    const checked = checkOptions(options);
    const { maxMessageSize } = checked;
    // The default is no wish for more than the server's limit.
    if (maxMessageSize > this.maxPayloadLength && options?.maxMessageSize !== undefined) {
      const limit = `the server's maxPayloadLength, which is ${this.maxPayloadLength}`;
      const remedy = 'raise that, an option of serve, createFetch or createAdapter';
      throw new TypeError(`upgrade: the option "maxMessageSize" is ${maxMessageSize}, over ${limit}; ${remedy}`);
    }
    return { handler, arg, options: checked, context };
  }

  /**
   * Closes all connections (rule 4.3). The same time limit applies to pending routes; after it, their requests are refused
   * with 503. Rejects with a TypeError for an invalid option.
   */
  async shutdown(options?: ShutdownOptions): Promise<void> {
    const connectionsOver = this.connections.shutdown(options);
    const { timeout, spread } = checkShutdown(options);
    const timer = setTimeout(
      () => {
        for (const refuse of this.#pending.keys()) refuse();
      },
      Math.min(spread + timeout, LONGEST_DELAY),
    );
    await Promise.all([connectionsOver, this.#untilOpen(), ...this.#pending.values()]);
    clearTimeout(timer);
  }

  /**
   * Makes a shutdown wait for an accepted connection to open: at most a second, as some platforms do not report that the
   * client has left instead.
   *
   * @returns ends the wait; during a shutdown, pass a promise to wait for as well
   */
  awaitOpening(): (over?: Promise<unknown>) => void {
    let resolve = () => {};
    const promise = new Promise<void>((settle) => {
      resolve = settle;
    });
    const opened = (over?: Promise<unknown>) => {
      this.#opening.delete(opened);
      if (!over) return resolve();
      this.#pending.set(resolve, promise);
      over.then(resolve);
    };
    this.#opening.set(opened, { promise, until: performance.now() + OPENING });
    return opened;
  }

  async #untilOpen(): Promise<void> {
    const opening = [...this.#opening.values()];
    const until = Math.max(0, ...opening.map((each) => each.until));
    const giveUp = () => {
      for (const opened of [...this.#opening.keys()]) opened();
    };
    const timer = setTimeout(giveUp, Math.max(0, until - performance.now()));
    await Promise.all(opening.map(({ promise }) => promise));
    clearTimeout(timer);
  }

  async #await(request: Request, result: PromiseLike<RouteResult>, call: RouteCall): Promise<Decision> {
    let refuse = () => {};
    const refused = new Promise<Decision>((resolve) => {
      refuse = () => resolve(unavailable());
    });
    const onTimeout = () => {
      const error = new Error(`the route did not decide within ${this.routeTimeout} ms`);
      this.connections.report(error, { callback: 'route' });
      refuse();
    };
    const timer = this.routeTimeout > LONGEST_DELAY ? undefined : setTimeout(onTimeout, this.routeTimeout);
    const decided = Promise.resolve(result)
      .finally(() => call.settled())
      .then((resolved) => this.#check(request, resolved, call))
      .catch((error) => this.#fail(request, error));
    const decision = Promise.race([decided, refused]);
    this.#pending.set(refuse, decision);
    await decision;
    call.settled();
    this.#pending.delete(refuse);
    clearTimeout(timer);
    return decision;
  }

  #check(request: Request, result: RouteResult, call: RouteCall): Decision {
    if (result === undefined) {
      if (call.hasAccepted) {
        const error = new TypeError('the route called accept, but returned undefined; write "return accept(…)"');
        this.connections.report(error, { callback: 'route' });
      }
      return undefined;
    }
    if (result instanceof Response) {
      const why = unsendable(result);
      return why === undefined ? result : this.#fail(request, new TypeError(`the route returned ${why}`));
    }
    if (!isAccepted(result)) {
      const remedy = 'return accept(handler, arg), a Response, or undefined for 404';
      return this.#fail(request, new TypeError(`the route returned ${describe(result)}; ${remedy}`));
    }
    if (this.connections.isShuttingDown) return unavailable();
    try {
      return refusal(request) ?? this.check(result.handler, result.arg, result.options, contextOf(result, call.number));
    } catch (error) {
      return this.#fail(request, error);
    }
  }

  #fail(request: Request, error: unknown): Response {
    return isAbort(request, error) ? internalServerError() : this.failed(error, 'route');
  }

  /** Reports an error, and returns the response to its request. */
  failed(error: unknown, callback: 'route' | 'server'): Response {
    this.connections.report(error, { callback });
    return internalServerError();
  }
}

/** What every function that serves connections returns, besides its own. */
export interface Controls {
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
  /** The number of connections. */
  readonly connections: number;
}

/**
 * Adds the controls to what a function of an entry returns.
 *
 * @param shutdown - by default that of the adapter
 */
export function withControls<Own extends object>(
  adapter: Adapter,
  own: Own,
  shutdown: Controls['shutdown'] = (options) => adapter.shutdown(options),
): Own & Controls {
  const get = () => adapter.connections.size;
  return Object.defineProperty({ ...own, shutdown }, 'connections', { get, enumerable: true }) as unknown as Own &
    Controls;
}

function internalServerError(): Response {
  return new Response('Internal Server Error\n', { status: 500 });
}

/** Throws a TypeError unless `route` is a function. */
export function checkRoute(caller: string, route: unknown): void {
  if (typeof route === 'function') return;
  throw new TypeError(`${caller}: the route is ${describe(route)}; pass a function (request) => accept(handler, arg)`);
}

/** The response to requests during a shutdown (rule 1.6), and to those whose route takes too long. */
export function unavailable(): Response {
  return new Response('Service Unavailable\n', { status: 503 });
}

/** The response to a request that no route handles. For an upgrade it says why, to help find a missing `return`. */
export function notFound(isUpgrade: boolean): Response {
  const why = isUpgrade ? ': the route returned neither accept(handler, arg) nor a Response for this request' : '';
  return new Response(`Not Found${why}\n`, { status: 404 });
}

/** Whether a route failed only because its client left: then `request.signal` aborted what it was waiting for. */
function isAbort(request: Request, error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Deno writes a warning when the signal is read, so first for what it looks like.
  const isLikely = error.name === 'AbortError' || (error.cause instanceof Error && error.cause.name === 'AbortError');
  if (!isLikely || !request.signal?.aborted) return false;
  return error === request.signal.reason || error.cause === request.signal.reason;
}
