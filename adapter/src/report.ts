// Reporting what a callback throws (rule 4.4). Whatever was thrown, and whatever the application's own reporter does
// with it, reporting cannot fail: nobody would catch it.

/**
 * What failed: a callback of a handler; `'route'`, the function that decides whether a request is accepted; or `'server'`,
 * the platform's own server, such as when the process has no descriptors left; or `'mailbox.stop'`, which was given an
 * invalid close.
 */
export type FailedCallback =
  | 'route'
  | 'server'
  | 'init'
  | 'handleIn'
  | 'handleControl'
  | 'handleInfo'
  | 'terminate'
  | 'mailbox.stop';

/** Where an error comes from. */
export interface ErrorContext {
  /** What threw, rejected, or returned an invalid result. */
  readonly callback: FailedCallback;
}

/** Receives each error once. What it returns is ignored; what it throws is written to the console. */
export type ErrorReporter = (error: unknown, context: ErrorContext) => unknown;

/** A reporter that calls `onError`, or by default writes to the console, and never throws or rejects. */
export function safeReporter(onError: ErrorReporter = write): (error: unknown, context: ErrorContext) => void {
  return (error, context) => {
    try {
      // A thenable may throw from `then`, or reject.
      Promise.resolve(onError(error, context)).catch((failure) => writeSafely(failure, error, context));
    } catch (failure) {
      writeSafely(failure, error, context);
    }
  };
}

function write(error: unknown, { callback }: ErrorContext): void {
  console.error(`WebSock: ${callback} failed:`, error);
}

/** Inspecting a thrown value runs its own code, which may throw as well. */
function writeSafely(failure: unknown, error: unknown, { callback }: ErrorContext): void {
  for (const [what, value] of [
    [`WebSock: ${callback} failed:`, error],
    ['WebSock: and reporting it failed:', failure],
  ]) {
    try {
      console.error(what, value);
    } catch {
      try {
        console.error(what, 'a value that cannot be shown');
      } catch {
        // There is no console to write to.
      }
    }
  }
}
