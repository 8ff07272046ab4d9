// The life of a connection: dispatching events, applying results, closing. In one file, as callbacks and wires call back
// into it at any point.

import type { WebSock } from '@websock/spec';
import { type CheckedOptions, DEFAULT_IDLE_TIMEOUT } from '../options.ts';
import type { FailedCallback } from '../report.ts';
import type { Connections } from './connections.ts';
import { IdleClock } from './idle-clock.ts';
import { Inbox, type QueuedEvent } from './inbox.ts';
import { type CheckedResult, checkResult, isThenable } from './results.ts';
import { SendWatch } from './send-watch.ts';
import type { Wire } from './wire.ts';

/** Callbacks to run before yielding to the event loop. */
const BATCH = 1_000;

/** What to buffer during a pending callback before reading pauses; pausing costs more than buffering a few frames. */
const MAX_FRAMES_WHILE_PENDING = 16;
const MAX_BYTES_WHILE_PENDING = 65_536;

type Callback = 'init' | QueuedEvent<unknown>['callback'];

/**
 * One connection. A server calls its methods as events happen; all return immediately, and none throws. Calls that come
 * too late, or twice, do nothing.
 */
export class Connection<State, Info, Arg> {
  /**
   * The index in the list of its server's connections; -1 if it is not there.
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

  /** Events that wait for their callbacks; made when the first one has to wait. */
  #inbox: Inbox<Info> | undefined;
  /** The last state, once `init` has returned one. */
  #state: State | undefined;
  #hasState = false;

  // The next callback waits while any of these three is true.
  /** A callback is running; at first, `init` is yet to be called. */
  #running = true;
  /** More than `maxUnsentBytes` are buffered for sending (rule 5.3). */
  #backpressured = false;
  /** The event loop runs before the next callback. */
  #yielding = false;

  #opened = false;
  /** Whether a callback is being called, or the queue worked off, further up the stack. */
  #advancing = false;
  #wakeScheduled = false;
  /** The mailbox overflowed while the client read too slowly. */
  #overflowed = false;
  /** Callbacks since the event loop last ran. */
  #callbacks = 0;

  /** Why the connection ended; set at its end. */
  #end: WebSock.CloseReason | undefined;
  #terminated = false;
  #handlerDone = false;
  #gone = false;
  /** Made when first asked for: most connections need no promise. */
  #over: Promise<WebSock.CloseReason> | undefined;
  #resolveOver: ((reason: WebSock.CloseReason) => void) | undefined;

  /** Whether the wire reads from the client. */
  #reading = true;
  /** Made by `open` if there is an idle timeout. */
  #idleClock: IdleClock | undefined;
  /** An upper limit of the bytes buffered for sending: those at the last check, and those sent since. */
  #unsent = 0;
  /** Made when the connection ends, or more is buffered than may be. */
  #sendWatch: SendWatch | undefined;

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

