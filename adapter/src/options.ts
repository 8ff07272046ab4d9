import type { WebSock } from '@websock/spec';
import { checkClose } from './connection/close.ts';
import { describe } from './describe.ts';

/** The options of a connection, checked and with their defaults. */
export interface CheckedOptions {
  /** In ms; `undefined` if the application has not set it, as the default depends on the platform (rule 4.6). */
  readonly idleTimeout: number | undefined;
  /** Whether to ping a silent client (rule 4.6). */
  readonly heartbeat: boolean;
  /** Whether to compress messages, if the client offers it (RFC 7692). */
  readonly compress: boolean;
  /** The largest message that the client may send, in bytes (rule 4.3). */
  readonly maxMessageSize: number;
  /** Whether to check that text is valid UTF-8 (rule 2.7). */
  readonly validateUtf8: boolean;
  /** The subprotocol to answer with, if the client offers it (rule 1.5). */
  readonly protocol: string | undefined;
  /** Further header lines of the 101 response. */
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
  if (options === undefined) return DEFAULTS; // the usual case: reading options would be half the cost of an upgrade
  const reader = new OptionsReader(caller, options, OPTION_NAMES);
  return {
    idleTimeout: reader.milliseconds('idleTimeout', DEFAULTS.idleTimeout, 1),
    heartbeat: reader.flag('heartbeat', DEFAULTS.heartbeat),
    compress: reader.flag('compress', DEFAULTS.compress),
    maxMessageSize: reader.count('maxMessageSize', DEFAULTS.maxMessageSize, 'bytes'),
    validateUtf8: reader.flag('validateUtf8', DEFAULTS.validateUtf8),
    protocol: reader.protocol(),
    headers: reader.headers(),
  };
}

/**
 * The limits of every connection of a server: they limit what one client, or one handler, can cost the others. `Infinity`
 * means no limit.
 */
export interface Bounds {
  /**
   * The time limit for the client after the end of its connection, in ms. While data is buffered for it, it must read some
   * of that data within this time; then it must close within this time. Otherwise the socket is dropped (rule 4.5).
   * Default: 8 000.
   */
  readonly closeTimeout?: number | undefined;
  /**
   * The time limit for the client to read some of the data that is buffered for it, in ms. Otherwise the socket is dropped
   * (rule 5.3). A short limit also drops slow clients: the operating system shows their progress only after every 1.5 MB
   * or so. Default: 60 000.
   */
  readonly stallTimeout?: number | undefined;
  /**
   * The maximum number of bytes buffered for sending. While there are more, no callback is called (rule 5.3).
   * Default: 1 000 000.
   */
  readonly maxUnsentBytes?: number | undefined;
  /**
   * The maximum size of the messages that are queued for the handler, in bytes after inflation; the last one may exceed it.
   * Another one closes the connection with 1013 (rule 5.1). Default: 16 000 000.
   */
  readonly maxHeldBytes?: number | undefined;
  /**
   * The maximum number of messages that are queued for the handler, on platforms that cannot stop reading. Another one
   * closes the connection with 1013 (rule 5.1). Default: 1 000.
   */
  readonly maxHeldMessages?: number | undefined;
  /**
   * The maximum number of posted messages that are queued while more than `maxUnsentBytes` are buffered for the client.
   * Another one drops the client (rule 5.3). Default: 100 000.
   */
  readonly maxHeldInfos?: number | undefined;
}

/** The limits with their defaults. */
export type CheckedBounds = { readonly [Name in keyof Bounds]-?: number };

/** Throws a TypeError for a limit that is unknown or invalid; returns the limits with their defaults. */
export function checkBounds(bounds?: Bounds, caller = 'new Connections'): CheckedBounds {
  return readBounds(new OptionsReader(caller, bounds, BOUND_NAMES));
}

const BOUND_NAMES: readonly (keyof Bounds)[] = [
  'closeTimeout',
  'stallTimeout',
  'maxUnsentBytes',
  'maxHeldBytes',
  'maxHeldMessages',
  'maxHeldInfos',
];

/** The names of the options that the servers of all platforms share. */
export const SERVER_OPTION_NAMES: readonly string[] = ['onError', 'observer', 'routeTimeout', ...BOUND_NAMES];

/** Reads the limits among other options. */
export function readBounds(reader: OptionsReader): CheckedBounds {
  return {
    closeTimeout: reader.milliseconds('closeTimeout', 8_000, 1),
    stallTimeout: reader.milliseconds('stallTimeout', 60_000, 1),
    maxUnsentBytes: reader.count('maxUnsentBytes', 1_000_000, 'bytes'),
    maxHeldBytes: reader.count('maxHeldBytes', 16_000_000, 'bytes'),
    maxHeldMessages: reader.count('maxHeldMessages', 1_000, 'messages'),
    maxHeldInfos: reader.count('maxHeldInfos', 100_000, 'posted messages'),
  };
}

