// The probe: a handler that follows instructions, so that a test can see what a server does with a handler.
//
// A test opens `/probe?id=ID&on=JSON&options=JSON`, where `on` gives an instruction for each callback (see ProbeArg)
// and `options` are those of the connection (see RouteOptions), and instructs the probe further by text frames and infos
// that are instructions themselves (see Instruction). What the probe sees is kept in a trace (see TraceEvent), also
// after the connection is over. A second connection, to `/control`, reads the trace and reaches into the mailbox (see
// Command). Nothing else is needed, so a server in any language can be tested: it hosts a probe that speaks the same
// JSON. These comments specify it.

import type { WebSock } from '@websock/spec';
import type { Cannot } from './capabilities.ts';

/**
 * What a callback is to do. Without any of these it returns ok.
 *
 * A text frame that begins with `{` is an instruction in JSON for the `handleIn` that receives it, and an info that is
 * an object is one for its `handleInfo`, each instead of the one in `on`. All else follows `on`. `terminate` does too:
 * it posts, waits and throws, but its result is ignored.
 *
 * First come `overwrite` and `post`. Then `forever`, `gate`, `wait` and `thenable` say when the callback settles (the
 * first of them that is there counts), and `throw`, `tell`, `nothing`, `raw` and `result` how; without the former it settles
 * before it returns.
 */
export interface Instruction {
  /**
   * The result to return; default: `{ type: 'ok' }`. The probe adds a state, a new object each time. A message, or one
   * of a list, that is `{ opcode, hex }` gets as its `data` the bytes of that hexadecimal text, in the form that `as`
   * names if it has one (see {@link ByteForm}); `{ opcode, long }` gets a text of that number of letters x. All else is
   * returned as it is.
   */
  readonly result?: { readonly type: string; readonly messages?: unknown; readonly [property: string]: unknown };
  /** A value to return as it is, valid or not, or null. The last state stays the one returned before. */
  readonly raw?: unknown;
  /** Return nothing: `undefined`, or what comes closest. */
  readonly nothing?: true;
  /**
   * In `terminate`: throw an error whose text is `terminate received REASON with the last state`, or `with another state`;
   * REASON is JSON without spaces.
   */
  readonly tell?: true;
  /** The text of an error to throw, or to reject with if there is something to wait for. */
  readonly throw?: string;
  /** Return a promise, which settles after this number of milliseconds, which may be 0. */
  readonly wait?: number;
  /** Return a promise, which settles when the control connection says `release`. */
  readonly gate?: true;
  /** Return a promise, which never settles. */
  readonly forever?: true;
  /** Return an object with a `then` method and no more, instead of a promise; it settles in the same turn. */
  readonly thenable?: true;
  /** Infos to post to the own mailbox first. */
  readonly post?: readonly unknown[];
  /**
   * In an info: post `{ stream }` with one less to itself, and return ok with the state that was given. Only the last,
   * with 0, is in the trace.
   */
  readonly stream?: number;
  /** In `on`: overwrite the bytes of a frame with zeros, once they are in the trace. */
  readonly overwrite?: true;
  /** The state to return, instead of a new object. Only probes with a handler of their own are instructed so. */
  readonly state?: unknown;
  /** Return `undefined`, or what comes closest, as the state. Only probes with a handler of their own. */
  readonly noState?: true;
  /**
   * Return a result that reads differently each time: the first look at its `messages`, and at the `data` of each of
   * them, shows what `result` says, any later one a text message `read again`. A language without getters returns the
   * result as it is.
   */
  readonly changing?: true;
}

/**
 * The forms of bytes. All hold the same bytes; a language that has fewer forms uses what it has. `offset` is a view of a
 * part of a larger buffer, `shared` one of memory that threads can share.
 */
export type ByteForm = 'Uint8Array' | 'ArrayBuffer' | 'DataView' | 'Uint16Array' | 'offset' | 'shared';

export type Callback = 'init' | 'handleIn' | 'handleControl' | 'handleInfo' | 'terminate';

/**
 * What the control connection can ask for, each in one text frame; each is answered with one text frame of JSON, in
 * order. Before all that, when it opens, the server sends what it cannot do: an object of capabilities
 * (capabilities.ts), with the reason for each as a text.
 */
