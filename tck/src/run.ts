// Runs the tests of the rules on a server.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Cannot, Capability } from './capabilities.ts';
import { checkCannot } from './capabilities.ts';
import { PATIENCE } from './client.ts';
import { type RuleTest, type RunHelp, TestContext } from './rule.ts';
import { isOf, readSpec, rules } from './rules.ts';
import { ServerUnderTest } from './server-under-test.ts';

export { CAPABILITIES, type Cannot, type Capability } from './capabilities.ts';
export type { Need, RuleTest, RunHelp, StartedServer } from './rule.ts';
export { readSpec, rules, type Spec } from './rules.ts';

/** What became of one test. */
export interface Outcome {
  readonly rule: string;
  readonly title: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Whether the rule says SHOULD: a server that fails still conforms. */
  readonly should: boolean;
  /** Why it was skipped, or what was awaited and what came instead. */
  readonly why?: string;
  /** How long it took, in milliseconds. */
  readonly ms: number;
}

/** How to run the tests. */
export interface RunOptions extends RunHelp {
  /** Run only the tests of these rules, such as `4.3`, `4.3a` or `4`. Default: all. */
  readonly rules?: readonly string[];
  /** What the server cannot do, beside what it declares itself, with the reason for each. */
  readonly cannot?: Cannot;
  /** Run the tests that must wait long, too. Default: false. */
  readonly slow?: boolean;
  /** How long to wait for the server before a test fails, in milliseconds. Default: 10 000. */
  readonly patience?: number;
  /** How many tests run at the same time. Default: 8. */
  readonly atOnce?: number;
  /** How often a test that depends on time is tried where the machine is busy. Default: 4. */
  readonly attempts?: number;
  /** Leave out what is left after the first test that failed. Default: false. */
  readonly bail?: boolean;
  /** Called with each outcome, as it comes. */
  readonly onOutcome?: (outcome: Outcome) => void;
}

/** What became of a run. */
export interface Report {
  /** The version of SPEC.md that was tested. */
  readonly spec: string;
  readonly url: string;
  /** When the run began, in ISO 8601. */
  readonly date: string;
  /** What the server cannot do, by its own declaration and by the options. */
  readonly cannot: Cannot;
  readonly outcomes: readonly Outcome[];
  /** Whether no test failed of a rule that says MUST. */
  readonly passed: boolean;
}

/** How late this process is on a busy machine, in milliseconds. */
const LATE = 20;

/** Tests the server at `url`, which hosts the probe. Throws, and says why, if the server cannot be tested. */
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

/**
 * Runs tests on one server: a few at a time, or alone where they measure what others would disturb.
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

  /** Connects to the server; throws, and says why, if it does not host the probe. */
  static async connect(url: string, options: RunOptions = {}): Promise<Runner> {
    const more = checkCannot(options.cannot ?? {}, 'the option cannot');
    return new Runner(await ServerUnderTest.connect(url, options.patience ?? PATIENCE, more), options);
  }

  disconnect(): Promise<void> {
    return this.server.disconnect();
  }

  /** Why a test is skipped, if it is. */
  whySkipped({ needs = [], unless, slow }: RuleTest): string | undefined {
    for (const need of needs) {
      if (need === 'shutdown') {
        if (!this.options.start) return 'a server that is known by its URL alone cannot be shut down from here';
      } else if (need === 'reports') {
        if (!this.options.reports) return 'what a server that is known by its URL alone reports cannot be seen';
      } else if (this.server.cannot[need] !== undefined)
        return `the server cannot do ${need}: ${this.server.cannot[need]}`;
    }
    if (unless && this.server.cannot[unless] === undefined) return `the server can do ${unless satisfies Capability}`;
    if (slow && !this.options.slow) return 'it must wait long; run it with --slow';
    return undefined;
  }

  /** Runs a test when its turn has come. */
  async run(test: RuleTest): Promise<Outcome> {
    const { rule, title, should = false, alone = false } = test;
    const tell = (outcome: Outcome['outcome'], why: string | undefined, ms: number): Outcome => {
      const told: Outcome = { rule, title, outcome, should, ...(why === undefined ? undefined : { why }), ms };
      this.options.onOutcome?.(told);
      return told;
    };
    const why = this.whySkipped(test);
    if (why !== undefined) return tell('skipped', why, 0);
    await this.#turn(alone);
    const start = performance.now();
    const outcome = await this.#attempt(test);
    this.#running -= 1;
    this.#alone = false;
    this.#next();
    return tell(...outcome, Math.round(performance.now() - start));
  }

  /** Runs a test; again, a few times, where it depends on time and the machine is busy. */
  async #attempt(test: RuleTest): Promise<[outcome: Outcome['outcome'], why: string | undefined]> {
    const delay = monitorEventLoopDelay({ resolution: 10 });
    for (let attempt = 1; ; attempt++) {
      if (this.server.lost) return ['skipped', this.server.lost.message];
      if (this.#failed && this.options.bail) return ['skipped', 'another test has failed before'];
      const context = new TestContext(this.server, this.options);
      this.#contexts.add(context);
      delay.reset();
      delay.enable();
      try {
        await test.run(context);
        return ['passed', undefined];
      } catch (error) {
        if (test.timed && attempt < (this.options.attempts ?? 4) && delay.max / 1e6 > LATE) continue;
        this.#failed = true;
        if (this.options.bail) for (const each of this.#contexts) void each.end(); // they would only be waited for
        return ['failed', (error as Error).message || String(error)];
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

  /** Starts what may start now: those that run alone come last, as each of them holds up all others. */
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
