// The calls that test a server: each with a handler that every server must accept, or that every server must reject.

import type { WebSock } from '../websock';

/** A call of an upgrade; valid if the upgrade is assignable to it. */
type UpgradeCall<Handler, Arg> = (
  request: never,
  handler: Handler,
  arg: Arg,
  options: WebSock.ConnectionOptions,
) => unknown;

// Each call follows the key in `ServerFaultTexts` of the fault that it reveals.

/** The calls that must be valid. */
export type MustAccept = [
  ['plain', UpgradeCall<WebSock<Count, string, string>, string>],
  ['otherState', UpgradeCall<WebSock<string[], string, string>, string>],
  ['undefinedState', UpgradeCall<WebSock<undefined, string, string>, string>],
  ['nullState', UpgradeCall<WebSock<null, string, string>, string>],
  ['numberState', UpgradeCall<WebSock<number, string, string>, string>],
  ['everyInfo', UpgradeCall<WebSock<Count, unknown, string>, string>],
  ['otherArg', UpgradeCall<WebSock<Count, string, boolean>, boolean>],
  ['argOfState', UpgradeCall<WebSock<Count, string, Count>, Count>],
  ['noArg', UpgradeCall<WebSock<Count, string, undefined>, undefined>],
  ['withoutOptional', UpgradeCall<MinimalHandler, string>],
  ['withOptional', UpgradeCall<FullHandler, string>],
  ['async', UpgradeCall<AsyncHandler, string>],
  ['privates', UpgradeCall<HandlerWithPrivates, string>],
];

/** More of them, for an upgrade that is not overloaded. */
export type MustAcceptUnlessOverloaded = [['noInfo', UpgradeCall<WebSock<Count, never, string>, string>]];

/** The calls that must be invalid. */
export type MustReject = [
  ['withoutInit', UpgradeCall<Omit<FullHandler, 'init'>, string>],
  ['withoutHandleIn', UpgradeCall<Omit<FullHandler, 'handleIn'>, string>],
  ['withoutHandleInfo', UpgradeCall<Omit<FullHandler, 'handleInfo'>, string>],
  ['textOnly', UpgradeCall<TextOnlyHandler, string>],
  ['stateReturned', UpgradeCall<OtherStateHandler, string>],
  ['moreState', UpgradeCall<MoreStateHandler, string>],
  ['otherInfo', UpgradeCall<OtherInfoHandler, string>],
  ['nothing', UpgradeCall<NothingHandler, string>],
  ['wrongArg', UpgradeCall<FullHandler, number>],
  ['wrongArg', UpgradeCall<FullHandler, null>],
  ['wrongArg', UpgradeCall<FullHandler, boolean>],
  ['wrongArg', UpgradeCall<WebSock<Count, string, Count>, string>],
  ['wrongArg', UpgradeCall<WebSock<Count, string, Count>, {}>],
];

interface Count {
  readonly count: number;
}

interface NamedCount extends Count {
  readonly name: string;
}

interface MinimalHandler extends Pick<WebSock<Count, string, string>, 'init' | 'handleIn' | 'handleInfo'> {}

/** A handler with all callbacks. */
export interface FullHandler extends MinimalHandler {
  readonly handleControl: (frame: WebSock.ControlFrame, state: Count) => WebSock.HandleResult<Count>;
  readonly terminate: (reason: WebSock.CloseReason, state: Count) => void;
}

interface AsyncHandler {
  readonly init: (arg: string) => Promise<WebSock.Ok<Count>>;
  readonly handleIn: (frame: WebSock.DataFrame, state: Count) => Promise<WebSock.HandleResult<Count>>;
  readonly handleInfo: (info: string, state: Count) => PromiseLike<WebSock.HandleResult<Count>>;
  readonly terminate: () => Promise<void>;
}

declare class HandlerWithPrivates {
  private readonly rooms: string[];
  protected join(room: string): void;
  init(arg: string): WebSock.HandleResult<Count>;
  handleIn(frame: WebSock.DataFrame, state: Count): WebSock.HandleResult<Count>;
  handleInfo(info: string, state: Count): WebSock.HandleResult<Count>;
}

interface TextOnlyHandler extends Omit<FullHandler, 'handleIn'> {
  readonly handleIn: (frame: WebSock.TextFrame, state: Count) => WebSock.HandleResult<Count>;
}

interface OtherStateHandler extends Omit<FullHandler, 'handleIn'> {
  readonly handleIn: (frame: WebSock.DataFrame, state: Count) => WebSock.HandleResult<string>;
}

interface MoreStateHandler extends Omit<FullHandler, 'handleIn'> {
  readonly handleIn: (frame: WebSock.DataFrame, state: NamedCount) => WebSock.HandleResult<Count>;
}

interface OtherInfoHandler extends Omit<FullHandler, 'handleInfo'> {
  readonly handleInfo: (info: number, state: Count) => WebSock.HandleResult<Count>;
}

interface NothingHandler extends Omit<FullHandler, 'handleIn'> {
  readonly handleIn: () => void;
}
