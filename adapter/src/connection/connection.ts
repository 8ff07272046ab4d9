// Dispatches events, applies results, closes: in one file, as callbacks and wires may call back into it at any point.

import type { WebSock } from '@websock/spec';
import type { ConnectionInfo, EndRule } from '../observer.ts';
import type { CheckedOptions } from '../options.ts';
import { type Callback, callHandler, hasControl } from './callbacks.ts';
import type { Connections } from './connections.ts';
import { type AsyncContext, saveContext } from './context.ts';
import { Ending } from './ending.ts';
import { isLargerThan } from './frame-size.ts';
import { type IdleClock, startIdleClock } from './idle-clock.ts';
import { Inbox, type QueuedEvent } from './inbox.ts';
import { stopReason } from './mailbox.ts';
import { type CheckedResult, checkResult, isThenable } from './results.ts';
import { SendWatch } from './send-watch.ts';
import type { Wire } from './wire.ts';

/** The rows of the table in rule 4.3 for a client's fault, by the code of the close frame. */
const FAULTS: { readonly [code: number]: EndRule } = { 1007: '4.3h', 1008: '4.3k', 1009: '4.3j' };

/** Events to handle before others, once a connection has yielded. */
const SLICE = 10;

/**
 * One connection. A server calls its methods as events happen; all return immediately, and none throws. Calls that come
 * too late, or twice, do nothing.
 */
export class Connection<State, Info, Arg> {
  /** The index in the list of its server's connections; -1 if it is not there. @internal */
  place = -1;

  readonly #connections: Connections;
  readonly #wire: Wire;
  readonly #handler: WebSock<State, Info, Arg>;
  readonly #options: CheckedOptions;
  readonly #wantsControl: boolean;
  readonly #context: AsyncContext | undefined;

  /** Events that wait for their callbacks; made when the first one has to wait. */
  #inbox: Inbox<Info> | undefined;
  /** The last state, once `init` has returned one. */
  #state: State | undefined;
  #hasState = false;
  // The next callback waits while either of these is true, or the client has fallen behind (rule 5.3).
  /** A callback is running; at first, `init` is yet to be called. */
  #running = true;
  /** Other connections and the event loop come first: see {@link Connections.countCallback}. */
  #yielding = false;

  #opened = false;
  /** Whether a callback is being called, or the queue worked off, further up the stack. */
  #advancing = false;
  #wakeScheduled = false;
  /** The mailbox overflowed while the client read too slowly. */
  #overflowed = false;

  readonly #ending: Ending;
  /** Whether the wire reads from the client. */
  #reading = true;
  /** Made by `open` if there is an idle timeout. */
  #idleClock: IdleClock | undefined;
  readonly #sending: SendWatch;

  /**
   * @param connections - those of the same server
   * @param wire - the socket
   * @param handler - checked by `checkHandler`
   * @param options - as `checkOptions` returned them
   * @param context - the AsyncLocalStorage context of the callbacks; by default the current one
   */
  constructor(
    connections: Connections,
    wire: Wire,
    handler: WebSock<State, Info, Arg>,
    options: CheckedOptions,
    context: AsyncContext | undefined = saveContext(),
  ) {
    this.#connections = connections;
    this.#wire = wire;
    this.#handler = handler;
    this.#options = options;
    this.#wantsControl = hasControl(handler);
    this.#context = context;
    this.#sending = new SendWatch(connections, wire, this);
    this.#ending = new Ending(connections, this, context);
  }

  // ---- What the server calls ----

  /** Settles with the reason of the end once the socket has closed and `terminate` has settled. Never rejects. */
  get over(): Promise<WebSock.CloseReason> {
    return this.#ending.over;
  }

