import type { WebSock } from '@websock/spec';
import { type ConnectionInfo, checkObserver, type NewConnection, type Observer, SafeObserver } from '../observer.ts';
import { type Bounds, type CheckedBounds, checkBounds, checkShutdown } from '../options.ts';
import { type ErrorContext, safeReporter } from '../report.ts';
import { type Clock, LONGEST_DELAY, realTime } from './clock.ts';
import { type AsyncContext, saveContext } from './context.ts';
import { Observation } from './observation.ts';

/** Callbacks of all connections of a server, and ms, before the event loop runs. */
const BATCH = { callbacks: 10_000, time: 20 };
/** Callbacks between two looks at the clock. */
const BETWEEN_LOOKS = 50;

/** How a {@link Connections} is set up. */
export interface ConnectionsOptions extends Bounds {
  /**
   * Receives what callbacks throw, once each (rule 4.4). Default: `console.error`. If it throws or rejects itself, that is
   * written to the console, and harms no connection.
   */
  readonly onError?: ((error: unknown, context: ErrorContext) => unknown) | undefined;
  /** Receives what happens to connections. Default: none. */
  readonly observer?: Observer | undefined;
}

/** Time limits of a shutdown. */
export interface ShutdownOptions {
  /**
   * How long to wait for pending callbacks and for clients after the last close frame, in ms. Then the remaining sockets
   * are dropped, and `terminate` is not called where a callback is still pending (rule 4.5). Default: 10 000.
   */
  readonly timeout?: number | undefined;
  /** The time over which the closes are spread, in ms, so that not all clients reconnect at once. Default: 0. */
  readonly spread?: number | undefined;
  /**
   * The close frame to send, such as `{ code: 1012, reason: 'deploy' }`. Default: 1001 and `''` (rule 4.3o).
   */
  readonly close?: WebSock.CloseDetail | undefined;
}

/** A connection, as the others of its server see it. */
export interface Member {
  /** Its index in the list of connections; -1 if it is not there. */
  place: number;
  /** Settles when the socket has closed and the handler has finished. */
  readonly over: Promise<unknown>;
  /** Runs callbacks for what has been posted. */
  wake(): void;
  /** Runs callbacks again after it has yielded. */
  goOn(): void;
  /** Closes with the code and reason of a shutdown. */
  shutdown(): void;
  /** Drops the socket without waiting for a pending callback. */
  abandon(): void;
}

/** The connections of one server: their common limits, and their shutdown. */
export class Connections {
  /** The limits of every connection, with their defaults. */
  readonly bounds: CheckedBounds;
  /** Reports an error, once; never throws. */
  readonly report: (error: unknown, context: ErrorContext) => void;
  /** The clock of every connection. */
  readonly clock: Clock;
  /** The observer of all connections, if there is one. @internal */
  readonly observer: SafeObserver | undefined;
  /** Whether an observer or an `onError` receives a {@link ConnectionInfo}. */
  readonly #describes: boolean;
  /** A list, as a set takes more memory than the rest of a connection's bookkeeping: each knows its place. */
  readonly #all: Member[] = [];
  /** Connections to wake in the next microtask. */
  readonly #woken: Member[] = [];
  /** Connections that have yielded to the event loop, in order. */
  #yielded: Member[] = [];
  /** Callbacks since the event loop last ran. */
  #callbacks = 0;
  /** When the batch had {@link BETWEEN_LOOKS} callbacks. */
  #batchBegan = 0;
  /** Whether a batch has run, and the event loop has not run since: the next callback waits. @internal */
  isBatchOver = false;
  #shutdown: Promise<void> | undefined;
  #shutdownClose: WebSock.CloseReason = { type: 'shutdown', code: 1001, reason: '' };

  /** Throws a TypeError for an invalid limit. */
  constructor({ onError, observer, ...bounds }: ConnectionsOptions = {}, clock: Clock = realTime) {
    this.bounds = checkBounds(bounds);
    this.report = safeReporter(onError);
    if (observer !== undefined && checkObserver('new Connections', observer)) {
      this.observer = new SafeObserver(observer, this.report);
    }
    this.#describes = onError !== undefined || observer !== undefined;
    this.clock = inContextOf(clock);
  }

  /** The number of connections: each counts from its `open` until it is over. */
  get size(): number {
    return this.#all.length;
  }

