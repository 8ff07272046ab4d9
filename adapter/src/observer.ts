// What an adapter shows of its connections: to an observer, for metrics, traces and logs, and to `onError`.

import type { WebSock } from '@websock/spec';
import { describe } from './describe.ts';
import type { FailedCallback } from './report.ts';

/** A connection, as `observer` and `onError` receive it: the same object each time, so that it can be a key of a `Map`. */
export interface ConnectionInfo {
  /** A UUID. */
  readonly id: string;
  /** The argument of the handler's `init`. */
  readonly arg: unknown;
  /** The subprotocol of the handshake; `undefined` if there is none (rule 1.5). */
  readonly protocol: string | undefined;
  /** The time of the handshake, in milliseconds since 1970, as of `Date.now()`. */
  readonly openedAt: number;
}

/** A connection whose handshake has just been completed. */
export type NewConnection = Pick<ConnectionInfo, 'arg' | 'protocol'> & { readonly id: string | undefined };

/** A request for a WebSocket that was refused. */
export interface Refusal {
  /** The status of the response, such as 401 (of the route), 404, 426 (rule 1.5) or 503 (rule 1.6). */
  readonly status: number;
  /** The path and query of the request. The query may contain secrets. */
  readonly url: string;
}

/** A callback that has settled. */
export interface HandledCallback {
  /** The name of the callback. */
  readonly callback: 'init' | 'handleIn' | 'handleControl' | 'handleInfo' | 'terminate';
  /** The time from its call until it returned or, if it returned a promise, until that settled, in milliseconds. */
  readonly ms: number;
  /** The number of posted messages that are queued, as `mailbox.waiting` (rule 6.7). */
  readonly waiting: number;
}

/** The messages of one opcode, in one direction. */
export interface Count {
  /** Their number. */
  readonly count: number;
  /** The size of their data in bytes, uncompressed. */
  readonly bytes: number;
}

/** The messages of a connection in one direction, by opcode. */
export type Traffic = { readonly [Opcode in WebSock.Message['opcode']]: Count };

/** The row of the table in rule 4.3 that says why a connection ended, such as `4.3e`: the client's close frame. */
export type EndRule =
  `4.3${'a' | 'b' | 'c' | 'd' | 'e' | 'f' | 'g' | 'h' | 'i' | 'j' | 'k' | 'l' | 'm' | 'n' | 'o' | 'p' | 'q'}`;

/** A connection that is over: its socket has closed, and its handler has finished. */
export interface ClosedConnection {
  /** What `terminate` received. */
  readonly reason: WebSock.CloseReason;
  /** The row of the table in rule 4.3 that says why the connection ended. */
  readonly rule: EndRule;
  /** The time since the handshake, in milliseconds. */
  readonly ms: number;
  /** What the client sent until the end. Control frames are missing where the platform hides them. */
  readonly received: Traffic;
  /** What the handler sent. Pings and pongs that the server sends by itself are not counted. */
  readonly sent: Traffic;
}

/**
 * Receives what happens to the connections of an adapter, for metrics, traces and logs. Every function is optional, and is
 * called synchronously. What it throws is reported to `onError`, and affects no connection.
 */
export interface Observer {
  /** A request for a WebSocket was refused; not one that the route left to others. */
  readonly refused?: ((refusal: Refusal) => unknown) | undefined;
  /** The handshake is complete; `init` is called next. */
  readonly opened?: ((connection: ConnectionInfo) => unknown) | undefined;
  /** A callback has settled; its result has not been applied yet. */
  readonly handled?: ((connection: ConnectionInfo, handled: HandledCallback) => unknown) | undefined;
  /** A connection is over. Called once for each that was opened. */
  readonly closed?: ((connection: ConnectionInfo, closed: ClosedConnection) => unknown) | undefined;
}

const FUNCTIONS: readonly (keyof Observer)[] = ['refused', 'opened', 'handled', 'closed'];

/** Throws a TypeError unless the value is an observer with at least one function. */
export function checkObserver(caller: string, value: unknown): value is Observer {
  const names = `${FUNCTIONS.slice(0, -1).join(', ')} and ${FUNCTIONS.at(-1)}`;
  const remedy = `it must be an object with one or more of the functions ${names}`;
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`${caller}: the option "observer" is ${describe(value)}; ${remedy}`);
  }
  const observer = value as { readonly [name: string]: unknown };
  const given = FUNCTIONS.filter((name) => observer[name] !== undefined);
  for (const name of given) {
    if (typeof observer[name] === 'function') continue;
    throw new TypeError(`${caller}: observer.${name} is ${describe(observer[name])}; it must be a function`);
  }
  if (given.length > 0) return true;
  throw new TypeError(`${caller}: the option "observer" has none of its functions; ${remedy}`);
}

type Report = (error: unknown, context: { readonly callback: FailedCallback }) => void;

/** Calls the functions of an observer. What they throw, or reject with, is reported. */
export class SafeObserver {
  readonly #observer: Observer;
  readonly #report: Report;

  constructor(observer: Observer, report: Report) {
    this.#observer = observer;
    this.#report = report;
  }

  /** Whether there is a function of this name; if not, its arguments need not be made. */
  has(name: keyof Observer): boolean {
    return this.#observer[name] !== undefined;
  }

  refused(refusal: Refusal): void {
    this.#call(() => this.#observer.refused?.(refusal));
  }

  opened(connection: ConnectionInfo): void {
    this.#call(() => this.#observer.opened?.(connection));
  }

  handled(connection: ConnectionInfo, handled: HandledCallback): void {
    this.#call(() => this.#observer.handled?.(connection, handled));
  }

  closed(connection: ConnectionInfo, closed: ClosedConnection): void {
    this.#call(() => this.#observer.closed?.(connection, closed));
  }

  #call(call: () => unknown): void {
    const failed = (error: unknown) => this.#report(error, { callback: 'observer' });
    try {
      const result = call();
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}
