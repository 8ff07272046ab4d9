// Right servers, in every form that people write, and wrong ones.

import type { WebSock } from '@websock/spec';
import type { Assert, Checked, ServerConforms } from '@websock/spec/conformance';

interface UpgradeRequest {
  readonly url: string;
}

interface UpgradeResponse {
  readonly status: number;
}

type Options = WebSock.ConnectionOptions;

// ---- Right ----

export type Contract = Assert<ServerConforms<WebSock.Upgrade<UpgradeRequest>>>;
export type Responding = Assert<ServerConforms<WebSock.Upgrade<UpgradeRequest, UpgradeResponse>>>;
export type Promising = Assert<ServerConforms<WebSock.Upgrade<UpgradeRequest, Promise<UpgradeResponse>>>>;
export type UnknownRequest = Assert<ServerConforms<WebSock.Upgrade<unknown>>>;

// Upgrades that return hooks for the platform to call, directly or in a promise.
interface Hooks {
  readonly open: (peer: object) => void;
  readonly message?: (peer: object, message: { readonly text: () => string }) => void | Promise<void>;
}
export type Hooking = Assert<ServerConforms<WebSock.Upgrade<UpgradeRequest, Hooks>>>;
export type HookingLater = Assert<ServerConforms<WebSock.Upgrade<UpgradeRequest, Promise<Partial<Hooks> | undefined>>>>;
declare function hooks<State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options?: Options,
): { readonly fetch: () => Promise<UpgradeResponse>; readonly hooks: (request: UpgradeRequest) => Hooks };
export type HookMaker = Assert<ServerConforms<typeof hooks>>;

declare function upgrade<State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options?: Options,
): void;
export type PlainFunction = Assert<ServerConforms<typeof upgrade>>;

declare function likeContract<State, Info = unknown, Arg = undefined, Init = unknown>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg> & { readonly init: Init },
  arg: WebSock.ArgFor<Init, Arg>,
  options?: Options,
): void;
export type LikeContract = Assert<ServerConforms<typeof likeContract>>;

declare function noOptions<State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
): void;
export type NoOptions = Assert<ServerConforms<typeof noOptions>>;

declare function moreOptions<State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options?: Options & { backlog?: number },
  extra?: string,
): void;
export type MoreOptions = Assert<ServerConforms<typeof moreOptions>>;

declare class Server {
  upgrade<State, Info, Arg>(
    request: UpgradeRequest,
    handler: WebSock<State, Info, Arg>,
    arg: Arg,
    options?: Options,
  ): UpgradeResponse;
}
export type Method = Assert<ServerConforms<Server['upgrade']>>;

declare function overloaded<State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options?: Options,
): void;
declare function overloaded<State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options: Options,
  done: () => void,
): void;
export type Overload = Assert<ServerConforms<typeof overloaded>>;

declare function overloaded2<State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options: Options,
  done: () => void,
): void;
declare function overloaded2<State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options?: Options,
): void;
export type Overload2 = Assert<ServerConforms<typeof overloaded2>>;

declare function optionalArg<State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg?: Arg,
  options?: Options,
): void;
export type OptionalArg = Assert<ServerConforms<typeof optionalArg>>;

type Later<Type> = [Type][Type extends unknown ? 0 : never];
declare function later<State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Later<Arg>,
  options?: Options,
): void;
export type LaterArg = Assert<ServerConforms<typeof later>>;

// ---- Wrong ----

// refused: 1.1 the upgrade is any; give it a type
export type Any = Assert<ServerConforms<any>>;
// refused: 1.1 the upgrade is never; give it a type
export type Never = Assert<ServerConforms<never>>;
// refused: 1.1 the upgrade is not a function; pass the function itself
export type Unknown = Assert<ServerConforms<unknown>>;
// refused: 1.1 the upgrade is not a function; pass the function itself
export type ServerObject = Assert<ServerConforms<Server>>;
// refused: 1.1 the upgrade is not a function; pass the function itself
export type ServerClass = Assert<ServerConforms<typeof Server>>;

