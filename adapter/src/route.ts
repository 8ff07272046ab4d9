// What an application decides about a request: the part that is alike on every platform, and needs none of them.

import type { WebSock } from '@websock/spec';
import { type AsyncContext, saveContext } from './connection/context.ts';
import { checkHandler } from './handler.ts';
import { checkOptions } from './options.ts';

/** A decision to open a connection; {@link accept} makes it. */
export interface Accepted {
  /** Serves the connection. */
  readonly handler: WebSock.Any;
  /** Passed to the handler's `init` as it is. */
  readonly arg: unknown;
  /** Of this connection. */
  readonly options: WebSock.ConnectionOptions | undefined;
}

/** What a route decides. */
export type RouteResult = Accepted | Response | undefined;

/**
 * Decides what happens to a request, whether it asks for a WebSocket or not:
 *
 * - {@link accept}`(handler, arg)`: open a connection. A request that is not a valid upgrade is answered with 4xx
 *   (rule 1.5)
 * - a `Response`: answer with it, such as `new Response('who are you?', { status: 401 })`
 * - `undefined`: not mine; by default 404
 *
 * A throw or a rejection is answered with 500 and reported with the callback `'route'`; so is a route that takes longer
 * than the adapter's `routeTimeout`, with 503.
 *
 * @typeParam Platform - what the platform gives beside the request; each entry of this package says what
 */
export type Route<Platform = unknown> = (
  request: Request,
  platform: Platform,
) => RouteResult | PromiseLike<RouteResult>;

/**
 * Opens a connection that `handler` serves: what a {@link Route} returns for a request that it accepts.
 *
 * Throws a TypeError for an invalid handler or option.
 *
 * @param handler - serves this connection, and any number of others (rule 2.6)
 * @param arg - passed to `init` as it is; may be left out if the handler's `Arg` is `undefined`
 * @param options - of this connection alone
 */
export function accept<State, Info>(handler: WebSock<State, Info, undefined>): Accepted;
/** Opens a connection that `handler` serves, with an `arg` for its `init`, and perhaps options. */
export function accept<State, Info, Arg>(
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options?: WebSock.ConnectionOptions,
): Accepted;
export function accept(handler: WebSock.Any, arg?: unknown, options?: WebSock.ConnectionOptions): Accepted {
  checkHandler(handler, 'accept');
  checkOptions(options, 'accept');
  const accepted = { handler, arg, options };
  contexts.set(accepted, { context: saveContext(), routeCalls });
  return accepted;
}

/** The AsyncLocalStorage contexts in which `accept` was called, and how many times routes had been called by then. */
const contexts = new WeakMap<Accepted, { readonly context: AsyncContext | undefined; readonly routeCalls: number }>();

let routeCalls = 0;

/** Counts a call of a route, which begins now; returns its number. */
export function countRouteCall(): number {
  routeCalls += 1;
  return routeCalls;
}

/**
 * The context in which a route accepted. If it did not call `accept` for this request, but returned what another call had
 * made, it is the current context.
 */
export function contextOf(accepted: Accepted, routeCall: number): AsyncContext | undefined {
  const saved = contexts.get(accepted);
  return saved && saved.routeCalls >= routeCall ? saved.context : saveContext();
}
