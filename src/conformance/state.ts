// The callback to blame if one does not accept the state that another returns.
//
// Each mistake is reported for exactly one callback: if several callbacks reject a state, for the one that returns it;
// if only one rejects it, for that one.

import type { CallbackName, ResultCallback, ReturnedResult } from './callbacks';
import type { FaultTexts } from './messages';
import type { FirstNonNever, IsAny, IsUnion } from './utils';

/** The fault of one callback, if it is to blame for a state. */
export type StateFault<Handler, Callback extends CallbackName> = FirstNonNever<
  [
    StateFaultFrom<Handler, 'init', Callback>,
    StateFaultFrom<Handler, 'handleIn', Callback>,
    StateFaultFrom<Handler, 'handleControl', Callback>,
    StateFaultFrom<Handler, 'handleInfo', Callback>,
  ]
>;

type StateFaultFrom<Handler, Source extends ResultCallback, Callback extends CallbackName> =
  Callback extends CallbacksToBlame<Handler, Source>
    ? Callback extends Source
      ? IsReadonlyOnly<Handler, Source> extends true
        ? FaultTexts<Callback>['stateReadonly']
        : FaultTexts<Callback>['stateNotAcceptedByOthers']
      : FaultTexts<Callback, Source>['stateNotAccepted']
    : never;

/** The callbacks to blame if a callback does not accept the state that `Source` returns. */
type CallbacksToBlame<Handler, Source extends ResultCallback> =
  IsReadonlyOnly<Handler, Source> extends true
    ? Source
    : Source extends 'init'
      ? ToBlameForInit<Handler, RejectingCallbacks<Handler, 'init'>>
      : Source extends ToBlameForInit<Handler, RejectingCallbacks<Handler, 'init'>>
        ? never
        : ToBlameForOther<
            Handler,
            Source,
            Exclude<RejectingCallbacks<Handler, Source>, ToBlameForInit<Handler, RejectingCallbacks<Handler, 'init'>>>
          >;

/**
 * `init`, if several callbacks reject its state and none but `terminate` accepts it; otherwise those that reject it.
 */
type ToBlameForInit<Handler, Rejecting> = [Rejecting] extends [never]
  ? never
  : IsUnion<Rejecting> extends true
    ? [Exclude<StateReaders<Handler>, Rejecting | 'terminate'>] extends [never]
      ? 'init'
      : Rejecting
    : Rejecting;

/** The only callback that rejects the state, if `Source` itself accepts it; otherwise `Source`. */
type ToBlameForOther<Handler, Source extends ResultCallback, Rejecting> = [Rejecting] extends [never]
  ? never
  : Source extends Exclude<StateReaders<Handler>, Rejecting>
    ? IsUnion<Rejecting> extends true
      ? Source
      : Rejecting
    : Source;

/** The callbacks that do not accept the state that `Source` returns. */
type RejectingCallbacks<Handler, Source extends ResultCallback> = CallbacksRejecting<
  Handler,
  ReturnedState<Handler, Source>
>;

type CallbacksRejecting<Handler, State> = {
  [Callback in Exclude<CallbackName, 'init'>]: [State] extends [AcceptedState<Handler, Callback>] ? never : Callback;
}[Exclude<CallbackName, 'init'>];

/** Whether all callbacks would accept the state that `Source` returns if its arrays were not readonly. */
type IsReadonlyOnly<Handler, Source extends ResultCallback> = [RejectingCallbacks<Handler, Source>] extends [never]
  ? false
  : [CallbacksRejecting<Handler, Mutable<ReturnedState<Handler, Source>>>] extends [never]
    ? true
    : false;

// Branded values and functions would lose their nature; other values stay as they are.
type Mutable<Type> = Type extends string | number | ((...args: never) => unknown)
  ? Type
  : { -readonly [Key in keyof Type]: Mutable<Type[Key]> };

/** The callbacks with a state parameter that is not `unknown`. */
type StateReaders<Handler> = {
  [Callback in Exclude<CallbackName, 'init'>]: unknown extends AcceptedState<Handler, Callback> ? never : Callback;
}[Exclude<CallbackName, 'init'>];

/** The state that a callback accepts; `unknown` if the callback is missing, or has no parameter for it. */
export type AcceptedState<Handler, Callback> = Callback extends Exclude<CallbackName, 'init'> & keyof Handler
  ? Exclude<Handler[Callback], undefined> extends (first: never, state: infer State) => unknown
    ? State
    : unknown
  : unknown;

type ReturnedState<Handler, Callback> =
  ReturnedResult<Handler, Callback> extends infer Result
    ? IsAny<Result> extends true
      ? never
      : Result extends { readonly state: infer State }
        ? State
        : never
    : never;
