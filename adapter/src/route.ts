// Routes, by which an application decides about requests. Independent of the platform.

import type { WebSock } from '@websock/spec';
import { type AsyncContext, saveContext } from './connection/context.ts';
import { checkHandler } from './handler.ts';
import { checkOptions } from './options.ts';
import { countAccept } from './route-call.ts';

/** The decision to open a connection, made by {@link accept}. */
export interface Accepted {
  /** The handler that serves the connection. */
  readonly handler: WebSock.Any;
  /** The argument of the handler's `init`. */
  readonly arg: unknown;
  /** The options of this connection. */
  readonly options: WebSock.ConnectionOptions | undefined;
}

/** The decision of a {@link Route}: open a connection, send a response, or leave the request to others. */
export type RouteResult = Accepted | Response | undefined;

/**
 * Decides what happens to a request, whether it asks for a WebSocket or not:
 *
 * - {@link accept}`(handler, arg)` opens a connection. A request that is not a valid upgrade is answered with 4xx
 *   (rule 1.5).
 * - A `Response` is sent, such as `new Response('who are you?', { status: 401 })`.
 * - `undefined` means that the route does not handle the request. By default, it is answered with 404.
 *
 * If a route throws or rejects, the request is answered with 500; if it takes longer than the adapter's `routeTimeout`,
 * with 503. Both are reported with the callback `'route'`.
 *
 * @typeParam Platform - the type of the second argument, which depends on the platform, such as `NodePlatform`; exported
 * by the platform's entry
 */
export type Route<Platform = unknown> = (
  request: Request,
  platform: Platform,
) => RouteResult | PromiseLike<RouteResult>;

/**
 * Accepts a request: a {@link Route} that returns the result opens a connection.
 *
 * Throws a TypeError for an invalid handler or option.
 *
 * @param handler - the handler that serves the connection, and any number of others (rule 2.6)
 * @param arg - the argument of `init`; may be omitted if the handler's `Arg` is `undefined`
 * @param options - the options of this connection
 */
export function accept<State, Info = unknown>(handler: WebSock<State, Info, undefined>): Accepted;
/** Accepts a request, with an argument for the handler's `init` and, optionally, the options of the connection. */
export function accept<State, Info = unknown, Arg = undefined, Init = unknown>(
  handler: WebSock<State, Info, Arg> & { readonly init: Init },
  arg: WebSock.ArgFor<Init, Arg>,
  options?: WebSock.ConnectionOptions,
): Accepted;
export function accept(handler: WebSock.Any, arg?: unknown, options?: WebSock.ConnectionOptions): Accepted {
  checkHandler(handler, 'accept');
  checkOptions(options, 'accept');
  const accepted = { handler, arg, options };
  contexts.set(accepted, { context: saveContext(), routeCalls: countAccept() });
  return accepted;
}

// Checks the shape, as the routes of a library may come with another copy of this package.
export function isAccepted(value: unknown): value is Accepted {
  return typeof value === 'object' && value !== null && 'handler' in value && 'arg' in value && 'options' in value;
}

/** The same decision with another handler, whose callbacks run in the same context. */
export function withHandler(accepted: Accepted, handler: WebSock.Any): Accepted {
  const changed = { ...accepted, handler };
  const context = contexts.get(accepted);
  if (context) contexts.set(changed, context);
  return changed;
}

/** For each decision, the AsyncLocalStorage context in which `accept` was called, and the number of route calls by then. */
const contexts = new WeakMap<Accepted, { readonly context: AsyncContext | undefined; readonly routeCalls: number }>();

/**
 * The context in which a route called `accept`. If the route did not call it for this request, but returned an earlier
 * decision, the current context.
 */
export function contextOf(accepted: Accepted, routeCall: number): AsyncContext | undefined {
  const saved = contexts.get(accepted);
  return saved && saved.routeCalls >= routeCall ? saved.context : saveContext();
}
