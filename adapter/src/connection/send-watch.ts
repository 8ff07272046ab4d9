import type { WebSock } from '@websock/spec';
import { LONGEST_DELAY } from './clock.ts';
import type { Connections } from './connections.ts';
import { maxFrameSize } from './frame-size.ts';
import type { Wire } from './wire.ts';

/**
 * How many times to check within a time limit whether bytes have been sent. Checks are counted instead of time: a blocked
 * process sends nothing, so one late check proves nothing.
 */
const CHECKS = 10;

/** The slowest client to wait for where the platform shows whole messages only, in bytes per second. */
const SLOWEST = 20_000;

/** What a watch does to its connection. */
export interface SendWatchTarget {
  /** The client has caught up: the buffered bytes are within `maxUnsentBytes` again. */
  advance(): void;
  /** The client has stopped reading; after the end, or does not close. */
  stalled(why: string): void;
}

/**
 * Knows how much is buffered for sending, and gives up on a client that has stopped reading (rule 5.3) or, after the end,
 * does not close (rule 4.5).
 */
export class SendWatch {
  /** Whether more than `maxUnsentBytes` are buffered: then the next callback waits (rule 5.3). */
  isBackpressured = false;
  readonly #connections: Connections;
  readonly #wire: Wire;
  readonly #target: SendWatchTarget;
  /** An upper limit of the buffered bytes: those at the last check, and those sent since. */
  #unsent = 0;
  #hasEnded = false;
  /** Whether `closeTimeout` limits all of the time after the end, even if the client reads. */
  #isTotal = false;
  /** Checks in a row that have seen no progress. */
  #idleChecks = 0;
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

  /** Asks the wire how much is buffered. Returns whether the client has fallen behind. */
  checkBacklog(): boolean {
    if (this.#hasEnded || this.isBackpressured) return false;
    this.#unsent = this.#wire.unsent();
    if (!this.mayBeOverLimit) return false;
    this.isBackpressured = true;
    this.#restart();
    return true;
  }

  /** Bytes have been sent. */
  sent(): void {
    if (this.isBackpressured) this.#hasCaughtUp(this.#wire.unsent());
  }

  /** The connection has ended: its bytes, and then its socket, have a time limit. */
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
    this.#idleChecks = 0;
    this.#schedule();
  }

  /** In ms. */
  get #limit(): number {
    const { closeTimeout, stallTimeout } = this.#connections.bounds;
    if (this.#hasEnded) return closeTimeout;
    return this.#wire.coarseUnsent ? stallTimeout + (this.#unsent / SLOWEST) * 1_000 : stallTimeout;
  }

  #schedule(): void {
    const { clock } = this.#connections;
    clock.stop(this.#timer);
    const limit = this.#limit;
    if (this.#idleChecks < CHECKS) {
      this.#timer = clock.start(() => this.#check(), Math.min(limit / CHECKS, LONGEST_DELAY));
    } else {
      const buffered = `while ${this.#unsent} are buffered for it`;
      this.#target.stalled(`no bytes were sent for ${Math.round(limit)} ms, ${buffered} (rule 5.3)`);
    }
  }

  #check(): void {
    const unsent = this.#wire.unsent();
    this.#idleChecks = unsent < this.#unsent && !this.#isTotal ? 0 : this.#idleChecks + 1;
    if (!this.#hasCaughtUp(unsent)) this.#schedule();
  }
}
