// The callbacks of a handler: their names, and what can be learned from their signatures.

import type { Settled } from './tools';

/** The callbacks that return results. */
export type ResultCallback = 'init' | 'handleIn' | 'handleControl' | 'handleInfo';
export type RequiredCallback = 'init' | 'handleIn' | 'handleInfo';
export type CallbackName = ResultCallback | 'terminate';

/** Infers everything that the verdict needs from a handler's signatures in one step. */
// Several results, because in a single union the compiler would drop members that are subtypes of others, together with
// their faults.
export interface InferredSignatures<State, Info, Arg, InitResult, InResult, ControlResult, InfoResult> {
  readonly init: (arg: Arg, mailbox: never) => InitResult;
  readonly handleIn: (frame: never, state: State) => InResult;
  readonly handleControl?: ((frame: never, state: State) => ControlResult) | undefined;
  readonly handleInfo: (info: Info, state: State) => InfoResult;
  readonly terminate?: ((reason: never, state: State) => unknown) | undefined;
}

/** Nothing but `any` is assignable to it. */
export interface OnlyAny {
  readonly '@websock/spec': 'only any is assignable to this';
}

/** Handlers with a callback that may be `any`. */
export type WithAnyCallback = {
  readonly [Callback in CallbackName]: { readonly [Key in Callback]: OnlyAny };
}[CallbackName];

/** A handler whose callbacks may be called as methods of `This`. */
export type CallableOn<This> = {
  readonly [Callback in CallbackName]?: ((this: This, ...args: never) => unknown) | undefined;
};

/** A handler none of whose callbacks declares a `this`. */
export type DeclaresNoThis = CallableOn<OnlyAny>;

/** What a callback returns, in a promise or not; `never` if there is no such callback. */
// Not `ReturnType`, which is `any` for a function with a parameter of `never`.
export type ReturnedResult<Handler, Callback> = Callback extends keyof Handler
  ? Exclude<Handler[Callback], undefined> extends (...args: never) => infer Result
    ? Settled<Result>
    : never
  : never;
