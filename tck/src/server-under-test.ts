// A server under test: it hosts the probe, and all that the suite knows of it is its URL.

import { randomUUID } from 'node:crypto';
import type { WebSock } from '@websock/spec';
import type { ClientOptions } from 'ws';
import { LIMITS, type Limits } from './capabilities.ts';
import { Client } from './client.ts';
import type { Callback, Command, Instruction, Seen } from './probe.ts';

/** How a test asks for a probe. */
export interface Asked {
  /** What each callback is to do. */
  readonly on?: { readonly [Name in Callback]?: Instruction };
  /** The options of its connection; what `JSON` has no word for is left out. */
  readonly options?: WebSock.ConnectionOptions;
  /** The options of the client. */
  readonly client?: ClientOptions & { protocols?: string[] };
}

const HINT = "does it host the probe? See the README, 'Check a server at run time'";

export class Server {
  /** What the server cannot do, by its own word, with the reason for each. */
  readonly limits: Limits;
  readonly #control: Client;

  private constructor(
    readonly url: string,
    control: Client,
    limits: Limits,
  ) {
    this.#control = control;
    this.limits = limits;
  }

  /** Opens the control connection to the server at `url`; `more` is what else cannot be done with it. */
  static async at(url: string, more: Limits = {}): Promise<Server> {
    const there = below(url, '/control');
    const control = await Client.connect(there).catch((error: Error & { code?: string }) => {
      throw new Error(`${there} did not open (${error.message || error.code}): does the server run, and ${HINT}`);
    });
    try {
      const limits = await answer(control).catch((error: Error) => {
        throw new Error(`${there} did not answer with its limits (${error.message}): ${HINT}`);
      });
      return new Server(url, control, { ...checkLimits(limits), ...more });
    } catch (error) {
      control.cut();
      throw error;
    }
  }

  /** Lets go of the server; it lives on. */
  async leave(): Promise<void> {
    this.#control.close();
    await this.#control.closed();
  }

  /** The URL of a new probe. */
  ask({ on = {}, options = {} }: Asked = {}): { readonly id: string; readonly url: string } {
    const id = randomUUID();
    const query = new URLSearchParams({ id, on: JSON.stringify(on), options: JSON.stringify(options) });
    return { id, url: below(this.url, `/probe?${query}`) };
  }

  /** Opens a connection to a new probe. */
  async open(asked: Asked = {}): Promise<Connected> {
    const { id, url } = this.ask(asked);
    return new Connected(this, id, await Client.connect(url, asked.client));
  }

  #turn: Promise<unknown> = Promise.resolve();

  /** Sends a command, and returns the answer to it. Commands wait for each other, as their answers come in order. */
  command(command: Command): Promise<unknown> {
    const turn = this.#turn.then(() => {
      this.#control.text(JSON.stringify(command));
      return answer(this.#control);
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async trace(id: string): Promise<Trace> {
    return new Trace((await this.command({ trace: id })) as Seen[]);
  }

  /** The trace, as soon as it passes `enough`. */
  async traceOnce(id: string, enough: (trace: Trace) => boolean): Promise<Trace> {
    const deadline = Date.now() + 20_000;
    for (let wait = 5; ; wait = Math.min(wait * 2, 200)) {
      const trace = await this.trace(id);
      if (enough(trace)) return trace;
      if (Date.now() > deadline) throw new Error(`the trace never came so far: ${JSON.stringify(trace.seen)}`);
      await pause(wait);
    }
  }

  /** The whole trace, once `terminate` has settled. */
  ended(id: string): Promise<Trace> {
    return this.traceOnce(id, (trace) => trace.settled.includes('terminate'));
  }
}

/** A probe with a client at the other end. */
export class Connected {
  constructor(
    readonly server: Server,
    readonly id: string,
    readonly client: Client,
  ) {}

  /** Tells handleIn what to do. */
  tell(instruction: Instruction): void {
    this.client.text(JSON.stringify(instruction));
  }

  /** Posts infos to the mailbox, from elsewhere in the program. */
  async post(...infos: unknown[]): Promise<unknown> {
    return this.server.command({ post: this.id, infos });
  }

  trace(): Promise<Trace> {
    return this.server.trace(this.id);
  }

  /** The trace, once a callback has begun so many times. */
  begun(callback: Callback, times = 1): Promise<Trace> {
    return this.server.traceOnce(this.id, (trace) => trace.calls(callback).length >= times);
  }

  ended(): Promise<Trace> {
    return this.server.ended(this.id);
  }

  async release(): Promise<void> {
    if (!(await this.server.command({ release: this.id }))) throw new Error('no callback waited at the gate');
  }
}

/** What a probe saw. */
export class Trace {
  constructor(readonly seen: readonly Seen[]) {}

  /** The callbacks in the order in which they began. */
  get begun(): Callback[] {
    return this.seen.filter(({ event }) => event === 'begin').map(({ callback }) => callback as Callback);
  }

  get settled(): Callback[] {
    return this.seen.filter(({ event }) => event === 'settle').map(({ callback }) => callback as Callback);
  }

  /** What each call of a callback was given. */
  calls(callback: Callback): unknown[] {
    return this.seen.filter((seen) => seen.event === 'begin' && seen.callback === callback).map(({ given }) => given);
  }

  /** The reason that terminate was given. */
  get reason(): unknown {
    return this.calls('terminate')[0];
  }
}

/** The URL of `path` on the server at `url`, whose own path is a prefix. */
function below(url: string, path: string): string {
  return url.replace(/\/$/, '') + path;
}

/** Throws for limits that are none: a test that is skipped for a mistake would not be missed. */
function checkLimits(limits: unknown): Limits {
  if (typeof limits !== 'object' || limits === null) throw new Error(`limits that are no object: ${HINT}`);
  for (const [name, reason] of Object.entries(limits)) {
    if (!(LIMITS as readonly string[]).includes(name)) {
      throw new Error(`the server names a limit that there is not: '${name}'; the limits are ${LIMITS.join(', ')}`);
    }
    if (typeof reason !== 'string') {
      throw new Error(`the server's limit '${name}' is ${JSON.stringify(reason)}; it must be the reason, a text`);
    }
  }
  return limits as Limits;
}

async function answer(control: Client): Promise<unknown> {
  const received = await control.next();
  if (!('text' in received)) throw new Error(`the control connection ended: ${JSON.stringify(received)}`);
  return JSON.parse(received.text);
}

export const pause = (ms: number): Promise<void> => new Promise((settle) => setTimeout(settle, ms));
