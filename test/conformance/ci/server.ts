import type { WebSock } from '@websock/spec';
import type { Assert, Checked, ServerConforms } from '@websock/spec/conformance';

/** What this server needs of a request. */
interface Request {
  readonly url: string;
}

declare function upgrade<State, Info, Arg, Handler>(
  request: Request,
  handler: Checked<Handler> & WebSock<State, Info, Arg>,
  arg: Arg,
  options?: WebSock.ConnectionOptions,
): void;

export type UpgradeConforms = Assert<ServerConforms<typeof upgrade>>;
