import type { CheckedBounds } from '../options.ts';
import { type Clock, LONGEST_DELAY } from './clock.ts';
import type { Wire } from './wire.ts';

/**
 * How many times to check within a time limit whether bytes have been sent. Checks are counted instead of time: a blocked
 * process sends nothing, so one late check proves nothing.
 */
const STALL_CHECKS = 10;

/** What a watch does to its connection. */
export interface SendWatchTarget {
  /** Returns whether the client has caught up, so that the watch is over. */
  hasCaughtUp(unsent: number): boolean;
  /** The client has not read for `stallTimeout`, or has not closed within `closeTimeout`. */
  sendStalled(unsent: number, milliseconds: number): void;
}

/**
 * Watches whether buffered bytes are sent, and gives up on a client that has stopped reading (rules 4.5 and 5.3). Once
 * all has been sent, it waits for the socket to close.
 */
export class SendWatch {
  readonly #clock: Clock;
  readonly #wire: Wire;
  readonly #target: SendWatchTarget;
  readonly #bounds: CheckedBounds;
  #unsent = 0;
  /** Checks in a row that have seen no progress. */
  #checks = 0;
  #timer: unknown;

  constructor(clock: Clock, wire: Wire, target: SendWatchTarget, bounds: CheckedBounds) {
    this.#clock = clock;
    this.#wire = wire;
    this.#target = target;
    this.#bounds = bounds;
  }

  /** Restarts the time limit, with the number of bytes that are buffered now. */
  restart(unsent: number): void {
    this.#unsent = unsent;
    this.#checks = 0;
    this.#schedule();
  }

  stop(): void {
    this.#clock.stop(this.#timer);
  }

  #schedule(): void {
    this.#clock.stop(this.#timer);
    const limit = this.#unsent > 0 ? this.#bounds.stallTimeout : this.#bounds.closeTimeout;
    if (this.#checks >= STALL_CHECKS) this.#target.sendStalled(this.#unsent, limit);
    else this.#timer = this.#clock.start(() => this.#check(), Math.min(limit / STALL_CHECKS, LONGEST_DELAY));
  }

  #check(): void {
    const unsent = this.#wire.unsent();
    this.#checks = unsent < this.#unsent ? 0 : this.#checks + 1;
    this.#unsent = unsent;
    if (!this.#target.hasCaughtUp(unsent)) this.#schedule();
  }
}