// refused: 1.1 the request of the upgrade is any; give it a type
export type AnyRequest = Assert<ServerConforms<WebSock.Upgrade<any>>>;
// refused: 1.1 the upgrade returns any; give its result a type
export type AnyResponse = Assert<ServerConforms<WebSock.Upgrade<UpgradeRequest, any>>>;
// refused: 1.1 the upgrade returns any; give its result a type
export type AnyPromise = Assert<ServerConforms<WebSock.Upgrade<UpgradeRequest, Promise<any>>>>;
type AnyHandlerUpgrade = <Arg>(request: UpgradeRequest, handler: any, arg: Arg, options?: Options) => void;
// refused: 1.1 the handler of the upgrade is any, or a WebSock of any; declare WebSock<State, Info, Arg>
export type AnyHandler = Assert<ServerConforms<AnyHandlerUpgrade>>;

type AnyWebSockUpgrade = (
  request: UpgradeRequest,
  handler: WebSock<any, any, any>,
  arg: unknown,
  options?: Options,
) => void;
// refused: 1.1 the handler of the upgrade is any, or a WebSock of any; declare WebSock<State, Info, Arg>
export type AnyWebSock = Assert<ServerConforms<AnyWebSockUpgrade>>;

type StoredAnyUpgrade = (request: UpgradeRequest, handler: WebSock.Any, arg: unknown, options?: Options) => void;
// refused: 1.1 the handler of the upgrade is any, or a WebSock of any; declare WebSock<State, Info, Arg>
export type StoredAny = Assert<ServerConforms<StoredAnyUpgrade>>;

type AnyStateUpgrade = <Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<any, Info, Arg>,
  arg: Arg,
  options?: Options,
) => void;
// refused: 1.1 the handler of the upgrade is any, or a WebSock of any; declare WebSock<State, Info, Arg>
export type AnyState = Assert<ServerConforms<AnyStateUpgrade>>;

type AnyInfoUpgrade = <State, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, any, Arg>,
  arg: Arg,
  options?: Options,
) => void;
// refused: 1.1 the handler of the upgrade is any, or a WebSock of any; declare WebSock<State, Info, Arg>
export type AnyInfo = Assert<ServerConforms<AnyInfoUpgrade>>;

type AnyHandlerArgUpgrade = <State, Info>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, any>,
  arg: string,
  options?: Options,
) => void;
// refused: 1.1 the handler of the upgrade is any, or a WebSock of any; declare WebSock<State, Info, Arg>
export type AnyHandlerArg = Assert<ServerConforms<AnyHandlerArgUpgrade>>;

type AnyArgUpgrade = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: any,
  options?: Options,
) => void;
// refused: 1.1 the arg of the upgrade is any; declare the Arg of the handler
export type AnyArg = Assert<ServerConforms<AnyArgUpgrade>>;

type AnyOptionsUpgrade = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options?: any,
) => void;
// refused: 1.1 the options of the upgrade are any; declare WebSock.ConnectionOptions
export type AnyOptions = Assert<ServerConforms<AnyOptionsUpgrade>>;

type AnyAllUpgrade = (...args: any[]) => void;
// refused: 1.1 the request of the upgrade is any; give it a type
export type AnyAll = Assert<ServerConforms<AnyAllUpgrade>>;

type ObjectHandlerUpgrade = <Arg>(request: UpgradeRequest, handler: object, arg: Arg, options?: Options) => void;
// refused: 1.1 the upgrade accepts a handler without init; declare WebSock<State, Info, Arg>
export type ObjectHandler = Assert<ServerConforms<ObjectHandlerUpgrade>>;

type UnknownHandlerUpgrade = <Arg>(request: UpgradeRequest, handler: unknown, arg: Arg, options?: Options) => void;
// refused: 1.1 the upgrade accepts a handler without init; declare WebSock<State, Info, Arg>
export type UnknownHandler = Assert<ServerConforms<UnknownHandlerUpgrade>>;