export type Command =
  /** What the probe of this id has seen so far: {@link TraceEvent}[], empty if there was none. */
  | { readonly trace: string }
  /** The bytes that a probe received, in binary and control frames, as they are now, each in hexadecimal. */
  | { readonly kept: string }
  /** The bytes that a probe returned in its messages, as they are now, each in hexadecimal. */
  | { readonly returned: string }
  /**
   * Posts infos to the mailbox of a probe, even if its connection is over; answers with their number, 0 if there was no
   * such probe. With `times` posts the whole list that number of times, without lines for it in the trace; with
   * `detached` by a `post` that was taken off its mailbox.
   */
  | { readonly post: string; readonly infos: readonly unknown[]; readonly times?: number; readonly detached?: true }
  /** Lets the callback of a probe go on that waits at the gate; answers with whether one did. */
  | { readonly release: string }
  /**
   * How often `init` and `terminate` have been called, and the memory in use, in bytes, when the garbage is collected:
   * `{ inits, terminates, memory }`. A server that does not know its memory answers with 0, and cannot do
   * `reportsMemory`.
   */
  | { readonly count: true }
  /** Forgets all traces, and counts from 0 again; answers with true. */
  | { readonly forget: true };

/**
 * One line of a trace. `begin` stands for the call of a callback, with all below, and `settle`, with `callback`, for
 * the moment right before it returns or throws, or what it returned settles. Around each post to the mailbox stand
 * `post` and `posted`, with the info as `given`.
 */
export interface TraceEvent {
  readonly event: 'begin' | 'settle' | 'post' | 'posted';
  readonly callback?: Callback;
  /**
   * What the callback received:
   * - `init`: `{ id }`.
   * - `handleIn`: the instruction, if the frame was one; otherwise `{ text }`, or `{ binary }` in hexadecimal. Of more
   *   than 1 000 UTF-16 units or bytes only `LENGTH: START…END`, with ten of them at the start and at the end.
   * - `handleControl`: `{ ping }` or `{ pong }`, in hexadecimal.
   * - `handleInfo`: `{ info }`, an instruction or not.
   * - `terminate`: the reason. The `error` in it is a text: that of what a handler gave as its error, and `Error: TEXT`
   *   for one that it threw (in JavaScript, `String(error)`).
   *
   * Hexadecimal is in small letters, without spaces.
   */
  readonly given?: unknown;
  /** Whether the state was the same value, by identity, that was last returned; true for `init`, which receives none. */
  readonly sameState?: boolean;
  /** Whether `this` was the handler; true in a language without `this`. */
  readonly sameThis?: boolean;
  /** For `init` and `handleInfo`: whether the arg, or the info, was the same value, by identity, that was passed in. */
  readonly sameValue?: boolean;
}

/** What `init` of the probe receives: which probe it is, and what its callbacks are to do. */
export interface ProbeArg {
  readonly id: string;
  readonly on: { readonly [Name in Callback]?: Instruction };
}

/** A handler of a probe's own, instead of the one that all share; `without` names callbacks that it lacks. */
export interface OwnHandler {
  readonly without?: readonly ('handleControl' | 'terminate')[];
}

/** The options of a connection, in JSON, which has no word for infinity. */
export type RouteOptions = Omit<WebSock.ConnectionOptions, 'idleTimeout'> & { idleTimeout?: number | 'Infinity' };

/** The state is a new object each time, so that a copy shows. */
interface State {
  readonly record: ProbeRecord;
}

interface ProbeRecord extends ProbeArg {
  readonly events: TraceEvent[];
  readonly kept: Uint8Array[];
  readonly returned: Uint8Array[];
  /** The objects that were posted. */
  readonly posted: Set<unknown>;
  readonly mailbox: WebSock.Mailbox<unknown>;
  state: unknown;
  gates: (() => void)[];
}

type Result = WebSock.HandleResult<State>;

const records = new Map<string, ProbeRecord>();
/** The args that were routed and have not come to `init` yet. */
const args = new Set<ProbeArg>();
let inits = 0;
let terminates = 0;

