import type { WebSock } from '@websock/spec';
import { LONGEST_DELAY } from './clock.ts';
import type { Connections } from './connections.ts';
import { maxFrameSize } from './frame-size.ts';
import type { Wire } from './wire.ts';

/**
 * How many times to check for progress within a time limit. Checks are counted, not milliseconds: a blocked process sends
 * nothing, so one late check proves nothing.
 */
const CHECKS = 10;

/**
 * The steps, in bytes, in which a kernel shows that a client reads. Where the platform shows progress by whole messages
 * only, `stallTimeout` is for each such step of what is buffered.
 */
const STEP = 1_500_000;

/** The connection of a send watch. */
export interface SendWatchTarget {
  /** Called when at most `maxUnsentBytes` are buffered again. */
  advance(): void;
  /** Called when the client has stopped reading, or does not close after the end. */
  stalled(why: string): void;
}

/**
 * Tracks the number of bytes that are buffered for sending, and gives up on a client that has stopped reading (rule 5.3)
 * or does not close after the end (rule 4.5).
 */
export class SendWatch {
  /** Whether more than `maxUnsentBytes` are buffered. If so, no callback may be called (rule 5.3). */
  isBackpressured = false;
  readonly #connections: Connections;
  readonly #wire: Wire;
  readonly #target: SendWatchTarget;
  /** An upper limit of the buffered bytes: their number at the last check, plus the frames sent since. */
  #unsent = 0;
  #hasEnded = false;
  /** Whether `closeTimeout` limits all of the time after the end, even if the client reads. */
  #isTotal = false;
  /** The number of consecutive checks without progress. */
  #checksWithoutProgress = 0;
  #timer: unknown;

  constructor(connections: Connections, wire: Wire, target: SendWatchTarget) {
    this.#connections = connections;
    this.#wire = wire;
    this.#target = target;
  }

  send(message: WebSock.Message): void {
    this.#wire.send(message);
    this.#unsent += maxFrameSize(message);
  }

  /** Whether more than `maxUnsentBytes` may be buffered; asking the wire is expensive on some platforms. */
  get mayBeOverLimit(): boolean {
    return this.#unsent > this.#connections.bounds.maxUnsentBytes;
  }

  /** Asks the wire for the number of buffered bytes. Returns whether the limit has just been exceeded. */
  checkBacklog(): boolean {
    if (this.#hasEnded || this.isBackpressured) return false;
    this.#unsent = this.#wire.unsent();
    if (!this.mayBeOverLimit) return false;
    this.isBackpressured = true;
    this.#restart();
    return true;
  }

  /** Called when buffered bytes have been sent. */
  sent(): void {
    if (this.isBackpressured) this.#hasCaughtUp(this.#wire.unsent());
  }

  /** Called at the end of the connection: starts the time limit of closing, unless the socket is gone. */
  end(isGone: boolean): void {
    this.#hasEnded = true;
    this.isBackpressured = false;
    if (isGone) return;
    this.#unsent = this.#wire.unsent();
    this.#restart();
  }

  /** From now on, nothing that the client does extends the time after the end (rule 6.6). */
  limitTotal(): void {
    this.#isTotal = true;
  }

  stop(): void {
    this.#connections.clock.stop(this.#timer);
  }

  #hasCaughtUp(unsent: number): boolean {
    this.#unsent = unsent;
    if (!this.isBackpressured || this.mayBeOverLimit) return false;
    this.isBackpressured = false;
    this.stop();
    this.#target.advance();
    return true;
  }

  #restart(): void {
    this.#checksWithoutProgress = 0;
    this.#schedule();
  }

  /** The time limit without progress, in ms. */
  get #limit(): number {
    const { closeTimeout, stallTimeout } = this.#connections.bounds;
    if (this.#hasEnded) return closeTimeout;
    return this.#wire.coarseUnsent ? stallTimeout * Math.max(1, this.#unsent / STEP) : stallTimeout;
  }

  #schedule(): void {
    const { clock } = this.#connections;
    clock.stop(this.#timer);
    const limit = this.#limit;
    if (this.#checksWithoutProgress < CHECKS) {
      this.#timer = clock.start(() => this.#check(), Math.min(limit / CHECKS, LONGEST_DELAY));
    } else {
      const time = `${Math.round(limit)} ms`;
      this.#target.stalled(`no bytes were sent for ${time} while ${this.#unsent} were buffered (rule 5.3)`);
    }
  }

  #check(): void {
    const unsent = this.#wire.unsent();
    const isProgress = unsent < this.#unsent && !this.#isTotal;
    this.#checksWithoutProgress = isProgress ? 0 : this.#checksWithoutProgress + 1;
    if (!this.#hasCaughtUp(unsent)) this.#schedule();
  }
}
