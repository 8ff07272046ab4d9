// The machine between one socket and one handler. It keeps the queue, calls the callbacks one at a time, applies their
// results, and closes. Every server of this package is a `Wire` below it; so can be yours. Rule numbers are those of
// SPEC.md in @websock/spec.
//
//   const connections = new Connections({ onError });                   // one for each server
//   checkHandler(handler);                                              // throw before the handshake is answered
//   const checked = checkOptions(options);
//   const connection = new Connection(connections, wire, handler, checked);
//   connection.open(arg);                                               // the handshake is complete
//   connection.data({ opcode: 'text', data: 'hello' });                 // … what the client sends
//   connection.gone();                                                  // the socket has closed
//   await connections.shutdown();

import type { WebSock } from '@websock/spec';
import { Queue } from './queue.ts';
import { type ErrorContext, type FailedCallback, safeReporter } from './report.ts';
import {
  type Bounds,
  type CheckedBounds,
  type CheckedOptions,
  type CheckedResult,
  checkBounds,
  checkResult,
  checkShutdown,
  DEFAULT_IDLE_TIMEOUT,
  exceeds,
  isThenable,
  LONGEST_DELAY,
} from './validate.ts';

export type { Cannot, Capability } from './capabilities.ts';
export { offeredIn, refusal, subprotocol } from './handshake.ts';
export type { ErrorContext, ErrorReporter, FailedCallback } from './report.ts';
export {
  type Bounds,
  type CheckedBounds,
  type CheckedOptions,
  checkHandler,
  checkOptions,
  cut,
  maySend,
} from './validate.ts';

/** After this many callbacks in a row the rest of the program has a turn. */
const BATCH = 1_000;

/**
 * How often to look, within a bound, whether something has been sent. Looks are counted instead of time: a process that
 * was held up sends nothing meanwhile, and one late look is no proof.
 */
const LOOKS = 10;

/** As much may wait for a pending callback before reading stops: to stop and go on costs more than to hold it. */
const FEW_MESSAGES = 16;
const FEW_BYTES = 65_536;

/**
 * A socket, as the machine sees it: what a server of another platform implements.
 *
 * Optional methods are abilities. Leave out what the platform cannot do, and name it in the server's `cannot`.
 * No method may throw, except `send`; all but `unsent` are called only between `open` and `gone`.
 */
export interface Wire {
  /**
   * Sends a message, or buffers it: it must not be lost while the connection lives (rule 5.2). Opcodes that the platform
   * cannot send are left out (rule 2.8). Not called once the machine knows that the connection has ended. If it throws,
   * the callback counts as failed.
   */
  send(message: WebSock.Message): void;

  /**
   * How many bytes wait to be sent, those of the close frame included. When this number falls, bytes have gone: the
   * finer the steps, the better a slow client is told from one that reads nothing (rules 4.5 and 5.3). When it falls to
   * 0 or below the bound, call {@link Connection.sent}. 0 if the platform hides it. Asked only when what was sent since
   * the last time may be over the bound, and while that, or the end, is waited for.
   */
  unsent(): number;

  /**
   * Sends a close frame behind the messages. Called at most once, with a code that a server may send and a reason of at
   * most 123 bytes. Afterwards the machine waits, for a bounded time, for the server to call {@link Connection.gone}.
   */
  close(code: number, reason: string): void;

  /**
   * Ends the socket immediately; where the platform cannot, forgets it. Called at most once, and nothing after it; the
   * machine counts the socket as gone.
   */
  drop(): void;

  /**
   * Stops reading from the client. What has been read already may still arrive. Without `pause` and `resume` the machine
   * holds a bounded number of messages and then closes with 1013, and calls a handler that does not wait directly from
   * {@link Connection.data} (rule 5.1).
   */
  pause?(): void;

  /** Reads again. Called only after `pause`. */
  resume?(): void;

  /**
   * Sends an empty ping. Without it there is no heartbeat (rule 4.6), and no `idleTimeout` by default: a client that only
   * listens could not show that it is there.
   */
  ping?(): void;
}

/** Time, as the machine sees it; {@link Connections} accepts another one, so that a test need not wait. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number;
  /** Calls `run` after `delay` milliseconds, at most 2^31 − 1. */
  start(run: () => void, delay: number): unknown;
  /** Stops a timer that `start` returned, if it has not run. */
  stop(timer: unknown): void;
}

