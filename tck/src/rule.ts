// What a test of a rule is, and what it works with.

import { check, equal, matches } from './assert.ts';
import type { Capability } from './capabilities.ts';
import type { Client, Received } from './client.ts';
import type { Callback, Instruction } from './probe.ts';
import { RawClient, type RawOptions, type RawReceived } from './raw-client.ts';
import { type ProbeConnection, type ProbeOptions, pause, ServerUnderTest, type Trace } from './server-under-test.ts';

/**
 * What a test needs: a capability of the server, or something that only the one who starts the server can give: a server
 * of its own to shut down, or a look at what the server reports.
 */
export type Need = Capability | 'shutdown' | 'reports';

/** One test of a rule. */
export interface RuleTest {
  /** The rule in SPEC.md, such as `2.1`, or a row of its table, such as `4.3a`. */
  readonly rule: string;
  /** What the server does, in a sentence without the number of the rule. */
  readonly title: string;
  /** What it needs; without one of these it is skipped. Default: nothing. */
  readonly needs?: readonly Need[];
  /** A capability that makes it pointless: it tests what a server does instead. */
  readonly unless?: Capability;
  /** Whether it must wait long, and runs only when asked for. */
  readonly slow?: boolean;
  /** Whether it measures what other tests would disturb. */
  readonly alone?: boolean;
  /**
   * Whether it depends on time. Where this process itself is late, the machine is busy, and the server may be late for
   * the same reason: then a failure says nothing, and the test runs again.
   */
  readonly timed?: boolean;
  /** Whether the rule says SHOULD: a server that fails still conforms. */
  readonly should?: boolean;
  /**
   * Settles if the server passes; throws what was awaited, and what came instead.
   *
   * @internal
   */
  run(t: TestContext): Promise<unknown>;
}

/** A server that was started to be shut down. */
export interface StartedServer {
  readonly url: string;
  /** Shuts it down, and settles when it is down: with an error if that went wrong. */
  shutdown(): Promise<unknown>;
  /** What it has reported so far. */
  reports(): string;
}

/** What the one who starts a server can give to the tests. */
export interface RunHelp {
  /** Starts another server of the same kind. */
  readonly start?: () => Promise<StartedServer>;
  /** What the server has reported so far. */
  readonly reports?: () => string;
}

/**
 * What a test works with. Its clients are cut when it ends.
 *
 * @internal
 */
export class TestContext {
  readonly equal = equal;
  readonly matches = matches;
  readonly check = check;
  readonly #clients = new Set<{ cut(): void }>();
  readonly #servers = new Set<ServerUnderTest>();

  constructor(
    readonly server: ServerUnderTest,
    readonly help: RunHelp = {},
  ) {}

  /** Opens a connection to a new probe. Its `init` may not have been called yet. */
  async open(asked?: ProbeOptions): Promise<ProbeConnection> {
    const probe = await this.server.open(asked);
    this.#clients.add(probe.client);
    return probe;
  }

  /** A raw client of a new probe. */
  async raw(asked: ProbeOptions = {}, options: RawOptions = {}): Promise<RawClient & { readonly id: string }> {
    const { id, url } = this.server.probeUrl(asked);
    return Object.assign(await this.connectRaw(url, options), { id });
  }

  /** A raw client of any URL. */
  async connectRaw(url: string, options: RawOptions = {}): Promise<RawClient> {
    const client = await RawClient.connect(url, { patience: this.server.patience, ...options });
    this.#clients.add(client);
    return client;
  }

  /** A server of this test alone, which it shuts down. */
  async start(): Promise<{ started: StartedServer; there: ServerUnderTest }> {
    if (!this.help.start) throw new Error("this test must declare that it needs 'shutdown'");
    const started = await this.help.start();
    const there = await ServerUnderTest.connect(started.url, this.server.patience, this.server.cannot);
    this.#servers.add(there);
    return { started, there };
  }

  /** A client of another server than the one under test. */
  async openAt(there: ServerUnderTest, asked?: ProbeOptions): Promise<ProbeConnection> {
    const probe = await there.open(asked);
    this.#clients.add(probe.client);
    return probe;
  }

