import { type CheckedOptions, DEFAULT_IDLE_TIMEOUT } from '../options.ts';
import { type Clock, LONGEST_DELAY } from './clock.ts';
import type { Wire } from './wire.ts';

/** The connection of an idle clock. */
export interface IdleClockTarget {
  /** Called when the client has been silent for `idleTimeout`: closes the connection. */
  closeIdle(): void;
}

/**
 * Measures how long a client has been silent. Pings it after half of `idleTimeout`, and closes the connection after all of
 * it (rules 4.3 and 4.6). The clock is paused while the server does not read (rule 5.1).
 */
export class IdleClock {
  readonly #clock: Clock;
  readonly #wire: Wire;
  readonly #target: IdleClockTarget;
  readonly #timeout: number;
  readonly #heartbeat: boolean;
  #heardAt: number;
  /** Whether a ping has been sent since the client was last heard from. */
  #pinged = false;
  #pausedAt: number | undefined;
  #timer: unknown;

  /**
   * @param timeout - in ms, finite
   * @param heartbeat - whether to ping, if the wire can ping
   */
  constructor(clock: Clock, wire: Wire, target: IdleClockTarget, timeout: number, heartbeat: boolean) {
    this.#clock = clock;
    this.#wire = wire;
    this.#target = target;
    this.#timeout = timeout;
    this.#heartbeat = heartbeat && wire.ping !== undefined;
    this.#heardAt = clock.now();
    this.#check();
  }

  /** Called when anything arrives from the client: restarts the clock. */
  heard(): void {
    this.#heardAt = this.#clock.now();
    this.#pinged = false;
  }

  /** Pauses the clock. The timer keeps running, as starting one after each asynchronous callback would be expensive. */
  pause(): void {
    this.#pausedAt ??= this.#clock.now();
  }

  resume(): void {
    if (this.#pausedAt === undefined) return;
    const now = this.#clock.now();
    this.#heardAt = Math.min(now, this.#heardAt + now - this.#pausedAt); // the client may have been heard while paused
    this.#pausedAt = undefined;
    if (this.#timer === undefined) this.#check();
  }

  stop(): void {
    this.#clock.stop(this.#timer);
  }

  /**
   * Pings the client or closes the connection when it is time, but only after another, zero-delay timer: by then, pending
   * input has been read.
   *
   * @param confirmed - whether the zero-delay timer has run
   */
  #check(confirmed = false): void {
    this.#timer = undefined;
    if (this.#pausedAt !== undefined) return;
    const pingDue = this.#heartbeat && !this.#pinged;
    const remaining = this.#heardAt + (pingDue ? this.#timeout / 2 : this.#timeout) - this.#clock.now();
    if (remaining > 0) this.#start(() => this.#check(), remaining);
    else if (!confirmed) this.#start(() => this.#check(true), 0);
    else if (pingDue) {
      this.#pinged = true;
      this.#wire.ping?.();
      this.#check();
    } else this.#target.closeIdle();
  }

  #start(run: () => void, delay: number): void {
    this.#timer = this.#clock.start(run, Math.min(delay, LONGEST_DELAY));
  }
}

/** Starts the idle clock of a connection; `undefined` if it has no idle timeout. */
export function startIdleClock(
  clock: Clock,
  wire: Wire,
  target: IdleClockTarget,
  { idleTimeout = wire.ping ? DEFAULT_IDLE_TIMEOUT : Number.POSITIVE_INFINITY, heartbeat }: CheckedOptions,
): IdleClock | undefined {
  if (idleTimeout === Number.POSITIVE_INFINITY) return undefined;
  return new IdleClock(clock, wire, target, idleTimeout, heartbeat);
}
