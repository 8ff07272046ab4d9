// What the adapters of all platforms share: options, routes, and the connections of one server. Nothing is global: each
// adapter has its own.

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
  boundsIn,
  type CheckedOptions,
  checkOptions,
  checkShutdown,
  OptionsReader,
  SERVER_OPTION_NAMES,
} from './options.ts';
import type { ErrorContext } from './report.ts';
import { type Accepted, contextOf, countRouteCall, type Route, type RouteResult } from './route.ts';

/** How an adapter treats its connections, whichever handler serves them. */
export interface AdapterOptions extends Bounds {
  /**
   * Receives what routes and callbacks throw, once each, with the callback's name (rule 4.4). Default: `console.error`.
   * A throw or rejection of its own is written to the console, and harms nothing.
   */
  readonly onError?: ((error: unknown, context: ErrorContext) => unknown) | undefined;
  /** How long a route may take, in ms. Then the request is answered with 503. Default: 10 000. */
  readonly routeTimeout?: number | undefined;
}

/** A connection to open: checked, its options with their defaults. */
export interface AcceptedUpgrade {
  readonly handler: WebSock.Any;
  readonly arg: unknown;
  readonly options: CheckedOptions;
  /** The AsyncLocalStorage context of its callbacks. */
  readonly context: AsyncContext | undefined;
}

/** What is to be done with a request; `undefined` if it is for somebody else. */
export type Decision = AcceptedUpgrade | Response | undefined;

/** One adapter: its options and its connections. */
export class Adapter {
  readonly connections: Connections;
  /** Requests whose route is awaited: what refuses each, and what is decided about it. */
  readonly #waiting = new Map<() => void, Promise<Decision>>();
  /** How long a route may take, in ms. */
  readonly routeTimeout: number;
  /** Reads the options that the caller has named besides. */
  readonly options: OptionsReader;

  /**
   * Throws a TypeError for an option that is unknown or invalid.
   *
   * @param caller - begins the message
   * @param more - names of options that the caller reads itself, from `options`
   */
  constructor(caller: string, options: AdapterOptions | undefined, more: readonly string[] = []) {
    const reader = new OptionsReader(caller, options, [...more, ...SERVER_OPTION_NAMES]);
    this.options = reader;
    const isFunction = (value: unknown): value is NonNullable<AdapterOptions['onError']> => typeof value === 'function';
    this.routeTimeout = reader.milliseconds('routeTimeout', 10_000, 1);
    const onError = reader.option('onError', isFunction, 'a function (error, { callback }) => …');
    this.connections = new Connections({ onError, ...boundsIn(reader) });
  }

  /**
   * Asks the route what to do with a request. Synchronously if the route is synchronous: where a platform must upgrade
   * before anything is awaited, do it then. Never throws or rejects. During a shutdown it is a 503 (rule 1.6); if the
   * shutdown begins while the route waits, it is one in place of a connection. A request that is accepted is a valid
   * upgrade (rule 1.5).
   */
  decide<Platform>(route: Route<Platform>, request: Request, platform: Platform): Decision | Promise<Decision> {
    if (this.connections.isShuttingDown) return unavailable();
    const call = countRouteCall();
    try {
      const result = route(request, platform);
      if (!isThenable(result)) return this.#check(request, result, call);
      return this.#await(request, result, call);
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Checks what `upgrade` is called with; throws a TypeError for an invalid handler or option. */
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
   * Closes all connections (rule 4.3). Requests whose route is awaited have the same time; then they are refused.
   * Rejects with a TypeError for an option that is not sane.
   */
  async shutdown(options?: ShutdownOptions): Promise<void> {
    const over = this.connections.shutdown(options);
    const { timeout, spread } = checkShutdown(options);
    const timer = setTimeout(
      () => {
        for (const refuse of this.#waiting.keys()) refuse();
      },
      Math.min(spread + timeout, LONGEST_DELAY),
    );
    await Promise.all([over, ...this.#waiting.values()]);
    clearTimeout(timer);
  }

  async #await(request: Request, pending: PromiseLike<RouteResult>, call: number): Promise<Decision> {
    let refuse = () => {};
    const refused = new Promise<Decision>((settle) => {
      refuse = () => settle(unavailable());
    });
    const late = () => {
      const error = new Error(`the route has not decided within ${this.routeTimeout} ms`);
      this.connections.report(error, { callback: 'route' });
      refuse();
    };
    const timer = this.routeTimeout > LONGEST_DELAY ? undefined : setTimeout(late, this.routeTimeout);
    const decided = Promise.resolve(pending)
      .then((result) => this.#check(request, result, call))
      .catch((error) => this.#failed(error));
    const decision = Promise.race([decided, refused]);
    this.#waiting.set(refuse, decision);
    await decision;
    this.#waiting.delete(refuse);
    clearTimeout(timer);
    return decision;
  }

  #check(request: Request, result: RouteResult, call: number): Decision {
    if (result instanceof Response && result.bodyUsed) {
      const remedy = 'make a new one for each request';
      return this.#failed(new TypeError(`the route returned a Response whose body has been read already; ${remedy}`));
    }
    if (result instanceof Response && result.type === 'error') {
      return this.#failed(new TypeError('the route returned Response.error(), which cannot be sent; give it a status'));
    }
    if (result === undefined || result instanceof Response) return result;
    if (!isAccepted(result)) {
      const remedy = 'return accept(handler, arg), a Response, or undefined for 404';
      return this.#failed(new TypeError(`the route returned ${describe(result)}; ${remedy}`));
    }
    if (this.connections.isShuttingDown) return unavailable();
    try {
      return refusal(request) ?? this.check(result.handler, result.arg, result.options, contextOf(result, call));
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): Response {
    this.connections.report(error, { callback: 'route' });
    return new Response('Internal Server Error\n', { status: 500 });
  }
}

/** Throws a TypeError unless `route` is a function. */
export function checkRoute(caller: string, route: unknown): void {
  if (typeof route === 'function') return;
  throw new TypeError(`${caller}: the route is ${describe(route)}; pass a function (request) => accept(handler, arg)`);
}

/** The answer to every request from the moment that a shutdown begins (rule 1.6). */
export function unavailable(): Response {
  return new Response('Service Unavailable\n', { status: 503 });
}

/** The answer to a request that no route wants; it helps who has forgotten a `return` to find out. */
export function notFound(isUpgrade: boolean): Response {
  const why = isUpgrade ? ': the route returned neither accept(handler, arg) nor a Response for this request' : '';
  return new Response(`Not Found${why}\n`, { status: 404 });
}

// By shape: a library's routes may come with another copy of this package.
function isAccepted(value: unknown): value is Accepted {
  return typeof value === 'object' && value !== null && 'handler' in value && 'arg' in value && 'options' in value;
}