type UnknownAllUpgrade = (...args: unknown[]) => void;
// refused: 1.1 the upgrade accepts a handler without init; declare WebSock<State, Info, Arg>
export type UnknownAll = Assert<ServerConforms<UnknownAllUpgrade>>;

type NothingUpgrade = () => void;
// refused: 1.1 the upgrade has unexpected parameters; declare (request, handler, arg, options?)
export type Nothing = Assert<ServerConforms<NothingUpgrade>>;

type OneStateUpgrade = <Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<{ id: string }, Info, Arg>,
  arg: Arg,
  options?: Options,
) => void;
// refused: 2.6 the upgrade rejects a plain handler; declare WebSock<State, Info, Arg>, each a type parameter
export type OneState = Assert<ServerConforms<OneStateUpgrade>>;

type UnknownArgUpgrade = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: unknown,
  options?: Options,
) => void;
// refused: 1.1 the upgrade accepts an arg that init does not; declare the Arg of the handler
export type UnknownArg = Assert<ServerConforms<UnknownArgUpgrade>>;

type ArgIsStateUpgrade = <State, Info>(
  request: UpgradeRequest,
  handler: WebSock<State, Info>,
  arg: State,
  options?: Options,
) => void;
// refused: 2.6 the upgrade rejects a plain handler; declare WebSock<State, Info, Arg>, each a type parameter
export type ArgIsState = Assert<ServerConforms<ArgIsStateUpgrade>>;

type SwappedUpgrade = <State, Info, Arg>(
  handler: WebSock<State, Info, Arg>,
  request: UpgradeRequest,
  arg: Arg,
  options?: Options,
) => void;
// refused: 1.1 the upgrade has unexpected parameters; declare (request, handler, arg, options?)
export type Swapped = Assert<ServerConforms<SwappedUpgrade>>;

type SwappedUnknownUpgrade = <State, Info, Arg>(
  handler: WebSock<State, Info, Arg>,
  request: unknown,
  arg: Arg,
  options?: Options,
) => void;
// refused: 1.1 the upgrade has unexpected parameters; declare (request, handler, arg, options?)
export type SwappedUnknown = Assert<ServerConforms<SwappedUnknownUpgrade>>;

type SwappedArgUpgrade = <State, Info, Arg>(
  request: UpgradeRequest,
  arg: Arg,
  handler: WebSock<State, Info, Arg>,
  options?: Options,
) => void;
// refused: 1.1 the upgrade has unexpected parameters; declare (request, handler, arg, options?)
export type SwappedArg = Assert<ServerConforms<SwappedArgUpgrade>>;

type WrongOptionsUpgrade = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options?: { idleTimeout?: string },
) => void;
// refused: 1.5 the upgrade accepts options of the wrong type; declare WebSock.ConnectionOptions
export type WrongOptions = Assert<ServerConforms<WrongOptionsUpgrade>>;

type UnknownOptionsUpgrade = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options?: unknown,
) => void;
// refused: 1.5 the upgrade accepts options of the wrong type
export type UnknownOptions = Assert<ServerConforms<UnknownOptionsUpgrade>>;

type RequiredOptionsUpgrade = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options: Options,
) => void;
// refused: 1.1 the upgrade requires options; make them optional
export type RequiredOptions = Assert<ServerConforms<RequiredOptionsUpgrade>>;

type OneInfoUpgrade = <State, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, string, Arg>,
  arg: Arg,
  options?: Options,
) => void;
// refused: 2.9 the upgrade rejects a handler that accepts every posted message; let Info be a type parameter
export type OneInfo = Assert<ServerConforms<OneInfoUpgrade>>;

type WideOptionsUpgrade = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options?: { readonly idleTimeout?: number | string },
) => void;
// refused: 1.5 the upgrade accepts options of the wrong type; declare WebSock.ConnectionOptions
export type WideOptions = Assert<ServerConforms<WideOptionsUpgrade>>;

