// The verdict on a handler, and the explanation for one that fails.
//
// Every handler is judged by the few tests of `Conforms`. Only one that fails is explained, callback by callback.

import type { WebSock } from '../websock';
import type {
  CallableOn,
  CallbackName,
  DeclaresNoThis,
  InferredSignatures,
  PostsByMethod,
  RequiredCallback,
  ResultCallback,
  ReturnedResult,
  WithAnyCallback,
  WithoutThis,
} from './callbacks';
import type { MisnamedFaults, MissingFault } from './names';
import type { FirstResultFault } from './results';
import type { SilentFaults } from './silent';
import type { AcceptedState, StateFault } from './state';
import type { FaultText, FaultTexts, NeedsStrict } from './texts';
import type { FirstNonNever, IsAny, IsEqual, IsStrict, OrElse } from './tools';

// ---- The verdict ----

/** `true` if all members of a union of handlers conform, `never` if there are none. */
export type EveryMemberConforms<Handler> = Handler extends unknown ? Conforms<Handler> : never;

/** `never` if the handler conforms, else its faults. Each member of a union is judged by itself. */
export type HandlerFaults<Handler> = IsStrict extends true
  ? [Handler] extends [never]
    ? FaultTexts['handlerNever']
    : IsAny<Handler> extends true
      ? FaultTexts['handlerAny']
      : Handler extends unknown
        ? Conforms<Handler> extends true
          ? never
          : Explain<Handler>
        : never
  : NeedsStrict;

/**
 * Whether there are a state, an info and an arg with which the handler is a `WebSock`, and nothing is wrong that the
 * contract alone would let pass. If such types exist, the ones inferred from its callbacks are among them.
 */
// `SameHandler` is always `Handler`. Only the name that is tested costs the compiler work, so the other is used inside.
type Conforms<Handler, SameHandler = Handler> =
  Handler extends InferredSignatures<
    infer State,
    infer Info,
    infer Arg,
    infer Frame,
    infer InitResult,
    infer InResult,
    infer ControlResult,
    infer InfoResult
  >
    ? Handler extends WebSock<State, Info, Arg>
      ?
          | SilentFaults<InitResult | InResult | ControlResult | InfoResult>
          | (WebSock.DataFrame extends Frame
              ? keyof SameHandler extends CallbackName
                ? never
                : MisnamedFaults<SameHandler>
              : OverrideFaults<SameHandler>[keyof SameHandler & CallbackName]) extends never
        ? 0 extends 1 & State
          ? false
          : Handler extends WithAnyCallback | PostsByMethod
            ? ConformsOnSecondLook<SameHandler>
            : true
        : false
      : ConformsByOverloads<SameHandler, HandleInOfOverloads<SameHandler>>
    : ConformsWithThis<SameHandler>;

/** The rest of the verdict on a handler whose callbacks may be `any`, or whose mailbox has a method `post`. */
type ConformsOnSecondLook<Handler> =
  IsAny<Handler[keyof Handler & CallbackName]> extends true
    ? false
    : unknown extends PostableInfo<Handler> // that of a generic `init`, which posts what its mailbox accepts
      ? true
      : [ParameterFault<Handler, 'handleInfo', Handler['handleInfo' & keyof Handler]>] extends [never]
        ? true
        : false;

/** The verdict on a handler of which a callback declares a `this`, which must be the handler. */
type ConformsWithThis<Handler> = Handler extends DeclaresNoThis
  ? false
  : Handler extends CallableOn<Handler>
    ? Conforms<WithoutThis<Handler>>
    : false;

/** The verdict on a handler whose `handleIn` may have an overload for each kind of frame. */
type ConformsByOverloads<Handler, HandleIn> = [HandleIn] extends [never]
  ? false
  : Conforms<WithCallback<Handler, 'handleIn', HandleIn>>;

/** A `handleIn` with an overload for each kind of frame, as one function; `never` if it has no such overloads. */
// Of a function with one signature the compiler infers the first as `unknown`, or, from 7.0 on, as the last.
type HandleInOfOverloads<Handler> = Handler extends {
  readonly handleIn: {
    (frame: infer FirstFrame, state: infer FirstState): infer FirstResult;
    (frame: infer LastFrame, state: infer LastState): infer LastResult;
  };
}
  ? WebSock.DataFrame extends FirstFrame
    ? never
    : WebSock.DataFrame extends LastFrame
      ? never
      : WebSock.DataFrame extends FirstFrame | LastFrame
        ? (frame: FirstFrame | LastFrame, state: FirstState & LastState) => FirstResult | LastResult
        : never
  : never;

/**
 * The faults of callbacks that override others: where a handler is spread in a generic function, or made by
 * `Object.assign` or a mixin, the type of a callback is the intersection of both, and fits if either does.
 */
// An interface with two overloads is not equal to the intersection of two functions. By callback, because the compiler
// would show the name of a union in place of its faults.
type OverrideFaults<Handler> = {
  [Callback in keyof Handler & CallbackName]: Handler[Callback] extends {
    (...args: infer FirstParams): infer FirstResult;
    (...args: infer LastParams): infer LastResult;
  }
    ? IsEqual<
        Handler[Callback],
        ((...args: FirstParams) => FirstResult) & ((...args: LastParams) => LastResult)
      > extends true
      ?
          | HandlerFaults<WithCallback<Handler, Callback, (...args: FirstParams) => FirstResult>>
          | HandlerFaults<WithCallback<Handler, Callback, (...args: LastParams) => LastResult>>
      : never
    : never;
};

