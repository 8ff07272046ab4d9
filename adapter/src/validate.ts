// What types cannot promise a server at run time: that a JavaScript user's handler, options and results are what the
// contract says. Every error names the thing and the remedy.

import type { WebSock } from '@websock/spec';

/** Throws a TypeError unless `handler` has every callback that the contract requires. */
export function checkHandler(handler: unknown): void {
  if (typeof handler === 'function') {
    const name = handler.name || 'it';
    throw new TypeError(`upgrade: the handler is a class or function; give an instance, such as "new ${name}()"`);
  }
  if (typeof handler !== 'object' || handler === null) {
    throw new TypeError(`upgrade: the handler is ${show(handler)}; give an object with init, handleIn and handleInfo`);
  }
  for (const name of ['init', 'handleIn', 'handleInfo', 'handleControl', 'terminate'] as const) {
    const callback = (handler as Record<string, unknown>)[name];
    const optional = name === 'handleControl' || name === 'terminate';
    if (typeof callback === 'function' || (optional && callback === undefined)) continue;
    const what = callback === undefined ? 'is missing' : `is ${show(callback)}`;
    throw new TypeError(`upgrade: the handler's ${name} ${what}; it must be a function`);
  }
}

/** The options with their defaults filled in. */
export interface CheckedOptions {
  readonly timeout: number;
  readonly compress: boolean;
  readonly maxFrameSize: number;
  readonly validateUtf8: boolean;
  readonly protocol: string | undefined;
}

const OPTION_NAMES = ['timeout', 'compress', 'maxFrameSize', 'validateUtf8', 'protocol'];
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/; // RFC 9110 §5.6.2, as RFC 6455 §4.1 requires of a subprotocol

/** Throws a TypeError for an option that is unknown or out of bounds; returns the options with their defaults. */
export function checkOptions(options: WebSock.ConnectionOptions = {}): CheckedOptions {
  const refuse = (name: string, value: unknown, must: string): never => {
    throw new TypeError(`upgrade: the option "${name}" is ${show(value)}; it must be ${must}`);
  };
  for (const name of Object.keys(options)) {
    if (!OPTION_NAMES.includes(name)) {
      throw new TypeError(`upgrade: there is no option "${name}"; the options are ${OPTION_NAMES.join(', ')}`);
    }
  }
  const { timeout = 60_000, compress = false, maxFrameSize = 10_000_000, validateUtf8 = true, protocol } = options;
  if (!(typeof timeout === 'number' && timeout > 0)) {
    refuse('timeout', timeout, 'a number of milliseconds above 0 (Infinity for never)');
  }
  if (!(typeof maxFrameSize === 'number' && maxFrameSize > 0)) {
    refuse('maxFrameSize', maxFrameSize, 'a number of bytes above 0');
  }
  if (typeof compress !== 'boolean') refuse('compress', compress, 'true or false');
  if (typeof validateUtf8 !== 'boolean') refuse('validateUtf8', validateUtf8, 'true or false');
  if (protocol !== undefined && !(typeof protocol === 'string' && TOKEN.test(protocol))) {
    refuse('protocol', protocol, "the name of a subprotocol: letters, digits and -._~!#$%&'*+^`|, no spaces");
  }
  return { timeout, compress, maxFrameSize, validateUtf8, protocol };
}

/** A result that has been checked, its messages as a list and its close reason cut to size. */
export interface CheckedResult<State> {
  readonly state: State;
  readonly messages: readonly WebSock.Message[];
  readonly stop: { readonly reason: WebSock.StopReason; readonly code: number; readonly text: string } | undefined;
}

const TYPES: readonly unknown[] = ['ok', 'push', 'reply', 'stop'];

// A result comes of every message, so its checks make no closures.

type Unchecked = { readonly [Name in keyof WebSock.HandleResult<unknown>]?: unknown };

/** Throws a TypeError, which names the callback and the rule, for what is not a result (rules 3.6 and 4.2). */
export function checkResult<State>(callback: string, value: unknown): CheckedResult<State> {
  if (typeof value !== 'object' || value === null) {
    fail(callback, `${show(value)}, which is no result; return an object with a type and a state (rule 3.6)`);
  }
  const result = value as Unchecked;
  const { type, messages } = result;
  if (!TYPES.includes(type)) {
    fail(callback, `a result of type ${show(type)}; the types are 'ok', 'push', 'reply' and 'stop' (rule 3.6)`);
  }
  if (!('state' in result)) {
    fail(callback, `'${type}' without a state; every result carries the next one (rule 3.6)`);
  }
  const stray = strayIn(result);
  if (stray) {
    const remedy = stray === 'messages' ? "return 'push' to send them" : 'leave it out, or return another type';
    fail(callback, `'${type}' with ${stray}, which would be ignored; ${remedy} (rule 3.6)`);
  }
  if (messages === undefined && (type === 'push' || type === 'reply')) {
    fail(callback, `'${type}' without messages; to send none, return 'ok' or an empty list (rule 3.6)`);
  }
  const list: readonly unknown[] = Array.isArray(messages) ? messages : messages === undefined ? [] : [messages];
  for (let index = 0; index < list.length; index++) {
    const wrong = whatIsWrongWith(list[index]);
    if (wrong) fail(callback, `'${type}' with a message (number ${index + 1}) ${wrong} (rule 3.6)`);
  }
  return {
    state: result.state as State,
    messages: list as readonly WebSock.Message[],
    stop: type === 'stop' ? checkStop(callback, result) : undefined,
  };
}