  /** Whether a shutdown has begun: from then on, refuse new upgrades with 503 (rule 1.6). */
  get isShuttingDown(): boolean {
    return this.#shutdown !== undefined;
  }

  /** What a shutdown closes with. @internal */
  get shutdownClose(): WebSock.CloseReason {
    return this.#shutdownClose;
  }

  /**
   * Records a connection that opens, or that goes on after it was suspended, if there is an observer or an `onError`.
   *
   * @internal
   */
  observe(connection: NewConnection | ConnectionInfo, context: AsyncContext | undefined): Observation | undefined {
    return this.#describes ? new Observation(this.observer, this.clock, connection, context) : undefined;
  }

  /** @internal */
  add(connection: Member): void {
    connection.place = this.#all.push(connection) - 1;
  }

  /** @internal */
  delete(connection: Member): void {
    const { place } = connection;
    if (place === -1) return;
    const last = this.#all.pop() as Member;
    if (last !== connection) this.#all[place] = last;
    last.place = place;
    connection.place = -1;
  }

  /** Wakes a connection in the next microtask: one for all connections, as a broadcast posts to many. @internal */
  scheduleWake(connection: Member): void {
    if (this.#woken.push(connection) > 1) return;
    queueMicrotask(() => {
      for (const woken of this.#woken.splice(0)) woken.wake();
    });
  }

  /** Counts a callback of any connection. @internal */
  countCallback(): void {
    this.#callbacks += 1;
    if (this.#callbacks % BETWEEN_LOOKS === 0) this.#lookAtBatch();
  }

  #lookAtBatch(): void {
    const now = this.clock.now();
    if (this.#callbacks === BETWEEN_LOOKS) {
      this.#batchBegan = now;
      afterIo(() => this.#nextBatch());
    } else if (this.#callbacks >= BATCH.callbacks || now - this.#batchBegan >= BATCH.time) this.isBatchOver = true;
  }

  /** Lets a connection go on in a later batch, after those that yielded before it. @internal */
  yieldOnce(connection: Member): void {
    this.#yielded.push(connection);
  }

  #nextBatch(): void {
    this.#callbacks = 0;
    this.isBatchOver = false;
    while (this.#yielded.length > 0 && !this.isBatchOver) {
      const round = this.#yielded;
      this.#yielded = []; // some yield again
      let next = 0;
      while (next < round.length && !this.isBatchOver) round[next++]?.goOn();
      this.#yielded = [...round.slice(next), ...this.#yielded];
    }
  }

  /**
   * Closes every connection, by default with 1001 (rule 4.3o). Settles when all are over, or after a time limit (rule
   * 4.5). Further calls return the same promise. Throws a TypeError for an invalid option.
   */
  shutdown(options?: ShutdownOptions): Promise<void> {
    const { timeout, spread, close } = checkShutdown(options);
    if (!this.#shutdown) {
      this.#shutdownClose = close;
      this.#shutdown = this.#closeAll(timeout, spread);
    }
    return this.#shutdown;
  }

  async #closeAll(timeout: number, spread: number): Promise<void> {
    const all = [...this.#all];
    if (all.length === 0) return;
    const timers = new Set<unknown>();
    const after = (delay: number, run: () => void) => {
      timers.add(this.clock.start(run, Math.min(delay, LONGEST_DELAY)));
    };
    const timedOut = new Promise<void>((resolve) => {
      after(spread + timeout, () => {
        for (const connection of all) connection.abandon();
        resolve();
      });
    });
    const step = spread / all.length;
    all.forEach((connection, index) => {
      if (step === 0 || index === 0) connection.shutdown();
      else after(step * index, () => connection.shutdown());
    });
    await Promise.race([Promise.all(all.map(({ over }) => over)), timedOut]);
    for (const timer of timers) this.clock.stop(timer);
  }
}

/** The same clock, whose timers keep no context alive but the current one: a timer is often started by another's post. */
function inContextOf(clock: Clock): Clock {
  const context = saveContext();
  if (!context) return clock;
  return {
    now: () => clock.now(),
    start: (run, delay) => context.runInAsyncScope(clock.start, clock, run, delay),
    stop: (timer) => clock.stop(timer),
  };
}

// An immediate runs after input and output, without the delay of a timer; not all platforms have it.
const afterIo: (run: () => void) => unknown =
  typeof setImmediate === 'function' ? (run) => setImmediate(run) : (run) => setTimeout(run, 0);