type WithCallback<Handler, Callback, Fn> = { [Key in keyof Handler]: Key extends Callback ? Fn : Handler[Key] };

// ---- The explanation ----

/** The faults of a handler that does not conform. */
type Explain<Handler> = Handler extends abstract new (
  ...args: never
) => unknown
  ? FaultTexts['handlerClass']
  : Handler extends null | undefined
    ? FaultTexts['handlerUndefined']
    : Handler extends PromiseLike<unknown>
      ? FaultTexts['handlerPromise']
      : Handler extends (...args: never) => unknown
        ? FaultTexts['handlerNotObject']
        : HasAnyState<Handler> extends true
          ? FaultTexts['handlerState']
          : Handler extends object
            ? OrElse<ExplainCallbacks<Handler, HandleInOfOverloads<Handler>>, FaultTexts['handlerOther']>
            : FaultTexts['handlerNotObject'];

type ExplainCallbacks<Handler, HandleIn> = [HandleIn] extends [never]
  ?
      | CallbackFault<Handler, 'init'>
      | CallbackFault<Handler, 'handleIn'>
      | CallbackFault<Handler, 'handleControl'>
      | CallbackFault<Handler, 'handleInfo'>
      | CallbackFault<Handler, 'terminate'>
      | MisnamedFaults<Handler>
      | OverrideFaults<Handler>[keyof Handler & CallbackName]
  : ExplainCallbacks<WithCallback<Handler, 'handleIn', HandleIn>, never>;

/** Whether the handler is annotated with a state of `any`. */
type HasAnyState<Handler> =
  IsEqual<Handler, WebSock.Any> extends true
    ? true
    : Handler extends WebSock<infer State, infer Info, infer Arg>
      ? IsAny<State> extends true
        ? IsEqual<Handler, WebSock<State, Info, Arg>>
        : false
      : false;

/** The first fault of one callback. */
type CallbackFault<Handler, Callback extends CallbackName> = Callback extends keyof Handler
  ? IsAny<Handler[Callback]> extends true
    ? FaultTexts<Callback>['callbackAny']
    : undefined extends Handler[Callback]
      ? Callback extends RequiredCallback
        ? MissingFault<Handler, Callback>
        : SignatureFault<Handler, Callback, Exclude<Handler[Callback], undefined>>
      : SignatureFault<Handler, Callback, Handler[Callback]>
  : IsHidden<Handler, Callback> extends true
    ? FaultTexts<Callback>['callbackHidden']
    : Callback extends RequiredCallback
      ? MissingFault<Handler, Callback>
      : never;

/** Whether a class has the callback as a private or protected member, which `keyof` does not show. */
// Beside the handler's other keys, because a type of optional properties must share one with what is assigned to it.
type IsHidden<Handler, Callback extends CallbackName> = Handler extends {
  readonly [Key in Callback | keyof Handler]?: unknown;
}
  ? false
  : true;

type SignatureFault<Handler, Callback extends CallbackName, Fn> = Fn extends (...args: never) => unknown
  ? FirstNonNever<
      [
        Fn extends (first: never, second: never) => unknown ? never : FaultTexts<Callback>['tooManyParameters'],
        Handler extends { [Key in Callback]?: CallableOn<Handler>[Key] } ? never : FaultTexts<Callback>['foreignThis'],
        IsAny<AcceptedState<Handler, Callback>> extends true ? FaultTexts<Callback>['stateAny'] : never,
        ParameterFault<Handler, Callback, Fn>,
        Callback extends ResultCallback
          ? FaultText<FirstResultFault<ReturnedResult<Handler, Callback>>, Callback>
          : never,
        StateFault<Handler, Callback>,
      ]
    >
  : IsEqual<Fn, Function> extends true
    ? FaultTexts<Callback>['callbackUntyped']
    : FaultTexts<Callback>['notFunction'];

/** What a callback is given and does not accept. */
type ParameterFault<Handler, Callback, Fn> = Callback extends 'init'
  ? FaultUnlessAccepts<Fn, [never, WebSock.Mailbox<any>], 'mailbox'>
  : Callback extends 'handleIn'
    ? FirstNonNever<
        [
          FaultUnlessAccepts<Fn, [WebSock.TextFrame, never], 'text'>,
          FaultUnlessAccepts<Fn, [WebSock.BinaryFrame, never], 'binary'>,
          FaultUnlessAccepts<Fn, [WebSock.DataFrame, never], 'frameOverloads'>,
        ]
      >
    : Callback extends 'handleControl'
      ? FirstNonNever<
          [
            FaultUnlessAccepts<Fn, [WebSock.ControlFrame & { opcode: 'ping' }, never], 'ping'>,
            FaultUnlessAccepts<Fn, [WebSock.ControlFrame, never], 'pong'>,
          ]
        >
      : Callback extends 'handleInfo'
        ? FaultUnlessAccepts<Fn, [PostableInfo<Handler>, never], 'info'>
        : FaultUnlessAccepts<Fn, [WebSock.CloseReason, never], 'reason'>;

type FaultUnlessAccepts<Fn, Given extends [unknown, unknown], Fault extends keyof FaultTexts> = Fn extends (
  first: Given[0],
  second: Given[1],
) => unknown
  ? never
  : FaultTexts[Fault];

/** What may be posted to the mailbox of `init`; `never` if `init` has none. */
type PostableInfo<Handler> = Handler extends { readonly init: (arg: never, mailbox: infer Mailbox) => unknown }
  ? Mailbox extends { readonly post: (info: infer Info) => void }
    ? Info
    : never
  : never;
