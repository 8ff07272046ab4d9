import type { WebSock } from '@websock/spec';
import { describe } from '../describe.ts';
import type { EndRule } from '../observer.ts';
import { checkClose } from './close.ts';

/** A copy of a valid result, with the close reason truncated. */
export interface CheckedResult<State> {
  readonly state: State;
  readonly messages: readonly WebSock.Message[];
  readonly stop: Stop | undefined;
}

/** A stop. */
interface Stop {
  /** For `terminate`, with the code and the reason of the close frame. */
  readonly reason: WebSock.CloseReason;
  /** The row of the table in rule 4.3. */
  readonly rule: EndRule;
}

const NO_MESSAGES: readonly WebSock.Message[] = [];

type Unchecked = { readonly [Name in keyof WebSock.HandleResult<unknown>]?: unknown } & {
  readonly code?: unknown;
  readonly error?: unknown;
};

// Runs for each message, so the checks create no closures.

/** Checks a result. Throws a TypeError, which names the callback and the rule, if it is invalid (rules 3.6 and 4.2). */
export function checkResult<State>(callback: string, value: unknown): CheckedResult<State> {
  if (typeof value !== 'object' || value === null) {
    fail(callback, `${describe(value)}, which is not a result; return an object with a type and a state (rule 3.6)`);
  }
  if (!('state' in value)) {
    const { type } = value as Unchecked;
    fail(callback, `${isType(type) ? `'${type}'` : describe(value)} without a state; every result has one (rule 3.6)`);
  }
  // Each property is read once, as a getter may return another value the next time.
  const { type, state, messages, reason, close, status, code, error } = value as Unchecked;
  if (!isType(type)) {
    fail(callback, `a result of type ${describe(type)}; the types are 'ok', 'push', 'reply' and 'stop' (rule 3.6)`);
  }
  if (type === 'stop') {
    if (status !== undefined) strayProperty(callback, type, 'status', 'leave it out');
    if (code !== undefined) strayProperty(callback, type, 'code', 'write it as close: { code }');
    if (error !== undefined) strayProperty(callback, type, 'error', 'write it as reason: { error }');
    return {
      state: state as State,
      messages: messages === undefined ? NO_MESSAGES : checkMessages(callback, type, messages),
      stop: checkStop(callback, reason, close),
    };
  }
  if (reason !== undefined) strayProperty(callback, type, 'reason', "return 'stop' to close the connection");
  if (close !== undefined) strayProperty(callback, type, 'close', "return 'stop' to close the connection");
  if (status !== undefined && type !== 'reply')
    strayProperty(callback, type, 'status', "leave it out, or return 'reply'");
  if (type === 'ok') {
    if (messages !== undefined) strayProperty(callback, type, 'messages', "return 'push' to send them");
    return { state: state as State, messages: NO_MESSAGES, stop: undefined };
  }
  if (messages === undefined) {
    fail(callback, `'${type}' without messages; to send none, return 'ok' or an empty list (rule 3.6)`);
  }
  return { state: state as State, messages: checkMessages(callback, type, messages), stop: undefined };
}

type ResultType = WebSock.HandleResult<unknown>['type'];

function isType(type: unknown): type is ResultType {
  return type === 'ok' || type === 'push' || type === 'reply' || type === 'stop';
}

function fail(callback: string, problem: string): never {
  throw new TypeError(`${callback} returned ${problem}`);
}

function strayProperty(callback: string, type: ResultType, property: string, remedy: string): never {
  fail(callback, `'${type}' with ${property}, which would be ignored; ${remedy} (rule 3.6)`);
}

/** Copies the messages. Reads an array by index, as its iterator may return other values. */
function checkMessages(callback: string, type: ResultType, messages: unknown): readonly WebSock.Message[] {
  if (!Array.isArray(messages)) return [checkMessage(callback, type, messages, 0)];
  const { length } = messages;
  const checked: WebSock.Message[] = [];
  for (let index = 0; index < length; index++) checked.push(checkMessage(callback, type, messages[index], index));
  return checked;
}

