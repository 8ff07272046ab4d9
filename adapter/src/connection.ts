// One connection: what every reference server does between its platform's socket and a handler. It keeps the queue,
// calls the callbacks one at a time, applies their results and closes. Rule numbers refer to "The rules" in the README.

import type { WebSock } from '@websock/spec';
import { type CheckedOptions, type CheckedResult, checkResult, exceeds } from './validate.ts';

/** How long a peer may take to answer a close, and a callback to settle after a shutdown, in ms (rule 4.5). */
export const CLOSE_BOUND = 5_000;

/** With more bytes than this unsent, the next callback waits for the client to read (rule 5.2). */
const SEND_BUFFER = 1_000_000;

/** A client that has read nothing for so long, in ms, while a callback waits for it, is dropped (rule 5.2). */
const SEND_BOUND = 30_000;

/** A connection that cannot stop reading holds so many messages, or so many bytes and one message (rule 5.1). */
export const HELD_FRAMES = 1_000;
export const HELD_BYTES = 16_000_000;

/** After so many callbacks in a row the connection lets the rest of the program run. */
const BATCH = 1_000;

/** The longest delay that `setTimeout` takes, in ms. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** What a connection needs of its platform's socket. */
export interface Wire {
  /** False from the moment that either side has begun to close, or the socket is gone. */
  isOpen(): boolean;
  /** Sends a message, or buffers it; never drops it while the wire is open. */
  send(message: WebSock.Message): void;
  /** How many bytes wait to be sent. */
  unsent(): number;
  /** Settles when nothing waits to be sent any more, or the socket is gone. */
  drained(): Promise<void>;
  /** Sends a close frame. */
  close(code: number, reason: string): void;
  /** Ends the socket at once; where the platform cannot, gives it up. Either way the server calls closed(). */
  drop(): void;
  /** Stops reading from the client, and starts again. Both or neither: without them the queue is bounded (rule 5.1). */
  pause?(): void;
  resume?(): void;
}

type Waiting<Info> =
  | { readonly callback: 'handleIn'; readonly value: WebSock.DataFrame }
  | { readonly callback: 'handleControl'; readonly value: WebSock.ControlFrame }
  | { readonly callback: 'handleInfo'; readonly value: Info };

type Callback = 'init' | Waiting<never>['callback'];

const connections = new Set<Connection<any, any, any>>();

/** Closes every connection with 1001; settles when all are over, or after a bound (rules 4.3 and 4.5). */
export async function shutdown(): Promise<void> {
  await Promise.all(Array.from(connections, (connection) => connection.shutdown()));
}

export class Connection<State, Info, Arg> {
  /** Settles when the socket is gone and `terminate`, if it was due, has settled. */
  readonly over: Promise<unknown>;

  readonly #wire: Wire;
  readonly #handler: WebSock<State, Info, Arg>;
  readonly #timeout: number;
  readonly #maxFrameSize: number;
  readonly #queue: Waiting<Info>[] = [];
  /** The last state, once `init` has given one. */
  #state: { readonly value: State } | undefined;
  /** Whether a callback is running, or its messages are on their way. */
  #busy = false;
  /** Why the connection is over, from the moment that it is. */
  #reason: WebSock.CloseReason | undefined;
  #terminated = false;
  #advancing = false;
  #scheduled = false;
  /** How many callbacks have run since the rest of the program had a turn. */
  #handled = 0;
  #heldFrames = 0;
  #heldBytes = 0;
  #heardAt = performance.now();
  #pausedAt: number | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;
  #socketGone: () => void = () => {};
  #handlerDone: () => void = () => {};

  constructor(wire: Wire, handler: WebSock<State, Info, Arg>, options: CheckedOptions) {
    this.#wire = wire;
    this.#handler = handler;
    this.#timeout = options.timeout;
    this.#maxFrameSize = options.maxFrameSize;
    this.over = Promise.all([
      new Promise<void>((settle) => {
        this.#socketGone = settle;
      }),
      new Promise<void>((settle) => {
        this.#handlerDone = settle;
      }),
    ]);
  }

  // ---- What the server tells the connection ----

