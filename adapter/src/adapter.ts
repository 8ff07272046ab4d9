// The adapter, which all platforms share: the options, the route and the connections of one server. Nothing is global.

import type { WebSock } from '@websock/spec';
import { LONGEST_DELAY } from './connection/clock.ts';
import { Connections, type ShutdownOptions } from './connection/connections.ts';
import { type AsyncContext, saveContext } from './connection/context.ts';
import { isThenable } from './connection/results.ts';
import { describe } from './describe.ts';
import { checkHandler } from './handler.ts';
import { refusal } from './handshake.ts';
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
import { contextOf, countRouteCall, isAccepted, type Route, type RouteResult } from './route.ts';

/** The options of an adapter, for all its connections. */
export interface AdapterOptions extends Bounds {
  /**
   * Receives each error of a route, a callback or the server once, with its source (rule 4.4). If `onError` itself throws
   * or rejects, both errors are written to the console, and no connection is affected. Default: `console.error`.
   */
  readonly onError?: ((error: unknown, context: ErrorContext) => unknown) | undefined;
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

/** One adapter: its options and its connections. */
export class Adapter {
  readonly connections: Connections;
  /** Requests whose route is pending: the function that refuses each of them, and the decision. */
  readonly #pending = new Map<() => void, Promise<Decision>>();
  /** The time limit of a route, in ms. */
  readonly routeTimeout: number;
  /** Reads further options, which the caller of the constructor has named. */
  readonly options: OptionsReader;

  /**
   * Throws a TypeError for an option that is unknown or invalid.
   *
   * @param caller - the function that error messages name, such as `'serve'`
   * @param ownOptions - names of further options, which the caller reads from {@link Adapter.options}
   */
  constructor(caller: string, options: AdapterOptions | undefined, ownOptions: readonly string[] = []) {
    const reader = new OptionsReader(caller, options, [...ownOptions, ...SERVER_OPTION_NAMES]);
    this.options = reader;
    const isFunction = (value: unknown): value is NonNullable<AdapterOptions['onError']> => typeof value === 'function';
    this.routeTimeout = reader.milliseconds('routeTimeout', 10_000, 1);
    const onError = reader.option('onError', isFunction, 'a function (error, { callback }) => …');
    this.connections = new Connections({ onError, ...readBounds(reader) });
  }

  /**
   * Asks the route about a request. Returns a promise only if the route does, as some platforms must upgrade before
   * anything is awaited. Never throws or rejects. An accepted request is a valid upgrade (rule 1.5).
   *
   * During a shutdown, the decision is a 503 (rule 1.6). If the shutdown begins while the route is pending, a 503 replaces
   * the connection.
   */
  decide<Platform>(route: Route<Platform>, request: Request, platform: Platform): Decision | Promise<Decision> {
    if (this.connections.isShuttingDown) return unavailable();
    const call = countRouteCall();
    try {
      const result = route(request, platform);
      if (!isThenable(result)) return this.#check(request, result, call);
      return this.#await(request, result, call);
    } catch (error) {
      return this.#fail(error);
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
    return { handler, arg, options: checkOptions(options), context };
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
    await Promise.all([connectionsOver, ...this.#pending.values()]);
    clearTimeout(timer);
  }

  async #await(request: Request, result: PromiseLike<RouteResult>, call: number): Promise<Decision> {
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
      .then((resolved) => this.#check(request, resolved, call))
      .catch((error) => this.#fail(error));
    const decision = Promise.race([decided, refused]);
    this.#pending.set(refuse, decision);
    await decision;
    this.#pending.delete(refuse);
    clearTimeout(timer);
    return decision;
  }

  #check(request: Request, result: RouteResult, call: number): Decision {
    if (result instanceof Response && result.bodyUsed) {
      const remedy = 'return a new one for each request';
      return this.#fail(new TypeError(`the route returned a Response whose body has already been read; ${remedy}`));
    }
    if (result instanceof Response && result.type === 'error') {
      const remedy = 'return a Response with a status';
      return this.#fail(new TypeError(`the route returned Response.error(), which cannot be sent; ${remedy}`));
    }
    if (result === undefined || result instanceof Response) return result;
    if (!isAccepted(result)) {
      const remedy = 'return accept(handler, arg), a Response, or undefined for 404';
      return this.#fail(new TypeError(`the route returned ${describe(result)}; ${remedy}`));
    }
    if (this.connections.isShuttingDown) return unavailable();
    try {
      return refusal(request) ?? this.check(result.handler, result.arg, result.options, contextOf(result, call));
    } catch (error) {
      return this.#fail(error);
    }
  }

  #fail(error: unknown): Response {
    this.connections.report(error, { callback: 'route' });
    return new Response('Internal Server Error\n', { status: 500 });
  }
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
