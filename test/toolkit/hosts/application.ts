// What a host serves: which handler takes which request. Every reference server can host the same application.

import { accept, type Cannot, type Route } from '@websock/adapter';
import type { WebSock } from '@websock/spec';

/** A request to open a connection, alike on every platform. */
export interface Opening {
  /** Path and query, such as `/kitchen?name=alice`. */
  readonly url: string;
  /** The subprotocols that the client offers. */
  readonly protocols: readonly string[];
  /** What the server cannot do, with the reason for each. */
  readonly cannot?: Cannot;
}

/** How a request is served. */
export interface Service {
  readonly handler: WebSock.Any;
  readonly arg: unknown;
  readonly options?: WebSock.ConnectionOptions;
}

/** The default export of an application's module. What it returns nothing for is answered with 404. */
export type Application = (opening: Opening) => Service | undefined | Promise<Service | undefined>;

/** A service whose arg is checked against its handler. */
export function service<State, Info, Arg>(
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options: WebSock.ConnectionOptions = {},
): Service {
  return { handler, arg, options };
}

/** The route of an adapter that serves an application; synchronous if the application is. */
export function routeOf(application: Application, cannot: Cannot): Route {
  const decide = (service: Service | undefined) => service && accept(service.handler, service.arg, service.options);
  return ({ url, headers }) => {
    const { pathname, search } = new URL(url);
    const offered = headers.get('sec-websocket-protocol') ?? '';
    const protocols = offered.split(',').flatMap((protocol) => protocol.trim() || []);
    const service = application({ url: pathname + search, protocols, cannot });
    return service instanceof Promise ? service.then(decide) : decide(service);
  };
}
