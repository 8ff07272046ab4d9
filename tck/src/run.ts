// Runs the tests of the rules on a server.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Cannot, Capability } from '@websock/spec/conformance';
import { checkCannot } from './capabilities.ts';
import { PATIENCE } from './client.ts';
import { rules } from './rules/index.ts';
import { ServerUnderTest } from './server-under-test.ts';
import { isOf, readSpec } from './spec-rules.ts';
import { type RuleTest, type RunHelp, TestContext } from './test-context.ts';

export type { Cannot, Capability } from '@websock/spec/conformance';
export { CAPABILITIES } from './capabilities.ts';
export { rules } from './rules/index.ts';
export { readSpec, type Spec } from './spec-rules.ts';
export type { Need, RuleTest, RunHelp, StartedServer } from './test-context.ts';

/** The outcome of one test. */
export interface Outcome {
  /** The rule in SPEC.md, such as `2.1`, or a row of its table, such as `4.3a`. */
  readonly rule: string;
  /** A sentence that says what the server does. */
  readonly title: string;
  /** `skipped` if the server lacks a capability that the test needs, or if the options exclude the test. */
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Whether the rule says SHOULD: a server that fails still conforms. */
  readonly should: boolean;
  /** The reason why the test was skipped; or what it expected, and what came instead. */
  readonly why?: string;
  /** The duration, in milliseconds. */
  readonly ms: number;
}

/** Options of {@link run}. */
export interface RunOptions extends RunHelp {
  /** Run only the tests of these rules, such as `4.3`, `4.3a` or `4`. Default: all. */
  readonly rules?: readonly string[];
  /** Capabilities that the server lacks, in addition to those that it declares itself, with the reason for each. */
  readonly cannot?: Cannot;
  /** Also run the slow tests, which take about two minutes. Default: false. */
  readonly slow?: boolean;
  /** How long a test waits for the server before it fails, in milliseconds. Default: 10 000. */
  readonly patience?: number;
  /** How many tests run at the same time. Default: 8. */
  readonly atOnce?: number;
  /** The largest number of attempts for a `timed` test that fails on a busy machine. Default: 4. */
  readonly attempts?: number;
  /** Skip the remaining tests after the first failure of a MUST. Default: false. */
  readonly bail?: boolean;
  /** Called with each outcome, as soon as the test is over. */
  readonly onOutcome?: (outcome: Outcome) => void;
}

/** The outcome of a run. */
export interface Report {
  /** The version of SPEC.md that the tests follow, such as `0.1`. */
  readonly spec: string;
  /** The URL of the server. */
  readonly url: string;
  /** The time at which the run began, in ISO 8601. */
  readonly date: string;
  /** The capabilities that the server lacks, as it declares and as the options say, with the reason for each. */
  readonly cannot: Cannot;
  /** The outcome of each test. */
  readonly outcomes: readonly Outcome[];
  /** Whether the server passed every test of a MUST that ran. */
  readonly passed: boolean;
}

/** Timers that are later than this, in milliseconds, show that the machine is busy. */
const LATE = 20;

/**
 * Tests the server at `url`, such as `ws://127.0.0.1:8080`, which must host the probe. Rejects if the server cannot be
 * tested, with the reason; a test that fails is part of the report.
 */
export async function run(url: string, options: RunOptions = {}): Promise<Report> {
  const date = new Date().toISOString();
  const wanted = options.rules ?? [];
  for (const each of wanted) {
    if (!rules.some(({ rule }) => isOf(rule, each))) throw new TypeError(`unknown rule '${each}'; see --list`);
  }
  const chosen = rules.filter(({ rule }) => wanted.length === 0 || wanted.some((each) => isOf(rule, each)));
  const runner = await Runner.connect(url, options);
  try {
    const outcomes = await Promise.all(chosen.map((test) => runner.run(test)));
    const passed = outcomes.every(({ outcome, should }) => outcome !== 'failed' || should);
    return { spec: readSpec().version, url, date, cannot: runner.server.cannot, outcomes, passed };
  } finally {
    await runner.disconnect();
  }
}

/** The outcome of the remaining tests after a failure, with `bail`. */
const CUT: [outcome: 'skipped', why: string] = ['skipped', 'an earlier test has failed'];

function messageOf(error: unknown): string {
  return (error as Error).message || String(error);
}

