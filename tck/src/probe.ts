// The probe: a handler that follows instructions, and records how the server calls it. The README of the package specifies
// it, for hosts in any language.

import type { WebSock } from '@websock/spec';
import type { Cannot } from '@websock/spec/conformance';
import {
  type Abortion,
  abbreviate,
  type ByteForm,
  type Callback,
  type Command,
  type Instruction,
  type OwnHandler,
  type ProbeArg,
  type RouteOptions,
  type SavedProbe,
  type TraceEvent,
  toHex,
} from './probe-protocol.ts';

export type * from './probe-protocol.ts';

/** The state: a new object each time, so that a copy is detected. */
interface State {
  readonly record: ProbeRecord;
  /** Shows which state a server has restored. */
  number: number;
  readonly unsavable?: true | undefined;
  readonly unrestorable?: string | undefined;
}

interface ProbeRecord extends ProbeArg {
  readonly events: TraceEvent[];
  readonly kept: Uint8Array[];
  readonly returned: Uint8Array[];
  /** All posted objects. */
  readonly posted: Set<unknown>;
  mailbox: WebSock.Mailbox<unknown>;
  state: unknown;
  /** The number of the last state. */
  number: number;
  gates: (() => void)[];
}

type Result = WebSock.HandleResult<State>;

const records = new Map<string, ProbeRecord>();
/** Args that `init` has not received yet. */
const args = new Set<ProbeArg>();
let inits = 0;
let terminates = 0;

/** A handler that follows instructions. With `own`, it serves one probe only, and its state may be any value. */
function createProbe(own?: OwnHandler): WebSock<State, unknown, ProbeArg> {
  let ownRecord: ProbeRecord | undefined;
  const recordOf = (state: State) => ownRecord ?? state.record;

  // The callbacks only compare `this`: if a server loses it, a test fails, and nothing throws here.
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
        number: 0,
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
      const given = instructed ?? { [frame.opcode]: abbreviate(frame.data) };
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
      return follow('terminate', record, record.on.terminate, {
        given: withErrorAsText(reason),
        ...same(record, state, this),
      });
    },
  };
  for (const name of own?.without ?? []) delete (handler as { [Name in typeof name]?: unknown })[name];

  function same(record: ProbeRecord, state: unknown, self: unknown) {
    const isLast = own !== undefined || (state as State).number === record.number;
    return { sameState: isLast && Object.is(state, record.state), sameThis: self === handler };
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
  if (instruction.signal) watchSignal(record);
  if (instruction.stop !== undefined) stop(record, instruction.stop === true ? undefined : instruction.stop);

  const settle = (): Result => {
    record.events.push({ event: 'settle', callback });
    if (instruction.throw !== undefined || instruction.throwAbort) throw errorOf(instruction, record);
    if (instruction.tell) {
      const which = seen.sameState ? 'the last state' : 'another state';
      throw new Error(`terminate received ${JSON.stringify(seen.given)} with ${which}`);
    }
    if (instruction.nothing) return undefined as unknown as Result;
    if ('raw' in instruction) return instruction.raw as Result;
    const state = nextState(record, instruction);
    if (!instruction.unsavable) record.state = state; // an invalid result keeps the last one
    const { messages, ...rest } = instruction.result ?? { type: 'ok' };
    const sent = messages === undefined ? undefined : { messages: withBytes(messages, record) };
    const result = { ...rest, ...sent, state } as Result;
    return instruction.changing ? changing(result) : result;
  };

  if (instruction.forever) return new Promise(() => {});
  if (instruction.untilAbort) {
    const { signal } = record.mailbox;
    return new Promise<void>((aborted) => {
      if (signal.aborted) aborted();
      else signal.addEventListener('abort', () => aborted());
    }).then(settle);
  }
  if (instruction.gate) return new Promise<void>((open) => record.gates.push(open)).then(settle);
  if (instruction.wait !== undefined) {
    return new Promise<void>((later) => setTimeout(later, instruction.wait)).then(settle);
  }
  if (instruction.thenable) {
    const promise = Promise.resolve().then(settle);
    // biome-ignore lint/suspicious/noThenProperty: the test needs a thenable
    return { then: promise.then.bind(promise) } as PromiseLike<Result>;
  }
  return settle();
}

function nextState(record: ProbeRecord, instruction: Instruction): unknown {
  if (instruction.noState) return undefined;
  if ('state' in instruction) return instruction.state;
  const { unsavable, unrestorable } = instruction;
  if (unsavable) return { record, number: record.number, unsavable } satisfies State;
  record.number += 1;
  if (instruction.inPlace) return Object.assign(record.state as State, { number: record.number });
  return { record, number: record.number, unrestorable } satisfies State;
}

/** What a server that suspends connections saves of the state of {@link probe}. */
export function save({ record, number, unsavable, unrestorable }: State): SavedProbe {
  if (unsavable) throw new Error('the state of the probe cannot be saved');
  return { id: record.id, number, ...(unrestorable === undefined ? {} : { unrestorable }) };
}

/** The state of {@link probe} that was saved. */
export function restore({ id, number, unrestorable }: SavedProbe, mailbox: WebSock.Mailbox<unknown>): State {
  const record = records.get(id);
  if (!record) throw new Error(`the probe ${id} is unknown: traces must outlast a suspension`);
  record.events.push({ event: 'restore', given: number });
  record.mailbox = mailbox;
  if (unrestorable !== undefined) throw new Error(unrestorable);
  const state: State = { record, number };
  record.state = state;
  return state;
}

const suspension = { save, restore };

/** The handler that all probes share, except those with a handler of their own. */
export const probe: WebSock<State, unknown, ProbeArg> = createProbe();

