// An application: which handler serves which request. Every host can serve the same application.

import { accept, type Cannot, type Route } from '@websock/adapter';
import type { WebSock } from '@websock/spec';

/** A request to open a connection, the same on every platform. */
export interface Opening {
  /** Path and query, such as `/kitchen?name=alice`. */
  readonly url: string;
  /** The subprotocols that the client offers. */
  readonly protocols: readonly string[];
  /** The capabilities that the server lacks, with reasons. */
  readonly cannot?: Cannot;
}

/** A decision to open a connection. */
export interface Service {
  readonly handler: WebSock.Any;
  readonly arg: unknown;
  readonly options?: WebSock.ConnectionOptions;
}

/** The default export of an application's module. `undefined` is answered with 404. */
export type Application = (opening: Opening) => Service | undefined | Promise<Service | undefined>;

/** Makes a service; the compiler checks its arg against its handler. */
export function service<State, Info, Arg>(
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options: WebSock.ConnectionOptions = {},
): Service {
  return { handler, arg, options };
}

/** The route that serves an application; synchronous if the application is. */
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
