// A server under test: it hosts the probe, and the kit knows nothing of it but its URL.

import { randomUUID } from 'node:crypto';
import { type Cannot, checkCannot } from './capabilities.ts';
import { Client, type ClientSettings, PATIENCE } from './client.ts';
import type { Callback, Command, Instruction, OwnHandler, RouteOptions, TraceEvent } from './probe.ts';

/** How a test asks for a probe. */
export interface ProbeOptions {
  /** What each callback is to do. */
  readonly on?: { readonly [Name in Callback]?: Instruction };
  /** The options of its connection. */
  readonly options?: RouteOptions;
  /** A handler of its own. */
  readonly handler?: OwnHandler;
  /** The options of the client. */
  readonly client?: ClientSettings;
}

const HINT = 'does it host the probe? See the README of @websock/tck';

export class ServerUnderTest {
  /** What the server cannot do, as it declares and as the one who tests it says, with the reason for each. */
  readonly cannot: Cannot;
  /** Control connections on which no command waits for its answer. */
  readonly #idle: Client[];
  readonly #control: Set<Client>;

  private constructor(
    readonly url: string,
    control: Client,
    cannot: Cannot,
    /** How long to wait for the server, in ms. */
    readonly patience: number,
  ) {
    this.#control = new Set([control]);
    this.#idle = [control];
    this.cannot = cannot;
  }

  /**
   * Opens the control connection to the server at `url`. Throws, and says why, if it does not host the probe. `more` is
   * what it cannot do beside what it declares itself.
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

  /** Lets go of the server; it lives on. */
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

  /** Why the server can no longer be tested: its control connection has ended, or it has not answered a command. */
  get lost(): Error | undefined {
    return this.#lost;
  }

  /** Sends a command, and returns the answer to it. Commands that overlap each have a control connection of their own. */
  async command(command: Command): Promise<unknown> {
    if (this.#lost) throw this.#lost;
    try {
      const control = this.#idle.pop() ?? (await this.#connectControl());
      control.text(JSON.stringify(command));
      const answered = await answer(control);
      this.#idle.push(control);
      return answered;
    } catch (error) {
      this.#lost ??= new Error(`the server is gone, or hangs: ${(error as Error).message}`);
      throw this.#lost;
    }
  }

  async #connectControl(): Promise<Client> {
    const patience = Math.max(PATIENCE, this.patience); // it serves all tests, so it waits at least as long
    const control = await Client.connect(resolvePath(this.url, '/control'), { patience });
    this.#control.add(control);
    await answer(control); // what the server cannot do
    return control;
  }

  async trace(id: string): Promise<Trace> {
    return new Trace((await this.command({ trace: id })) as TraceEvent[]);
  }

  /** The trace, as soon as it passes `enough`; `awaited` says in words what it is to show. */
  async traceUntil(id: string, enough: (trace: Trace) => boolean, awaited: string): Promise<Trace> {
    const deadline = performance.now() + this.patience;
    for (let wait = 2; ; wait = Math.min(wait * 2, 100)) {
      const trace = await this.trace(id);
      if (enough(trace)) return trace;
      if (this.lost) throw this.lost;
      if (performance.now() > deadline) {
        const seen = trace.events.map((event) => `\n  ${JSON.stringify(event)}`).slice(-30);
        throw new Error(`awaited ${awaited} for ${this.patience} ms, but the trace is${seen.join('') || ' empty'}`);
      }
      await pause(wait);
    }
  }

  /** The trace, once a callback has begun a number of times. */
  untilStarted(id: string, callback: Callback, times = 1): Promise<Trace> {
    const awaited = times === 1 ? `the call of ${callback}` : `${times} calls of ${callback}`;
    return this.traceUntil(id, (trace) => trace.calls(callback).length >= times, awaited);
  }

  /** The whole trace, once `terminate` has settled. */
  untilTerminated(id: string): Promise<Trace> {
    return this.traceUntil(id, (trace) => trace.settled.includes('terminate'), 'terminate');
  }

  /** Posts infos to the mailbox of a probe from elsewhere in the program, once its `init` has been called. */
  async post(id: string, infos: readonly unknown[], more: { times?: number; detached?: true } = {}): Promise<number> {
    await this.untilStarted(id, 'init');
    return (await this.command({ post: id, infos, ...more })) as number;
  }

  /** Lets the callback of a probe go on that waits at the gate. */
  async release(id: string): Promise<void> {
    if (!(await this.command({ release: id }))) throw new Error('no callback waited at the gate');
  }

  /** Gives the server turns, and time, to do what it must not do. */
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

  /** Instructs handleIn. */
  instruct(instruction: Instruction): void {
    this.client.text(JSON.stringify(instruction));
  }

  /** Posts infos to the mailbox, from elsewhere in the program. */
  post(...infos: unknown[]): Promise<number> {
    return this.server.post(this.id, infos);
  }

  trace(): Promise<Trace> {
    return this.server.trace(this.id);
  }

  /** The trace, once a callback has begun a number of times. */
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

/** What a probe saw. */
export class Trace {
  constructor(readonly events: readonly TraceEvent[]) {}

  /** The callbacks in the order in which they began. */
  get started(): Callback[] {
    return this.events.filter(({ event }) => event === 'begin').map(({ callback }) => callback as Callback);
  }

  get settled(): Callback[] {
    return this.events.filter(({ event }) => event === 'settle').map(({ callback }) => callback as Callback);
  }

  /** What each call of a callback received. */
  calls(callback: Callback): unknown[] {
    return this.events.filter((each) => each.event === 'begin' && each.callback === callback).map(({ given }) => given);
  }

  /** The reason that terminate received. */
  get reason(): unknown {
    return this.calls('terminate')[0];
  }

  /** Callbacks that began before the one before had settled. */
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

/** What a promise settles with; throws after some milliseconds, and names what was awaited. */
export async function settledWithin<Value>(ms: number, promise: Promise<Value>, awaited: string): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<never>((_settle, fail) => {
    timer = setTimeout(() => fail(new Error(`awaited ${awaited}, but it did not come for ${ms} ms`)), ms);
  });
  return Promise.race([promise, patience]).finally(() => clearTimeout(timer));
}

/** The URL of `path` on the server at `url`, whose own path is a prefix. */
function resolvePath(url: string, path: string): string {
  return url.replace(/\/$/, '') + path;
}

async function answer(control: Client): Promise<unknown> {
  const received = await control.next('a message on the control connection');
  if (!('text' in received)) throw new Error(`the control connection ended: ${JSON.stringify(received)}`);
  return JSON.parse(received.text);
}

export const pause = (ms: number): Promise<void> => new Promise((settle) => setTimeout(settle, ms));
