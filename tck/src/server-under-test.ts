// A server that hosts the probe. The kit knows only its URL.

import { randomUUID } from 'node:crypto';
import type { Cannot } from '@websock/spec/conformance';
import { checkCannot } from './capabilities.ts';
import { Client, type ClientSettings, PATIENCE } from './client.ts';
import type {
  Abortion,
  Callback,
  Command,
  Instruction,
  OwnHandler,
  RouteOptions,
  TraceEvent,
} from './probe-protocol.ts';

/** Which probe a test opens, and how its client connects. */
export interface ProbeOptions {
  /** Instructions for the callbacks. */
  readonly on?: { readonly [Name in Callback]?: Instruction };
  /** The options of the connection. */
  readonly options?: RouteOptions;
  /** Gives the probe a handler of its own. */
  readonly handler?: OwnHandler;
  /** The options of the client. */
  readonly client?: ClientSettings;
}

/** How long a server may take to suspend an idle connection, in ms. */
const SUSPENSION_WAIT = 60_000;

const HINT = 'does it host the probe? See the README of @websock/tck';

export class ServerUnderTest {
  /** The capabilities that the server lacks, as declared by the server and by the caller, with the reason for each. */
  readonly cannot: Cannot;
  /** Control connections without a pending command. */
  readonly #idle: Client[];
  readonly #control: Set<Client>;

  private constructor(
    readonly url: string,
    control: Client,
    cannot: Cannot,
    /** How long a test waits for the server, in ms. */
    readonly patience: number,
  ) {
    this.#control = new Set([control]);
    this.#idle = [control];
    this.cannot = cannot;
  }

  /**
   * Opens the control connection. Throws an error with the reason if the server does not host the probe. `more` extends
   * the server's own declaration.
   */
  static async connect(url: string, patience = PATIENCE, more: Cannot = {}): Promise<ServerUnderTest> {
    const control = resolvePath(url, '/control');
    const client = await Client.connect(control, { patience: Math.max(PATIENCE, patience) }).catch(
      (error: Error & { code?: string }) => {
        throw new Error(`${control} did not open (${error.message || error.code}): is the server running, and ${HINT}`);
      },
    );
    try {
      const cannot = await answer(client).catch((error: Error) => {
        throw new Error(`${control} did not say what the server cannot do (${error.message}): ${HINT}`);
      });
      const declared = checkCannot(cannot, `the first message of ${control}`);
      return new ServerUnderTest(url, client, { ...declared, ...more }, patience);
    } catch (error) {
      client.cut();
      throw error;
    }
  }

  /** Closes the control connections. The server keeps running. */
  async disconnect(): Promise<void> {
    await Promise.all(
      Array.from(this.#control, async (control) => {
        if (control.socket.readyState === control.socket.CLOSED) return;
        control.close();
        await control.closed().catch(() => control.cut());
      }),
    );
  }

  /** The URL of a new probe. */
  probeUrl({ on = {}, options = {}, handler }: ProbeOptions = {}): { readonly id: string; readonly url: string } {
    const id = randomUUID();
    const query = new URLSearchParams({ id, on: JSON.stringify(on), options: JSON.stringify(options) });
    if (handler) query.set('handler', JSON.stringify(handler));
    return { id, url: resolvePath(this.url, `/probe?${query}`) };
  }

  /** Opens a connection to a new probe. Its `init` may not have been called yet. */
  async open(asked: ProbeOptions = {}): Promise<ProbeConnection> {
    const { id, url } = this.probeUrl(asked);
    return new ProbeConnection(this, id, await Client.connect(url, { patience: this.patience, ...asked.client }));
  }

  #lost: Error | undefined;

  /** Set if the server can no longer be tested: a control connection has ended, or a command had no answer. */
  get lost(): Error | undefined {
    return this.#lost;
  }

  /** Sends a command, and returns its answer. Concurrent commands use separate control connections. */
  async command(command: Command): Promise<unknown> {
    if (this.#lost) throw this.#lost;
    try {
      const control = this.#idle.pop() ?? (await this.#connectControl());
      control.text(JSON.stringify(command));
      const answered = await answer(control);
      this.#idle.push(control);
      return answered;
    } catch (error) {
      this.#lost ??= new Error(`the server has stopped or hangs: ${(error as Error).message}`);
      throw this.#lost;
    }
  }

  /** @param least - the least time to wait for an answer, in ms: a timeout of a command fails all tests */
  async #connectControl(least = PATIENCE): Promise<Client> {
    const patience = Math.max(least, this.patience);
    const control = await Client.connect(resolvePath(this.url, '/control'), { patience });
    this.#control.add(control);
    await answer(control); // the server's declaration
    return control;
  }

  /** What a probe has seen so far. */
  async trace(id: string): Promise<Trace> {
    return new Trace((await this.command({ trace: id })) as TraceEvent[]);
  }

  /** Waits until the trace passes `enough`, and returns it. `expected` is part of the error if that never happens. */
  async traceUntil(id: string, enough: (trace: Trace) => boolean, expected: string): Promise<Trace> {
    const deadline = performance.now() + this.patience;
    for (let wait = 2; ; wait = Math.min(wait * 2, 100)) {
      const trace = await this.trace(id);
      if (enough(trace)) return trace;
      if (this.lost) throw this.lost;
      if (performance.now() > deadline) {
        const seen = trace.events.map((event) => `\n  ${JSON.stringify(event)}`).slice(-30);
        throw new Error(
          `expected ${expected} within ${this.patience} ms, but the trace is${seen.join('') || ' empty'}`,
        );
      }
      await pause(wait);
    }
  }

  /** Waits until a callback has been called a number of times, and returns the trace. */
  untilStarted(id: string, callback: Callback, times = 1): Promise<Trace> {
    const expected = times === 1 ? `the call of ${callback}` : `${times} calls of ${callback}`;
    return this.traceUntil(id, (trace) => trace.calls(callback).length >= times, expected);
  }

  /** Waits until `terminate` has settled, and returns the trace. */
  untilTerminated(id: string): Promise<Trace> {
    return this.traceUntil(id, (trace) => trace.settled.includes('terminate'), 'terminate');
  }

  /** Posts messages to the mailbox of a probe from outside its callbacks, after `init` has been called. */
  async post(id: string, infos: readonly unknown[], more: { times?: number; detached?: true } = {}): Promise<number> {
    await this.untilStarted(id, 'init');
    return (await this.command({ post: id, infos, ...more })) as number;
  }

  /** Calls `stop` of the mailbox of a probe from outside its callbacks, after `init` has been called. */
  async stop(id: string, close?: unknown, more: { detached?: true } = {}): Promise<void> {
    await this.untilStarted(id, 'init');
    const command = close === undefined ? { stop: id, ...more } : { stop: id, close, ...more };
    if (!(await this.command(command))) throw new Error('the server does not know the probe to stop');
  }

  /** The number of posted messages that wait, as the mailbox of a probe says. */
  async waiting(id: string): Promise<unknown> {
    return this.command({ waiting: id });
  }

  /** The reason of the signal of a probe, if it is aborted. */
  async signal(id: string): Promise<Abortion | null> {
    return (await this.command({ signal: id })) as Abortion | null;
  }

  /** Settles the callback of a probe that is pending because of `gate`. */
  async release(id: string): Promise<void> {
    if (!(await this.command({ release: id }))) throw new Error('no callback was pending at the gate');
  }

  /** Has the server suspend the connection of a probe, or waits until it has, which may take `SUSPENSION_WAIT`. */
  async suspend(id: string): Promise<void> {
    const control = await this.#connectControl(SUSPENSION_WAIT);
    try {
      control.text(JSON.stringify({ suspend: id } satisfies Command));
      if ((await answer(control)) !== true) throw new Error('the server cannot suspend the connection of the probe');
    } finally {
      control.cut();
    }
  }

  /** Waits, so that a wrong server has time for a call that it must not make. */
  async quiet(ms = 50): Promise<void> {
    const until = performance.now() + ms;
    for (let turn = 0; turn < 5 || performance.now() < until; turn++) {
      await this.command({ trace: '' });
      await pause(2);
    }
  }
}

