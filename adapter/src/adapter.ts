// What the adapters of all platforms share: options, routes, and the connections of one server. Nothing is global: each
// adapter has its own.

import type { WebSock } from '@websock/spec';
import type { Accepted, Route, RouteResult } from './accept.ts';
import { type Bounds, Connections, type ShutdownOptions } from './connection.ts';
import { refusal } from './handshake.ts';
import type { ErrorContext } from './report.ts';
import {
  boundsIn,
  type CheckedOptions,
  checkHandler,
  checkOptions,
  checkShutdown,
  isThenable,
  LONGEST_DELAY,
  OptionsCheck,
  SERVER_OPTION_NAMES,
  show,
} from './validate.ts';

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

/** Where a server listens, beside what all adapters have in common. */
export interface ServeOptions extends AdapterOptions {
  /** The TCP port; 0 for a free one. Default: 8080. */
  readonly port?: number | undefined;
  /** The name or address to listen on. Default: all addresses of the machine. */
  readonly hostname?: string | undefined;
}

/** A server that listens. */
export interface Serving {
  /** Where it listens, such as `ws://127.0.0.1:8080`. */
  readonly url: string;
  /**
   * Ends the server: new requests are answered with 503 (rule 1.6), every connection is closed with 1001 (rule 4.3). When
   * all are over, or the bound has passed (rule 4.5), it stops listening, and the promise settles.
   */
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
}

/** A connection to open: checked, its options with their defaults. */
export interface Upgrade {
  readonly handler: WebSock.Any;
  readonly arg: unknown;
  readonly options: CheckedOptions;
}

/** What is to be done with a request; `undefined` if it is for somebody else. */
export type Decision = Upgrade | Response | undefined;

/** One adapter: its options and its connections. */
export class Adapter {
  readonly connections: Connections;
  /** Requests whose route is awaited: what refuses each, and what is decided about it. */
  readonly #waiting = new Map<() => void, Promise<Decision>>();
  /** How long a route may take, in ms. */
  readonly routeTimeout: number;
  /** Reads the options that the caller has named besides. */
  readonly options: OptionsCheck;

  /**
   * Throws a TypeError for an option that is unknown or invalid.
   *
   * @param caller - begins the message
   * @param more - names of options that the caller reads itself, from `options`
   */
  constructor(caller: string, options: AdapterOptions | undefined, more: readonly string[] = []) {
    const check = new OptionsCheck(caller, options, [...more, ...SERVER_OPTION_NAMES]);
    this.options = check;
    const isFunction = (value: unknown): value is NonNullable<AdapterOptions['onError']> => typeof value === 'function';
    this.routeTimeout = check.milliseconds('routeTimeout', 10_000, 1);
    const onError = check.option('onError', isFunction, 'a function (error, { callback }) => …');
    this.connections = new Connections({ onError, ...boundsIn(check) });
  }

  /**
   * Asks the route what to do with a request. Synchronously if the route is synchronous: where a platform must upgrade
   * before anything is awaited, do it then. Never throws or rejects. During a shutdown it is a 503 (rule 1.6); if the
   * shutdown begins while the route waits, it is one in place of a connection. A request that is accepted is a valid
   * upgrade (rule 1.5).
   */
  decide<Platform>(route: Route<Platform>, request: Request, platform: Platform): Decision | Promise<Decision> {
    if (this.connections.closing) return unavailable();
    try {
      const result = route(request, platform);
      if (!isThenable(result)) return this.#check(request, result);
      return this.#await(request, result);
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Checks what `upgrade` is called with; throws a TypeError for an invalid handler or option. */
  check(handler: WebSock.Any, arg: unknown, options: WebSock.ConnectionOptions | undefined): Upgrade {
    checkHandler(handler);
    return { handler, arg, options: checkOptions(options) };
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

  async #await(request: Request, pending: PromiseLike<RouteResult>): Promise<Decision> {
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
      .then((result) => this.#check(request, result))
      .catch((error) => this.#failed(error));
    const decision = Promise.race([decided, refused]);
    this.#waiting.set(refuse, decision);
    await decision;
    this.#waiting.delete(refuse);
    clearTimeout(timer);
    return decision;
  }

  #check(request: Request, result: RouteResult): Decision {
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
      return this.#failed(new TypeError(`the route returned ${show(result)}; ${remedy}`));
    }
    if (this.connections.closing) return unavailable();
    try {
      return refusal(request) ?? this.check(result.handler, result.arg, result.options);
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): Response {
    this.connections.report(error, { callback: 'route' });
    return new Response('Internal Server Error\n', { status: 500 });
  }
}

/**
 * The adapter of a server that listens, and where; throws a TypeError for an option that is unknown or invalid.
 *
 * @param more - names of options that the caller reads itself, from the adapter's `options`
 */
export function checkServe(
  options: ServeOptions | undefined,
  more: readonly string[] = [],
): {
  readonly port: number;
  readonly hostname: string | undefined;
  readonly adapter: Adapter;
} {
  const adapter = new Adapter('serve', options, ['port', 'hostname', ...more]);
  const check = adapter.options;
  const isPort = (value: unknown): value is number =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) < 65_536;
  const isName = (value: unknown): value is string => typeof value === 'string' && value !== '';
  return {
    port: check.option('port', isPort, 'a whole number from 0 to 65535') ?? 8080,
    hostname: check.option('hostname', isName, "a name or an address, such as '127.0.0.1'"),
    adapter,
  };
}

/** Throws a TypeError unless `route` is a function. */
export function checkRoute(caller: string, route: unknown): void {
  if (typeof route === 'function') return;
  throw new TypeError(`${caller}: the route is ${show(route)}; pass a function (request) => accept(handler, arg)`);
}

/** Why a port cannot be listened on, and the remedy; with the system's `code` where the platform tells it. */
export function cannotListen(port: number, hostname: string | undefined, cause: unknown): Error {
  const { code, message } = cause as { code?: string; message?: string };
  const why = REMEDIES[code ?? ''] ?? message;
  const error = new Error(`serve: cannot listen on ${hostname ?? 'all addresses'}, port ${port}: ${why}`, { cause });
  return code === undefined ? error : Object.assign(error, { code });
}

const REMEDIES: { readonly [code: string]: string } = {
  EADDRINUSE: 'another program listens there; end it, or pass another port (0 for a free one)',
  EACCES: 'this process may not; pass a port above 1023',
  EADDRNOTAVAIL: 'this machine does not have that address; pass another hostname',
  ENOTFOUND: 'there is no such host; pass another hostname',
};

/** The URL of a server that listens on a host name, or on all addresses. */
export function urlOf(hostname: string | undefined, port: number): string {
  const all = hostname === undefined || hostname === '0.0.0.0' || hostname === '::';
  const host = all ? 'localhost' : hostname.includes(':') ? `[${hostname}]` : hostname;
  return `ws://${host}:${port}`;
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

/** Throws unless this is the platform of the entry that was imported. */
export function checkPlatform(platform: 'Bun' | 'Deno'): void {
  if (platform in globalThis) return;
  const entry = `@websock/adapter/${platform.toLowerCase()}`;
  throw new Error(`serve: ${entry} needs ${platform}; on Node.js, import @websock/adapter/node`);
}

// By shape: a library's routes may come with another copy of this package.
function isAccepted(value: unknown): value is Accepted {
  return typeof value === 'object' && value !== null && 'handler' in value && 'arg' in value && 'options' in value;
}
