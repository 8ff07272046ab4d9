// The callbacks of a handler: their names, and types that match or infer their signatures.

import type { Settled } from './utils';

export type ResultCallback = 'init' | 'handleIn' | 'handleControl' | 'handleInfo';
export type RequiredCallback = 'init' | 'handleIn' | 'handleInfo';
export type CallbackName = ResultCallback | 'terminate';

/** Only `any` is assignable to it. */
export interface OnlyAny {
  readonly '@websock/spec': 'only any is assignable to this';
}

/**
 * Infers everything that the verdict needs from a handler's signatures in one step; from an overloaded callback, its
 * last signature. A callback that declares a `this` does not match.
 */
// One result for each callback, because from a single union the compiler would remove the subtypes of other members,
// and their faults. Two signatures of `handleIn`, because the override of a mixin precedes the original: the inferred
// frame is one that both accept.
export interface InferredSignatures<
  State,
  Info,
  Arg,
  Frame,
  InitResult,
  InResult,
  ControlResult,
  InfoResult,
  TerminateResult,
> {
  readonly init: (this: OnlyAny, arg: Arg, mailbox: never) => InitResult;
  readonly handleIn: {
    (this: OnlyAny, frame: Frame, state: never): unknown;
    (this: OnlyAny, frame: Frame, state: State): InResult;
  };
  readonly handleControl?: ((this: OnlyAny, frame: never, state: State) => ControlResult) | undefined;
  readonly handleInfo: (this: OnlyAny, info: Info, state: State) => InfoResult;
  readonly terminate?: ((this: OnlyAny, reason: never, state: State) => TerminateResult) | undefined;
}

/** Handlers with at least one callback of `any`. */
export type WithAnyCallback = {
  readonly [Callback in CallbackName]: { readonly [Key in Callback]: OnlyAny };
}[CallbackName];

/** A handler whose callbacks can be called as methods of `This`. */
export type CallableOn<This> = {
  readonly [Callback in CallbackName]?: ((this: This, ...args: never) => unknown) | undefined;
};

/** A handler whose callbacks declare no `this`. */
export type CallableWithoutThis = CallableOn<OnlyAny>;

/** The handler, without the `this` that its functions declare. */
export type WithoutThis<Handler> = { [Key in keyof Handler]: FunctionWithoutThis<Handler[Key]> };

type FunctionWithoutThis<Fn> = Fn extends (this: OnlyAny, ...args: never) => unknown
  ? Fn
  : Fn extends (...args: infer Params) => infer Result
    ? (...args: Params) => Result
    : Fn;

/**
 * A handler whose mailbox has a method `post`. The compiler compares the parameters of methods in both directions, so
 * it does not compare the messages that `init` posts with those that `handleInfo` accepts.
 */
export interface PostsByMethod {
  readonly init: (arg: never, mailbox: { readonly post: (info: never) => void }) => unknown;
}

/** The result of a callback, without the promise; `never` if the callback is missing. */
// Not `ReturnType`, which is `any` for a function with a parameter of `never`.
export type ReturnedResult<Handler, Callback> = Callback extends keyof Handler
  ? Exclude<Handler[Callback], undefined> extends (...args: never) => infer Result
    ? Settled<Result>
    : never
  : never;
