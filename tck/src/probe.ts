// The probe: a handler that does what it is told, so that a test can see what a server does with a handler.
//
// A test opens `/probe?id=ID&on=JSON&options=JSON`, where `on` gives an instruction for each callback (see ProbeArg)
// and `options` are those of the connection, and tells the probe more by text frames and infos that are instructions
// themselves (see Instruction). What the probe sees is kept in a trace (see Seen), also after the connection is over. A
// second connection, to `/control`, reads the trace and reaches into the mailbox (see Command). Nothing else is needed,
// so a server in any language can be tested by hosting a probe that speaks the same JSON: these comments specify it.

import type { WebSock } from '@websock/spec';

/**
 * What a callback is to do. Without any of these it returns ok.
 *
 * A text frame that begins with `{` is an instruction in JSON for the `handleIn` that is given it, and an info that is
 * an object is one for its `handleInfo`, each instead of the one in `on`. All else follows `on`. `terminate` does too:
 * it posts, waits and throws, but its result is ignored.
 *
 * First come `overwrite` and `post`. Then `forever`, `gate`, `wait` and `thenable` say when the callback settles, the
 * first of them that is there, and `throw`, `raw` and `result` how; without the former it settles before it returns.
 */
export interface Instruction {
  /**
   * The result to return; `{ type: 'ok' }` if there is none. The probe adds a state, a new object each time. A message,
   * or one of a list, that is `{ opcode, hex }` gets as its data the bytes that are so in hexadecimal, and `{ opcode,
   * long }` a text of so many letters x. All else is returned as it is.
   */
  readonly result?: { readonly type: string; readonly messages?: unknown; readonly [property: string]: unknown };
  /** A value to return as it is, be it a result or not, or null. The last state stays the one returned before. */
  readonly raw?: unknown;
  /** The text of an error to throw, or to reject with if there is something to wait for. */
  readonly throw?: string;
  /** Return a promise, which settles in so many milliseconds, be it 0. */
  readonly wait?: number;
  /** Return a promise, which settles when the control connection says `release`. */
  readonly gate?: true;
  /** Return a promise, which never settles. */
  readonly forever?: true;
  /** Return an object with a `then` method and no more, instead of a promise; it settles at once. */
  readonly thenable?: true;
  /** Infos to post to the own mailbox first. */
  readonly post?: readonly unknown[];
  /**
   * In an info: post `{ stream }` with one less to itself, and return ok with the state that was given. Only the last,
   * with 0, is in the trace.
   */
  readonly stream?: number;
  /** In the `handleIn` of `on`: overwrite the bytes of a binary frame with zeros, after they are in the trace. */
  readonly overwrite?: true;
}

export type Callback = 'init' | 'handleIn' | 'handleControl' | 'handleInfo' | 'terminate';

/**
 * What the control connection can ask for, each in one text frame; each is answered with one text frame of JSON, in
 * order. Before all that, when it opens, the connection is sent what the server cannot do: an object of limits
 * (limits.ts), with the reason for each as a text.
 */
export type Command =
  /** What the probe of this id has seen so far: {@link Seen}[], empty if there was none. */
  | { readonly trace: string }
  /** The binary frames that a probe was given, the bytes themselves as they are now, each in hexadecimal. */
  | { readonly kept: string }
  /** Posts infos to the mailbox of a probe, be it over; answers with how many, 0 if there was no such probe. */
  | { readonly post: string; readonly infos: readonly unknown[] }
  /** Lets the callback of a probe go on that waits at the gate; answers with whether one did. */
  | { readonly release: string }
  /**
   * How often `init` and `terminate` have been called, and the memory in use, in bytes, when the garbage is collected:
   * `{ begun, ended, memory }`. A server that does not know its memory answers with 0, and has the limit `memory`.
   */
  | { readonly count: true }
  /** Forgets all traces, and counts from 0 again; answers with true. */
  | { readonly forget: true };

/**
 * One line of a trace. `begin` stands for the call of a callback, with all below, and `settle`, with `callback`, for
 * the moment right before it returns or throws, or what it returned settles. Around each post to the mailbox stand
 * `post` and `posted`, with the info as `given`.
 */
