// How an adapter meets the fetch handlers of Bun, Deno and Cloudflare, which take a `Request` and return a `Response`.

import type { WebSock } from '@websock/spec';
import { type AcceptedUpgrade, type Adapter, type Decision, notFound, unavailable } from '../adapter.ts';
import type { Connections, ShutdownOptions } from '../connection/connections.ts';
import { describe } from '../describe.ts';
import { hasValidHost, refusal } from '../handshake.ts';
import type { Route } from '../route.ts';

/** A fetch handler that asks a route, and its shutdown: for a server of your own. */
export interface FetchAdapter<Parameters extends readonly unknown[]> {
  /** Returns `undefined` for a request that the route declines. */
  readonly fetch: (...parameters: Parameters) => Response | undefined | Promise<Response | undefined>;
  /**
   * Answers new requests with 503 (rule 1.6), and closes every connection with 1001 (rule 4.3). Settles when all have
   * ended, or at its time limit (rule 4.5). Call it before you stop the server, and where its connections live: on
   * Cloudflare, in their Durable Object.
   */
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
}

/** An upgrade function, and the shutdown of its connections: for a server that decides about requests itself. */
export interface UpgradeAdapter<Target> {
  /**
   * Opens a connection; returns the response that the server's fetch handler must return. A request that is not a valid
   * upgrade gets a 4xx response, and no callback is called (rule 1.5). Call it before any `await`. Throws a TypeError for
   * an invalid handler or option; the platform then answers with 500.
   */
  readonly upgrade: WebSock.Upgrade<Target, Response>;
  /** See {@link FetchAdapter.shutdown}. */
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
}

/**
 * A fetch handler that asks the route; its `undefined` means that the route declines the request. Synchronous if the route
 * is, as some platforms can upgrade a request only before the first `await`.
 */
export function createFetchHandler<Platform>(
  adapter: Adapter,
  route: Route<Platform>,
  open: (request: Request, platform: Platform, upgrade: AcceptedUpgrade) => Response,
): (request: Request, platform: Platform) => Response | undefined | Promise<Response | undefined> {
  return (request, platform) => {
    if (!hasValidHost(request)) return new Response('The header Host is not valid.\n', { status: 400 });
    const respond = (decision: Decision) =>
      decision === undefined || decision instanceof Response ? decision : open(request, platform, decision);
    const decision = adapter.decide(route, request, platform);
    return decision instanceof Promise ? decision.then(respond) : respond(decision);
  };
}

/** The response of a server without a fallback: 404 where the route declines. */
export function orNotFound(
  request: Request,
  response: Response | undefined | Promise<Response | undefined>,
): Response | Promise<Response> {
  const fallBack = (given: Response | undefined) => given ?? notFound(request.headers.has('Upgrade'));
  return response instanceof Promise ? response.then(fallBack) : fallBack(response);
}

/**
 * What `createAdapter` returns.
 *
 * @param requestOf - finds the request in the first argument of `upgrade`; `undefined` if that is invalid
 * @param needs - what that argument must be, for an error message
 */
export function createUpgrader<Target>(
  adapter: Adapter,
  requestOf: (target: Target) => Request | undefined,
  needs: string,
  open: (connections: Connections, target: Target, upgrade: AcceptedUpgrade) => Response,
): UpgradeAdapter<Target> {
  const { connections } = adapter;
  return {
    upgrade(target, handler, arg, connectionOptions) {
      const upgrade = adapter.check(handler, arg, connectionOptions);
      const request = requestOf(target);
      if (!isRequest(request)) throw new TypeError(`upgrade: the first argument is ${describe(target)}; pass ${needs}`);
      if (connections.isShuttingDown) return unavailable();
      return refusal(request) ?? open(connections, target, upgrade);
    },
    shutdown: (options) => adapter.shutdown(options),
  };
}

// By shape: frameworks make requests of their own.
function isRequest(value: Request | undefined): value is Request {
  return typeof value?.headers?.get === 'function';
}
