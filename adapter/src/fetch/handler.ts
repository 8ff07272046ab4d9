// What Bun, Deno and Cloudflare have in common: a fetch `Request` comes, a `Response` goes.

import type { WebSock } from '@websock/spec';
import { type AcceptedUpgrade, type Adapter, type Decision, notFound, unavailable } from '../adapter.ts';
import type { Connections, ShutdownOptions } from '../connection/connections.ts';
import { describe } from '../describe.ts';
import { hasValidHost, refusal } from '../handshake.ts';
import type { Route } from '../route.ts';
import { cannotListen } from '../serve.ts';

/**
 * A fetch function that asks the route. `undefined` means that the request is for somebody else. Synchronous if the
 * route is: some platforms can upgrade only before anything is awaited.
 */
export function createFetchHandler<Platform>(
  adapter: Adapter,
  route: Route<Platform>,
  open: (request: Request, platform: Platform, upgrade: AcceptedUpgrade) => Response,
): (request: Request, platform: Platform) => Response | undefined | Promise<Response | undefined> {
  return (request, platform) => {
    if (!hasValidHost(request)) return new Response('The header Host is not valid.\n', { status: 400 });
    const answer = (decision: Decision) =>
      decision === undefined || decision instanceof Response ? decision : open(request, platform, decision);
    const decision = adapter.decide(route, request, platform);
    return decision instanceof Promise ? decision.then(answer) : answer(decision);
  };
}

/** The answer of a server that has nobody to leave a request to. */
export function orNotFound(
  request: Request,
  response: Response | undefined | Promise<Response | undefined>,
): Response | Promise<Response> {
  const answer = (given: Response | undefined) => given ?? notFound(request.headers.has('Upgrade'));
  return response instanceof Promise ? response.then(answer) : answer(response);
}

/** Starts a server by `serve`, which throws if the port cannot be listened on; throws an error that says why. */
export function listen<Server>(port: number, hostname: string | undefined, serve: () => Server): Server {
  try {
    return serve();
  } catch (error) {
    throw cannotListen(port, hostname, error);
  }
}

/**
 * What `createAdapter` returns for an adapter.
 *
 * @param requestOf - finds the request in what the platform needs; `undefined` if that is something else
 * @param needs - what the platform needs, for an error message
 */
export function createUpgrader<Target>(
  adapter: Adapter,
  requestOf: (target: Target) => Request | undefined,
  needs: string,
  open: (connections: Connections, target: Target, upgrade: AcceptedUpgrade) => Response,
): {
  readonly upgrade: WebSock.Upgrade<Target, Response>;
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
} {
  const { connections } = adapter;
  return {
    upgrade(target, handler, arg, connectionOptions) {
      const upgrade = adapter.check(handler, arg, connectionOptions);
      const request = requestOf(target);
      if (!isRequest(request)) throw new TypeError(`upgrade: the first argument is ${describe(target)}; pass ${needs}`);
      if (connections.isShuttingDown) return unavailable();
      return refusal(request) ?? open(connections, target, upgrade);
    },
    shutdown: (bounds) => adapter.shutdown(bounds),
  };
}

// By shape: frameworks make requests of their own.
function isRequest(value: Request | undefined): value is Request {
  return typeof value?.headers?.get === 'function';
}

/** How long requests that are being answered may take when a server stops, in ms. */
const LAST_REQUESTS = 1_000;

/** Waits until a server has stopped by itself, but not long; then ends it by force, where the platform can. */
export async function stopGently(stopped: Promise<unknown>, force?: () => unknown): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((settle) => {
    timer = setTimeout(() => settle(force?.() as undefined), LAST_REQUESTS);
  });
  await Promise.race([stopped, late]);
  clearTimeout(timer);
}