function checkMessage(callback: string, type: ResultType, message: unknown, index: number): WebSock.Message {
  if (typeof message !== 'object' || message === null) {
    return badMessage(callback, type, index, `that is ${describe(message)}, not an object`);
  }
  const { opcode, data } = message as { opcode?: unknown; data?: unknown };
  switch (opcode) {
    case 'text':
      if (typeof data === 'string') return { opcode, data };
      return badMessage(callback, type, index, `of opcode 'text' whose data is ${describe(data)}, not a string`);
    case 'binary': {
      if (isBytes(data)) {
        if (isDetached(data)) return badMessage(callback, type, index, detached(opcode));
        return { opcode, data };
      }
      const problem = `of opcode 'binary' whose data is ${describe(data)}, not an ArrayBuffer or a view of one`;
      return badMessage(callback, type, index, problem);
    }
    case 'ping':
    case 'pong': {
      if (data === undefined) return { opcode };
      if (typeof data !== 'string' && !isBytes(data)) {
        return badMessage(callback, type, index, `of opcode '${opcode}' whose data is ${describe(data)}, not bytes`);
      }
      if (typeof data !== 'string' && isDetached(data)) return badMessage(callback, type, index, detached(opcode));
      const length = typeof data === 'string' ? new TextEncoder().encode(data).byteLength : data.byteLength;
      if (length <= 125) return { opcode, data };
      const problem = `of opcode '${opcode}' with ${length} bytes of data; at most 125 are allowed`;
      return badMessage(callback, type, index, problem);
    }
    default: {
      const problem = `of opcode ${describe(opcode)}; the opcodes are 'text', 'binary', 'ping' and 'pong'`;
      return badMessage(callback, type, index, problem);
    }
  }
}

function detached(opcode: string): string {
  return `of opcode '${opcode}' whose bytes are detached; send a copy, or do not transfer them`;
}

function badMessage(callback: string, type: ResultType, index: number, problem: string): never {
  return fail(callback, `'${type}' with a message (number ${index + 1}) ${problem} (rule 3.6)`);
}

/** Checks the reason and the close of a stop (rule 4.3). */
function checkStop(callback: string, reason: unknown, close: unknown): Stop {
  const isError = typeof reason === 'object' && reason !== null && 'error' in reason;
  if (!isError && reason !== undefined && reason !== 'normal' && reason !== 'restart') {
    const allowed = "'normal', 'restart' and { error }";
    return fail(callback, `'stop' with the reason ${describe(reason)}; the reasons are ${allowed} (rule 4.3)`);
  }
  const defaultCode = isError ? 1011 : reason === 'restart' ? 1012 : 1000;
  const { code, text } =
    close === undefined ? { code: defaultCode, text: '' } : checkClose(`${callback} returned 'stop' with`, close);
  if (isError) {
    const { error } = reason as { error: unknown };
    return { reason: { type: 'error', error, code, reason: text }, rule: '4.3c' };
  }
  return { reason: { type: 'normal', code, reason: text }, rule: reason === 'restart' ? '4.3b' : '4.3a' };
}

// Throws unless `this` is an ArrayBuffer, which may be of another realm, such as a test runner's.
const byteLengthOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')?.get as () => number;

function isBytes(data: unknown): data is ArrayBuffer | ArrayBufferView {
  if (ArrayBuffer.isView(data)) return true;
  try {
    byteLengthOf.call(data);
    return true;
  } catch {
    return false;
  }
}

/** Whether bytes are no longer readable: they have been transferred, or their buffer has shrunk. */
function isDetached(data: ArrayBuffer | ArrayBufferView): boolean {
  try {
    if (data.byteLength > 0) return false; // throws for a DataView whose bytes are detached
    if (!ArrayBuffer.isView(data)) new Uint8Array(data);
    else if ('at' in data) (data as Uint8Array).at(0);
    return false;
  } catch {
    return true;
  }
}

/** Whether a value is a promise, of any kind. Throws if its `then` cannot be read. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject && typeof (value as { then?: unknown }).then === 'function';
}