function post(record: ProbeRecord, info: unknown): void {
  if (typeof info === 'object') record.posted.add(info);
  record.events.push({ event: 'post', given: info });
  record.mailbox.post(info);
  record.events.push({ event: 'posted', given: info, waiting: record.mailbox.waiting });
}

function stop(record: ProbeRecord, close: unknown, call = (value?: any) => record.mailbox.stop(value)): void {
  record.events.push({ event: 'stop', given: close ?? null });
  if (close === undefined) call();
  else call(close);
  record.events.push({ event: 'stopped', waiting: record.mailbox.waiting });
}

function watchSignal({ mailbox, events }: ProbeRecord): void {
  const { signal } = mailbox;
  signal.addEventListener('abort', () => events.push({ event: 'abort', given: abortionOf(signal) }));
}

function abortionOf({ reason }: WebSock.Signal): Abortion {
  return { name: reason?.name, text: String(reason), cause: withErrorAsText(reason?.cause) };
}

function withErrorAsText(reason: WebSock.CloseReason): unknown {
  return reason?.type === 'error' ? { ...reason, error: String(reason.error) } : reason;
}

function errorOf({ throw: text, throwAbort }: Instruction, { mailbox }: ProbeRecord): unknown {
  if (!throwAbort) return new Error(text);
  const { reason } = mailbox.signal;
  return text === undefined ? reason : Object.assign(new Error(text), { cause: reason });
}

/** How a host performs a command. */
export type Perform = (command: Command) => unknown;

/** The handler of `/control`. It first sends the declaration in its arg. */
export const control: WebSock<Perform, never, { readonly cannot: Cannot; readonly perform: Perform }> = {
  init({ cannot, perform }) {
    return { type: 'push', messages: [{ opcode: 'text', data: JSON.stringify(cannot) }], state: perform };
  },
  handleIn(frame, perform) {
    const reply = (answer: unknown): WebSock.HandleResult<Perform> => {
      return { type: 'push', messages: [{ opcode: 'text', data: JSON.stringify(answer) }], state: perform };
    };
    const answer = perform(JSON.parse(String(frame.data)) as Command);
    return answer instanceof Promise ? answer.then(reply) : reply(answer);
  },
  handleInfo: (_info, state) => ({ type: 'ok', state }),
};

/** Performs a command, except `suspend`, which a host that suspends connections performs itself. */
export function obey(command: Command): unknown {
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
  if ('stop' in command) return stopFromOutside(command);
  if ('waiting' in command) return records.get(command.waiting)?.mailbox.waiting ?? null;
  if ('signal' in command) {
    const signal = records.get(command.signal)?.mailbox.signal;
    return signal?.aborted ? abortionOf(signal) : null;
  }
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

function stopFromOutside({ stop: id, close, detached }: Extract<Command, { stop: string }>): boolean {
  const record = records.get(id);
  if (!record) return false;
  const { stop: stopAlone } = record.mailbox;
  stop(record, close, detached && stopAlone);
  return true;
}

/** The handler, arg and options of an upgrade. */
export interface ProbeService {
  /** The handler: {@link probe}, {@link control}, or a new one. */
  readonly handler: WebSock.Any;
  /** The arg for its `init`. */
  readonly arg: unknown;
  /** The options of the connection. */
  readonly options: WebSock.ConnectionOptions;
  /** Of {@link probe}, on a server that suspends connections: {@link save} and {@link restore}. */
  readonly suspension?: { readonly save: typeof save; readonly restore: typeof restore };
}

/**
 * Returns the handler, arg and options for an upgrade request, or `undefined` for a request that does not come from the
 * kit, which the host refuses.
 *
 * @param url - the path and query of the request, or its whole URL. The path may have a prefix before `/probe` or
 * `/control`.
 * @param cannot - the capabilities that the server lacks, with the reason for each. Default: none.
 * @param perform - performs the commands of the kit. Default: {@link obey}, with which the server lacks `suspends`. A host
 * that suspends connections passes a function that performs `suspend`, and leaves the others to `obey`.
 */
export function route(url: string, cannot: Cannot = {}, perform: Perform = obey): ProbeService | undefined {
  const { pathname, searchParams } = new URL(url, 'ws://host');
  const json = (name: string) => JSON.parse(searchParams.get(name) ?? '{}');
  if (pathname.endsWith('/control')) {
    const declared = perform === obey ? { suspends: 'it suspends no connections', ...cannot } : cannot;
    return { handler: control, arg: { cannot: declared, perform }, options: { idleTimeout: Number.POSITIVE_INFINITY } };
  }
  if (!pathname.endsWith('/probe')) return undefined;
  const { idleTimeout, ...options } = json('options') as RouteOptions;
  const arg: ProbeArg = { id: searchParams.get('id') ?? '', on: json('on') };
  args.add(arg);
  return {
    ...(searchParams.has('handler') ? { handler: createProbe(json('handler')) } : { handler: probe, suspension }),
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

/** Replaces `hex` of a message with data of these bytes, and `long` with text of that length. */
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

/** The same result, whose messages and their data differ when they are read again. */
function changing(result: Result): Result {
  const again: WebSock.TextMessage = { opcode: 'text', data: 'read again' };
  const once = <Value>(first: Value, later: unknown) => {
    let reads = 0;
    return () => (reads++ === 0 ? first : (later as Value));
  };
  const list = (Array.isArray(result.messages) ? result.messages : [result.messages]) as WebSock.Message[];
  const messages = list.map(({ opcode, data }) =>
    Object.defineProperty({ opcode }, 'data', { get: once(data, 'read again'), enumerable: true }),
  );
  return Object.defineProperty({ ...result }, 'messages', { get: once(messages, [again]), enumerable: true });
}

function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}
