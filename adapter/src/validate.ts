// What types cannot promise a server at run time: that a JavaScript user's handler, options and results are what the
// contract says. Every error names the thing and the remedy. Nothing is read twice: what was checked is what is used.

import type { WebSock } from '@websock/spec';

// ---- Handlers ----

/**
 * Throws a TypeError unless `handler` has every callback that the contract requires.
 *
 * @param caller - begins the message, such as `'upgrade'`
 */
export function checkHandler(handler: unknown, caller = 'upgrade'): asserts handler is WebSock.Any {
  if (typeof handler === 'function') {
    const name = handler.name || 'it';
    throw new TypeError(`${caller}: the handler is a class or function; pass an instance, such as "new ${name}()"`);
  }
  if (typeof handler !== 'object' || handler === null) {
    const remedy = 'pass an object with init, handleIn and handleInfo';
    throw new TypeError(`${caller}: the handler is ${show(handler)}; ${remedy}`);
  }
  for (const name of ['init', 'handleIn', 'handleInfo', 'handleControl', 'terminate'] as const) {
    const callback = (handler as Record<string, unknown>)[name];
    const optional = name === 'handleControl' || name === 'terminate';
    if (typeof callback === 'function' || (optional && callback === undefined)) continue;
    const what = callback === undefined ? 'is missing' : `is ${show(callback)}`;
    throw new TypeError(`${caller}: the handler's ${name} ${what}; it must be a function`);
  }
}

// ---- Options ----