// ---- A handler parameter that is too wide or too narrow in one place ----

type Of<Handler, Arg> = (request: UpgradeRequest, handler: Handler, arg: Arg, options?: Options) => void;

type NoHandleIn = <State, Info, Arg>(...call: Parameters<Of<Omit<WebSock<State, Info, Arg>, 'handleIn'>, Arg>>) => void;
// refused: 2.3 the upgrade accepts a handler without handleIn; declare WebSock<State, Info, Arg>
export type TakesNoHandleIn = Assert<ServerConforms<NoHandleIn>>;

type NoHandleInfo = <State, Info, Arg>(
  ...call: Parameters<Of<Omit<WebSock<State, Info, Arg>, 'handleInfo'>, Arg>>
) => void;
// refused: 2.9 the upgrade accepts a handler without handleInfo; declare WebSock<State, Info, Arg>
export type TakesNoHandleInfo = Assert<ServerConforms<NoHandleInfo>>;

interface Loose<State, Info, Arg, Frame, Next, Result> extends Omit<WebSock<State, Info, Arg>, 'handleIn'> {
  readonly handleIn: (frame: Frame, state: Next) => Result;
}
type Results<State> = WebSock.Awaitable<WebSock.HandleResult<State>>;
type TextFrame = { readonly opcode: 'text'; readonly data: string };

type TextOnly = <State, Info, Arg>(
  ...call: Parameters<Of<Loose<State, Info, Arg, TextFrame, State, Results<State>>, Arg>>
) => void;
// refused: 2.3 the upgrade accepts a handler of text frames only; declare WebSock<State, Info, Arg>
export type TakesTextOnly = Assert<ServerConforms<TextOnly>>;

type OtherState = <State, Info, Arg, Other>(
  ...call: Parameters<Of<Loose<State, Info, Arg, WebSock.DataFrame, State, Results<Other>>, Arg>>
) => void;
// refused: 2.4 the upgrade accepts a handler that returns a state it does not accept; declare WebSock<State, Info, Arg>
export type TakesOtherState = Assert<ServerConforms<OtherState>>;

type MoreState = <State, Info, Arg, Other>(
  ...call: Parameters<Of<Loose<State, Info, Arg, WebSock.DataFrame, Other, Results<State>>, Arg>>
) => void;
// refused: 2.4 the upgrade accepts a handler that needs more state than init gives; declare WebSock<State, Info, Arg>
export type TakesMoreState = Assert<ServerConforms<MoreState>>;

interface LooseInfo<State, Info, Arg, Posted> extends Omit<WebSock<State, Info, Arg>, 'init'> {
  readonly init: (arg: Arg, mailbox: WebSock.Mailbox<Posted>) => Results<State>;
}
type OtherInfo = <State, Info, Arg, Posted>(...call: Parameters<Of<LooseInfo<State, Info, Arg, Posted>, Arg>>) => void;
// refused: 2.9 the upgrade accepts a handler whose mailbox and handleInfo disagree; declare WebSock<State, Info, Arg>
export type TakesOtherInfo = Assert<ServerConforms<OtherInfo>>;

type Nothing2 = <State, Info, Arg>(
  ...call: Parameters<Of<Loose<State, Info, Arg, WebSock.DataFrame, State, Results<State> | void>, Arg>>
) => void;
// refused: 3.6 the upgrade accepts a handler that returns nothing; declare WebSock<State, Info, Arg>
export type TakesNothing = Assert<ServerConforms<Nothing2>>;

type Sync<State> = WebSock.HandleResult<State>;
type SyncOnly = <State, Info, Arg>(
  ...call: Parameters<
    Of<WebSock<State, Info, Arg> & { handleIn: (frame: WebSock.DataFrame, state: State) => Sync<State> }, Arg>
  >
) => void;
// refused: 2.6 the upgrade rejects a plain handler; declare WebSock<State, Info, Arg>, each a type parameter
export type RefusesAsync = Assert<ServerConforms<SyncOnly>>;

