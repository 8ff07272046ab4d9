// The type of a test, and the context in which it runs.

import type { WebSock } from '@websock/spec';
import type { Capability } from '@websock/spec/conformance';
import { check, equal, matches } from './assert.ts';
import type { Client, Received } from './client.ts';
import type { Callback } from './probe-protocol.ts';
import { RawClient, type RawOptions, type RawReceived } from './raw-client.ts';
import { type ProbeConnection, type ProbeOptions, pause, ServerUnderTest, type Trace } from './server-under-test.ts';

/**
 * Something that a test needs: a capability of the server, a second server to shut down, or the server's error reports.
 * Only a caller that starts the server itself can provide the last three.
 */
export type Need = Capability | 'shutdown' | 'shutdownTakesClose' | 'reports';

/** One test of a rule. */
export interface RuleTest {
  /** The rule in SPEC.md, such as `2.1`, or a row of its table, such as `4.3a`. */
  readonly rule: string;
  /** A sentence that says what the server does, without the number of the rule. */
  readonly title: string;
  /** The test is skipped unless all of these are available. Default: none. */
  readonly needs?: readonly Need[];
  /** The test is skipped on a server with this capability: it tests the behaviour of servers without it. */
  readonly unless?: Capability;
  /** Whether the test takes long, and therefore runs only on request. */
  readonly slow?: boolean;
  /** Whether no other test may run at the same time, because it would distort the measurement. */
  readonly alone?: boolean;
  /**
   * Whether the test depends on timing. If it fails while the timers of this process are late, the machine is busy and
   * the failure proves nothing: the test runs again.
   */
  readonly timed?: boolean;
  /** Whether the rule says SHOULD: a server that fails still conforms. */
  readonly should?: boolean;
  /**
   * Runs the test. Throws if the server fails it; the error says what was expected and what came instead.
   *
   * @internal
   */
  run(t: TestContext): Promise<unknown>;
}

/** A server that a test has started, to shut it down. */
export interface StartedServer {
  /** Its URL, such as `ws://127.0.0.1:8080`. */
  readonly url: string;
  /**
   * Shuts the server down. Fulfilled when it has stopped, rejected if that failed.
   *
   * @param close - the code and reason to close with instead of 1001 and `''`, if the server takes them
   */
  shutdown(close?: WebSock.CloseDetail): Promise<unknown>;
  /** All errors that it has reported so far, as text. */
  reports(): string;
}

/** Hooks for callers that start the server themselves. */
export interface RunHelp {
  /** Starts another server of the same kind. */
  readonly start?: () => Promise<StartedServer>;
  /** Whether the `shutdown` of a started server takes a code and reason. Default: false. */
  readonly shutdownTakesClose?: boolean;
  /** All errors that the server has reported so far, as text. */
  readonly reports?: () => string;
}

/**
 * The connections and assertions of one test.
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

  /** Opens a connection to a new probe with a raw client. */
  async raw(asked: ProbeOptions = {}, options: RawOptions = {}): Promise<RawClient & { readonly id: string }> {
    const { id, url } = this.server.probeUrl(asked);
    return Object.assign(await this.connectRaw(url, options), { id });
  }

  /** Opens a raw connection to any URL. */
  async connectRaw(url: string, options: RawOptions = {}): Promise<RawClient> {
    const client = await RawClient.connect(url, { patience: this.server.patience, ...options });
    this.#clients.add(client);
    return client;
  }

  /** Starts another server, for the test to shut down. */
  async start(): Promise<{ started: StartedServer; other: ServerUnderTest }> {
    if (!this.help.start) throw new Error("this test must declare that it needs 'shutdown'");
    const started = await this.help.start();
    const other = await ServerUnderTest.connect(started.url, this.server.patience, this.server.cannot);
    this.#servers.add(other);
    return { started, other };
  }

  /** Opens a connection to a probe on another server. */
  async openAt(other: ServerUnderTest, asked?: ProbeOptions): Promise<ProbeConnection> {
    const probe = await other.open(asked);
    this.#clients.add(probe.client);
    return probe;
  }

  /** The client receives exactly these things next, in this order. */
  async receives(client: Client, ...expected: readonly Received[]): Promise<void> {
    for (const each of expected) equal(await client.next(JSON.stringify(each).slice(0, 200)), each);
  }

  /** The raw client receives frames that match these next, in this order. */
  async receivesFrames(client: RawClient, ...expected: readonly Partial<RawReceived>[]): Promise<void> {
    for (const each of expected) matches(await client.next(JSON.stringify(each).slice(0, 200)), each);
  }

  /** The connection of the client closes next, with this code and reason. */
  async closes(client: Client, close: number, reason = ''): Promise<void> {
    await this.receives(client, { close, reason });
  }

  /** The raw client receives a close frame with this code next. */
  async closesRaw(client: RawClient, code: number): Promise<void> {
    const { before, ...close } = await client.closing();
    equal([before, close.code], [[], code], 'the frames before the close frame, and its code');
  }

  /** Exactly these callbacks were called, in this order. */
  started(trace: Trace, ...expected: readonly Callback[]): void {
    equal(trace.started, expected, 'the callbacks that were called');
  }

  /** Each callback received the state that the last result gave. */
  keepsState({ events }: Trace): void {
    const wrong = events.filter(({ event, sameState }) => event === 'begin' && !sameState);
    equal(wrong, [], 'the callbacks that received another state');
  }

  /** No callback began before the one before it had settled. */
  neverOverlaps({ overlaps }: Trace): void {
    equal(overlaps, [], 'the callbacks that began too early');
  }

  /** The server reports an error with this text, once. */
  async reported(error: string, reports = this.help.reports): Promise<void> {
    if (!reports) return; // only a caller that started the server has them
    const times = () => reports().split(error).length - 1;
    const deadline = performance.now() + this.server.patience;
    while (times() === 0 && performance.now() < deadline) await pause(10);
    await this.server.quiet(30);
    equal(times(), 1, `how often "${error}" is reported`);
  }

  /** A shutdown settles within a bounded time. */
  async shutdownSettles(shutdown: Promise<unknown>): Promise<void> {
    const ms = 6 * this.server.patience;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<never>((_settle, fail) => {
      timer = setTimeout(() => fail(new Error(`expected the end of the shutdown, but it took over ${ms} ms`)), ms);
    });
    await Promise.race([shutdown, patience]).finally(() => clearTimeout(timer));
  }

  /** Closes all connections that the test has opened. */
  async end(): Promise<void> {
    for (const client of this.#clients) client.cut();
    await Promise.all(Array.from(this.#servers, (server) => server.disconnect().catch(() => {})));
  }
}
