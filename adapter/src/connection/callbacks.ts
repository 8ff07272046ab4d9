import type { WebSock } from '@websock/spec';
import type { QueuedEvent } from './inbox.ts';
import { ConnectionMailbox, type MailboxTarget } from './mailbox.ts';
import { isThenable } from './results.ts';

/** A callback that returns a result. */
export type Callback = 'init' | QueuedEvent<unknown>['callback'];

/** Whether a handler has `handleControl`. True if reading it throws: the call then fails like any other. */
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
 * @param value - the frame, the posted message, or the `arg` of `init`
 * @param state - ignored for `init`
 * @param connection - the connection of the mailbox of `init`
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
      return handler.init(value, connection.mailbox ?? new ConnectionMailbox(connection));
  }
}

/** Calls `terminate`, if the handler has it. */
export function callTerminate(
  handler: WebSock.Any,
  reason: WebSock.CloseReason,
  state: unknown,
  on: {
    /** Called if it throws or rejects. */
    readonly failed: (error: unknown) => void;
    /** Called once `terminate` has settled, if the handler has it. */
    readonly called: () => void;
    /** Called in the end, in any case. */
    readonly done: () => void;
  },
): void {
  try {
    if (handler.terminate !== undefined) {
      const result: unknown = handler.terminate(reason, state);
      if (isThenable(result)) {
        Promise.resolve(result).catch(on.failed).then(on.called).then(on.done);
        return;
      }
      on.called();
    }
  } catch (error) {
    on.failed(error);
    on.called();
  }
  on.done();
}