type StringArg = <State, Info>(...call: Parameters<Of<WebSock<State, Info, string>, string>>) => void;
// refused: 1.1 the upgrade rejects a handler of another arg; let Arg be a type parameter
export type RefusesArg = Assert<ServerConforms<StringArg>>;

type DefinedState = <State extends object, Info, Arg>(...call: Parameters<Of<WebSock<State, Info, Arg>, Arg>>) => void;
// refused: 2.6 the upgrade rejects a handler whose state is undefined; do not constrain State
export type RefusesUndefined = Assert<ServerConforms<DefinedState>>;

type CountState = <Info, Arg>(...call: Parameters<Of<WebSock<{ readonly count: number }, Info, Arg>, Arg>>) => void;
// refused: 2.6 the upgrade rejects a handler of another state; let State be a type parameter
export type RefusesState = Assert<ServerConforms<CountState>>;

type FullOnly = <State, Info, Arg>(...call: Parameters<Of<Required<WebSock<State, Info, Arg>>, Arg>>) => void;
// refused: 2.6 the upgrade rejects a plain handler; declare WebSock<State, Info, Arg>, each a type parameter
export type RefusesMinimal = Assert<ServerConforms<FullOnly>>;

// ---- Only one right handler rejected ----

type ArgButState = <State, Info, Arg extends string | boolean>(
  ...call: Parameters<Of<WebSock<State, Info, Arg>, Arg>>
) => void;
// refused: 1.1 the upgrade rejects a handler whose arg is its state; do not constrain Arg
export type RefusesArgOfState = Assert<ServerConforms<ArgButState>>;

type DefinedArg = <State, Info, Arg extends {}>(...call: Parameters<Of<WebSock<State, Info, Arg>, Arg>>) => void;
// refused: 1.1 the upgrade rejects a handler without an arg; do not constrain Arg
export type RefusesNoArg = Assert<ServerConforms<DefinedArg>>;

type Keyed<Handler> = 'terminate' extends keyof Handler ? Handler : never;
type KeyedOnly = <State, Info, Arg, Handler>(
  ...call: Parameters<Of<Keyed<Handler> & WebSock<State, Info, Arg>, Arg>>
) => void;
// refused: 2.5 the upgrade rejects a handler without the optional callbacks; declare WebSock<State, Info, Arg>
export type RefusesWithoutOptional = Assert<ServerConforms<KeyedOnly>>;

type Controlled<Handler> = Handler extends { readonly handleControl: unknown } ? never : Handler;
type NotControlled = <State, Info, Arg, Handler>(
  ...call: Parameters<Of<Controlled<Handler> & WebSock<State, Info, Arg>, Arg>>
) => void;
// refused: 2.5 the upgrade rejects a handler with the optional callbacks; declare WebSock<State, Info, Arg>
export type RefusesWithOptional = Assert<ServerConforms<NotControlled>>;

type Waiting<Handler> = Handler extends { readonly init: (arg: never) => PromiseLike<unknown> } ? never : Handler;
type NotWaiting = <State, Info, Arg, Handler>(
  ...call: Parameters<Of<Waiting<Handler> & WebSock<State, Info, Arg>, Arg>>
) => void;
// refused: 2.1 the upgrade rejects a handler of async callbacks; declare WebSock<State, Info, Arg>
export type RefusesPromises = Assert<ServerConforms<NotWaiting>>;

type Open<Handler> =
  (<Type>() => Type extends Handler ? 1 : 2) extends <Type>() => Type extends {
    [Key in keyof Handler]: Handler[Key];
  }
    ? 1
    : 2
    ? Handler
    : never;
type OpenOnly = <State, Info, Arg, Handler>(
  ...call: Parameters<Of<Open<Handler> & WebSock<State, Info, Arg>, Arg>>
) => void;
// refused: 2.5 the upgrade rejects an instance of a class with private fields; declare WebSock<State, Info, Arg>
export type RefusesPrivate = Assert<ServerConforms<OpenOnly>>;

