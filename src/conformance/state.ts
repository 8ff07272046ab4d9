// Which callback is to blame for a state that another one does not accept.
//
// Each mistake is reported for exactly one callback. A state that several callbacks reject is the fault of the one that
// returns it; a state that only one callback rejects is the fault of that one.

import type { CallbackName, ResultCallback, ReturnedResult } from './callbacks';
import type { FaultTexts } from './texts';
import type { FirstNonNever, IsAny, IsUnion } from './tools';

/** The fault of one callback, if it is to blame. */
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
      ? FaultTexts<Callback>['stateNotAcceptedByOthers']
      : FaultTexts<Callback, Source>['stateNotAccepted']
    : never;

/** The callbacks to blame if the state that `Source` returns is not accepted everywhere. */
type CallbacksToBlame<Handler, Source extends ResultCallback> = Source extends 'init'
  ? ToBlameForInit<Handler, RejectingCallbacks<Handler, 'init'>>
  : Source extends ToBlameForInit<Handler, RejectingCallbacks<Handler, 'init'>>
    ? never
    : ToBlameForOther<
        Handler,
        Source,
        Exclude<RejectingCallbacks<Handler, Source>, ToBlameForInit<Handler, RejectingCallbacks<Handler, 'init'>>>
      >;

/** If several reject the first state, and no callback that goes on with it accepts it, then it is `init`. */
type ToBlameForInit<Handler, Rejecting> = [Rejecting] extends [never]
  ? never
  : IsUnion<Rejecting> extends true
    ? [Exclude<StateReaders<Handler>, Rejecting | 'terminate'>] extends [never]
      ? 'init'
      : Rejecting
    : Rejecting;

/** A callback that accepts what it returns is right, and the one that rejects it wrong, unless there are several. */
type ToBlameForOther<Handler, Source extends ResultCallback, Rejecting> = [Rejecting] extends [never]
  ? never
  : Source extends Exclude<StateReaders<Handler>, Rejecting>
    ? IsUnion<Rejecting> extends true
      ? Source
      : Rejecting
    : Source;

/** The callbacks that do not accept the state that `Source` returns. */
type RejectingCallbacks<Handler, Source extends ResultCallback> = {
  [Callback in Exclude<CallbackName, 'init'>]: [ReturnedState<Handler, Source>] extends [
    AcceptedState<Handler, Callback>,
  ]
    ? never
    : Callback;
}[Exclude<CallbackName, 'init'>];

/** The callbacks that look at the state. */
type StateReaders<Handler> = {
  [Callback in Exclude<CallbackName, 'init'>]: unknown extends AcceptedState<Handler, Callback> ? never : Callback;
}[Exclude<CallbackName, 'init'>];

/** The state that a callback accepts; `unknown` if it does not look at it, or there is no such callback. */
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