/** A handler that follows instructions. One that is `own` finds its record without a state, which may be anything then. */
function createProbe(own?: OwnHandler): WebSock<State, unknown, ProbeArg> {
  let ownRecord: ProbeRecord | undefined;
  const recordOf = (state: State) => ownRecord ?? state.record;

  // Nothing here needs `this`, so that a server which loses it is found, and not stopped.
  const handler: WebSock<State, unknown, ProbeArg> = {
    init(arg, mailbox) {
      inits += 1;
      const record: ProbeRecord = {
        id: arg.id,
        on: arg.on,
        mailbox,
        events: [],
        kept: [],
        returned: [],
        posted: new Set(),
        state: undefined,
        gates: [],
      };
      records.set(arg.id, record);
      if (own) ownRecord = record;
      return follow('init', record, arg.on.init, {
        given: { id: arg.id },
        sameState: true,
        sameThis: this === handler,
        sameValue: args.delete(arg),
      });
    },

    handleIn(frame, state) {
      const record = recordOf(state);
      const instructed = frame.opcode === 'text' ? instructionIn(frame.data) : undefined;
      const given = instructed ?? { [frame.opcode]: brief(frame.data) };
      const instruction = instructed ?? record.on.handleIn;
      if (frame.opcode === 'binary') keep(record, frame.data, instruction);
      return follow('handleIn', record, instruction, { given, ...same(record, state, this) });
    },

    handleControl(frame, state) {
      const record = recordOf(state);
      const given = { [frame.opcode]: toHex(frame.data) };
      keep(record, frame.data, record.on.handleControl);
      return follow('handleControl', record, record.on.handleControl, { given, ...same(record, state, this) });
    },

    handleInfo(info, state) {
      const record = recordOf(state);
      const isObject = typeof info === 'object' && info !== null;
      const instructed = isObject ? (info as Instruction) : undefined;
      if (instructed?.stream) {
        record.mailbox.post({ stream: instructed.stream - 1 });
        return { type: 'ok', state };
      }
      const sameValue = !isObject || record.posted.has(info) || instructed?.stream === 0;
      return follow('handleInfo', record, instructed ?? record.on.handleInfo, {
        given: { info },
        ...same(record, state, this),
        sameValue,
      });
    },

    terminate(reason, state) {
      terminates += 1;
      const record = recordOf(state);
      const given = reason.type === 'error' ? { ...reason, error: String(reason.error) } : reason;
      return follow('terminate', record, record.on.terminate, { given, ...same(record, state, this) });
    },
  };
  for (const name of own?.without ?? []) delete (handler as { [Name in typeof name]?: unknown })[name];

  function same(record: ProbeRecord, state: unknown, self: unknown) {
    return { sameState: Object.is(state, record.state), sameThis: self === handler };
  }
  return handler;
}

function keep(record: ProbeRecord, data: InstanceType<Uint8ArrayConstructor>, instruction?: Instruction): void {
  record.kept.push(data);
  if (instruction?.overwrite) data.fill(0);
}

function follow(
  callback: Callback,
  record: ProbeRecord,
  instruction: Instruction = {},
  seen: Omit<TraceEvent, 'event' | 'callback'>,
): WebSock.Awaitable<Result> {
  record.events.push({ event: 'begin', callback, ...seen });
  for (const info of instruction.post ?? []) post(record, info);

  const settle = (): Result => {
    record.events.push({ event: 'settle', callback });
    if (instruction.throw !== undefined) throw new Error(instruction.throw);
    if (instruction.tell) {
      const which = seen.sameState ? 'the last state' : 'another state';
      throw new Error(`terminate received ${JSON.stringify(seen.given)} with ${which}`);
    }
    if (instruction.nothing) return undefined as unknown as Result;
    if ('raw' in instruction) return instruction.raw as Result;
    record.state = instruction.noState ? undefined : 'state' in instruction ? instruction.state : { record };
    const { messages, ...rest } = instruction.result ?? { type: 'ok' };
    const sent = messages === undefined ? undefined : { messages: withBytes(messages, record) };
    const result = { ...rest, ...sent, state: record.state } as Result;
    return instruction.changing ? changing(result) : result;
  };

  if (instruction.forever) return new Promise(() => {});
  if (instruction.gate) return new Promise<void>((open) => record.gates.push(open)).then(settle);
  if (instruction.wait !== undefined) {
    return new Promise<void>((later) => setTimeout(later, instruction.wait)).then(settle);
  }
  if (instruction.thenable) {
    const promise = Promise.resolve().then(settle);
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is asked for
    return { then: promise.then.bind(promise) } as PromiseLike<Result>;
  }
  return settle();
}

/** The one probe, which serves every connection that asks for no other. */
export const probe: WebSock<State, unknown, ProbeArg> = createProbe();

function post(record: ProbeRecord, info: unknown): void {
  if (typeof info === 'object') record.posted.add(info);
  record.events.push({ event: 'post', given: info });
  record.mailbox.post(info);
  record.events.push({ event: 'posted', given: info });
}

/** The control handler, for `/control`. Its arg says what the server cannot do. */
export const control: WebSock<undefined, never, { readonly cannot: Cannot }> = {
  init({ cannot }) {
    return { type: 'push', messages: [{ opcode: 'text', data: JSON.stringify(cannot) }], state: undefined };
  },
  handleIn(frame, state) {
    const command = JSON.parse(String(frame.data)) as Command;
    return { type: 'push', messages: [{ opcode: 'text', data: JSON.stringify(obey(command)) }], state };
  },
  handleInfo: (_info, state) => ({ type: 'ok', state }),
};

