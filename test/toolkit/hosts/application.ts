// What a host serves: which handler takes which request. Every reference server can host the same application.

import type { WebSock } from '@websock/spec';
import type { Limits } from '../../../tck/src/capabilities.ts';

/** A request to open a connection, alike on every platform. */
export interface Opening {
  /** Path and query, such as `/kitchen?name=alice`. */
  readonly url: string;
  /** The subprotocols that the client offers. */
  readonly protocols: readonly string[];
  /** What the server cannot do, with the reason for each. */
  readonly limits?: Limits;
}

/** How a request is served. */
export interface Service {
  readonly handler: WebSock.Any;
  readonly arg: unknown;
  readonly options?: WebSock.ConnectionOptions;
}

/** The default export of an application's module. What it returns nothing for is answered with 404. */
export type Application = (opening: Opening) => Service | undefined;

/** A service whose arg is checked against its handler. */
export function service<State, Info, Arg>(
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options: WebSock.ConnectionOptions = {},
): Service {
  return { handler, arg, options };
}
