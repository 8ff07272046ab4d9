import type { WebSock } from '@websock/spec';
import type { Assert, Checked, ServerConforms } from '@websock/spec/conformance';

/** The request, in the form that this server needs. */
interface UpgradeRequest {
  readonly url: string;
}

declare function upgrade<State, Info, Arg, Handler, Init>(
  request: UpgradeRequest,
  handler: Checked<Handler> & WebSock<State, Info, Arg> & { readonly init: Init },
  arg: WebSock.ArgFor<Init, Arg>,
  options?: WebSock.ConnectionOptions,
): void;

export type UpgradeConforms = Assert<ServerConforms<typeof upgrade>>;