function obey(command: Command): unknown {
  if ('count' in command) return { inits, terminates, memory: memory() };
  if ('forget' in command) {
    inits = 0;
    terminates = 0;
    records.clear();
    return true;
  }
  if ('trace' in command) return records.get(command.trace)?.events ?? [];
  if ('kept' in command) return records.get(command.kept)?.kept.map(toHex) ?? [];
  if ('returned' in command) return records.get(command.returned)?.returned.map(toHex) ?? [];
  if ('post' in command) return postAll(command);
  if ('release' in command) {
    const gates = records.get(command.release)?.gates.splice(0) ?? [];
    for (const open of gates) open();
    return gates.length > 0;
  }
  return null;
}

function postAll({ post: id, infos, times, detached }: Extract<Command, { post: string }>): number {
  const record = records.get(id);
  if (!record) return 0;
  const { post: postAlone } = record.mailbox;
  for (let count = 0; count < (times ?? 1); count++) {
    for (const info of infos) {
      if (times === undefined && !detached) post(record, info);
      else {
        if (typeof info === 'object') record.posted.add(info);
        if (detached) postAlone(info);
        else record.mailbox.post(info);
      }
    }
  }
  return infos.length;
}

/** How a server serves one of the kit's paths. */
export interface ProbeService {
  readonly handler: WebSock.Any;
  readonly arg: unknown;
  readonly options: WebSock.ConnectionOptions;
}

/**
 * What a host does with a request to upgrade: serves it with this handler, arg and options, or refuses it if there are
 * none. `cannot` is what the server cannot do, with the reasons.
 *
 * @param url - path and query of the request, or the whole URL; any prefix before `/probe` and `/control` is left out
 */
export function route(url: string, cannot: Cannot = {}): ProbeService | undefined {
  const { pathname, searchParams } = new URL(url, 'ws://host');
  const json = (name: string) => JSON.parse(searchParams.get(name) ?? '{}');
  if (pathname.endsWith('/control')) {
    return { handler: control, arg: { cannot }, options: { idleTimeout: Number.POSITIVE_INFINITY } };
  }
  if (!pathname.endsWith('/probe')) return undefined;
  const { idleTimeout, ...options } = json('options') as RouteOptions;
  const arg: ProbeArg = { id: searchParams.get('id') ?? '', on: json('on') };
  args.add(arg);
  return {
    handler: searchParams.has('handler') ? createProbe(json('handler')) : probe,
    arg,
    options: idleTimeout === undefined ? options : { ...options, idleTimeout: Number(idleTimeout) },
  };
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

/** Turns `{ opcode, hex }` into a message of bytes, and `{ opcode, long }` into one of that number of letters. */
function withBytes(messages: unknown, record: ProbeRecord): unknown {
  if (Array.isArray(messages)) return messages.map((message) => withBytes(message, record));
  if (typeof messages !== 'object' || messages === null) return messages;
  const { hex, as, long, ...message } = messages as { hex?: string; as?: ByteForm; long?: number };
  if (hex !== undefined) {
    const bytes = fromHex(hex);
    const data = inForm(bytes, as);
    record.returned.push(
      ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data),
    );
    return { ...message, data };
  }
  return long === undefined ? message : { ...message, data: 'x'.repeat(long) };
}

function inForm(bytes: Uint8Array<ArrayBuffer>, form: ByteForm = 'Uint8Array'): ArrayBuffer | ArrayBufferView {
  if (form === 'ArrayBuffer') return bytes.buffer;
  if (form === 'Uint16Array') return new Uint16Array(bytes.buffer);
  if (form === 'shared') {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    return shared;
  }
  if (form === 'Uint8Array') return bytes;
  const larger = new Uint8Array(bytes.length + 16).fill(0xee);
  larger.set(bytes, 8);
  return form === 'DataView'
    ? new DataView(larger.buffer, 8, bytes.length)
    : new Uint8Array(larger.buffer, 8, bytes.length);
}

/** The same result, whose messages and their data show something else at every look but the first. */
function changing(result: Result): Result {
  const again: WebSock.TextMessage = { opcode: 'text', data: 'read again' };
  const once = <Value>(first: Value, later: unknown) => {
    let looks = 0;
    return () => (looks++ === 0 ? first : (later as Value));
  };
  const list = (Array.isArray(result.messages) ? result.messages : [result.messages]) as WebSock.Message[];
  const messages = list.map(({ opcode, data }) =>
    Object.defineProperty({ opcode }, 'data', { get: once(data, 'read again'), enumerable: true }),
  );
  return Object.defineProperty({ ...result }, 'messages', { get: once(messages, [again]), enumerable: true });
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}