function fail(callback: string, what: string): never {
  throw new TypeError(`${callback} returned ${what}`);
}

/** A property that a result of this type does not carry. */
function strayIn({ type, messages, reason, close, status }: Unchecked): string | undefined {
  if (messages !== undefined && type === 'ok') return 'messages';
  if (reason !== undefined && type !== 'stop') return 'reason';
  if (close !== undefined && type !== 'stop') return 'close';
  if (status !== undefined && type !== 'reply') return 'status';
  return undefined;
}

function whatIsWrongWith(message: unknown): string | undefined {
  if (typeof message !== 'object' || message === null) return `that is ${show(message)}, not an object`;
  const { opcode, data } = message as { opcode?: unknown; data?: unknown };
  const isBytes = data instanceof ArrayBuffer || ArrayBuffer.isView(data);
  switch (opcode) {
    case 'text':
      return typeof data === 'string' ? undefined : `of opcode 'text' whose data is ${show(data)}, not a string`;
    case 'binary':
      return isBytes
        ? undefined
        : `of opcode 'binary' whose data is ${show(data)}, not an ArrayBuffer or a view of one`;
    case 'ping':
    case 'pong': {
      if (data === undefined) return undefined;
      if (!isBytes && typeof data !== 'string') return `of opcode '${opcode}' whose data is ${show(data)}, not bytes`;
      const length = typeof data === 'string' ? new TextEncoder().encode(data).byteLength : data.byteLength;
      return length <= 125 ? undefined : `of opcode '${opcode}' with ${length} bytes of data; 125 is the most`;
    }
    default:
      return `of opcode ${show(opcode)}; the opcodes are 'text', 'binary', 'ping' and 'pong'`;
  }
}

const CODES = { normal: 1000, restart: 1012, error: 1011 } as const;

function checkStop(callback: string, { reason, close }: Unchecked): NonNullable<CheckedResult<unknown>['stop']> {
  const isError = typeof reason === 'object' && reason !== null && 'error' in reason;
  if (!isError && reason !== 'normal' && reason !== 'restart') {
    return fail(
      callback,
      `'stop' with the reason ${show(reason)}; the reasons are 'normal', 'restart' and { error } (rule 4.3)`,
    );
  }
  if (close === undefined) return { reason, code: CODES[isError ? 'error' : reason], text: '' };
  if (typeof close !== 'object' || close === null) {
    return fail(callback, `'stop' with a close that is ${show(close)}; it must be { code, reason } (rule 4.2)`);
  }
  const { code, reason: text = '' } = close as { code?: unknown; reason?: unknown };
  if (!maySend(code)) {
    const may = '1000-1003, 1007-1009, 1011-1014 and 3000-4999';
    return fail(callback, `'stop' with the close code ${show(code)}; a server may send ${may} (rule 4.2)`);
  }
  if (typeof text !== 'string') {
    return fail(callback, `'stop' with the close reason ${show(text)}; it must be a string (rule 4.2)`);
  }
  return { reason, code, text: cut(text) };
}

/** Whether a message has more than `most` bytes. */
export function exceeds(data: string | Uint8Array, most: number): boolean {
  if (typeof data !== 'string') return data.byteLength > most;
  // A UTF-16 unit is at most 3 bytes of UTF-8, so most texts need not be encoded to know.
  return data.length > most || (data.length * 3 > most && new TextEncoder().encode(data).byteLength > most);
}

/** Whether a server may send this close code (rule 4.2; RFC 6455 §7.4 and the IANA registry). */
export function maySend(code: unknown): code is number {
  if (typeof code !== 'number' || !Number.isInteger(code)) return false;
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && ![1004, 1005, 1006, 1010].includes(code);
}

/** As much of a close reason as fits 123 bytes of UTF-8, cut at a character (RFC 6455 §5.5). */
export function cut(reason: string): string {
  return reason.slice(0, new TextEncoder().encodeInto(reason, new Uint8Array(123)).read);
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return 'a list';
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  return name && name !== 'Object' ? `an object of ${name}` : 'an object';
}