  /** The handshake is complete: calls `init` (rule 1.1). */
  open(arg: Arg): void {
    connections.add(this);
    this.over.then(() => connections.delete(this));
    const mailbox = { post: (info: Info) => this.#post(info) };
    this.#watch();
    this.#run('init', () => this.#handler.init(arg, mailbox));
  }

  /** Something came from the client, be it part of a frame: the idle clock starts again. */
  heard(): void {
    this.#heardAt = performance.now();
  }

  /** A whole message came from the client. */
  data(frame: WebSock.DataFrame): void {
    this.#enqueue({ callback: 'handleIn', value: frame });
  }

  /** The same, from a platform that has not compared its size with the connection's own limit. */
  message(data: string | InstanceType<Uint8ArrayConstructor>): void {
    this.heard();
    if (exceeds(data, this.#maxFrameSize)) {
      this.failed(new Error(`the client sent a message over ${this.#maxFrameSize} bytes (rule 4.3)`), 1009);
    } else this.data(typeof data === 'string' ? { opcode: 'text', data } : { opcode: 'binary', data });
  }

  /** A ping or pong came from the client; the server has answered a ping (rule 2.8). */
  control(frame: WebSock.ControlFrame): void {
    this.heard();
    if (this.#handler.handleControl) this.#enqueue({ callback: 'handleControl', value: frame });
  }

  /** The client broke the protocol (rule 4.3). The platform has closed the connection for it, unless a code is given. */
  failed(error: unknown, code?: number): void {
    if (this.#reason) return;
    const mayClose = this.#wire.isOpen();
    this.#endedByClient({ type: 'error', error });
    if (code !== undefined && mayClose) this.#sendClose(code, '');
  }

  /** The socket is gone, with the client's close code and reason; 1006 and '' if it sent no close frame (rule 4.3). */
  closed(code: number, reason: string): void {
    clearTimeout(this.#closeTimer);
    this.#socketGone();
    this.#endedByClient({ type: 'remote', code, reason });
  }

  /** The server is going down. Settles when the connection is over, or after a bound (rules 4.3 and 4.5). */
  async shutdown(): Promise<void> {
    this.#close({ type: 'shutdown' }, 1001);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const bound = new Promise<void>((settle) => {
      timer = setTimeout(settle, CLOSE_BOUND + 1_000); // the socket is dropped first, see #close
    });
    await Promise.race([this.over, bound]);
    clearTimeout(timer);
  }

  // ---- The queue: one callback at a time, in the order of arrival (rules 2.1 and 2.2) ----

  #post(info: Info): void {
    if (this.#reason) return; // rule 6.1
    this.#queue.push({ callback: 'handleInfo', value: info });
    this.#schedule(queueMicrotask); // rule 6.2: not before post returns
  }

  #enqueue(event: Exclude<Waiting<Info>, { callback: 'handleInfo' }>): void {
    if (this.#reason) return;
    if (!this.#wire.pause) {
      if (this.#heldFrames >= HELD_FRAMES || this.#heldBytes >= HELD_BYTES) {
        const held = `${this.#heldFrames} messages of ${this.#heldBytes} bytes`;
        const error = new Error(`the client sent more, while ${held} were waiting for the handler (rule 5.1)`);
        this.#close({ type: 'error', error }, 1013);
        return;
      }
      this.#heldFrames += 1;
      this.#heldBytes += event.value.data.length;
    }
    this.#queue.push(event);
    this.#advance();
  }

  #schedule(later: (advance: () => void) => unknown): void {
    if (this.#scheduled || this.#busy) return;
    this.#scheduled = true;
    later(() => {
      this.#scheduled = false;
      this.#advance();
    });
  }

  #advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    while (!this.#busy && this.#queue.length > 0) {
      if (this.#handled === BATCH) {
        this.#schedule((advance) =>
          setTimeout(() => {
            this.#handled = 0;
            advance();
          }),
        );
        break;
      }
      this.#handled += 1;
      this.#call(this.#queue.shift() as Waiting<Info>);
    }
    this.#advancing = false;
    if (this.#busy || this.#queue.length > 0) return;
    this.#resume();
    if (this.#reason) this.#terminate(this.#reason);
  }

  #call({ callback, value }: Waiting<Info>): void {
    const state = this.#state?.value as State; // init has settled, or the connection would be busy
    if (!this.#wire.pause && callback !== 'handleInfo') {
      this.#heldFrames -= 1;
      this.#heldBytes -= value.data.length;
    }
    // Called as methods of the handler (rule 2.5).
    if (callback === 'handleIn') this.#run(callback, () => this.#handler.handleIn(value, state));
    else if (callback === 'handleInfo') this.#run(callback, () => this.#handler.handleInfo(value, state));
    else this.#run(callback, () => this.#handler.handleControl?.(value, state));
  }

  #run(callback: Callback, invoke: () => unknown): void {
    this.#busy = true;
    let result: unknown;
    try {
      result = invoke();
      if (isPromise(result)) {
        this.#pause(); // rule 5.1
        Promise.resolve(result).then(
          (settled) => this.#settle(callback, settled),
          (error) => this.#fail(callback, error),
        );
        return;
      }
    } catch (error) {
      this.#fail(callback, error);
      return;
    }
    this.#settle(callback, result);
  }

  // ---- Results (rule 3) ----