/** The options of a connection, checked, with their defaults. */
export interface CheckedOptions {
  /** `undefined` if the application gave none: the default depends on the platform (rule 4.6). */
  readonly idleTimeout: number | undefined;
  readonly heartbeat: boolean;
  readonly compress: boolean;
  readonly maxMessageSize: number;
  readonly validateUtf8: boolean;
  readonly protocol: string | undefined;
  /** One pair for each header line of the 101 response. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

const DEFAULTS: CheckedOptions = {
  idleTimeout: undefined,
  heartbeat: true,
  compress: false,
  maxMessageSize: 10_000_000,
  validateUtf8: true,
  protocol: undefined,
  headers: [],
};
const OPTION_NAMES: readonly string[] = Object.keys(DEFAULTS);

/** Throws a TypeError for an option that is unknown or invalid; returns the options with their defaults. */
export function checkOptions(options?: WebSock.ConnectionOptions, caller = 'upgrade'): CheckedOptions {
  if (options === undefined) return DEFAULTS; // as in most upgrades, where reading them would be half of our cost
  const check = new OptionsCheck(caller, options, OPTION_NAMES);
  return {
    idleTimeout: check.milliseconds('idleTimeout', DEFAULTS.idleTimeout, 1),
    heartbeat: check.flag('heartbeat', DEFAULTS.heartbeat),
    compress: check.flag('compress', DEFAULTS.compress),
    maxMessageSize: check.count('maxMessageSize', DEFAULTS.maxMessageSize, 'bytes'),
    validateUtf8: check.flag('validateUtf8', DEFAULTS.validateUtf8),
    protocol: check.protocol(),
    headers: check.headers(),
  };
}

/** The bounds of a server's connections: what one client, or one handler, can cost the others. */
export interface Bounds {
  /**
   * How long the client's close frame, and the end of the socket, may take once all has been sent, in ms. Then the socket
   * is dropped (rule 4.5). Default: 5 000.
   */
  readonly closeTimeout?: number | undefined;
  /**
   * How long a client may read nothing at all, while data waits for it, in ms. Then the socket is dropped (rules 4.5 and
   * 5.3); one that reads slowly stays. Default: 8 000.
   */
  readonly stallTimeout?: number | undefined;
  /**
   * How many bytes may wait to be sent; with more, the next callback waits for the client to read (rule 5.3).
   * Default: 1 000 000.
   */
  readonly maxUnsentBytes?: number | undefined;
  /**
   * How many bytes of messages, as inflated, may wait for the handler, and one message more. Beyond it the connection
   * closes with 1013 (rule 5.1). Default: 16 000 000.
   */
  readonly maxHeldBytes?: number | undefined;
  /**
   * How many messages may wait for the handler where the platform cannot stop reading. Beyond it the connection closes
   * with 1013 (rule 5.1). Default: 1 000.
   */
  readonly maxHeldMessages?: number | undefined;
  /**
   * How many posted infos may wait while a client reads too little for the next callback. Beyond it the client is
   * dropped (rule 5.3). Default: 100 000.
   */
  readonly maxHeldInfos?: number | undefined;
}

/** The bounds with their defaults. */
export type CheckedBounds = { readonly [Name in keyof Bounds]-?: number };

/** Throws a TypeError for a bound that is unknown or invalid; returns the bounds with their defaults. */
export function checkBounds(bounds?: Bounds, caller = 'new Connections'): CheckedBounds {
  return boundsIn(new OptionsCheck(caller, bounds, BOUND_NAMES));
}

/** The names of all bounds. */
const BOUND_NAMES: readonly (keyof Bounds)[] = [
  'closeTimeout',
  'stallTimeout',
  'maxUnsentBytes',
  'maxHeldBytes',
  'maxHeldMessages',
  'maxHeldInfos',
];

/** The options of a server, beside those of its platform. */
export const SERVER_OPTION_NAMES: readonly string[] = ['onError', 'routeTimeout', ...BOUND_NAMES];

/** The bounds among other options. */
export function boundsIn(check: OptionsCheck): CheckedBounds {
  return {
    closeTimeout: check.milliseconds('closeTimeout', 5_000, 1),
    stallTimeout: check.milliseconds('stallTimeout', 8_000, 1),
    maxUnsentBytes: check.count('maxUnsentBytes', 1_000_000, 'bytes'),
    maxHeldBytes: check.count('maxHeldBytes', 16_000_000, 'bytes'),
    maxHeldMessages: check.count('maxHeldMessages', 1_000, 'messages'),
    maxHeldInfos: check.count('maxHeldInfos', 100_000, 'infos'),
  };
}

/** Throws a TypeError for an invalid option of a shutdown; returns them with their defaults. */
export function checkShutdown(options?: object): { readonly timeout: number; readonly spread: number } {
  const check = new OptionsCheck('shutdown', options, ['timeout', 'spread']);
  const spread = check.milliseconds('spread', 0, 0);
  if (spread === Number.POSITIVE_INFINITY) check.refuse('spread', spread, 'a number of milliseconds that passes');
  return { timeout: check.milliseconds('timeout', 10_000, 0), spread };
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/; // RFC 9110 §5.6.2
const FIELD_VALUE = /^[\x20-\x7e\x80-\xff]*$/; // rule 1.5
const RESERVED = /^(connection|upgrade|content-length|transfer-encoding|sec-websocket-.*)$/i;

/** Reads options, each once, and refuses those that are unknown or invalid. */
export class OptionsCheck {
  readonly #caller: string;
  readonly #options: { readonly [name: string]: unknown };

  constructor(caller: string, options: object | undefined, names: readonly string[]) {
    this.#caller = caller;
    if (options !== undefined && (typeof options !== 'object' || options === null || Array.isArray(options))) {
      throw new TypeError(`${caller}: the options are ${show(options)}; pass an object`);
    }
    this.#options = { ...options };
    for (const name of Object.keys(this.#options)) {
      if (names.includes(name)) continue;
      let what = `"${name}"; the options are ${names.join(', ')}`;
      if (OPTION_NAMES.includes(name)) {
        what = `"${name}" here; it belongs to one connection: accept(handler, arg, { ${name} }), or upgrade`;
      } else if (SERVER_OPTION_NAMES.includes(name)) {
        what = `"${name}" here; it belongs to all connections: serve, attach, createFetch or createAdapter`;
      }
      throw new TypeError(`${caller}: there is no option ${what}`);
    }
  }

  /** The value, if it is `undefined` or passes the test; an error otherwise. */
  option<Value>(name: string, passes: (value: any) => value is Value, must: string): Value | undefined {
    const value = this.#options[name];
    if (value === undefined || passes(value)) return value;
    return this.refuse(name, value, must);
  }

  refuse(name: string, value: unknown, must: string): never {
    throw new TypeError(`${this.#caller}: the option "${name}" is ${show(value)}; it must be ${must}`);
  }

  flag(name: string, byDefault: boolean): boolean {
    return this.option(name, (value) => typeof value === 'boolean', 'true or false') ?? byDefault;
  }

  milliseconds<Default extends number | undefined>(name: string, byDefault: Default, least: number): number | Default {
    const passes = (value: unknown) => typeof value === 'number' && value >= least;
    const must = `a number of milliseconds, at least ${least} (Infinity for never)`;
    return this.option(name, passes as (value: unknown) => value is number, must) ?? byDefault;
  }

  count(name: string, byDefault: number, unit: string): number {
    const passes = (value: unknown) =>
      typeof value === 'number' && value >= 1 && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY);
    const must = `a whole number of ${unit}, at least 1`;
    return this.option(name, passes as (value: unknown) => value is number, must) ?? byDefault;
  }

  protocol(): string | undefined {
    const passes = (value: unknown): value is string => typeof value === 'string' && TOKEN.test(value);
    return this.option('protocol', passes, "the name of a subprotocol: letters, digits and -._~!#$%&'*+^`|, no spaces");
  }

  headers(): (readonly [string, string])[] {
    const isObject = (value: unknown): value is object =>
      typeof value === 'object' && value !== null && !Array.isArray(value) && !('append' in value);
    const headers = this.option('headers', isObject, "an object, such as { 'Set-Cookie': 'a=1' }");
    const lines: (readonly [string, string])[] = [];
    for (const [name, values] of Object.entries(headers ?? {})) {
      if (!TOKEN.test(name)) {
        throw new TypeError(`${this.#caller}: ${show(name)} in the option "headers" is not the name of a header`);
      }
      if (RESERVED.test(name)) {
        const remedy = /protocol$/i.test(name) ? 'use the option "protocol"' : 'leave it out';
        throw new TypeError(`${this.#caller}: the header "${name}" belongs to the handshake; ${remedy} (rule 1.5)`);
      }
      for (const value of Array.isArray(values) ? [...values] : [values]) {
        if (typeof value === 'string' && FIELD_VALUE.test(value)) lines.push([name, value]);
        else {
          const must = 'it must be a string without control characters, none above U+00FF, or a list of them';
          throw new TypeError(`${this.#caller}: the header "${name}" is ${show(value)}; ${must} (rule 1.5)`);
        }
      }
    }
    return lines;
  }
}

// ---- Results ----

/** A result that has been checked, its parts copied, its close reason cut to size. */
export interface CheckedResult<State> {
  readonly state: State;
  readonly messages: readonly WebSock.Message[];
  /** What `terminate` receives, with the close frame to send, if the result is a stop. */
  readonly stop: WebSock.CloseReason | undefined;
}

const NO_MESSAGES: readonly WebSock.Message[] = [];

type Unchecked = { readonly [Name in keyof WebSock.HandleResult<unknown>]?: unknown } & {
  readonly code?: unknown;
  readonly error?: unknown;
};

// One comes with every message, so the checks make no closures.

/** Throws a TypeError, which names the callback and the rule, for an invalid result (rules 3.6 and 4.2). */
export function checkResult<State>(callback: string, value: unknown): CheckedResult<State> {
  if (typeof value !== 'object' || value === null) {
    fail(callback, `${show(value)}, which is not a result; return an object with a type and a state (rule 3.6)`);
  }
  if (!('state' in value)) {
    const { type } = value as Unchecked;
    fail(callback, `${isType(type) ? `'${type}'` : show(value)} without a state; every result has one (rule 3.6)`);
  }
  // Each property is read once, so that what is checked is what is used, even of getters.
  const { type, state, messages, reason, close, status, code, error } = value as Unchecked;
  if (!isType(type)) {
    fail(callback, `a result of type ${show(type)}; the types are 'ok', 'push', 'reply' and 'stop' (rule 3.6)`);
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

function fail(callback: string, what: string): never {
  throw new TypeError(`${callback} returned ${what}`);
}

function strayProperty(callback: string, type: ResultType, property: string, remedy: string): never {
  fail(callback, `'${type}' with ${property}, which would be ignored; ${remedy} (rule 3.6)`);
}

/** The messages as a list of copies; by position, as a list's iterator need not agree with it. */
function checkMessages(callback: string, type: ResultType, messages: unknown): readonly WebSock.Message[] {
  if (!Array.isArray(messages)) return [checkMessage(callback, type, messages, 0)];
  const { length } = messages;
  const checked: WebSock.Message[] = [];
  for (let index = 0; index < length; index++) checked.push(checkMessage(callback, type, messages[index], index));
  return checked;
}

function checkMessage(callback: string, type: ResultType, message: unknown, index: number): WebSock.Message {
  if (typeof message !== 'object' || message === null) {
    return badMessage(callback, type, index, `that is ${show(message)}, not an object`);
  }
  const { opcode, data } = message as { opcode?: unknown; data?: unknown };
  switch (opcode) {
    case 'text':
      if (typeof data === 'string') return { opcode, data };
      return badMessage(callback, type, index, `of opcode 'text' whose data is ${show(data)}, not a string`);
    case 'binary': {
      if (isBytes(data)) return { opcode, data };
      const what = `of opcode 'binary' whose data is ${show(data)}, not an ArrayBuffer or a view of one`;
      return badMessage(callback, type, index, what);
    }
    case 'ping':
    case 'pong': {
      if (data === undefined) return { opcode };
      if (typeof data !== 'string' && !isBytes(data)) {
        return badMessage(callback, type, index, `of opcode '${opcode}' whose data is ${show(data)}, not bytes`);
      }
      const length = typeof data === 'string' ? new TextEncoder().encode(data).byteLength : data.byteLength;
      if (length <= 125) return { opcode, data };
      const what = `of opcode '${opcode}' with ${length} bytes of data; at most 125 are allowed`;
      return badMessage(callback, type, index, what);
    }
    default: {
      const what = `of opcode ${show(opcode)}; the opcodes are 'text', 'binary', 'ping' and 'pong'`;
      return badMessage(callback, type, index, what);
    }
  }
}

function badMessage(callback: string, type: ResultType, index: number, what: string): never {
  return fail(callback, `'${type}' with a message (number ${index + 1}) ${what} (rule 3.6)`);
}

/** `idleTimeout` of a connection whose application gives none, in ms (rule 4.3). */
export const DEFAULT_IDLE_TIMEOUT = 60_000;

/** The longest delay of a timer, in ms. */
export const LONGEST_DELAY: number = 2 ** 31 - 1;

/** Whether a value is a promise, of any kind. Throws if its `then` cannot be read. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const mayBe = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return mayBe && typeof (value as { then?: unknown }).then === 'function';
}

// Throws for all but a real ArrayBuffer, also one of another realm, such as that of a test runner.
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

/** Of a stop: what `terminate` receives, with the code and reason to send (rule 4.3). */
function checkStop(callback: string, reason: unknown, close: unknown): WebSock.CloseReason {
  const isError = typeof reason === 'object' && reason !== null && 'error' in reason;
  if (!isError && reason !== undefined && reason !== 'normal' && reason !== 'restart') {
    const may = "'normal', 'restart' and { error }";
    return fail(callback, `'stop' with the reason ${show(reason)}; the reasons are ${may} (rule 4.3)`);
  }
  const byReason = isError ? 1011 : reason === 'restart' ? 1012 : 1000;
  const { code, text } = close === undefined ? { code: byReason, text: '' } : checkClose(callback, close);
  return isError
    ? { type: 'error', error: (reason as { error: unknown }).error, code, reason: text }
    : { type: 'normal', code, reason: text };
}

function checkClose(callback: string, close: unknown): { code: number; text: string } {
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
  return { code, text: cut(text) };
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

/** A value, as an error message names it; never fails, whatever code the value runs. */
export function show(value: unknown): string {
  try {
    if (typeof value === 'string') return quote(value.length > 40 ? `${value.slice(0, 40)}…` : value);
    if (typeof value === 'function') return 'a function';
    if (typeof value !== 'object' || value === null) return String(value);
    if (Array.isArray(value)) return 'a list';
    const name = Object.getPrototypeOf(value)?.constructor?.name;
    return typeof name === 'string' && name !== '' && name !== 'Object' ? `an object of ${name}` : 'an object';
  } catch {
    return 'an object that cannot be inspected';
  }
}

/** In quotes, and on one line: a value must not look like another line of a log. */
function quote(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"')}'`;
}
