import type { WebSock } from '@websock/spec';
import type { EndRule } from '../observer.ts';
import type { FailedCallback } from '../report.ts';
import { callTerminate } from './callbacks.ts';
import type { Connections, Member } from './connections.ts';
import type { AsyncContext } from './context.ts';
import type { Observation } from './observation.ts';

/** The end of a connection: its reason, the signal of the mailbox, `terminate`, and the moment when all is over. */
export class Ending {
  /** Why the connection ended; set at its end. */
  reason: WebSock.CloseReason | undefined;
  /** Whether the socket has closed. */
  isGone = false;
  /** Set when the connection opens, if there is an observer or an `onError`. */
  observation: Observation | undefined;
  readonly #connections: Connections;
  readonly #connection: Member;
  readonly #context: AsyncContext | undefined;
  #terminated = false;
  #handlerDone = false;
  /** Made when first asked for: most connections need no signal. */
  #aborter: AbortController | undefined;
  /** Made when first asked for: most connections need no promise. */
  #over: Promise<WebSock.CloseReason> | undefined;
  #resolveOver: ((reason: WebSock.CloseReason) => void) | undefined;

  constructor(connections: Connections, connection: Member, context: AsyncContext | undefined) {
    this.#connections = connections;
    this.#connection = connection;
    this.#context = context;
  }

  /** Settles when the socket has closed and the handler has finished. */
  get over(): Promise<WebSock.CloseReason> {
    this.#over ??= new Promise((resolve) => {
      this.#resolveOver = resolve;
      this.#finish();
    });
    return this.#over;
  }

  /** Aborted at the end (rule 6.8). */
  get signal(): AbortSignal {
    if (!this.#aborter) {
      this.#aborter = new AbortController();
      if (this.reason) abort(this.#aborter, this.reason);
    }
    return this.#aborter.signal;
  }

  /** @param rule - the row of the table in rule 4.3 */
  begin(reason: WebSock.CloseReason, rule: EndRule): void {
    this.reason = reason;
    this.observation?.ended(rule);
    if (!this.#aborter) return;
    if (this.#context) this.#context.runInAsyncScope(abort, undefined, this.#aborter, reason);
    else abort(this.#aborter, reason);
  }

  /** Reports an error (rule 4.4), unless it says only that the connection has ended (rule 6.8). */
  report(error: unknown, callback: FailedCallback): void {
    if (this.#isCauseOf(error)) return;
    const connection = this.observation?.connection;
    this.#connections.report(error, connection ? { callback, connection } : { callback });
  }

  /** Whether an error is the signal's reason, or caused by it. */
  #isCauseOf(error: unknown): boolean {
    if (!this.#aborter?.signal.aborted) return false;
    const { reason } = this.#aborter.signal;
    try {
      return error === reason || (error as { cause?: unknown } | null)?.cause === reason;
    } catch {
      return false; // a value that cannot be inspected
    }
  }

  /** Calls `terminate`, once (rule 4.1). */
  terminate(handler: WebSock.Any, reason: WebSock.CloseReason, state: unknown): void {
    if (this.#terminated) return;
    this.#terminated = true;
    if (this.#context) this.#context.runInAsyncScope(this.#terminateInContext, this, handler, reason, state);
    else this.#terminateInContext(handler, reason, state);
  }

  #terminateInContext(handler: WebSock.Any, reason: WebSock.CloseReason, state: unknown): void {
    this.observation?.calls();
    callTerminate(handler, reason, state, {
      failed: (error) => this.report(error, 'terminate'),
      called: () => this.observation?.handled('terminate', 0),
      done: () => this.handlerDone(),
    });
  }

  /** No callback is running, and none will be called. */
  handlerDone(): void {
    this.#terminated = true;
    this.#handlerDone = true;
    this.#finish();
  }

  gone(): void {
    this.isGone = true;
    this.#finish();
  }

  #finish(): void {
    if (!this.isGone || !this.#handlerDone) return;
    this.#connections.delete(this.#connection);
    this.observation?.closed(this.reason as WebSock.CloseReason);
    this.#resolveOver?.(this.reason as WebSock.CloseReason);
  }
}

function abort(controller: AbortController, cause: WebSock.CloseReason): void {
  const error = new Error(`the connection has ended: ${cause.type}, ${cause.code}`, { cause });
  controller.abort(Object.assign(error, { name: 'AbortError' }));
}
