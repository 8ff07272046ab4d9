// The AsyncLocalStorage context of a connection. The module is loaded at run time, as not all platforms have it.

interface AsyncHooks {
  readonly AsyncResource: new (type: string) => AsyncContext;
}

/** A saved context; `AsyncResource` of `node:async_hooks`. */
export interface AsyncContext {
  /** Calls `run` with `self` as `this`, in the saved context. */
  runInAsyncScope<Self, Args extends unknown[], Result>(
    run: (this: Self, ...args: Args) => Result,
    self: Self,
    ...args: Args
  ): Result;
}

const { process } = globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } };
const hooks = process?.getBuiltinModule?.('node:async_hooks') as AsyncHooks | undefined;

/** Saves the current context; `undefined` on platforms without `node:async_hooks`. */
export function saveContext(): AsyncContext | undefined {
  return hooks && new hooks.AsyncResource('WebSock');
}
