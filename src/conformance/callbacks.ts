// The callbacks of a handler: their names, and what can be learned from their signatures.

import type { Settled } from './tools';

/** The callbacks that return results. */
export type ResultCallback = 'init' | 'handleIn' | 'handleControl' | 'handleInfo';
export type RequiredCallback = 'init' | 'handleIn' | 'handleInfo';
export type CallbackName = ResultCallback | 'terminate';

/** Nothing but `any` is assignable to it. */
export interface OnlyAny {
  readonly '@websock/spec': 'only any is assignable to this';
}

/**
 * Infers everything that the verdict needs from a handler's signatures in one step. Of an overloaded callback that is
 * the last signature. A callback that declares a `this` does not match.
 */
// Several results, because in a single union the compiler would drop members that are subtypes of others, together with
// their faults. Two signatures of `handleIn`, because the override of a mixin stands before what it overrides: what the
// compiler infers is a frame that both accept.
export interface InferredSignatures<State, Info, Arg, Frame, InitResult, InResult, ControlResult, InfoResult> {
  readonly init: (this: OnlyAny, arg: Arg, mailbox: never) => InitResult;
  readonly handleIn: {
    (this: OnlyAny, frame: Frame, state: never): unknown;
    (this: OnlyAny, frame: Frame, state: State): InResult;
  };
  readonly handleControl?: ((this: OnlyAny, frame: never, state: State) => ControlResult) | undefined;
  readonly handleInfo: (this: OnlyAny, info: Info, state: State) => InfoResult;
  readonly terminate?: ((this: OnlyAny, reason: never, state: State) => unknown) | undefined;
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

/** The handler, with functions that declare no `this`. */
export type WithoutThis<Handler> = { [Key in keyof Handler]: FunctionWithoutThis<Handler[Key]> };

type FunctionWithoutThis<Fn> = Fn extends (this: OnlyAny, ...args: never) => unknown
  ? Fn
  : Fn extends (...args: infer Params) => infer Result
    ? (...args: Params) => Result
    : Fn;

/**
 * A handler whose `init` may post anything, for all that the compiler sees: it compares the parameters of a method both
 * ways, so a mailbox with a method `post` fits whatever `handleInfo` accepts.
 */
export interface PostsByMethod {
  readonly init: (arg: never, mailbox: { readonly post: (info: never) => void }) => unknown;
}

/** What a callback returns, in a promise or not; `never` if there is no such callback. */
// Not `ReturnType`, which is `any` for a function with a parameter of `never`.
export type ReturnedResult<Handler, Callback> = Callback extends keyof Handler
  ? Exclude<Handler[Callback], undefined> extends (...args: never) => infer Result
    ? Settled<Result>
    : never
  : never;