export interface Seen {
  readonly event: 'begin' | 'settle' | 'post' | 'posted';
  readonly callback?: Callback;
  /**
   * What the callback was given:
   * - `init`: `{ id }`.
   * - `handleIn`: the instruction, if the frame was one; otherwise `{ text }`, or `{ binary }` in hexadecimal. Of more
   *   than 1 000 UTF-16 units or bytes only `LENGTH: START…END`, with ten of them at the start and at the end.
   * - `handleControl`: `{ ping }` or `{ pong }`, in hexadecimal.
   * - `handleInfo`: `{ info }`, be it an instruction or not.
   * - `terminate`: the reason. The `error` in it is a text: that of what a handler gave as its error, and `Error: TEXT`
   *   for one that it threw (in JavaScript, `String(error)`).
   *
   * Hexadecimal is in small letters, without spaces.
   */
  readonly given?: unknown;
  /** Whether the state was the very value that was last returned; true for `init`, which is given none. */
  readonly sameState?: boolean;
  /** Whether `this` was the handler; true in a language without `this`. */
  readonly sameThis?: boolean;
}

/** What `init` of the probe is given: which probe it is, and what its callbacks are to do. */
export interface ProbeArg {
  readonly id: string;
  readonly on: { readonly [Name in Callback]?: Instruction };
}

/** The state is a new object each time, so that a copy shows. */
interface State {
  readonly record: Record;
}

interface Record extends ProbeArg {
  readonly seen: Seen[];
  readonly kept: Uint8Array[];
  readonly mailbox: WebSock.Mailbox<unknown>;
  state: State | undefined;
  gates: (() => void)[];
}

const records = new Map<string, Record>();
let begun = 0;
let ended = 0;

class Probe implements WebSock<State, unknown, ProbeArg> {
  init(arg: ProbeArg, mailbox: WebSock.Mailbox<unknown>): WebSock.Awaitable<WebSock.HandleResult<State>> {
    begun += 1;
    const record: Record = { ...arg, mailbox, seen: [], kept: [], state: undefined, gates: [] };
    records.set(arg.id, record);
    return this.#follow('init', record, arg.on.init, { id: arg.id }, undefined, this);
  }

  handleIn(frame: WebSock.DataFrame, state: State): WebSock.Awaitable<WebSock.HandleResult<State>> {
    const { record } = state;
    if (frame.opcode === 'binary') record.kept.push(frame.data);
    const told = frame.opcode === 'text' ? instructionIn(frame.data) : undefined;
    const given = { [frame.opcode]: brief(frame.data) };
    const instruction = told ?? record.on.handleIn;
    if (instruction?.overwrite && frame.opcode === 'binary') frame.data.fill(0);
    return this.#follow('handleIn', record, instruction, told ? told : given, state, this);
  }

  handleControl(frame: WebSock.ControlFrame, state: State): WebSock.Awaitable<WebSock.HandleResult<State>> {
    const { record } = state;
    const given = { [frame.opcode]: toHex(frame.data) };
    return this.#follow('handleControl', record, record.on.handleControl, given, state, this);
  }

  handleInfo(info: unknown, state: State): WebSock.Awaitable<WebSock.HandleResult<State>> {
    const { record } = state;
    const told = typeof info === 'object' && info !== null ? (info as Instruction) : undefined;
    if (told?.stream) {
      record.mailbox.post({ stream: told.stream - 1 });
      return { type: 'ok', state };
    }
    return this.#follow('handleInfo', record, told ?? record.on.handleInfo, { info }, state, this);
  }

  terminate(reason: WebSock.CloseReason, state: State): unknown {
    ended += 1;
    const given = reason.type === 'error' ? { type: 'error', error: String(reason.error) } : reason;
    return this.#follow('terminate', state.record, state.record.on.terminate, given, state, this);
  }

