// What the wrappers of handlers share: json.ts, limits.ts.

import type { WebSock } from '@websock/spec';
import { isThenable } from './connection/results.ts';

/** The parts of a result: those of any type of result. */
export interface ResultParts {
  readonly type: unknown;
  readonly state: unknown;
  readonly messages: unknown;
  readonly reason: unknown;
  readonly close: unknown;
  readonly status: unknown;
  readonly code: unknown;
  readonly error: unknown;
}

/**
 * A copy of a result, to be changed. Each part is read once, also one that is inherited. `undefined` for a value that is no
 * result: return it as it is, and the server reports it (rule 3.6).
 */
export function resultParts(value: unknown): ResultParts | undefined {
  if (typeof value !== 'object' || value === null || !('state' in value)) return undefined;
  const { type, state, messages, reason, close, status, code, error } = value as ResultParts;
  return { type, state, messages, reason, close, status, code, error };
}

/**
 * The state of a connection of a wrapped handler, if the wrapper has a state of its own. Hibernation saves both: `save` and
 * `restore` of an application see their handler's.
 */
export class WrappedState<Own> {
  /** The handler's state. */
  readonly state: unknown;
  /** The wrapper's; it can be cloned. */
  readonly own: Own;
  readonly mailbox: WebSock.Mailbox<never>;

  constructor(state: unknown, own: Own, mailbox: WebSock.Mailbox<never>) {
    this.state = state;
    this.own = own;
    this.mailbox = mailbox;
  }
}

/** Calls `next` with a value, or once the promise of it has settled: what is sync stays sync. */
export function andThen<Value, Next>(
  value: Value | PromiseLike<Value>,
  next: (value: Value) => Next | PromiseLike<Next>,
): Next | PromiseLike<Next> {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value as Value);
}