type Informed<Handler> = Handler extends { readonly handleInfo: (info: infer Info, state: never) => unknown }
  ? [Info] extends [never]
    ? never
    : Handler
  : never;
type InformedOnly = <State, Info, Arg, Handler>(
  ...call: Parameters<Of<Informed<Handler> & WebSock<State, Info, Arg>, Arg>>
) => void;
// refused: 2.9 the upgrade rejects a handler that accepts no posted message; do not constrain Info
export type RefusesNoInfo = Assert<ServerConforms<InformedOnly>>;

type ObjectState = <State extends object | undefined, Info, Arg>(
  ...call: Parameters<Of<WebSock<State, Info, Arg>, Arg>>
) => void;
// refused: 2.6 the upgrade rejects a handler whose state is null; do not constrain State
export type RejectsNull = Assert<ServerConforms<ObjectState>>;

type NullableState = <State extends object | null | undefined, Info, Arg>(
  ...call: Parameters<Of<WebSock<State, Info, Arg>, Arg>>
) => void;
// refused: 2.6 the upgrade rejects a handler whose state is a number; do not constrain State
export type RejectsNumber = Assert<ServerConforms<NullableState>>;

// ---- Only one wrong arg accepted ----

type NullableArg = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg | null,
  options?: Options,
) => void;
// refused: 1.1 the upgrade accepts an arg that init does not; declare the Arg of the handler
export type TakesNull = Assert<ServerConforms<NullableArg>>;

type PartialArg = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Partial<Arg>,
  options?: Options,
) => void;
// refused: 1.1 the upgrade accepts an arg that init does not; declare the Arg of the handler
export type TakesPartialArg = Assert<ServerConforms<PartialArg>>;

type ArgOrNumber = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg | number,
  options?: Options,
) => void;
// refused: 1.1 the upgrade accepts an arg that init does not; declare the Arg of the handler
export type TakesNumber = Assert<ServerConforms<ArgOrNumber>>;

type ArgOrFalse = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg | boolean,
  options?: Options,
) => void;
// refused: 1.1 the upgrade accepts an arg that init does not; declare the Arg of the handler
export type TakesBoolean = Assert<ServerConforms<ArgOrFalse>>;

type ArgOrId = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg | string,
  options?: Options,
) => void;
// refused: 1.1 the upgrade accepts an arg that init does not; declare the Arg of the handler
export type TakesString = Assert<ServerConforms<ArgOrId>>;

// ---- Only some options ----

type PickedOptions = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options?: Pick<Options, 'idleTimeout' | 'maxMessageSize'>,
) => void;
// refused: 1.5 the upgrade does not accept every option; declare WebSock.ConnectionOptions
export type TakesSomeOptions = Assert<ServerConforms<PickedOptions>>;

// ---- Overloaded servers ----

interface OverloadedOneState {
  (request: UpgradeRequest, handler: WebSock<{ id: string }, string, string>, arg: string, options?: Options): void;
  (request: UpgradeRequest, handler: WebSock<{ id: number }, string, string>, arg: string, options?: Options): void;
}
// refused: 2.6 the upgrade rejects a plain handler; declare WebSock<State, Info, Arg>, each a type parameter
export type OverloadsOfOneState = Assert<ServerConforms<OverloadedOneState>>;

interface OverloadedObject {
  <State, Info, Arg>(request: UpgradeRequest, handler: WebSock<State, Info, Arg>, arg: Arg, options?: Options): void;
  (request: UpgradeRequest, handler: object, arg: unknown, options?: Options): void;
}
// refused: 1.1 the upgrade accepts a handler without init; declare WebSock<State, Info, Arg>
export type OverloadsOfObject = Assert<ServerConforms<OverloadedObject>>;

// ---- More parameters that are wrong in one place ----

