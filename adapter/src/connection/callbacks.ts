import type { WebSock } from '@websock/spec';
import type { QueuedEvent } from './inbox.ts';
import { ConnectionMailbox, type MailboxTarget } from './mailbox.ts';
import { isThenable } from './results.ts';

/** A callback that returns a result. */
export type Callback = 'init' | QueuedEvent<unknown>['callback'];

/** Whether a handler has `handleControl`. If it cannot be read, it counts as there: calling it then fails as a throw does. */
export function hasControl(handler: WebSock.Any): boolean {
  try {
    return handler.handleControl !== undefined;
  } catch {
    return true;
  }
}

/**
 * Calls a callback as a method of the handler (rule 2.5).
 *
 * @param value - the frame, the posted message, or for `init` its first argument
 * @param state - for all but `init`
 * @param connection - what the mailbox of `init` belongs to
 */
export function callHandler(
  handler: WebSock.Any,
  callback: Callback,
  value: unknown,
  state: unknown,
  connection: MailboxTarget<any>,
): unknown {
  switch (callback) {
    case 'handleIn':
      return handler.handleIn(value as WebSock.DataFrame, state);
    case 'handleInfo':
      return handler.handleInfo(value, state);
    case 'handleControl':
      return handler.handleControl?.(value as WebSock.ControlFrame, state);
    case 'init':
      return handler.init(value, new ConnectionMailbox(connection));
  }
}

/**
 * Calls `terminate`, if the handler has it.
 *
 * @param failed - receives what it throws
 * @param done - called once it has settled
 */
export function callTerminate(
  handler: WebSock.Any,
  reason: WebSock.CloseReason,
  state: unknown,
  failed: (error: unknown) => void,
  done: () => void,
): void {
  try {
    const ended: unknown = handler.terminate?.(reason, state);
    if (isThenable(ended)) {
      Promise.resolve(ended).catch(failed).then(done);
      return;
    }
  } catch (error) {
    failed(error);
  }
  done();
}
