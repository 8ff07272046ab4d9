// Error reporting (rule 4.4). It never throws, whatever the thrown value and the application's `onError` do: no caller
// would catch the error.

import type { ConnectionInfo } from './observer.ts';

/**
 * The source of an error: a callback of a handler; `'route'`, the function that decides about requests; `'server'`, the
 * platform's own server, for example when the process has run out of file descriptors; `'mailbox.stop'`, a call of it
 * with an invalid close; `'observer'`, a function of that option; or `'restore'`, that of a
 * handler whose connections hibernate.
 */
export type FailedCallback =
  | 'route'
  | 'server'
  | 'init'
  | 'handleIn'
  | 'handleControl'
  | 'handleInfo'
  | 'terminate'
  | 'mailbox.stop'
  | 'observer'
  | 'restore';

/** The context of a reported error. */
export interface ErrorContext {
  /** The callback that threw, rejected or returned an invalid result; or another source. */
  readonly callback: FailedCallback;
  /** The connection of the callback, or of the mailbox; missing for other sources. */
  readonly connection?: ConnectionInfo;
}

/** Receives each error once. Its result is ignored. If it throws or rejects, both errors are written to the console. */
export type ErrorReporter = (error: unknown, context: ErrorContext) => unknown;

/** Makes a reporter that calls `onError`, or by default writes to the console. It never throws or rejects. */
export function safeReporter(onError: ErrorReporter = write): (error: unknown, context: ErrorContext) => void {
  return (error, context) => {
    try {
      // `onError` may return a thenable whose `then` throws, or which rejects.
      Promise.resolve(onError(error, context)).catch((failure) => writeSafely(failure, error, context));
    } catch (failure) {
      writeSafely(failure, error, context);
    }
  };
}

function write(error: unknown, { callback }: ErrorContext): void {
  console.error(`WebSock: ${callback} failed:`, error);
}

/** Writes both errors to the console. Inspecting a value may run its own code, which may throw. */
function writeSafely(failure: unknown, error: unknown, { callback }: ErrorContext): void {
  for (const [label, value] of [
    [`WebSock: ${callback} failed:`, error],
    ['WebSock: reporting that error failed:', failure],
  ]) {
    try {
      console.error(label, value);
    } catch {
      try {
        console.error(label, 'a value that cannot be inspected');
      } catch {
        // The console itself fails: there is nowhere left to report to.
      }
    }
  }
}