type Unending<Handler> = Handler extends { readonly terminate: unknown } ? never : Handler;
type NotTerminating = <State, Info, Arg, Handler>(
  ...call: Parameters<Of<Unending<Handler> & WebSock<State, Info, Arg>, Arg>>
) => void;
// refused: 2.5 the upgrade rejects a handler with the optional callbacks; declare WebSock<State, Info, Arg>
export type RefusesTerminate = Assert<ServerConforms<NotTerminating>>;

type EndingAtOnce<Handler> = Handler extends { readonly terminate: (...args: never) => PromiseLike<unknown> }
  ? never
  : Handler;
type TerminatingAtOnce = <State, Info, Arg, Handler>(
  ...call: Parameters<Of<EndingAtOnce<Handler> & WebSock<State, Info, Arg>, Arg>>
) => void;
// refused: 2.1 the upgrade rejects a handler of async callbacks; declare WebSock<State, Info, Arg>
export type RefusesTerminatingLater = Assert<ServerConforms<TerminatingAtOnce>>;

type OtherOptions = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options?: { readonly backlog: number },
) => void;
// refused: 1.5 the upgrade accepts options of the wrong type; declare WebSock.ConnectionOptions
export type TakesOtherOptions = Assert<ServerConforms<OtherOptions>>;

type ReadonlyUpgrade = <State, Info, Arg>(...call: readonly [UpgradeRequest, WebSock<State, Info, Arg>, Arg]) => void;
export type ReadonlyParameters = Assert<ServerConforms<ReadonlyUpgrade>>;

type ReadonlyRequired = <State, Info, Arg>(
  ...call: readonly [UpgradeRequest, WebSock<State, Info, Arg>, Arg, Options]
) => void;
// refused: 1.1 the upgrade requires options; make them optional
export type ReadonlyOptions = Assert<ServerConforms<ReadonlyRequired>>;

// ---- Other parameter lists ----

interface Socket {
  readonly write: (text: string) => void;
}

type OnNode = <State, Info, Arg>(
  request: UpgradeRequest,
  socket: Socket,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options?: Options,
) => void;
// refused: 1.1 the upgrade has unexpected parameters; declare (request, handler, arg, options?)
export type TakesSocket = Assert<ServerConforms<OnNode>>;

type WithHead = <State, Info, Arg>(
  request: UpgradeRequest,
  socket: unknown,
  head: Uint8Array,
  handler: WebSock<State, Info, Arg>,
) => void;
// refused: 1.1 the upgrade has unexpected parameters; declare (request, handler, arg, options?)
export type TakesHead = Assert<ServerConforms<WithHead>>;

type AfterUnknown = <State, Info, Arg>(
  request: UpgradeRequest,
  socket: unknown,
  handler: WebSock<State, Info, Arg> | undefined,
  arg: Arg,
) => void;
// refused: 1.1 the upgrade has unexpected parameters; declare (request, handler, arg, options?)
export type TakesUnknown = Assert<ServerConforms<AfterUnknown>>;

type InOne = <State, Info, Arg>(all: { request: UpgradeRequest; handler: WebSock<State, Info, Arg>; arg: Arg }) => void;
// refused: 1.1 the upgrade has unexpected parameters; declare (request, handler, arg, options?)
export type TakesOne = Assert<ServerConforms<InOne>>;

type Curried = <State, Info, Arg>(handler: WebSock<State, Info, Arg>) => (request: UpgradeRequest, arg: Arg) => void;
// refused: 1.1 the upgrade returns a route; pass the (request, handler, arg, options?) function that the route calls
export type TakesHandler = Assert<ServerConforms<Curried>>;

// A factory of routes, as frameworks have: the route upgrades, not the factory.
type Factory = <State, Info, Arg>(
  handler: WebSock<State, Info, Arg>,
  argOf: (request: UpgradeRequest) => Arg,
  options?: Options,
) => (request: UpgradeRequest) => Promise<UpgradeResponse>;
// refused: 1.1 the upgrade returns a route; pass the (request, handler, arg, options?) function that the route calls
export type MakesRoute = Assert<ServerConforms<Factory>>;