  /**
   * The handshake is complete: calls `init` (rule 1.1). Frames that came before are handled after it (rule 1.2). If a
   * shutdown has begun, `init` is not called, and the connection closes with 1001 (rule 1.6).
   *
   * @param protocol - the subprotocol of the handshake, if there is one: only for `onError` and the observer
   * @param id - for the same, if the server has named the connection; by default a new UUID
   */
  open(arg: Arg, protocol?: string, id?: string): void {
    if (this.#opened) return;
    this.#opened = true;
    this.#connections.add(this);
    if (!this.#ending.reason) {
      this.#ending.observation = this.#connections.observe({ arg, protocol, id }, this.#context);
    }
    if (this.#connections.isShuttingDown) this.shutdown();
    if (this.#ending.reason) {
      this.#next(); // without a state, so terminate is not called either
      return;
    }
    this.#idleClock = startIdleClock(this.#connections.clock, this.#wire, this, this.#options);
    this.#run('init', arg);
  }

  /**
   * In place of `open`: goes on with a connection that was suspended (rule 7.3).
   *
   * @param restore - returns the state that was saved. If it throws, the connection closes with 1011, without `terminate`
   * @param info - the connection, as the observer and `onError` saw it before
   */
  resume(restore: () => State, info: ConnectionInfo): void {
    if (this.#opened) return;
    this.#opened = true;
    this.#connections.add(this);
    this.#ending.observation = this.#connections.observe(info, this.#context);
    this.#running = false;
    try {
      this.#state = restore();
      this.#hasState = true;
    } catch (error) {
      this.#fail('restore', error);
    }
  }

  /** Something came from the client, even a part of a frame: restarts the idle clock (rule 4.3). */
  heard(): void {
    this.#idleClock?.heard();
  }

  /**
   * A whole message came from the client. Its bytes now belong to the handler (rule 2.7). If it is larger than
   * `maxMessageSize`, the connection closes with 1009; a server need not check.
   */
  data(frame: WebSock.DataFrame): void {
    this.heard();
    if (!this.#ending.reason) this.#ending.observation?.received(frame);
    const { maxMessageSize } = this.#options;
    if (isLargerThan(frame.data, maxMessageSize)) {
      const error = new Error(`the client sent a message of more than ${maxMessageSize} bytes (rule 4.3)`);
      this.#close({ type: 'error', error, code: 1009, reason: '' }, '4.3j'); // a client's fault: earlier frames are handled
    } else this.#receive('handleIn', frame);
  }

  /** A ping or pong came from the client. The server has answered a ping (rule 2.8). */
  control(frame: WebSock.ControlFrame): void {
    this.heard();
    if (!this.#ending.reason) this.#ending.observation?.received(frame);
    if (this.#wantsControl) this.#receive('handleControl', frame);
    else if (this.#wire.pause) {
      this.#connections.countCallback(); // to answer a ping takes time, too
      if (!this.#yielding && this.#yields()) this.#pauseReading();
    }
    if (this.#sending.checkBacklog()) this.#pauseReading(); // the answers to a flood of pings are buffered, too
  }

  /** Buffered bytes have been sent: runs the next callback if it waited for that (rule 5.3). */
  sent(): void {
    this.#sending.sent();
  }

  /**
   * The client broke the protocol, and the platform has closed the connection with `code`; 1006 if it sent no close
   * frame (rule 4.3). Earlier frames are handled; then `terminate` receives the error.
   *
   * @param rule - the row of the table in rule 4.3, for the observer; by default the likeliest for the code
   */
  failed(error: unknown, code: number, rule: EndRule = FAULTS[code] ?? '4.3l'): void {
    this.#endByClient({ type: 'error', error, code, reason: '' }, rule);
  }

  /**
   * The platform's own idle timeout has passed, and it has closed with `code` (rule 4.6). For a server that gives the
   * connection an `idleTimeout` of `Infinity` instead.
   */
  timedOut(code: number): void {
    if (!this.#ending.reason) this.#inbox?.clear(); // rule 2.2: the server has begun to close
    this.#endByClient({ type: 'timeout', code, reason: '' }, '4.3n');
  }

  /**
   * The client's close frame has come (without a code: 1005), and the platform has answered it; or the client has ended
   * its side of the socket without one (1006). Earlier frames are handled; then `terminate` is called.
   */
  closing(code: number, reason: string): void {
    this.#endByClient({ type: 'remote', code, reason }, code === 1006 ? '4.3g' : '4.3e');
  }

  /** The socket has closed. If nothing has ended the connection before, the client has dropped it: 1006 and `''`. */
  gone(): void {
    if (this.#ending.isGone) return;
    this.#ending.isGone = true;
    this.#sending.stop();
    this.#endByClient({ type: 'remote', code: 1006, reason: '' }, '4.3g');
    this.#ending.gone();
  }

  /** Posts a message, as the mailbox that `init` receives does (rule 6.2). Does nothing after the end (rule 6.1). */
  post(info: Info): void {
    if (this.#ending.reason) return;
    this.#inbox ??= new Inbox();
    if (this.#sending.isBackpressured && this.#inbox.infos >= this.#connections.bounds.maxHeldInfos) {
      this.#overflowed = true;
      this.#scheduleWake();
    } else {
      this.#inbox.push('handleInfo', info);
      if (this.#isFree()) this.#scheduleWake();
    }
  }

  /** Ends the connection from outside, as the mailbox does that `init` receives (rule 6.6). */
  stop(close?: WebSock.CloseDetail): void {
    if (this.#ending.reason) return;
    const reason = stopReason(close);
    if (reason.type === 'error') this.#ending.report(reason.error, 'mailbox.stop');
    this.#sending.limitTotal();
    this.#endByServer(reason, reason.type === 'error' ? '4.3d' : '4.3q');
  }

  /** The number of posted messages that wait for `handleInfo`; 0 after the end (rule 6.7). */
  get waiting(): number {
    return this.#ending.reason ? 0 : (this.#inbox?.infos ?? 0);
  }

  /** Aborted when the connection ends; made when first asked for (rule 6.8). */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** Closes as a shutdown does (rule 4.3o). {@link Connections.shutdown} calls it for each connection. */
  shutdown(): void {
    this.#endByServer(this.#connections.shutdownClose, '4.3o');
  }

  /** Drops the socket. If a callback is still pending, `terminate` is not called (rule 4.5). @internal */
  abandon(): void {
    this.#inbox?.clear();
    if (!this.#ending.reason) this.#endWith({ type: 'shutdown', code: 1006, reason: '' }, '4.3o');
    this.#ending.handlerDone();
    this.#drop();
  }

  // ---- The queue: one callback at a time, in the order of arrival (rules 2.1 and 2.2) ----

  /** A posted message runs no callback before `post` returns (rule 6.2). */
  #scheduleWake(): void {
    if (!this.#wakeScheduled) this.#connections.scheduleWake(this);
    this.#wakeScheduled = true;
  }

  /** Handles what has been posted. @internal */
  wake(): void {
    this.#wakeScheduled = false;
    const { maxHeldInfos } = this.#connections.bounds;
    if (this.#overflowed) this.#dropClient(`more than ${maxHeldInfos} posted messages are queued for it (rule 5.3)`);
    else this.advance();
  }

  /** Whether the next callback may run. */
  #isFree(): boolean {
    return !this.#running && !this.#yielding && !this.#sending.isBackpressured;
  }

  #receive(callback: 'handleIn' | 'handleControl', frame: WebSock.DataFrame | WebSock.ControlFrame): void {
    if (this.#ending.reason) return;
    const isNext = this.#isFree() && !this.#advancing && (this.#inbox?.isEmpty ?? true);
    if (isNext && !(this.#countsEvent(callback) && this.#yields())) {
      this.#advancing = true;
      this.#dispatch(callback, frame); // the usual case needs no queue
      this.#advancing = false;
      this.advance();
      return;
    }
    this.#inbox ??= new Inbox();
    const overflow = this.#inbox.overflow(this.#connections.bounds, this.#wire.pause !== undefined);
    if (overflow) {
      this.#endByServer({ type: 'error', error: overflow, code: 1013, reason: '' }, '4.3m');
      return;
    }
    this.#inbox.push(callback, frame);
    if (this.#yielding || (this.#running && this.#opened && this.#inbox.shouldPauseReading)) this.#pauseReading();
    this.advance();
  }

  /** Calls the callbacks of what is queued, of `most` events before it yields. @internal */
  advance(most: number = Number.POSITIVE_INFINITY): void {
    if (this.#advancing) return;
    this.#advancing = true;
    let left = most;
    while (this.#inbox && !this.#inbox.isEmpty && this.#isFree() && !this.#yields(left-- <= 0)) {
      const event = this.#inbox.shift() as QueuedEvent<Info>;
      if (event.callback === 'handleInfo' && this.#ending.reason) continue; // rule 2.2: only earlier frames are handled
      this.#dispatch(event.callback, event.value);
    }
    this.#advancing = false;
    if (!this.#isFree()) return;
    const { reason } = this.#ending;
    if (reason && this.#hasState) this.#ending.terminate(this.#handler, reason, this.#state);
    else if (reason)
      this.#ending.handlerDone(); // rule 1.4
    else {
      this.#idleClock?.resume();
      this.#resumeReading();
    }
  }

  #dispatch(callback: QueuedEvent<Info>['callback'], value: QueuedEvent<Info>['value']): void {
    if (this.#countsEvent(callback)) this.#connections.countCallback();
    this.#run(callback, value);
  }

  /** A platform without `pause` delivers each frame in a turn of the event loop of its own. */
  #countsEvent(callback: Callback): boolean {
    return callback === 'handleInfo' || this.#wire.pause !== undefined;
  }

  /** Whether the event loop, and connections that have yielded before, come first. */
  #yields(always = false): boolean {
    if (!always && !this.#connections.isBatchOver) return false;
    this.#yielding = true;
    if (this.#inbox?.frames) this.#pauseReading(); // rule 5.1
    this.#connections.yieldOnce(this);
    return true;
  }

  /** @internal */
  goOn(): void {
    this.#yielding = false;
    this.advance(SLICE);
  }

  #run(callback: Callback, value: unknown): void {
    this.#running = true;
    if (this.#context) this.#context.runInAsyncScope(this.#runInContext, this, callback, value);
    else this.#runInContext(callback, value);
  }

  #runInContext(callback: Callback, value: unknown): void {
    let result: unknown;
    this.#ending.observation?.calls();
    try {
      result = callHandler(this.#handler, callback, value, this.#state, this);
      if (isThenable(result)) {
        this.#wire.pending?.(result);
        if (!this.#ending.reason) this.#idleClock?.pause();
        if (this.#inbox?.shouldPauseReading) this.#pauseReading();
        Promise.resolve(result).then(
          (resolved) => this.#settled(callback, resolved),
          (error) => this.#threw(callback, error),
        );
        return;
      }
    } catch (error) {
      this.#threw(callback, error);
      return;
    }
    this.#settled(callback, result);
  }

  #settled(callback: Callback, result: unknown): void {
    this.#ending.observation?.handled(callback, this.waiting);
    this.#applyResult(callback, result);
  }

  #threw(callback: Callback, error: unknown): void {
    this.#ending.observation?.handled(callback, this.waiting);
    this.#fail(callback, error);
  }

  // ---- Results (rule 3) ----

  #applyResult(callback: Callback, value: unknown): void {
    let result: CheckedResult<State>;
    try {
      result = checkResult<State>(callback, value);
      const { messages } = result;
      if (!this.#ending.reason) this.#wire.save?.(result.state);
      for (let index = 0; index < messages.length && !this.#ending.reason; index++) {
        const message = messages[index] as WebSock.Message;
        this.#sending.send(message);
        this.#ending.observation?.sent(message);
      }
    } catch (error) {
      this.#fail(callback, error); // rule 3.6
      return;
    }
    this.#state = result.state;
    this.#hasState = true;
    const { stop } = result;
    // After the client's end, a stop only makes this callback the last (rule 3.7).
    if (stop && this.#ending.reason) this.#inbox?.clear();
    else if (stop) this.#endByServer(stop.reason, stop.rule);
    else if (this.#sending.mayBeOverLimit && this.#sending.checkBacklog()) this.#pauseReading();
    this.#next();
  }

  #fail(callback: Callback | 'restore', error: unknown): void {
    this.#ending.report(error, callback);
    this.#inbox?.clear();
    this.#endByServer({ type: 'error', error, code: 1011, reason: '' }, '4.3d');
    this.#next();
  }

  #next(): void {
    this.#running = false;
    this.advance();
  }

  // ---- Closing (rule 4) ----

  /** Ends the connection with a close frame, unless it has ended; the queue is discarded (rule 2.2). */
  #endByServer(reason: WebSock.CloseReason, rule: EndRule): void {
    if (this.#ending.reason) return;
    this.#inbox?.clear();
    this.#close(reason, rule);
  }

  /** Ends the connection with a close frame, unless it has ended. */
  #close(reason: WebSock.CloseReason, rule: EndRule): void {
    if (this.#ending.reason) return;
    this.#endWith(reason, rule);
    this.#wire.close(reason.code, reason.reason); // may call closing() or gone()
    this.#awaitClose(); // which needs the client's answer read
  }

  /** The client, or the platform because of it, has ended the connection; queued frames are handled (rule 2.2). */
  #endByClient(reason: WebSock.CloseReason, rule: EndRule): void {
    if (this.#ending.reason) return;
    this.#endWith(reason, rule);
    this.#awaitClose(); // which needs the end of the socket read
  }

  #dropClient(why: string): void {
    if (this.#ending.reason) return;
    this.#inbox?.clear();
    const error = new Error(`the client does not read: ${why}`);
    this.#endWith({ type: 'error', error, code: 1006, reason: '' }, '4.3p');
    this.#drop();
    this.advance();
  }

  #endWith(reason: WebSock.CloseReason, rule: EndRule): void {
    this.#idleClock?.stop();
    this.#ending.begin(reason, rule);
  }

  #awaitClose(): void {
    this.#sending.end(this.#ending.isGone);
    this.#resumeReading();
    this.advance();
  }

  #drop(): void {
    if (this.#ending.isGone) return;
    this.#sending.end(true);
    this.#wire.drop();
    this.gone();
  }

  // ---- Reading (rule 5.1) ----

  #pauseReading(): void {
    if (!this.#reading || this.#ending.reason) return;
    this.#idleClock?.pause();
    this.#reading = false;
    this.#wire.pause?.();
  }

  #resumeReading(): void {
    if (this.#reading) return;
    this.#reading = true;
    if (!this.#ending.isGone) this.#wire.resume?.();
  }

  // ---- What the idle clock and the watch over sending call ----

  /** @internal */
  closeIdle(): void {
    this.#endByServer({ type: 'timeout', code: 1001, reason: '' }, '4.3n');
  }

  /** @internal */
  stalled(why: string): void {
    if (this.#ending.reason) this.#drop();
    else this.#dropClient(why);
  }
}
