// What a host serves, alike on every platform: a route, as the examples export it, or an application.

import { type AdapterOptions, accept, type Cannot, type Route } from '@websock/adapter';
import type { WebSock } from '@websock/spec';

/** A request to open a connection. */
export interface Opening {
  /** Path and query, such as `/kitchen?name=alice`. */
  readonly url: string;
  /** The subprotocols that the client offers. */
  readonly protocols: readonly string[];
  /** What the server cannot do, and why. */
  readonly cannot?: Cannot;
}

/** How a request is served. */
export interface Service {
  readonly handler: WebSock.Any;
  readonly arg: unknown;
  readonly options?: WebSock.ConnectionOptions;
}

/** Chooses the handler for a request; without one, the answer is 404. Unlike a route, it knows what the server cannot do. */
export type Application = (opening: Opening) => Service | undefined | Promise<Service | undefined>;

/** A service whose `arg` is type-checked against its handler. */
export function service<State, Info, Arg>(
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options: WebSock.ConnectionOptions = {},
): Service {
  return { handler, arg, options };
}

/** A module that can be hosted: with a route, and options of the adapter if it wants, or with an application. */
export type Hosted = { readonly route: Route; readonly options?: AdapterOptions } | { readonly default: Application };

/** The options of the adapter: those of a hosted module, and others as JSON. */
export function optionsOf(hosted: Hosted, json = '{}'): AdapterOptions {
  return { ...('options' in hosted ? hosted.options : {}), ...JSON.parse(json) };
}

/** The route of a hosted module; that of an application is synchronous if the application is. */
export function routeOf(hosted: Hosted, cannot: Cannot): Route {
  if ('route' in hosted) return hosted.route;
  const { default: application } = hosted;
  const decide = (service: Service | undefined) => service && accept(service.handler, service.arg, service.options);
  return ({ url, headers }) => {
    const { pathname, search } = new URL(url);
    const offered = headers.get('sec-websocket-protocol') ?? '';
    const protocols = offered.split(',').flatMap((protocol) => protocol.trim() || []);
    const service = application({ url: pathname + search, protocols, cannot });
    return service instanceof Promise ? service.then(decide) : decide(service);
  };
}