  #settle(callback: Callback, value: unknown): void {
    let result: CheckedResult<State>;
    try {
      result = checkResult<State>(callback, value);
    } catch (error) {
      this.#fail(callback, error); // rule 3.6
      return;
    }
    this.#state = { value: result.state };
    // Once the connection has ended, a result changes nothing but the state (rule 3.7).
    if (!this.#reason && this.#wire.isOpen()) {
      try {
        for (const message of result.messages) this.#wire.send(message);
      } catch (error) {
        this.#fail(callback, error);
        return;
      }
      if (result.stop) {
        const { reason, code, text } = result.stop;
        this.#close(
          typeof reason === 'string' ? { type: 'normal' } : { type: 'error', error: reason.error },
          code,
          text,
        );
      } else if (this.#wire.unsent() > SEND_BUFFER) {
        this.#pause();
        this.#waitForClient().then(() => this.#next());
        return;
      }
    }
    this.#next();
  }

  #fail(callback: Callback, error: unknown): void {
    report(callback, error);
    this.#queue.length = 0; // rule 3.4
    this.#close({ type: 'error', error }, 1011);
    this.#next();
  }

  #next(): void {
    this.#busy = false;
    this.#advance();
  }

  /** Waits until the client has read what was sent; drops one that reads nothing at all (rule 5.2). */
  async #waitForClient(): Promise<void> {
    let before = Number.POSITIVE_INFINITY;
    const watch = setInterval(() => {
      const unsent = this.#wire.unsent();
      if (unsent >= before && !this.#reason) {
        const error = new Error(
          `the client has read nothing for ${SEND_BOUND} ms; ${unsent} bytes wait for it (rule 5.2)`,
        );
        this.#reason = { type: 'error', error };
        this.#queue.length = 0;
        this.#wire.drop();
      }
      before = unsent;
    }, SEND_BOUND);
    await this.#wire.drained();
    clearInterval(watch);
  }

  // ---- Closing (rule 4) ----

  #close(reason: WebSock.CloseReason, code: number, text = ''): void {
    // The first end counts. If the client has begun to close, the server will say so by closed() or failed().
    if (this.#reason || !this.#wire.isOpen()) return;
    this.#reason = reason;
    this.#queue.length = 0; // rule 3.4
    clearTimeout(this.#idleTimer);
    this.#sendClose(code, text);
    this.#advance();
  }

  #sendClose(code: number, text: string): void {
    this.#closeTimer = setTimeout(() => this.#wire.drop(), CLOSE_BOUND); // rule 4.5
    this.#wire.close(code, text); // may call closed()
    this.#wire.resume?.(); // to read the client's answer
  }

  #endedByClient(reason: WebSock.CloseReason): void {
    if (this.#reason) return;
    this.#reason = reason;
    clearTimeout(this.#idleTimer);
    // Frames that came before the end are still handled; infos are dropped (rule 2.2).
    const frames = this.#queue.filter(({ callback }) => callback !== 'handleInfo');
    this.#queue.splice(0, this.#queue.length, ...frames);
    this.#advance();
  }

  #terminate(reason: WebSock.CloseReason): void {
    if (this.#terminated) return; // rule 4.1: once
    this.#terminated = true;
    if (!this.#state) {
      this.#handlerDone(); // rule 1.4: no state, no terminate
      return;
    }
    const state = this.#state.value;
    new Promise((settle) => settle(this.#handler.terminate?.(reason, state)))
      .catch((error) => report('terminate', error)) // rule 4.4
      .finally(this.#handlerDone);
  }

  // ---- Reading, and the idle clock, which is paused while the server does not read (rules 4.3 and 5.1) ----

  #pause(): void {
    if (this.#pausedAt !== undefined || this.#reason) return;
    this.#pausedAt = performance.now();
    clearTimeout(this.#idleTimer);
    this.#wire.pause?.();
  }

  #resume(): void {
    if (this.#pausedAt === undefined) return;
    const now = performance.now();
    this.#heardAt = Math.min(now, this.#heardAt + now - this.#pausedAt); // what was on its way may have come meanwhile
    this.#pausedAt = undefined;
    if (this.#reason) return;
    this.#watch();
    this.#wire.resume?.();
  }

  /** Closes the connection when its time has passed: by the second look, when what came meanwhile has been read. */
  #watch(passed = false): void {
    const left = this.#heardAt + this.#timeout - performance.now();
    if (left > 0) this.#idleTimer = setTimeout(() => this.#watch(), Math.min(left, LONGEST_DELAY));
    else if (passed) this.#close({ type: 'timeout' }, 1002);
    else this.#idleTimer = setTimeout(() => this.#watch(true));
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** What a handler throws is never sent to the client (rule 4.2), so it is written here, and the process lives. */
function report(callback: string, error: unknown): void {
  console.error(`WebSock: ${callback} failed:`, error);
}
