import type { WebSock } from '@websock/spec';
import { callTerminate } from './callbacks.ts';
import type { Connections, Member } from './connections.ts';
import type { AsyncContext } from './context.ts';

/** The end of a connection: its reason, the signal of the mailbox, `terminate`, and the moment when all is over. */
export class Ending {
  /** Why the connection ended; set at its end. */
  reason: WebSock.CloseReason | undefined;
  /** Whether the socket has closed. */
  isGone = false;
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

  begin(reason: WebSock.CloseReason): void {
    this.reason = reason;
    if (!this.#aborter) return;
    if (this.#context) this.#context.runInAsyncScope(abort, undefined, this.#aborter, reason);
    else abort(this.#aborter, reason);
  }

  /** Whether an error says only that the connection has ended: it is the signal's reason, or caused by it (rule 6.8). */
  isCauseOf(error: unknown): boolean {
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
    const failed = (error: unknown) => {
      if (!this.isCauseOf(error)) this.#connections.report(error, { callback: 'terminate' }); // rule 4.4
    };
    callTerminate(handler, reason, state, failed, () => this.handlerDone());
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
    this.#resolveOver?.(this.reason as WebSock.CloseReason);
  }
}

function abort(controller: AbortController, cause: WebSock.CloseReason): void {
  const error = new Error(`the connection has ended: ${cause.type}, ${cause.code}`, { cause });
  controller.abort(Object.assign(error, { name: 'AbortError' }));
}