/**
 * Runs tests on one server: several at a time, and those that are `alone` one by one, at the end.
 *
 * @internal
 */
export class Runner {
  #running = 0;
  #alone = false;
  #failed = false;
  readonly #contexts = new Set<TestContext>();
  readonly #waiting: { readonly alone: boolean; readonly start: () => void }[] = [];

  private constructor(
    readonly server: ServerUnderTest,
    readonly options: RunOptions,
  ) {}

  /** Connects to the server. Throws an error with the reason if it does not host the probe. */
  static async connect(url: string, options: RunOptions = {}): Promise<Runner> {
    const more = checkCannot(options.cannot ?? {}, 'the option cannot');
    return new Runner(await ServerUnderTest.connect(url, options.patience ?? PATIENCE, more), options);
  }

  disconnect(): Promise<void> {
    return this.server.disconnect();
  }

  /** The reason to skip a test, if there is one. */
  whySkipped({ needs = [], unless, slow }: RuleTest): string | undefined {
    for (const need of needs) {
      if (need === 'shutdown') {
        if (!this.options.start) return 'the kit cannot shut down a server that it did not start';
      } else if (need === 'shutdownTakesClose') {
        if (!this.options.shutdownTakesClose) return 'the shutdown takes no code and reason';
      } else if (need === 'reports') {
        if (!this.options.reports) return 'the kit cannot see the error reports of a server that it did not start';
      } else if (this.server.cannot[need] !== undefined) return `the server lacks ${need}: ${this.server.cannot[need]}`;
    }
    if (unless && this.server.cannot[unless] === undefined) return `the server has ${unless satisfies Capability}`;
    if (slow && !this.options.slow) return 'it takes long; run it with --slow';
    return undefined;
  }

  /** Waits for its turn, then runs a test. */
  async run(test: RuleTest): Promise<Outcome> {
    const { rule, title, should = false, alone = false } = test;
    const finish = (outcome: Outcome['outcome'], why: string | undefined, ms: number): Outcome => {
      const finished: Outcome = { rule, title, outcome, should, ...(why === undefined ? undefined : { why }), ms };
      this.options.onOutcome?.(finished);
      return finished;
    };
    const why = this.whySkipped(test);
    if (why !== undefined) return finish('skipped', why, 0);
    await this.#turn(alone);
    const start = performance.now();
    const outcome = await this.#attempt(test);
    this.#running -= 1;
    this.#alone = false;
    this.#next();
    return finish(...outcome, Math.round(performance.now() - start));
  }

  /** Runs a test. Repeats a `timed` one that has failed on a busy machine. */
  async #attempt(test: RuleTest): Promise<[outcome: Outcome['outcome'], why: string | undefined]> {
    const delay = monitorEventLoopDelay({ resolution: 10 });
    for (let attempt = 1; ; attempt++) {
      if (this.server.lost) return ['skipped', this.server.lost.message];
      if (this.#failed && this.options.bail) return CUT;
      const context = new TestContext(this.server, this.options);
      this.#contexts.add(context);
      delay.reset();
      delay.enable();
      try {
        await test.run(context);
        return ['passed', undefined];
      } catch (error) {
        if (this.#failed && this.options.bail) return CUT; // its connections may have been closed below
        if (test.timed && attempt < (this.options.attempts ?? 4) && delay.max / 1e6 > LATE) continue;
        if (test.should) return ['failed', messageOf(error)];
        this.#failed = true;
        if (this.options.bail) for (const each of this.#contexts) void each.end(); // instead of waiting for their time limits
        return ['failed', messageOf(error)];
      } finally {
        delay.disable();
        this.#contexts.delete(context);
        await context.end();
      }
    }
  }

  #turn(alone: boolean): Promise<void> {
    return new Promise((start) => {
      this.#waiting.push({ alone, start });
      this.#next();
    });
  }

  /** Starts the tests that may run now. Those that are `alone` start last, because each holds up all others. */
  #next(): void {
    while (!this.#alone && this.#running < (this.options.atOnce ?? 8)) {
      const index = this.#waiting.findIndex(({ alone }) => !alone);
      const [next] = this.#waiting.splice(index >= 0 ? index : 0, index >= 0 || this.#running === 0 ? 1 : 0);
      if (!next) return;
      this.#running += 1;
      this.#alone = next.alone;
      next.start();
    }
  }
}
