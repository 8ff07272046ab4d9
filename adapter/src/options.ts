import type { WebSock } from '@websock/spec';
import { checkClose } from './connection/close.ts';
import { describe } from './describe.ts';

/** The options of a connection, checked, with their defaults. */
export interface CheckedOptions {
  /** `undefined` if the application gave none: the default depends on the platform (rule 4.6). */
  readonly idleTimeout: number | undefined;
  /** Whether to ping a silent client (rule 4.6). */
  readonly heartbeat: boolean;
  /** Whether to compress messages, if the client offers it (RFC 7692). */
  readonly compress: boolean;
  /** The largest message of the client, in bytes (rule 4.3). */
  readonly maxMessageSize: number;
  /** Whether to check that text is valid UTF-8 (rule 2.7). */
  readonly validateUtf8: boolean;
  /** The subprotocol to answer with, if the client offers it (rule 1.5). */
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

/** The bounds of a server's connections: what one client, or one handler, can cost the others. */
export interface Bounds {
  /**
   * After the end: how long a client may make no progress, in ms. It has this time to read a part of what is buffered for
   * it, and again to close. Then the socket is dropped (rule 4.5). Default: 8 000.
   */
  readonly closeTimeout?: number | undefined;
  /**
   * How long a client may read nothing, while data is buffered for it, in ms. Then the socket is dropped (rule 5.3). Do not
   * make it short: an operating system shows only every 1.5 MB or so that a slow client reads. Default: 60 000.
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
  return boundsIn(new OptionsReader(caller, bounds, BOUND_NAMES));
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
export function boundsIn(reader: OptionsReader): CheckedBounds {
  return {
    closeTimeout: reader.milliseconds('closeTimeout', 8_000, 1),
    stallTimeout: reader.milliseconds('stallTimeout', 60_000, 1),
    maxUnsentBytes: reader.count('maxUnsentBytes', 1_000_000, 'bytes'),
    maxHeldBytes: reader.count('maxHeldBytes', 16_000_000, 'bytes'),
    maxHeldMessages: reader.count('maxHeldMessages', 1_000, 'messages'),
    maxHeldInfos: reader.count('maxHeldInfos', 100_000, 'infos'),
  };
}

/** Throws a TypeError for an invalid option of a shutdown; returns them with their defaults. */
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
  if (spread === Number.POSITIVE_INFINITY) reader.refuse('spread', spread, 'a number of milliseconds that passes');
  const close = { type: 'shutdown', code, reason: text } as const;
  return { timeout: reader.milliseconds('timeout', 10_000, 0), spread, close };
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/; // RFC 9110 §5.6.2
const FIELD_VALUE = /^[\x20-\x7e\x80-\xff]*$/; // rule 1.5
const RESERVED = /^(connection|upgrade|content-length|transfer-encoding|sec-websocket-.*)$/i;

/** Reads options, each once, and refuses those that are unknown or invalid. */
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
    throw new TypeError(`${this.#caller}: the option "${name}" is ${describe(value)}; it must be ${must}`);
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
        throw new TypeError(`${this.#caller}: ${describe(name)} in the option "headers" is not the name of a header`);
      }
      if (RESERVED.test(name)) {
        const remedy = /protocol$/i.test(name) ? 'use the option "protocol"' : 'leave it out';
        throw new TypeError(`${this.#caller}: the header "${name}" belongs to the handshake; ${remedy} (rule 1.5)`);
      }
      for (const value of Array.isArray(values) ? [...values] : [values]) {
        if (typeof value === 'string' && FIELD_VALUE.test(value)) lines.push([name, value]);
        else {
          const must = 'it must be a string without control characters, none above U+00FF, or a list of them';
          throw new TypeError(`${this.#caller}: the header "${name}" is ${describe(value)}; ${must} (rule 1.5)`);
        }
      }
    }
    return lines;
  }
}

/** `idleTimeout` of a connection whose application gives none, in ms (rule 4.3). */
export const DEFAULT_IDLE_TIMEOUT = 60_000;