  /** The next things that come from the server, in order; nothing else between them. */
  async receives(client: Client, ...expected: readonly Received[]): Promise<void> {
    for (const each of expected) equal(await client.next(JSON.stringify(each).slice(0, 200)), each);
  }

  /** The next frames that a raw client receives. */
  async receivesFrames(client: RawClient, ...expected: readonly Partial<RawReceived>[]): Promise<void> {
    for (const each of expected) matches(await client.next(JSON.stringify(each).slice(0, 200)), each);
  }

  /** What comes next is the end of the connection, with this code and reason. */
  async closes(client: Client, close: number, reason = ''): Promise<void> {
    await this.receives(client, { close, reason });
  }

  /** What comes next to a raw client is a close frame with this code, which it answers as a client does. */
  async closesRaw(client: RawClient, code: number): Promise<void> {
    const { before, ...close } = await client.closing();
    equal([before, close.code], [[], code], 'the frames before the close frame, and its code');
  }

  /** The callbacks that were called, in order. */
  started(trace: Trace, ...expected: readonly Callback[]): void {
    equal(trace.started, expected, 'the callbacks that were called');
  }

  /** The server still works: it serves a new connection. */
  async isAlive(): Promise<void> {
    const probe = await this.open();
    probe.instruct(push(text('alive')));
    await this.receives(probe.client, { text: 'alive' });
    probe.client.close();
    await probe.untilTerminated();
  }

  /** Waits for the server to report an error of this text; then, that it is reported once. */
  async reported(error: string, reports = this.help.reports): Promise<void> {
    if (!reports) return; // what a server that is known by its URL reports cannot be seen
    const times = () => reports().split(error).length - 1;
    const deadline = performance.now() + this.server.patience;
    while (times() === 0 && performance.now() < deadline) await pause(10);
    await this.server.quiet(30);
    equal(times(), 1, `how often "${error}" is reported`);
  }

  /** Ends everything that the test has opened. */
  async end(): Promise<void> {
    for (const client of this.#clients) client.cut();
    await Promise.all(Array.from(this.#servers, (server) => server.disconnect().catch(() => {})));
  }
}

// ---- Words that most tests use ----

/** @internal */
export const text = (data: string) => ({ opcode: 'text', data });

/** @internal */
export const push = (...messages: unknown[]): Instruction => ({ result: { type: 'push', messages } });

/** @internal */
export const stop = (more: object = {}): Instruction => ({ result: { type: 'stop', ...more } });

/**
 * Opens a probe whose callback follows an instruction, and makes the server call it.
 *
 * @internal
 */
export type Trigger = (t: TestContext, instruction: Instruction, more?: ProbeOptions) => Promise<ProbeConnection>;

/** The four callbacks that return results, each with what makes the server call it. */
const triggers: readonly [Exclude<Callback, 'terminate'>, Trigger, readonly Need[]][] = [
  ['init', (t, instruction, more) => t.open({ ...more, on: { init: instruction } }), []],
  [
    'handleIn',
    async (t, instruction, more) => {
      const probe = await t.open(more);
      probe.instruct(instruction);
      return probe;
    },
    [],
  ],
  [
    'handleControl',
    async (t, instruction, more) => {
      const probe = await t.open({ ...more, on: { handleControl: instruction } });
      probe.client.socket.pong('now');
      return probe;
    },
    ['receivesControlFrames'],
  ],
  [
    'handleInfo',
    async (t, instruction, more) => {
      const probe = await t.open(more);
      await probe.post(instruction);
      return probe;
    },
    [],
  ],
];

/**
 * A test for each callback that returns a result.
 *
 * @internal
 */
export function forEachCallback(
  test: Omit<RuleTest, 'title' | 'run'> & {
    title(callback: Callback): string;
    run(t: TestContext, trigger: Trigger, callback: Exclude<Callback, 'terminate'>): Promise<unknown>;
  },
): RuleTest[] {
  return triggers.map(([callback, trigger, needs]) => ({
    ...test,
    title: test.title(callback),
    needs: [...needs, ...(test.needs ?? [])],
    run: (t) => test.run(t, trigger, callback),
  }));
}
