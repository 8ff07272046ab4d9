/** A source of time and timers. {@link Connections} accepts another one, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since an arbitrary moment; never decreases. */
  now(): number;
  /** Calls `run` after `delay` milliseconds, at most 2^31 − 1. */
  start(run: () => void, delay: number): unknown;
  /** Stops a timer that `start` returned, if it has not run. */
  stop(timer: unknown): void;
}

/** The longest delay of a timer, in ms. */
export const LONGEST_DELAY: number = 2 ** 31 - 1;

export const realTime: Clock = {
  now: () => performance.now(),
  start: (run, delay) => setTimeout(run, delay), // workerd rejects setTimeout as a method of another object
  stop: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};
