// How an adapter meets the fetch handlers of Bun, Deno and Cloudflare, which take a `Request` and return a `Response`.

import type { WebSock } from '@websock/spec';
import { type AcceptedUpgrade, type Adapter, type Decision, notFound, unavailable, withControls } from '../adapter.ts';
import type { ShutdownOptions } from '../connection/connections.ts';
import { describe } from '../describe.ts';
import { asksForWebSocket, hasValidHost, refusal } from '../handshake.ts';
import { guardBody } from '../response.ts';
import type { Accepted, Route } from '../route.ts';

/** What a fetch handler returns: `undefined` for a request that the route declines. */
export type FetchResult = Response | undefined | Promise<Response | undefined>;

/**
 * What a fetch handler returns that asks a route of this type: `undefined` only if the route can return it, and a promise
 * only if the route can.
 */
export type FetchResultOf<AnyRoute extends Route<any>> = [ReturnType<AnyRoute>] extends [never]
  ? Response
  : Fetched<ReturnType<AnyRoute>>;

type Fetched<Returned> =
  Returned extends PromiseLike<infer Result> ? Response | Promise<ResponseOf<Result>> : ResponseOf<Returned>;

type ResponseOf<Result> = Result extends Decided ? Response : Response | undefined;

/** The decision of a route that does not decline. */
export type Decided = Accepted | Response;

/** A fetch handler that asks a route, and its shutdown: for a server of your own. */
export interface FetchAdapter<Parameters extends readonly unknown[], Result = FetchResult> {
  /**
   * Returns the route's response or, after an upgrade, the platform's; `undefined` for a request that the route declines.
   * Never throws or rejects.
   */
  readonly fetch: (...parameters: Parameters) => Result;
  /**
   * Answers new requests with 503 (rule 1.6), and closes every connection with 1001 (rule 4.3). Settles when all have
   * ended, or at its time limit (rule 4.5). Call it before you stop the server, and where its connections live: on
   * Cloudflare, in their Durable Object.
   */
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
  /** The number of connections: those whose socket is open, or whose handler has not finished. */
  readonly connections: number;
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
  /** See {@link FetchAdapter.connections}. */
  readonly connections: number;
}

/**
 * A fetch handler that asks the route; its `undefined` means that the route declines the request. Synchronous if the route
 * is, as some platforms can upgrade a request only before the first `await`.
 */
export function createFetchHandler<Platform>(
  adapter: Adapter,
  route: Route<Platform>,
  open: (request: Request, platform: Platform, upgrade: AcceptedUpgrade) => Response,
): (request: Request, platform: Platform) => FetchResult {
  return (request, platform) => {
    const decision = ask(adapter, route, request, platform);
    const respond = (settled: Decision) => {
      if (settled === undefined) return undefined;
      if (settled instanceof Response) return observed(adapter, request, settled);
      return upgrade(adapter, open, request, platform, settled);
    };
    return decision instanceof Promise ? decision.then(respond) : respond(decision);
  };
}

/** The same for a server of this package: a request that the route declines gets 404, and a body that fails is reported. */
export function createServerHandler<Platform>(
  adapter: Adapter,
  route: Route<Platform>,
  open: (request: Request, platform: Platform, upgrade: AcceptedUpgrade) => Response,
): (request: Request, platform: Platform) => Response | Promise<Response> {
  const report = (error: unknown) => adapter.connections.report(error, { callback: 'route' });
  return (request, platform) => {
    const decision = ask(adapter, route, request, platform);
    const respond = (settled: Decision) => {
      if (settled === undefined) return observed(adapter, request, notFound(request.headers.has('Upgrade')));
      if (settled instanceof Response) return guardBody(observed(adapter, request, settled), report);
      return upgrade(adapter, open, request, platform, settled);
    };
    return decision instanceof Promise ? decision.then(respond) : respond(decision);
  };
}

function ask<Platform>(
  adapter: Adapter,
  route: Route<Platform>,
  request: Request,
  platform: Platform,
): Decision | Promise<Decision> {
  if (!hasValidHost(request)) return new Response('The header Host is not valid.\n', { status: 400 });
  return adapter.decide(route, request, platform);
}

/** Tells the observer of a response to a request for a WebSocket. */
function observed(adapter: Adapter, request: Request, response: Response): Response {
  const { observer } = adapter.connections;
  if (observer?.has('refused') && asksForWebSocket(request.headers.get('Upgrade') ?? '')) {
    adapter.refused(request.url, response.status);
  }
  return response;
}

function upgrade<Platform>(
  adapter: Adapter,
  open: (request: Request, platform: Platform, upgrade: AcceptedUpgrade) => Response,
  request: Request,
  platform: Platform,
  accepted: AcceptedUpgrade,
): Response {
  try {
    return open(request, platform, accepted);
  } catch (error) {
    return adapter.failed(error, 'server'); // the platform refuses the request
  }
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
  open: (target: Target, upgrade: AcceptedUpgrade) => Response,
): UpgradeAdapter<Target> {
  const upgrade: UpgradeAdapter<Target>['upgrade'] = (target, handler, arg, connectionOptions) => {
    const accepted = adapter.check(handler, arg, connectionOptions);
    const request = requestOf(target);
    if (!isRequest(request)) throw new TypeError(`upgrade: the first argument is ${describe(target)}; pass ${needs}`);
    const refused = adapter.connections.isShuttingDown ? unavailable() : refusal(request);
    if (!refused) return open(target, accepted);
    adapter.refused(request.url, refused.status);
    return refused;
  };
  return withControls(adapter, { upgrade });
}

// By shape: frameworks make requests of their own.
function isRequest(value: Request | undefined): value is Request {
  return typeof value?.headers?.get === 'function';
}