  #follow(
    callback: Callback,
    record: Record,
    instruction: Instruction = {},
    given: unknown,
    state: State | undefined,
    self: unknown,
  ): WebSock.Awaitable<WebSock.HandleResult<State>> {
    const see = (seen: Seen) => record.seen.push(seen);
    see({ event: 'begin', callback, given, sameState: state === record.state, sameThis: self === probe });
    for (const info of instruction.post ?? []) post(record, info);

    const settle = (): WebSock.HandleResult<State> => {
      see({ event: 'settle', callback });
      if (instruction.throw !== undefined) throw new Error(instruction.throw);
      if ('raw' in instruction) return instruction.raw as WebSock.HandleResult<State>;
      record.state = { record };
      const { messages, ...rest } = instruction.result ?? { type: 'ok' };
      return {
        ...rest,
        ...(messages === undefined ? undefined : { messages: withBytes(messages) }),
        state: record.state,
      } as WebSock.HandleResult<State>;
    };

    if (instruction.forever) return new Promise(() => {});
    if (instruction.gate) return new Promise<void>((open) => record.gates.push(open)).then(settle);
    if (instruction.wait !== undefined) {
      return new Promise<void>((later) => setTimeout(later, instruction.wait)).then(settle);
    }
    if (instruction.thenable) {
      const promise = Promise.resolve().then(settle);
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is asked for
      return { then: promise.then.bind(promise) } as PromiseLike<WebSock.HandleResult<State>>;
    }
    return settle();
  }
}

/** The one probe, which serves every connection. */
export const probe: WebSock<State, unknown, ProbeArg> = new Probe();

function post(record: Record, info: unknown): void {
  record.seen.push({ event: 'post', given: info });
  record.mailbox.post(info);
  record.seen.push({ event: 'posted', given: info });
}

/** The control handler, for `/control`. */
export const control: WebSock<undefined, never, { readonly limits: object }> = {
  init({ limits }) {
    return { type: 'push', messages: { opcode: 'text', data: JSON.stringify(limits) }, state: undefined };
  },
  handleIn(frame, state) {
    const command = JSON.parse(String(frame.data)) as Command;
    return { type: 'push', messages: { opcode: 'text', data: JSON.stringify(obey(command)) }, state };
  },
  handleInfo: (_info, state) => ({ type: 'ok', state }),
};

function obey(command: Command): unknown {
  if ('count' in command) return { begun, ended, memory: memory() };
  if ('forget' in command) {
    begun = 0;
    ended = 0;
    records.clear();
    return true;
  }
  if ('trace' in command) return records.get(command.trace)?.seen ?? [];
  if ('kept' in command) return records.get(command.kept)?.kept.map(toHex) ?? [];
  if ('post' in command) {
    const record = records.get(command.post);
    if (!record) return 0;
    for (const info of command.infos) post(record, info);
    return command.infos.length;
  }
  if ('release' in command) {
    const gates = records.get(command.release)?.gates.splice(0) ?? [];
    for (const open of gates) open();
    return gates.length > 0;
  }
  return null;
}

function memory(): number {
  const { process, gc, Bun } = globalThis as {
    process?: { memoryUsage?(): { heapUsed: number } };
    gc?: () => void;
    Bun?: { gc(force: boolean): void };
  };
  gc?.();
  Bun?.gc(true);
  return process?.memoryUsage?.().heapUsed ?? 0;
}

function instructionIn(text: string): Instruction | undefined {
  return text.startsWith('{') ? (JSON.parse(text) as Instruction) : undefined;
}

/** A text or bytes in a trace; of what is long, its length, its start and its end. */
export function brief(data: string | Uint8Array): string {
  const show = (part: string | Uint8Array) => (typeof part === 'string' ? part : toHex(part));
  return data.length > 1_000 ? `${data.length}: ${show(data.slice(0, 10))}…${show(data.slice(-10))}` : show(data);
}

/** Turns `{ opcode, hex }` into a message of bytes, and `{ opcode, long }` into one of so many letters. */
function withBytes(messages: unknown): unknown {
  if (Array.isArray(messages)) return messages.map(withBytes);
  if (typeof messages !== 'object' || messages === null) return messages;
  const { hex, long, ...message } = messages as { hex?: string; long?: number };
  if (hex !== undefined) return { ...message, data: fromHex(hex) };
  return long === undefined ? message : { ...message, data: 'x'.repeat(long) };
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}