  /** Why the connection ended, once the socket has closed and `terminate`, if called, has settled. Never rejects. */
  get over(): Promise<WebSock.CloseReason> {
    this.#over ??= new Promise((resolve) => {
      this.#resolveOver = resolve;
      this.#finish();
    });
    return this.#over;
  }

  // ---- What the server calls ----

  /**
   * The handshake is complete: calls `init` (rule 1.1). Frames that came before are handled after it (rule 1.2). If a
   * shutdown has begun, `init` is not called, and the connection closes with 1001 (rule 1.6).
   */
  open(arg: Arg): void {
    if (this.#opened) return;
    this.#opened = true;
    this.#connections.add(this);
    if (this.#connections.isShuttingDown) this.shutdown();
    if (this.#end) {
      this.#next(); // without a state, so terminate is not called either
      return;
    }
    if (this.#idleTimeout !== Number.POSITIVE_INFINITY) {
      this.#idleClock = new IdleClock(this.#connections.clock, this, this.#idleTimeout, this.#heartbeat);
    }
    this.#run('init', arg);
  }

  /** Something came from the client, even a part of a frame: restarts the idle clock (rule 4.3). */
  heard(): void {
    this.#idleClock?.heard();
  }

  /**
   * A whole message came from the client. From now on its bytes belong to the handler (rule 2.7). A message of more than
   * `maxMessageSize` bytes closes the connection with 1009, so a server need not check its size.
   */
  data(frame: WebSock.DataFrame): void {
    this.heard();
    if (isLargerThan(frame.data, this.#maxMessageSize)) {
      const error = new Error(`the client sent a message of more than ${this.#maxMessageSize} bytes (rule 4.3)`);
      this.#close({ type: 'error', error, code: 1009, reason: '' }); // a client's fault: earlier frames are handled
    } else this.#receive('handleIn', frame);
  }

  /** A ping or pong came from the client. The server has answered a ping (rule 2.8). */
  control(frame: WebSock.ControlFrame): void {
    this.heard();
    if (this.#wantsControl) this.#receive('handleControl', frame);
    else if (this.#wire.pause) this.#countCallback(); // the answer took time, too
    this.#checkBacklog(); // the answers to a flood of pings are buffered, too
  }

  /** Buffered bytes have been sent: runs the next callback if it waited for that (rule 5.3). */
  sent(): void {
    if (this.#backpressured) this.hasCaughtUp(this.#wire.unsent());
  }

  /**
   * The client broke the protocol, and the platform has closed the connection with `code`; 1006 if it sent no close
   * frame (rule 4.3). Earlier frames are handled; then `terminate` receives the error.
   */
  failed(error: unknown, code: number): void {
    this.#endByClient({ type: 'error', error, code, reason: '' });
  }

  /**
   * The platform's own idle timeout has passed, and it has closed with `code` (rule 4.6). For a server that gives its
   * connections an `idleTimeout` of `Infinity` instead.
   */
  timedOut(code: number): void {
    if (!this.#end) this.#inbox?.clear(); // rule 2.2: the server has begun to close
    this.#endByClient({ type: 'timeout', code, reason: '' });
  }

  /**
   * The client's close frame has come, with its code (1005 if it has none) and reason, and the platform has answered it;
   * or the client has ended its side of the socket without one: 1006 and `''`. Earlier frames are handled, then
   * `terminate` is called; the socket may stay open for a limited time (rule 4.5).
   */
  closing(code: number, reason: string): void {
    this.#endByClient({ type: 'remote', code, reason });
  }

  /** The socket has closed. If nothing has ended the connection before, the client has dropped it: 1006 and `''`. */
  gone(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#sendWatch?.stop();
    this.#endByClient({ type: 'remote', code: 1006, reason: '' });
    this.#finish();
  }

  /** Posts a message, as the mailbox that `init` receives does (rule 6.2). Does nothing after the end (rule 6.1). */
  post(info: Info): void {
    if (this.#end) return;
    this.#inbox ??= new Inbox();
    const waiting = this.#inbox.infos + this.#inbox.frames;
    if (this.#backpressured && waiting >= this.#connections.bounds.maxHeldInfos) {
      this.#overflowed = true;
      this.#scheduleWake();
    } else {
      this.#inbox.pushInfo(info);
      if (this.#isFree()) this.#scheduleWake();
    }
  }

  /** Closes with 1001 (rule 4.3). {@link Connections.shutdown} calls it for each connection. */
  shutdown(): void {
    this.#endByServer({ type: 'shutdown', code: 1001, reason: '' });
  }

  /**
   * Drops the socket. If a callback is still pending, `terminate` is not called (rule 4.5).
   *
   * @internal
   */
  abandon(): void {
    this.#terminated = true;
    this.#handlerDone = true;
    this.#inbox?.clear();
    if (!this.#end) this.#endWith({ type: 'shutdown', code: 1006, reason: '' });
    this.#drop();
    this.#finish();
  }

  // ---- The queue: one callback at a time, in the order of arrival (rules 2.1 and 2.2) ----

  /** A posted message runs no callback before `post` returns (rule 6.2). */
  #scheduleWake(): void {
    if (this.#wakeScheduled) return;
    this.#wakeScheduled = true;
    this.#connections.scheduleWake(this);
  }

  /**
   * Handles what has been posted.
   *
   * @internal
   */
  wake(): void {
    this.#wakeScheduled = false;
    const { maxHeldInfos } = this.#connections.bounds;
    if (this.#overflowed) this.#dropClient(`more than ${maxHeldInfos} posted messages are queued for it (rule 5.3)`);
    else this.#advance();
  }

  /** Whether the next callback may run. */
  #isFree(): boolean {
    return !this.#running && !this.#backpressured && !this.#yielding;
  }

  #receive(callback: 'handleIn' | 'handleControl', frame: WebSock.DataFrame | WebSock.ControlFrame): void {
    if (this.#end) return;
    const isQueueEmpty = this.#inbox === undefined || this.#inbox.isEmpty;
    if (isQueueEmpty && this.#isFree() && !this.#advancing) {
      this.#advancing = true;
      this.#dispatch(callback, frame); // the usual case needs no queue
      this.#advancing = false;
      this.#advance();
      return;
    }
    this.#inbox ??= new Inbox();
    const { frames, bytes } = this.#inbox;
    const { maxHeldBytes, maxHeldMessages } = this.#connections.bounds;
    // After reading is paused, what has been read can still hold any number of messages, and inflated ones of any size.
    if (bytes >= maxHeldBytes || (!this.#wire.pause && frames >= maxHeldMessages)) {
      const queued = `${frames} messages of ${bytes} bytes`;
      const error = new Error(`the client sent more while ${queued} were queued for the handler (rule 5.1)`);
      this.#endByServer({ type: 'error', error, code: 1013, reason: '' });
      return;
    }
    if (callback === 'handleIn') this.#inbox.pushData(frame as WebSock.DataFrame);
    else this.#inbox.pushControl(frame as WebSock.ControlFrame);
    if (this.#running && this.#opened) this.#pauseReadingIfFull();
    this.#advance();
  }

  #advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    while (this.#isFree()) {
      const event = this.#inbox?.shift();
      if (!event) break;
      if (event.callback === 'handleInfo' && this.#end) continue; // rule 2.2: only earlier frames are handled
      this.#dispatch(event.callback, event.value);
    }
    this.#advancing = false;
    if (!this.#isFree()) return;
    if (this.#end) this.#terminate(this.#end);
    else {
      this.#idleClock?.resume();
      this.#resumeReading();
    }
  }

  #dispatch(callback: QueuedEvent<Info>['callback'], value: QueuedEvent<Info>['value']): void {
    // A platform without `pause` delivers one message in each turn of the event loop by itself.
    if (this.#wire.pause || callback === 'handleInfo') this.#countCallback();
    this.#run(callback, value);
  }

  /** Yields to the event loop after a batch of callbacks, unless it has run since half of the batch. */
  #countCallback(): void {
    this.#callbacks += 1;
    if (this.#callbacks === BATCH / 2) {
      afterIo(() => {
        this.#callbacks = 0;
        this.#yielding = false;
        this.#advance();
      });
    } else if (this.#callbacks >= BATCH) {
      this.#yielding = true;
      this.#pauseReading(); // or the client would go on filling the queue
    }
  }

  #run(callback: Callback, value: unknown): void {
    this.#running = true;
    let result: unknown;
    try {
      result = this.#call(callback, value);
      if (isThenable(result)) {
        if (!this.#end) this.#idleClock?.pause();
        this.#pauseReadingIfFull();
        Promise.resolve(result).then(
          (resolved) => this.#applyResult(callback, resolved),
          (error) => this.#fail(callback, error),
        );
        return;
      }
    } catch (error) {
      this.#fail(callback, error);
      return;
    }
    this.#applyResult(callback, result);
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

  #applyResult(callback: FailedCallback, value: unknown): void {
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
          this.#unsent += maxFrameSize(message);
        }
      } catch (error) {
        this.#fail(callback, error);
        return;
      }
    }
    if (stop) {
      if (this.#end)
        this.#inbox?.clear(); // after the client's end, a stop only makes this callback the last (rule 3.7)
      else this.#endByServer(stop);
    } else if (this.#unsent > this.#connections.bounds.maxUnsentBytes) this.#checkBacklog();
    this.#next();
  }

  #fail(callback: FailedCallback, error: unknown): void {
    this.#connections.report(error, { callback });
    this.#inbox?.clear();
    this.#endByServer({ type: 'error', error, code: 1011, reason: '' });
    this.#next();
  }

  #next(): void {
    this.#running = false;
    this.#advance();
  }

  // ---- Closing (rule 4) ----

  /** Ends the connection with a close frame, unless it has ended; the queue is discarded (rule 2.2). */
  #endByServer(reason: WebSock.CloseReason): void {
    if (this.#end) return;
    this.#inbox?.clear();
    this.#close(reason);
  }

  /** Ends the connection with a close frame, unless it has ended. */
  #close(reason: WebSock.CloseReason): void {
    if (this.#end) return;
    this.#endWith(reason);
    this.#wire.close(reason.code, reason.reason); // may call closing() or gone()
    this.#awaitClose(); // which needs the client's answer read
  }

  /** The client, or the platform because of it, has ended the connection; queued frames are handled (rule 2.2). */
  #endByClient(reason: WebSock.CloseReason): void {
    if (this.#end) return;
    this.#endWith(reason);
    this.#awaitClose(); // which needs the end of the socket read
  }

  #dropClient(why: string): void {
    if (this.#end) return;
    this.#inbox?.clear();
    this.#endWith({ type: 'error', error: new Error(`the client does not read: ${why}`), code: 1006, reason: '' });
    this.#drop();
    this.#advance();
  }

  #endWith(reason: WebSock.CloseReason): void {
    this.#end = reason;
    this.#backpressured = false;
    this.#idleClock?.stop();
  }

  #awaitClose(): void {
    if (!this.#gone) this.#watchSending(this.#wire.unsent());
    this.#resumeReading();
    this.#advance();
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
      this.#finish();
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

  #finish(): void {
    if (!this.#gone || !this.#handlerDone) return;
    this.#connections.delete(this);
    this.#resolveOver?.(this.#end as WebSock.CloseReason);
  }

  // ---- Sending (rules 4.5 and 5.3) ----

  #checkBacklog(): void {
    if (this.#end || this.#backpressured) return;
    this.#unsent = this.#wire.unsent();
    if (this.#unsent <= this.#connections.bounds.maxUnsentBytes) return;
    this.#backpressured = true;
    this.#pauseReading();
    this.#watchSending(this.#unsent);
  }

  #watchSending(unsent: number): void {
    const { clock, bounds } = this.#connections;
    this.#sendWatch ??= new SendWatch(clock, this.#wire, this, bounds);
    this.#sendWatch.restart(unsent);
  }

  /** @internal */
  hasCaughtUp(unsent: number): boolean {
    if (!this.#backpressured || unsent > this.#connections.bounds.maxUnsentBytes) return false;
    this.#unsent = unsent;
    this.#backpressured = false;
    this.#sendWatch?.stop();
    this.#advance();
    return true;
  }

  /** @internal */
  sendStalled(unsent: number, milliseconds: number): void {
    if (this.#end) this.#drop();
    else this.#dropClient(`no bytes were sent for ${milliseconds} ms, while ${unsent} are buffered for it (rule 5.3)`);
  }

  // ---- Reading (rule 5.1) ----

  #pauseReadingIfFull(): void {
    if (!this.#inbox) return;
    const { frames, bytes } = this.#inbox;
    if (frames >= MAX_FRAMES_WHILE_PENDING || bytes >= MAX_BYTES_WHILE_PENDING) this.#pauseReading();
  }

  #pauseReading(): void {
    if (!this.#reading || this.#end) return;
    this.#idleClock?.pause();
    this.#reading = false;
    this.#wire.pause?.();
  }

  #resumeReading(): void {
    if (this.#reading) return;
    this.#reading = true;
    if (!this.#gone) this.#wire.resume?.();
  }

  /** @internal */
  pingIdle(): void {
    this.#wire.ping?.();
  }

  /** @internal */
  closeIdle(): void {
    this.#endByServer({ type: 'timeout', code: 1002, reason: '' });
  }
}

/** Whether a message has more bytes than `size`. */
function isLargerThan(data: string | Uint8Array, size: number): boolean {
  if (typeof data !== 'string') return data.byteLength > size;
  // A UTF-16 unit is at most 3 bytes of UTF-8, so most texts need not be encoded to know.
  return data.length > size || (data.length * 3 > size && new TextEncoder().encode(data).byteLength > size);
}

/** An upper limit of a message's bytes as a frame: 3 for each UTF-16 unit, 10 of the header (RFC 6455 §5.2). */
function maxFrameSize({ data = '' }: WebSock.Message): number {
  return 10 + (typeof data === 'string' ? data.length * 3 : data.byteLength);
}

// An immediate runs after input and output, without the delay of a timer; not all platforms have it.
const afterIo: (run: () => void) => unknown =
  typeof setImmediate === 'function' ? (run) => setImmediate(run) : (run) => setTimeout(run, 0);
