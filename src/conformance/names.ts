// Misnamed callbacks: typos, the names that other libraries use, and functions that accept what only a callback receives.

import type { WebSock } from '../websock';
import type { CallbackName, RequiredCallback } from './callbacks';
import type { FaultText } from './messages';
import type { WithOpcode } from './overlooked';
import type { AcceptedState } from './state';
import type { IsAny, IsEqual, OrElse, PickOne, Settled } from './utils';

/** The callbacks by the names that they have in other libraries, in lower case. */
// Plain words stand here only for required callbacks, whose absence is an error anyway. For optional ones they could be
// helpers, such as `close`, `disconnect`, or an `onError` that a constructor keeps.
interface ForeignCallbackNames {
  open: 'init';
  connect: 'init';
  initialize: 'init';
  oninit: 'init';
  onopen: 'init';
  onconnect: 'init';
  handleopen: 'init';
  websocketopen: 'init';
  message: 'handleIn';
  onmessage: 'handleIn';
  handlemessage: 'handleIn';
  websocketmessage: 'handleIn';
  oninfo: 'handleInfo';
  oncontrol: 'handleControl';
  onping: 'handleControl';
  handleping: 'handleControl';
  onpong: 'handleControl';
  handlepong: 'handleControl';
  onclose: 'terminate';
  ondisconnect: 'terminate';
  handleclose: 'terminate';
  handledisconnect: 'terminate';
  websocketclose: 'terminate';
  websocketerror: 'terminate';
  onterminate: 'terminate';
  handleterminate: 'terminate';
}

type Callable = (...args: never) => unknown;

/**
 * The faults of misnamed optional callbacks, which would never be called, if the callback itself is missing. For
 * required callbacks see `MissingFault`.
 */
export type MisnamedFaults<Handler> = keyof Handler extends CallbackName | symbol
  ? never
  : MisnamedFaultsAmong<Handler, Exclude<keyof Handler, CallbackName>>;

type MisnamedFaultsAmong<Handler, Key> = Key extends keyof Handler & string
  ? Handler[Key] extends Callable | undefined
    ? MisnamedFault<
        Key,
        Exclude<
          OrElse<
            CallbackByParameter<Exclude<Handler[Key], undefined>>,
            CallbackByName<Lowercase<Key>, Exclude<Handler[Key], undefined>, AcceptedState<Handler, 'handleIn'>>
          >,
          keyof Handler
        >
      >
    : never
  : never;

type MisnamedFault<Key extends string, Intended> = Intended extends string
  ? FaultText<`misnamed ${Intended}`, Key>
  : never;

/** The optional callback whose argument is exactly the first parameter of a function. */
type CallbackByParameter<Fn> = Fn extends (first: infer First, ...rest: never) => unknown
  ? IsEqual<First, WebSock.CloseReason> extends true
    ? 'terminate'
    : IsEqual<First, WebSock.ControlFrame> extends true
      ? 'handleControl'
      : never
  : never;

/** The optional callback that the name of a function suggests, unless its type shows that it is a helper. */
type CallbackByName<Word extends string, Fn, State> = Word extends keyof ForeignCallbackNames
  ? ForeignCallbackNames[Word] extends infer Callback extends keyof CallbackArguments
    ? IsHelper<Fn, State, CallbackArguments[Callback]> extends true
      ? never
      : Callback
    : never
  : {
      [Callback in keyof CallbackArguments]: IsTypoOf<Word, Lowercase<Callback>> extends true
        ? Fn extends () => unknown
          ? Callback
          : IsHelper<Fn, State, CallbackArguments[Callback]> extends true
            ? never
            : Callback
        : never;
    }[keyof CallbackArguments];

/** The first arguments of the optional callbacks, as unions. */
interface CallbackArguments {
  handleControl: (WebSock.ControlFrame & { opcode: 'ping' }) | (WebSock.ControlFrame & { opcode: 'pong' });
  terminate: WebSock.CloseReason;
}

/**
 * Whether a function is an application's own: either it returns a result, or messages for one, without accepting the
 * callback's `Argument`, or it accepts a function, such as a listener.
 */
type IsHelper<Fn, State, Argument> = Fn extends (...args: infer Params) => infer Result
  ? AcceptsPartOf<Params[0], State, Argument> extends true
    ? false
    : IsHelperResult<Settled<Result>> extends true
      ? true
      : AcceptsFunction<Params[0], Params[number], State>
  : false;

/** Whether a parameter other than the state accepts a member of a union. */
type AcceptsPartOf<Param, State, Union> =
  IsEqual<Param, State> extends true ? false : true extends (Union extends Param ? true : false) ? true : false;

type IsHelperResult<Result> =
  IsAny<Result> extends true
    ? false
    : [Extract<Result, { readonly state: unknown } | WithOpcode | readonly WithOpcode[]>] extends [never]
      ? false
      : true;

/** Whether the first parameter is a function, or another one that is not the state. */
type AcceptsFunction<First, Param, State> =
  IsAny<Param> extends true
    ? false
    : [Extract<First | (unknown extends State ? Param : Exclude<Param, State>), Function>] extends [never]
      ? false
      : true;

/** The fault of a missing required callback, which names a function to rename if there is one. */
export type MissingFault<Handler, Callback extends RequiredCallback> = [MisnamedKey<Handler, Callback>] extends [never]
  ? FaultText<'missing', Callback>[Callback]
  : FaultText<`missingRenamed ${MisnamedKey<Handler, Callback>}`, Callback>;

type MisnamedKey<Handler, Callback extends RequiredCallback> = PickOne<
  {
    [Key in Exclude<keyof Handler & string, CallbackName>]: Handler[Key] extends Callable
      ? Callback extends ForeignCallbackNames[Lowercase<Key> & keyof ForeignCallbackNames]
        ? Key
        : IsTypoOf<Lowercase<Key>, Lowercase<Callback>> extends true
          ? Key
          : never
      : never;
  }[Exclude<keyof Handler & string, CallbackName>]
>;

/** Whether two words are equal, or differ by one letter: replaced, added, omitted, or swapped with the next. */
type IsTypoOf<Word, Name> = Word extends Name
  ? true
  : Word extends `${infer First}${infer Rest}`
    ? Name extends `${infer NameFirst}${infer NameRest}`
      ? First extends NameFirst
        ? IsTypoOf<Rest, NameRest>
        : Rest extends NameRest | Name
          ? true
          : Word extends NameRest
            ? true
            : Rest extends `${NameFirst}${infer Tail}`
              ? NameRest extends `${First}${Tail}`
                ? true
                : false
              : false
      : Rest extends ''
        ? true
        : false
    : Name extends `${infer _First}${infer Rest}`
      ? Rest extends ''
        ? true
        : false
      : false;