/** Throws a TypeError for an option of `shutdown` that is unknown or invalid; returns the options with their defaults. */
export function checkShutdown(options?: object): {
  readonly timeout: number;
  readonly spread: number;
  readonly close: WebSock.CloseReason;
} {
  const reader = new OptionsReader('shutdown', options, ['timeout', 'spread', 'close']);
  const isGiven = (value: unknown): value is object => value !== undefined;
  const given = reader.option('close', isGiven, '{ code, reason }');
  const { code, text } = given ? checkClose('shutdown: the option "close" has', given) : { code: 1001, text: '' };
  const spread = reader.milliseconds('spread', 0, 0);
  if (spread === Number.POSITIVE_INFINITY) reader.refuse('spread', spread, 'a finite number of milliseconds');
  const close = { type: 'shutdown', code, reason: text } as const;
  return { timeout: reader.milliseconds('timeout', 10_000, 0), spread, close };
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/; // RFC 9110 §5.6.2
const FIELD_VALUE = /^[\x20-\x7e\x80-\xff]*$/; // rule 1.5
const RESERVED = /^(connection|upgrade|content-length|transfer-encoding|sec-websocket-.*)$/i;

/** Reads options, each property once. Throws a TypeError for an option that is unknown or invalid. */
export class OptionsReader {
  readonly #caller: string;
  readonly #options: { readonly [name: string]: unknown };

  constructor(caller: string, options: object | undefined, names: readonly string[]) {
    this.#caller = caller;
    if (options !== undefined && (typeof options !== 'object' || options === null || Array.isArray(options))) {
      throw new TypeError(`${caller}: the options are ${describe(options)}; pass an object`);
    }
    this.#options = { ...options };
    for (const name of Object.keys(this.#options)) {
      if (names.includes(name)) continue;
      let problem = `there is no option "${name}"; the options are ${names.join(', ')}`;
      if (OPTION_NAMES.includes(name)) {
        problem = `there is no option "${name}" here; pass it for each connection, to accept(handler, arg, { ${name} })`;
      } else if (SERVER_OPTION_NAMES.includes(name)) {
        const functions = 'serve, attach, createFetch, toHooks or createAdapter';
        problem = `there is no option "${name}" here; pass it for all connections, to ${functions}`;
      }
      throw new TypeError(`${caller}: ${problem}`);
    }
  }

  /**
   * The value of an option, which may be `undefined`. Throws if it is invalid.
   *
   * @param expected - the valid values, in words: completes "it must be …"
   */
  option<Value>(name: string, isValid: (value: any) => value is Value, expected: string): Value | undefined {
    const value = this.#options[name];
    if (value === undefined || isValid(value)) return value;
    return this.refuse(name, value, expected);
  }

  /** The value of an option that has no default. */
  required<Value>(name: string, isValid: (value: any) => value is Value, expected: string): Value {
    return this.option(name, isValid, expected) ?? this.refuse(name, undefined, expected);
  }

  refuse(name: string, value: unknown, expected: string): never {
    throw new TypeError(`${this.#caller}: the option "${name}" is ${describe(value)}; it must be ${expected}`);
  }

  flag(name: string, byDefault: boolean): boolean {
    return this.option(name, (value) => typeof value === 'boolean', 'true or false') ?? byDefault;
  }

  milliseconds<Default extends number | undefined>(name: string, byDefault: Default, min: number): number | Default {
    const isValid = (value: unknown) => typeof value === 'number' && value >= min;
    const expected = `a number of milliseconds, at least ${min} (Infinity for never)`;
    return this.option(name, isValid as (value: unknown) => value is number, expected) ?? byDefault;
  }

  count(name: string, byDefault: number, unit: string): number {
    const isValid = (value: unknown) =>
      typeof value === 'number' && value >= 1 && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY);
    const expected = `a whole number of ${unit}, at least 1`;
    return this.option(name, isValid as (value: unknown) => value is number, expected) ?? byDefault;
  }

  protocol(): string | undefined {
    const isValid = (value: unknown): value is string => typeof value === 'string' && TOKEN.test(value);
    return this.option(
      'protocol',
      isValid,
      "the name of a subprotocol: letters, digits and -._~!#$%&'*+^`|, no spaces",
    );
  }

  headers(): (readonly [string, string])[] {
    const isObject = (value: unknown): value is object =>
      typeof value === 'object' && value !== null && !Array.isArray(value) && !('append' in value);
    const headers = this.option('headers', isObject, "an object, such as { 'Set-Cookie': 'a=1' }");
    const lines: (readonly [string, string])[] = [];
    for (const [name, values] of Object.entries(headers ?? {})) {
      if (!TOKEN.test(name)) {
        throw new TypeError(`${this.#caller}: ${describe(name)} in the option "headers" is not a valid header name`);
      }
      if (RESERVED.test(name)) {
        const remedy = /protocol$/i.test(name) ? 'use the option "protocol"' : 'leave it out';
        throw new TypeError(
          `${this.#caller}: the header "${name}" is reserved for the handshake; ${remedy} (rule 1.5)`,
        );
      }
      for (const value of Array.isArray(values) ? [...values] : [values]) {
        if (typeof value === 'string' && FIELD_VALUE.test(value)) lines.push([name, value]);
        else {
          const expected = 'a string, or a list of strings, without control characters or characters above U+00FF';
          const problem = `the header "${name}" is ${describe(value)}; it must be ${expected} (rule 1.5)`;
          throw new TypeError(`${this.#caller}: ${problem}`);
        }
      }
    }
    return lines;
  }
}

/** The `idleTimeout` if the application has not set it, in ms (rule 4.3). */
export const DEFAULT_IDLE_TIMEOUT = 60_000;