const realTime: Clock = {
  now: () => performance.now(),
  start: (run, delay) => setTimeout(run, delay), // workerd refuses it as a method of another object
  stop: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/** How a {@link Connections} of your own is set up. */
export interface ConnectionsOptions extends Bounds {
  /**
   * Receives what callbacks throw, once each (rule 4.4). Default: `console.error`. A throw or rejection of its own is
   * written to the console, and harms nothing.
   */
  readonly onError?: ((error: unknown, context: ErrorContext) => unknown) | undefined;
}

/** Bounds of the whole of a shutdown. */
export interface ShutdownOptions {
  /**
   * How long to wait for pending callbacks and for clients, in ms, after the last close frame. Then the remaining sockets
   * are dropped, and `terminate` is not called where a callback is still pending (rule 4.5). Default: 10 000.
   */
  readonly timeout?: number | undefined;
  /**
   * Over how long to spread the closes, in ms, so that not all clients come back in the same moment. Default: 0.
   */
  readonly spread?: number | undefined;
}

/** The connections of one server: what they have in common, and how they end together. */
export class Connections {
  /** The bounds of every connection, with their defaults. */
  readonly bounds: CheckedBounds;
  /** Reports an error, once; never throws. */
  readonly report: (error: unknown, context: ErrorContext) => void;
  /** The clock of every connection. */
  readonly clock: Clock;
  /** Not a set, which would cost more than what it holds: each connection knows its place. */
  readonly #all: Connection<any, any, any>[] = [];
  /** Those that have something to do in the next microtask. */
  readonly #woken: Connection<any, any, any>[] = [];
  #shutdown: Promise<void> | undefined;

  /** Throws a TypeError for a bound that is not sane. */
  constructor({ onError, ...bounds }: ConnectionsOptions = {}, clock: Clock = realTime) {
    this.bounds = checkBounds(bounds);
    this.report = safeReporter(onError);
    this.clock = clock;
  }

  /** How many there are: each from its `open` until it is over. */
  get size(): number {
    return this.#all.length;
  }

  /** Whether a shutdown has begun: from then on, refuse new upgrades with 503 (rule 1.6). */
  get closing(): boolean {
    return this.#shutdown !== undefined;
  }

  /** @internal */
  add(connection: Connection<any, any, any>): void {
    connection.place = this.#all.push(connection) - 1;
  }

  /** @internal */
  delete(connection: Connection<any, any, any>): void {
    const { place } = connection;
    if (place === -1) return;
    const last = this.#all.pop() as Connection<any, any, any>;
    if (last !== connection) this.#all[place] = last;
    last.place = place;
    connection.place = -1;
  }

  /**
   * Wakes a connection in the next microtask: one for all, as a broadcast posts to many.
   *
   * @internal
   */
  later(connection: Connection<any, any, any>): void {
    if (this.#woken.push(connection) > 1) return;
    queueMicrotask(() => {
      for (const woken of this.#woken.splice(0)) woken.wake();
    });
  }

  /**
   * Closes every connection with 1001 (rule 4.3), and settles when all are over, or after a bound (rule 4.5). Further
   * calls return the same promise. Throws a TypeError for an option that is not sane.
   */
  shutdown(options?: ShutdownOptions): Promise<void> {
    const { timeout, spread } = checkShutdown(options);
    this.#shutdown ??= this.#closeAll(timeout, spread);
    return this.#shutdown;
  }

  async #closeAll(timeout: number, spread: number): Promise<void> {
    const all = [...this.#all];
    if (all.length === 0) return;
    const timers = new Set<unknown>();
    const after = (delay: number, run: () => void) => {
      timers.add(this.clock.start(run, Math.min(delay, LONGEST_DELAY)));
    };
    const bound = new Promise<void>((settle) => {
      after(spread + timeout, () => {
        for (const connection of all) connection.abandon();
        settle();
      });
    });
    const step = spread / all.length;
    all.forEach((connection, index) => {
      if (step === 0 || index === 0) connection.shutdown();
      else after(step * index, () => connection.shutdown());
    });
    await Promise.race([Promise.all(all.map(({ over }) => over)), bound]);
    for (const timer of timers) this.clock.stop(timer);
  }
}

type Callback = 'init' | 'handleIn' | 'handleControl' | 'handleInfo';

type Waiting<Info> = { next?: Waiting<Info> | undefined } & (
  | { readonly callback: 'handleIn'; readonly value: WebSock.DataFrame }
  | { readonly callback: 'handleControl'; readonly value: WebSock.ControlFrame }
  | { readonly callback: 'handleInfo'; readonly value: Info }
);

/**
 * One connection. A server calls its methods as things happen; all return immediately, and none throws. Calls that come
 * too late, or twice, do nothing.
 */
export class Connection<State, Info, Arg> {
  /**
   * Where it is among the connections of its server; -1 if it is not.
   *
   * @internal
   */
  place = -1;

  readonly #connections: Connections;
  readonly #wire: Wire;
  readonly #handler: WebSock<State, Info, Arg>;
  readonly #idleTimeout: number;
  readonly #heartbeat: boolean;
  readonly #maxMessageSize: number;
  readonly #wantsControl: boolean;

  /** What waits for its callback; `undefined` as long as nothing has had to. */
  #queue: Queue<Waiting<Info>> | undefined;
  /** The last state, once `init` has given one. */
  #state: State | undefined;
  #hasState = false;

  // Why the next callback must wait: any of three.
  /** A callback is running; at first, `init` is yet to come. */
  #running = true;
  /** More waits to be sent than the bound (rule 5.3). */
  #clogged = false;
  /** The rest of the program has its turn. */
  #resting = false;

  #opened = false;
  #advancing = false;
  #scheduled = false;
  /** More infos came than may wait while the client reads too little. */
  #overflowed = false;
  /** How many callbacks have run since the rest of the program had a turn. */
  #handled = 0;
  /** What waits in the queue, infos aside. */
  #heldMessages = 0;
  #heldBytes = 0;

  /** Why the connection is over, from the moment that it has ended. */
  #end: WebSock.CloseReason | undefined;
  #terminated = false;
  #handlerDone = false;
  #gone = false;
  /** Made for those who ask: most connections can do without a promise. */
  #over: Promise<WebSock.CloseReason> | undefined;
  #settleOver: ((reason: WebSock.CloseReason) => void) | undefined;

  /** Whether the wire reads from the client. */
  #reading = true;
  #heardAt = 0;
  /** Whether the client has been pinged, and not heard since. */
  #pinged = false;
  /** Since when the idle clock stands still. */
  #pausedAt: number | undefined;
  #idleTimer: unknown;
  /** What waits to be sent, at most: what waited at the last look, and what has been sent since. */
  #unsent = 0;
  /** How many looks have seen no byte go. */
  #looks = 0;
  #sendTimer: unknown;

  /**
   * @param connections - those of the same server
   * @param wire - the socket
   * @param handler - checked by `checkHandler`
   * @param options - as `checkOptions` returned them
   */
  constructor(
    connections: Connections,
    wire: Wire,
    handler: WebSock<State, Info, Arg>,
    { idleTimeout, heartbeat, maxMessageSize }: CheckedOptions,
  ) {
    this.#connections = connections;
    this.#wire = wire;
    this.#handler = handler;
    this.#idleTimeout = idleTimeout ?? (wire.ping ? DEFAULT_IDLE_TIMEOUT : Number.POSITIVE_INFINITY);
    this.#heartbeat = heartbeat && wire.ping !== undefined;
    this.#maxMessageSize = maxMessageSize;
    this.#wantsControl = handler.handleControl !== undefined;
  }

  /** Why the connection ended, when the socket is gone and `terminate`, if it was due, has settled. Never rejects. */
  get over(): Promise<WebSock.CloseReason> {
    this.#over ??= new Promise((settle) => {
      this.#settleOver = settle;
      this.#settleIfOver();
    });
    return this.#over;
  }

  // ---- What the server calls ----

  /**
   * The handshake is complete: calls `init` (rule 1.1). What came before is handled after it (rule 1.2). If a shutdown
   * has begun meanwhile, `init` is not called, and the connection closes with 1001 (rule 1.6).
   */
  open(arg: Arg): void {
    if (this.#opened) return;
    this.#opened = true;
    this.#connections.add(this);
    this.heard();
    if (this.#connections.closing) this.shutdown();
    if (this.#end) {
      this.#next(); // there is no state, so terminate is not called either
      return;
    }
    this.#watchIdle();
    this.#run('init', arg);
  }

  /** Something came from the client, even part of a frame: the idle clock starts again (rule 4.3). */
  heard(): void {
    this.#heardAt = this.#idleNow();
    this.#pinged = false;
  }

  /**
   * A whole message came from the client. Its bytes now belong to the handler (rule 2.7). A message over
   * `maxMessageSize` closes the connection with 1009, so a server need not look at its size.
   */
  data(frame: WebSock.DataFrame): void {
    this.heard();
    if (exceeds(frame.data, this.#maxMessageSize)) {
      const error = new Error(`the client sent a message over ${this.#maxMessageSize} bytes (rule 4.3)`);
      this.#close({ type: 'error', error, code: 1009, reason: '' }); // the client's fault: what came before is handled
    } else this.#receive('handleIn', frame);
  }

  /** A ping or pong came from the client. The server has answered a ping (rule 2.8). */
  control(frame: WebSock.ControlFrame): void {
    this.heard();
    if (this.#wantsControl) this.#receive('handleControl', frame);
    else if (this.#wire.pause) this.#countTurn(); // answering has kept the others waiting
    this.#checkBacklog(); // the answers to a flood of pings wait to be sent, too
  }

  /** Some of what waited has been sent: the next callback may run, if it waited for that (rule 5.3). */
  sent(): void {
    if (this.#clogged && this.#wire.unsent() <= this.#connections.bounds.maxUnsentBytes) this.#unclog();
  }

  /**
   * The client broke the protocol, and the platform has closed the connection with `code`; 1006 if it sent no close
   * frame (rule 4.3). What came before is handled; then `terminate` receives the error.
   */
  failed(error: unknown, code: number): void {
    this.#endByClient({ type: 'error', error, code, reason: '' });
  }

  /**
   * The platform has a clock of its own, which ran out, and closed with `code` (rule 4.6). For a server that gives its
   * connections an `idleTimeout` of `Infinity` instead.
   */
  timedOut(code: number): void {
    if (!this.#end) this.#clearQueue(); // rule 2.2: the server has begun to close
    this.#endByClient({ type: 'timeout', code, reason: '' });
  }

  /**
   * The client's close frame has come, with its code (1005 if it had none) and reason, and the platform has answered it;
   * or the client has ended its side of the socket without one: 1006 and `''`. Nothing can come any more. What came
   * before is handled, then `terminate` is called; the socket may stay for a bounded time (rule 4.5).
   */
  closing(code: number, reason: string): void {
    this.#endByClient({ type: 'remote', code, reason });
  }

  /** The socket is gone. If nothing has ended the connection before, the client has dropped it: 1006 and `''`. */
  gone(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#connections.clock.stop(this.#sendTimer);
    this.#endByClient({ type: 'remote', code: 1006, reason: '' });
    this.#settleIfOver();
  }

  /** Posts an info, as the mailbox does that `init` receives (rule 6.2). Does nothing after the end (rule 6.1). */
  post(info: Info): void {
    if (this.#end) return; // rule 6.1
    const { maxHeldInfos } = this.#connections.bounds;
    if (this.#clogged && this.#waiting() >= maxHeldInfos) {
      this.#overflowed = true;
      this.#later();
    } else {
      this.#wait({ callback: 'handleInfo', value: info, next: undefined });
      if (this.#isFree()) this.#later();
    }
  }

  /** Closes with 1001 (rule 4.3). {@link Connections.shutdown} calls it for each. */
  shutdown(): void {
    this.#endByServer({ type: 'shutdown', code: 1001, reason: '' });
  }

  /**
   * Drops the socket, and leaves out `terminate` if it is still waiting for a callback (rule 4.5).
   *
   * @internal
   */
  abandon(): void {
    this.#terminated = true;
    this.#handlerDone = true;
    this.#queue = undefined;
    if (!this.#end) this.#endWith({ type: 'shutdown', code: 1006, reason: '' });
    this.#drop();
    this.#settleIfOver();
  }

  // ---- The queue: one callback at a time, in the order of arrival (rules 2.1 and 2.2) ----

  /** Runs no callback before `post` returns (rule 6.2). */
  #later(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#connections.later(this);
  }

  /**
   * Goes on with what waits.
   *
   * @internal
   */
  wake(): void {
    this.#scheduled = false;
    const { maxHeldInfos } = this.#connections.bounds;
    if (this.#overflowed) this.#dropClient(`more than ${maxHeldInfos} infos wait for it (rule 5.3)`);
    else this.#advance();
  }

  #wait(event: Waiting<Info>): void {
    this.#queue ??= new Queue();
    this.#queue.push(event);
  }

  /** How many wait. */
  #waiting(): number {
    return this.#queue?.length ?? 0;
  }

  /** Whether the next callback may run. */
  #isFree(): boolean {
    return !this.#running && !this.#clogged && !this.#resting;
  }

  #receive(callback: 'handleIn' | 'handleControl', frame: WebSock.DataFrame | WebSock.ControlFrame): void {
    if (this.#end) return;
    if (this.#isFree() && !this.#advancing && this.#waiting() === 0) {
      this.#advancing = true;
      this.#dispatch(callback, frame); // the usual case, which costs no place in the queue
      this.#advancing = false;
      this.#advance();
      return;
    }
    const { maxHeldBytes, maxHeldMessages } = this.#connections.bounds;
    // One packet can bring any number of messages, and inflated ones of any size, after reading was paused.
    if (this.#heldBytes >= maxHeldBytes || (!this.#wire.pause && this.#heldMessages >= maxHeldMessages)) {
      const held = `${this.#heldMessages} messages of ${this.#heldBytes} bytes`;
      const error = new Error(`the client sent more while ${held} were waiting for the handler (rule 5.1)`);
      this.#endByServer({ type: 'error', error, code: 1013, reason: '' });
      return;
    }
    this.#heldMessages += 1;
    this.#heldBytes += frame.data.length;
    this.#wait({ callback, value: frame, next: undefined } as Waiting<Info>);
    if (this.#running && this.#opened) this.#stopReadingIfHeld();
    this.#advance();
  }

  #advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    while (this.#isFree()) {
      const waiting = this.#queue?.shift();
      if (!waiting) break;
      if (waiting.callback !== 'handleInfo') {
        this.#heldMessages -= 1;
        this.#heldBytes -= waiting.value.data.length;
      } else if (this.#end) continue; // rule 2.2: frames that came before the client's end are handled, infos are not
      this.#dispatch(waiting.callback, waiting.value);
    }
    this.#advancing = false;
    if (!this.#isFree()) return;
    if (this.#end) this.#terminate(this.#end);
    else this.#resume();
  }

  #dispatch(callback: Waiting<Info>['callback'], value: Waiting<Info>['value']): void {
    // Without `pause` more would only be held: the platform gives each message a turn of its own.
    if (this.#wire.pause || callback === 'handleInfo') this.#countTurn();
    this.#run(callback, value);
  }

  /** Lets the rest of the program run after a batch of callbacks, unless it has had a turn since half of it. */
  #countTurn(): void {
    this.#handled += 1;
    if (this.#handled === BATCH / 2) {
      nextTurn(() => {
        this.#handled = 0;
        this.#resting = false;
        this.#advance();
      });
    } else if (this.#handled >= BATCH) {
      this.#resting = true;
      this.#stopReading(); // or the client goes on filling the queue
    }
  }

  #run(callback: Callback, value: unknown): void {
    this.#running = true;
    let result: unknown;
    try {
      result = this.#call(callback, value);
      if (isThenable(result)) {
        this.#pauseClock();
        this.#stopReadingIfHeld();
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

  /** Calls a callback as a method of the handler (rule 2.5). */
  #call(callback: Callback, value: unknown): unknown {
    const handler = this.#handler;
    const state = this.#state as State;
    switch (callback) {
      case 'handleIn':
        return handler.handleIn(value as WebSock.DataFrame, state);
      case 'handleInfo':
        return handler.handleInfo(value as Info, state);
      case 'handleControl':
        return handler.handleControl?.(value as WebSock.ControlFrame, state);
      case 'init':
        return handler.init(value as Arg, { post: (info) => this.post(info) }); // may be detached (rule 6.5)
    }
  }

  // ---- Results (rule 3) ----

  #settle(callback: FailedCallback, value: unknown): void {
    let result: CheckedResult<State>;
    try {
      result = checkResult<State>(callback, value);
    } catch (error) {
      this.#fail(callback, error); // rule 3.6
      return;
    }
    this.#state = result.state;
    this.#hasState = true;
    const { messages, stop } = result;
    if (!this.#end) {
      try {
        for (let index = 0; index < messages.length && !this.#end; index++) {
          const message = messages[index] as WebSock.Message;
          this.#wire.send(message);
          this.#unsent += mostBytes(message);
        }
      } catch (error) {
        this.#fail(callback, error);
        return;
      }
    }
    if (stop) {
      // After the client's end it changes nothing but that it is the last (rule 3.7).
      if (this.#end) this.#clearQueue();
      else this.#endByServer(stop);
    } else if (this.#unsent > this.#connections.bounds.maxUnsentBytes) this.#checkBacklog();
    this.#next();
  }

  #fail(callback: FailedCallback, error: unknown): void {
    this.#connections.report(error, { callback });
    this.#clearQueue();
    this.#endByServer({ type: 'error', error, code: 1011, reason: '' });
    this.#next();
  }

  #next(): void {
    this.#running = false;
    this.#advance();
  }

  #clearQueue(): void {
    this.#queue = undefined;
    this.#heldMessages = 0;
    this.#heldBytes = 0;
  }

  // ---- Closing (rule 4) ----

  /** Ends the connection with a close frame, unless it has ended; what waits is dropped (rule 2.2). */
  #endByServer(reason: WebSock.CloseReason): void {
    if (this.#end) return;
    this.#clearQueue();
    this.#close(reason);
  }

  /** Ends the connection with a close frame, unless it has ended. */
  #close(reason: WebSock.CloseReason): void {
    if (this.#end) return;
    this.#endWith(reason);
    this.#wire.close(reason.code, reason.reason); // may call closing() or gone()
    this.#watchSending();
    this.#resumeReading(); // to read the client's answer
    this.#advance();
  }

  /** The client, or the platform because of it, has ended the connection; the frames that wait are handled (rule 2.2). */
  #endByClient(reason: WebSock.CloseReason): void {
    if (this.#end) return;
    this.#endWith(reason);
    this.#watchSending();
    this.#resumeReading(); // to see that the socket is gone
    this.#advance();
  }

  #dropClient(what: string): void {
    if (this.#end) return;
    const error = new Error(`the client does not read: ${what}`);
    this.#clearQueue();
    this.#endWith({ type: 'error', error, code: 1006, reason: '' });
    this.#drop();
    this.#advance();
  }

  #endWith(reason: WebSock.CloseReason): void {
    this.#end = reason;
    this.#clogged = false;
    this.#connections.clock.stop(this.#idleTimer);
  }

  #drop(): void {
    if (this.#gone) return;
    this.#wire.drop();
    this.gone();
  }

  #terminate(reason: WebSock.CloseReason): void {
    if (this.#terminated) return; // rule 4.1: once
    this.#terminated = true;
    const done = () => {
      this.#handlerDone = true;
      this.#settleIfOver();
    };
    if (!this.#hasState) {
      done(); // rule 1.4
      return;
    }
    const failed = (error: unknown) => this.#connections.report(error, { callback: 'terminate' }); // rule 4.4
    try {
      const ended: unknown = this.#handler.terminate?.(reason, this.#state as State);
      if (isThenable(ended)) Promise.resolve(ended).catch(failed).then(done);
      else done();
    } catch (error) {
      failed(error);
      done();
    }
  }

  #settleIfOver(): void {
    if (!this.#gone || !this.#handlerDone) return;
    this.#connections.delete(this);
    this.#settleOver?.(this.#end as WebSock.CloseReason);
  }

  // ---- Sending: a client that reads slowly is waited for, one that reads nothing is dropped (rules 4.5 and 5.3) ----

  #checkBacklog(): void {
    if (this.#end || this.#clogged) return;
    this.#unsent = this.#wire.unsent();
    if (this.#unsent <= this.#connections.bounds.maxUnsentBytes) return;
    this.#clogged = true;
    this.#stopReading();
    this.#watchSending();
  }

  #unclog(): void {
    this.#clogged = false;
    this.#connections.clock.stop(this.#sendTimer);
    this.#advance();
  }

  /** From now on: while data waits, some must go within a bound; after the end, the socket must go within another. */
  #watchSending(): void {
    this.#unsent = this.#wire.unsent();
    this.#looks = 0;
    this.#lookAgain();
  }

  #lookAgain(): void {
    const { bounds, clock } = this.#connections;
    clock.stop(this.#sendTimer);
    if (this.#gone) return;
    const bound = this.#unsent > 0 ? bounds.stallTimeout : bounds.closeTimeout;
    if (this.#looks < LOOKS) this.#sendTimer = clock.start(() => this.#look(), Math.min(bound / LOOKS, LONGEST_DELAY));
    else if (this.#end) this.#drop();
    else this.#dropClient(`nothing went for ${bound} ms, while ${this.#unsent} bytes wait for it (rule 5.3)`);
  }

  #look(): void {
    const unsent = this.#wire.unsent();
    this.#looks = unsent < this.#unsent ? 0 : this.#looks + 1;
    this.#unsent = unsent;
    if (this.#clogged && unsent <= this.#connections.bounds.maxUnsentBytes) this.#unclog();
    else this.#lookAgain();
  }

  // ---- Reading, and the idle clock, which stands still while the server does not read (rules 4.6 and 5.1) ----

  /** The time of the idle clock; 0 if there is none, as reading a clock is dear on some platforms. */
  #idleNow(): number {
    return this.#idleTimeout === Number.POSITIVE_INFINITY ? 0 : this.#connections.clock.now();
  }

  #pauseClock(): void {
    if (!this.#end) this.#pausedAt ??= this.#idleNow();
  }

  /** While a callback is pending (rule 5.1). */
  #stopReadingIfHeld(): void {
    if (this.#heldMessages >= FEW_MESSAGES || this.#heldBytes >= FEW_BYTES) this.#stopReading();
  }

  #stopReading(): void {
    if (!this.#reading || this.#end) return;
    this.#pauseClock();
    this.#reading = false;
    this.#wire.pause?.();
  }

  #resume(): void {
    if (this.#pausedAt === undefined) return;
    const now = this.#idleNow();
    this.#heardAt = Math.min(now, this.#heardAt + now - this.#pausedAt); // some may have come after the pause
    this.#resumeReading();
    if (this.#idleTimer === undefined) this.#watchIdle();
  }

  #resumeReading(): void {
    this.#pausedAt = undefined;
    if (this.#reading) return;
    this.#reading = true;
    if (!this.#gone) this.#wire.resume?.();
  }

  /** Pings, then closes, when its time has come: by the second look, when what has arrived meanwhile has been read. */
  #watchIdle(passed = false): void {
    this.#idleTimer = undefined;
    // A timer is left to run while the clock stands still: starting one for each callback that waits would be dear.
    if (this.#idleTimeout === Number.POSITIVE_INFINITY || this.#pausedAt !== undefined) return;
    const { clock } = this.#connections;
    const silent = clock.now() - this.#heardAt;
    const pingDue = this.#heartbeat && !this.#pinged;
    const left = (pingDue ? this.#idleTimeout / 2 : this.#idleTimeout) - silent;
    if (left > 0) this.#idleTimer = clock.start(() => this.#watchIdle(), Math.min(left, LONGEST_DELAY));
    else if (!passed) this.#idleTimer = clock.start(() => this.#watchIdle(true), 0);
    else if (pingDue) {
      this.#pinged = true;
      this.#wire.ping?.();
      this.#watchIdle();
    } else this.#endByServer({ type: 'timeout', code: 1002, reason: '' });
  }
}

/** How many bytes a message has as a frame, at most: 3 for each UTF-16 unit, 10 of the header (RFC 6455 §5.2). */
function mostBytes({ data = '' }: WebSock.Message): number {
  return 10 + (typeof data === 'string' ? data.length * 3 : data.byteLength);
}

// Immediates, where there are any, come behind input and output, and without the delay of a timer.
const nextTurn: (run: () => void) => unknown =
  typeof setImmediate === 'function' ? (run) => setImmediate(run) : (run) => setTimeout(run, 0);