/** A probe with a client at the other end. */
export class ProbeConnection {
  constructor(
    readonly server: ServerUnderTest,
    readonly id: string,
    readonly client: Client,
  ) {}

  /** Sends an instruction for `handleIn`. */
  instruct(instruction: Instruction): void {
    this.client.text(JSON.stringify(instruction));
  }

  /** Posts messages to the mailbox from outside the callbacks. */
  post(...infos: unknown[]): Promise<number> {
    return this.server.post(this.id, infos);
  }

  trace(): Promise<Trace> {
    return this.server.trace(this.id);
  }

  /** Waits until a callback has been called a number of times, and returns the trace. */
  untilStarted(callback: Callback, times = 1): Promise<Trace> {
    return this.server.untilStarted(this.id, callback, times);
  }

  untilTerminated(): Promise<Trace> {
    return this.server.untilTerminated(this.id);
  }

  release(): Promise<void> {
    return this.server.release(this.id);
  }
}

/** What a probe has seen. */
export class Trace {
  constructor(readonly events: readonly TraceEvent[]) {}

  /** The callbacks, in the order in which they were called. */
  get started(): Callback[] {
    return this.events.filter(({ event }) => event === 'begin').map(({ callback }) => callback as Callback);
  }

  /** The callbacks, in the order in which they settled. */
  get settled(): Callback[] {
    return this.events.filter(({ event }) => event === 'settle').map(({ callback }) => callback as Callback);
  }

  /** The number of times that a state was restored. */
  get restorations(): number {
    return this.events.filter(({ event }) => event === 'restore').length;
  }

  /** The value that each call of a callback received. */
  calls(callback: Callback): unknown[] {
    return this.events.filter((each) => each.event === 'begin' && each.callback === callback).map(({ given }) => given);
  }

  /** The reason that `terminate` received. */
  get reason(): unknown {
    return this.calls('terminate')[0];
  }

  /** The abortions of the signal that the probe has observed. */
  get abortions(): Abortion[] {
    return this.events.filter(({ event }) => event === 'abort').map(({ given }) => given as Abortion);
  }

  /** The callbacks that began before the previous one had settled. */
  get overlaps(): TraceEvent[] {
    let pending = false;
    return this.events.filter(({ event }) => {
      if (event !== 'begin' && event !== 'settle') return false;
      const wrong = event === 'begin' && pending;
      pending = event === 'begin';
      return wrong;
    });
  }
}

/** Appends a path to the URL of a server, which may have a path of its own. */
function resolvePath(url: string, path: string): string {
  return url.replace(/\/$/, '') + path;
}

async function answer(control: Client): Promise<unknown> {
  const received = await control.next('a message on the control connection');
  if (!('text' in received)) throw new Error(`the control connection ended with ${JSON.stringify(received)}`);
  return JSON.parse(received.text);
}

export const pause = (ms: number): Promise<void> => new Promise((settle) => setTimeout(settle, ms));