type CurriedByRequest = (
  request: UpgradeRequest,
) => <State, Info, Arg>(handler: WebSock<State, Info, Arg>, arg: Arg) => void;
// refused: 1.1 the upgrade has unexpected parameters; declare (request, handler, arg, options?)
export type TakesRequest = Assert<ServerConforms<CurriedByRequest>>;

type NoArg = <State, Info>(request: UpgradeRequest, handler: WebSock<State, Info, undefined>) => void;
// refused: 1.1 the upgrade has unexpected parameters; declare (request, handler, arg, options?)
export type TakesNoArg = Assert<ServerConforms<NoArg>>;

type NoArgButOptions = <State, Info>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, undefined>,
  options?: Options,
) => void;
// refused: 1.1 the upgrade has unexpected parameters; declare (request, handler, arg, options?)
export type TakesOptionsAsArg = Assert<ServerConforms<NoArgButOptions>>;

type Done = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options: Options | undefined,
  done: () => void,
) => void;
// refused: 1.1 the upgrade has unexpected parameters; declare (request, handler, arg, options?)
export type RequiresDone = Assert<ServerConforms<Done>>;

type DoneAndMore = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options: Options,
  done: () => void,
  failed: (error: unknown) => void,
) => void;
// refused: 1.1 the upgrade has unexpected parameters; declare (request, handler, arg, options?)
export type RequiresMore = Assert<ServerConforms<DoneAndMore>>;

type OfFactory = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: () => WebSock<State, Info, Arg>,
  arg: Arg,
  options?: Options,
) => void;
// refused: 1.1 the upgrade has unexpected parameters; declare (request, handler, arg, options?)
export type TakesFactory = Assert<ServerConforms<OfFactory>>;

type OrFactory = <State, Info, Arg>(
  request: UpgradeRequest,
  handler: WebSock<State, Info, Arg> | (() => WebSock<State, Info, Arg>),
  arg: Arg,
  options?: Options,
) => void;
export type TakesFactoryToo = Assert<ServerConforms<OrFactory>>;

type Partly = <State, Info, Arg>(
  ...call: Parameters<Of<Partial<Pick<WebSock<State, Info, Arg>, 'handleIn'>>, Arg>>
) => void;
// refused: 1.1 the upgrade accepts a handler without init; declare WebSock<State, Info, Arg>
export type TakesPart = Assert<ServerConforms<Partly>>;

type PartlyInfo = <State, Info, Arg>(
  ...call: Parameters<Of<Partial<Pick<WebSock<State, Info, Arg>, 'handleInfo'>>, Arg>>
) => void;
// refused: 1.1 the upgrade accepts a handler without init; declare WebSock<State, Info, Arg>
export type TakesInfoPart = Assert<ServerConforms<PartlyInfo>>;

// The last of several signatures may have any parameters.
interface OverloadedShape {
  <State, Info, Arg>(request: UpgradeRequest, handler: WebSock<State, Info, Arg>, arg: Arg, options?: Options): void;
  <State, Info>(request: UpgradeRequest, handler: WebSock<State, Info, undefined>): void;
}
export type OverloadsOfShapes = Assert<ServerConforms<OverloadedShape>>;

// `any` has priority over the other faults.
type AnyAfter = (request: any, handler: any, arg: any) => void;
// refused: 1.1 the request of the upgrade is any; give it a type
export type TakesAny = Assert<ServerConforms<AnyAfter>>;

// The compiler infers nothing from the constraint of a type parameter.
type Constrained = <State, Info, Arg, Handler extends WebSock<State, Info, Arg>>(
  ...call: Parameters<Of<Checked<Handler>, Arg>>
) => void;
// refused: 2.6 the upgrade rejects a plain handler; declare WebSock<State, Info, Arg>, each a type parameter
export type TakesConstrained = Assert<ServerConforms<Constrained>>;
