// The verdict on a handler, and the faults of a wrong one.
//
// `IsConforming` judges every handler, as cheaply as possible. The faults are computed only for a wrong one.

import type { WebSock } from '../websock';
import type {
  CallableOn,
  CallableWithoutThis,
  CallbackName,
  InferredSignatures,
  PostsByMethod,
  RequiredCallback,
  ResultCallback,
  ReturnedResult,
  WithAnyCallback,
  WithoutThis,
} from './callbacks';
import type { FaultText, FaultTexts, NeedsStrict } from './messages';
import type { MisnamedFaults, MissingFault } from './names';
import type { OverlookedFaultKeys, TerminateFaultKey } from './overlooked';
import type { FirstResultFaultKey } from './results';
import type { AcceptedState, StateFault } from './state';
import type { FirstNonNever, IsAny, IsEqual, IsStrict, OrElse } from './utils';

// ---- The verdict ----

/** `true` if every member of a union conforms; `boolean` or `false` if one does not; `never` for `never`. */
export type IsEveryMemberConforming<Handler> = Handler extends unknown ? IsConforming<Handler> : never;

/** `never` if the handler conforms, otherwise its faults. Each member of a union is judged separately. */
export type HandlerFaults<Handler> = IsStrict extends true
  ? [Handler] extends [never]
    ? FaultTexts['handlerNever']
    : IsAny<Handler> extends true
      ? FaultTexts['handlerAny']
      : Handler extends unknown
        ? IsConforming<Handler> extends true
          ? never
          : FaultsOfWrongHandler<Handler>
        : never
  : NeedsStrict;

/**
 * Whether the handler is a `WebSock` of the state, info and arg that its callbacks imply, without mistakes that the
 * contract accepts. If it is a `WebSock` of any such types, it is one of the inferred ones.
 */
// `SameHandler` is always `Handler`. The compiler narrows the tested name in each branch, at a cost that the other
// avoids.
type IsConforming<Handler, SameHandler = Handler> =
  Handler extends InferredSignatures<
    infer State,
    infer Info,
    infer Arg,
    infer Frame,
    infer InitResult,
    infer InResult,
    infer ControlResult,
    infer InfoResult,
    infer TerminateResult
  >
    ? Handler extends WebSock<State, Info, Arg>
      ?
          | OverlookedFaultKeys<InitResult | InResult | ControlResult | InfoResult>
          | TerminateFaultKey<TerminateResult>
          | (WebSock.DataFrame extends Frame
              ? keyof SameHandler extends CallbackName
                ? never
                : MisnamedFaults<SameHandler>
              : OverrideFaults<SameHandler>[keyof SameHandler & CallbackName]) extends never
        ? 0 extends 1 & State
          ? false
          : Handler extends WithAnyCallback | PostsByMethod
            ? IsConformingOnSecondLook<SameHandler>
            : true
        : false
      : IsConformingByOverloads<SameHandler, HandleInOfOverloads<SameHandler>>
    : IsConformingWithThis<SameHandler>;

/** The rest of the verdict on a handler with a callback of `any`, or whose mailbox has a method `post`. */
type IsConformingOnSecondLook<Handler> =
  IsAny<Handler[keyof Handler & CallbackName]> extends true
    ? false
    : unknown extends PostableInfo<Handler> // a generic `init`, which posts whatever its mailbox accepts
      ? true
      : [ParameterFault<Handler, 'handleInfo', Handler['handleInfo' & keyof Handler]>] extends [never]
        ? true
        : false;

/** The verdict on a handler with a callback that declares a `this`, which must be the handler. */
type IsConformingWithThis<Handler> = Handler extends CallableWithoutThis
  ? false
  : Handler extends CallableOn<Handler>
    ? IsConforming<WithoutThis<Handler>>
    : false;

/** The verdict on a handler whose `handleIn` may have an overload for each kind of frame. */
type IsConformingByOverloads<Handler, HandleIn> = [HandleIn] extends [never]
  ? false
  : IsConforming<WithCallback<Handler, 'handleIn', HandleIn>>;

/** A `handleIn` with an overload for each kind of frame, as one function; `never` if it has no such overloads. */
// If there is only one signature, the first is inferred as `unknown`, or, since TypeScript 7.0, as the last one.
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
 * The faults, by callback, of callbacks that override others. If a handler is spread in a generic function, or made by
 * `Object.assign` or a mixin, the type of a callback is the intersection of both: it is assignable if either one is.
 */
// An interface with two overloads is not equal to the intersection of two functions. By callback, because an error
// would show the alias of a union in place of its faults.
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

// ---- The faults ----

/** The faults of a handler that does not conform. Expects one that is not a union. */
type FaultsOfWrongHandler<Handler> = Handler extends abstract new (
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
            ? OrElse<FaultsByCallback<Handler, HandleInOfOverloads<Handler>>, FaultTexts['handlerOther']>
            : FaultTexts['handlerNotObject'];

type FaultsByCallback<Handler, HandleIn> = [HandleIn] extends [never]
  ?
      | CallbackFault<Handler, 'init'>
      | CallbackFault<Handler, 'handleIn'>
      | CallbackFault<Handler, 'handleControl'>
      | CallbackFault<Handler, 'handleInfo'>
      | CallbackFault<Handler, 'terminate'>
      | MisnamedFaults<Handler>
      | OverrideFaults<Handler>[keyof Handler & CallbackName]
  : FaultsByCallback<WithCallback<Handler, 'handleIn', HandleIn>, never>;

/** Whether the handler is annotated as a `WebSock` with a state of `any`. */
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
// With all keys of the handler, because a type with only optional properties must share one with the assigned type.
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
          ? FaultText<FirstResultFaultKey<ReturnedResult<Handler, Callback>>, Callback>
          : FaultText<TerminateFaultKey<ReturnedResult<Handler, Callback>>, Callback>,
        StateFault<Handler, Callback>,
      ]
    >
  : IsEqual<Fn, Function> extends true
    ? FaultTexts<Callback>['callbackUntyped']
    : FaultTexts<Callback>['notFunction'];

/** The fault of a callback that does not accept an argument that the server passes. */
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

/** The messages that can be posted to the mailbox of `init`; `never` if `init` has no mailbox. */
type PostableInfo<Handler> = Handler extends { readonly init: (arg: never, mailbox: infer Mailbox) => unknown }
  ? Mailbox extends { readonly post: (info: infer Info) => void }
    ? Info
    : never
  : never;
