// For tests of handlers: a connection without a socket, with the servers' connection code and a virtual clock.
//
//   const client = connect(chat, { name: 'alice', room: 'kitchen' });
//   client.text('hello');
//   expect(await client.next()).toEqual({ opcode: 'text', data: 'alice: hello' });
//   client.close();
//   expect(await client.closed).toEqual({ type: 'remote', code: 1005, reason: '' });

import type { WebSock } from '@websock/spec';
import type { Clock } from './connection/clock.ts';
import { isSendableCode } from './connection/close.ts';
import { Connection } from './connection/connection.ts';
import { Connections } from './connection/connections.ts';
import { ConnectionMailbox } from './connection/mailbox.ts';
import type { Wire } from './connection/wire.ts';
import { describe } from './describe.ts';
import { checkHandler } from './handler.ts';
import { checkOptions } from './options.ts';
import type { ErrorContext } from './report.ts';

/** The server's close frame, as the client sees it. */
export interface Close {
  /** Identifies a close frame: messages have no `type`. */
  readonly type: 'close';
  /** Absent: only messages have an opcode. */
  readonly opcode?: undefined;
  /** The close code; 1005 if the frame had none, as in the answer to a close frame without a code. */
  readonly code: number;
  /** The close reason; `''` if there was none. */
  readonly reason: string;
}

/** A message or the close frame. To tell them apart, test `received.type === 'close'` or `received.opcode === 'text'`. */
export type Received = (WebSock.Message & { readonly type?: undefined }) | Close;

/**
 * The client of a connection. It sends only what the test sends, with one exception: it answers the server's close frame,
 * and then its socket is gone. It does not answer pings, so that `idleTimeout` can be tested.
 */
export interface TestConnection<Info> {
  /** Sends a text message to the handler. */
  readonly text: (data: string) => void;
  /** Sends a binary message to the handler. The bytes are copied. */
  readonly binary: (data: ArrayBuffer | ArrayBufferView) => void;
  /** Sends a ping of at most 125 bytes. The server answers it with a pong, and then calls `handleControl`. */
  readonly ping: (data?: string | ArrayBuffer | ArrayBufferView) => void;
  /** Sends a pong of at most 125 bytes. */
  readonly pong: (data?: string | ArrayBuffer | ArrayBufferView) => void;
  /** Posts a message to the connection's mailbox. */
  readonly post: (info: Info) => void;
  /** The mailbox that `init` receives, for a test that stops the connection, or looks at `waiting` or `signal`. */
  readonly mailbox: WebSock.Mailbox<Info>;
  /**
   * Sends a close frame; without arguments, one without a code. Throws a RangeError for a code that a client may not send.
   */
  readonly close: (code?: number, reason?: string) => void;
  /** Drops the connection without a close frame. */
  readonly drop: () => void;
  /**
   * Advances the connection's clock, which measures `heartbeat`, `idleTimeout` and the time limits of closing. Yields to the
   * event loop before, between and after the timers. The handler's own timers and dates are not affected.
   */
  readonly advance: (milliseconds: number) => Promise<void>;
  /**
   * Resolves with the next message, ping, pong or close frame that the client receives. Rejects if the connection has ended
   * and nothing is left to receive.
   */
  readonly next: () => Promise<Received>;
  /** Why the connection ended: the reason that `terminate` receives. Resolves once `terminate` has settled. */
  readonly closed: Promise<WebSock.CloseReason>;
  /** The errors of callbacks so far, including invalid results. A server would report them (rule 4.4). */
  readonly errors: readonly (ErrorContext & { readonly error: unknown })[];
}

/**
 * Opens a connection to a handler. `init` has been called when this function returns.
 *
 * Throws a TypeError for an invalid handler or option.
 *
 * @param handler - the handler to test
 * @param arg - the argument of `init`; may be omitted if the handler's `Arg` is `undefined`
 * @param options - the options of the connection; `protocol`, `headers` and `compress` have no effect
 */
export function connect<State, Info = unknown>(handler: WebSock<State, Info, undefined>): TestConnection<Info>;
/** Opens a connection to a handler, with an argument for its `init` and, optionally, the options of the connection. */
export function connect<State, Info = unknown, Arg = undefined, Init = unknown>(
  handler: WebSock<State, Info, Arg> & { readonly init: Init },
  arg: WebSock.ArgFor<Init, Arg>,
  options?: WebSock.ConnectionOptions,
): TestConnection<Info>;
export function connect(
  handler: WebSock.Any,
  arg?: unknown,
  options?: WebSock.ConnectionOptions,
): TestConnection<unknown> {
  checkHandler(handler, 'connect');
  return new InMemory(handler, arg, options);
}

class InMemory implements TestConnection<unknown> {
  readonly errors: (ErrorContext & { readonly error: unknown })[] = [];
  readonly closed: Promise<WebSock.CloseReason>;
  readonly mailbox: WebSock.Mailbox<unknown>;
  readonly #connection: Connection<any, any, any>;
  readonly #clock = new VirtualClock();
  /** Received, but not yet returned by `next`. */
  readonly #received: Received[] = [];
  /** Pending calls of `next`. */
  readonly #readers: {
    readonly resolve: (received: Received) => void;
    readonly reject: (error: Error) => void;
  }[] = [];
  /** Whether neither side has sent a close frame, or dropped the connection. */
  #isOpen = true;
  #isOver = false;

  constructor(handler: WebSock.Any, arg: unknown, options: WebSock.ConnectionOptions | undefined) {
    const onError = (error: unknown, { callback }: ErrorContext) => this.errors.push({ callback, error });
    const wire: Wire = {
      send: (message) => this.#receive(message),
      unsent: () => 0,
      close: (code, reason) => {
        this.#isOpen = false;
        this.#receive({ type: 'close', code, reason });
        queueMicrotask(() => this.#connection.gone()); // the client has answered
      },
      drop: () => {},
      pause: () => {},
      resume: () => {},
      ping: () => this.#receive({ opcode: 'ping', data: new Uint8Array() }),
    };
    const connections = new Connections({ onError }, this.#clock);
    this.#connection = new Connection(connections, wire, handler, checkOptions(options, 'connect'));
    this.closed = this.#connection.over;
    this.mailbox = new ConnectionMailbox(this.#connection);
    this.closed.then(() => {
      this.#isOver = true;
      for (const { reject } of this.#readers.splice(0)) reject(overError());
    });
    this.#connection.open(arg);
  }

  // Arrow functions, so that a test can destructure the client: `const { text, next } = connect(chat)`.

  readonly text = (data: string): void => {
    if (typeof data !== 'string') throw new TypeError(`text: the data is ${describe(data)}; pass a string`);
    this.#connection.data({ opcode: 'text', data: data.toWellFormed() });
  };

  readonly binary = (data: ArrayBuffer | ArrayBufferView): void => {
    this.#connection.data({ opcode: 'binary', data: bytesOf('binary', data) });
  };

  readonly ping = (data: string | ArrayBuffer | ArrayBufferView = ''): void => {
    const bytes = controlBytes('ping', data);
    if (this.#isOpen) this.#receive({ opcode: 'pong', data: bytes.slice() });
    this.#connection.control({ opcode: 'ping', data: bytes });
  };

  readonly pong = (data: string | ArrayBuffer | ArrayBufferView = ''): void => {
    this.#connection.control({ opcode: 'pong', data: controlBytes('pong', data) });
  };

  readonly post = (info: unknown): void => this.#connection.post(info);

  readonly close = (code?: number, reason = ''): void => {
    if (code !== undefined && code !== 1010 && !isSendableCode(code)) {
      const allowed = '1000-1003, 1007-1014 and 3000-4999, or no code';
      throw new RangeError(`close: the code is ${describe(code)}; a client may send ${allowed}`);
    }
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#receive({ type: 'close', code: code ?? 1005, reason }); // the server's answer
    this.#connection.closing(code ?? 1005, reason);
    this.#connection.gone();
  };

  readonly drop = (): void => {
    this.#isOpen = false;
    this.#connection.gone();
  };

  readonly advance = async (milliseconds: number): Promise<void> => {
    if (!(milliseconds >= 0)) {
      throw new RangeError(`advance: the time is ${describe(milliseconds)}; pass a number of milliseconds, at least 0`);
    }
    await yieldToEventLoop();
    const end = this.#clock.time + milliseconds;
    while (this.#clock.runNext(end)) await yieldToEventLoop();
    this.#clock.time = end;
  };

  readonly next = (): Promise<Received> => {
    const received = this.#received.shift();
    if (received) return Promise.resolve(received);
    if (this.#isOver) return Promise.reject(overError());
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  };

  #receive(received: Received): void {
    const reader = this.#readers.shift();
    if (reader) reader.resolve(received);
    else this.#received.push(received);
  }
}

/** A clock that stands still until it is advanced. */
class VirtualClock implements Clock {
  time = 0;
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();

  now(): number {
    return this.time;
  }

  start(run: () => void, delay: number): unknown {
    const timer = { at: this.time + delay, run };
    this.#timers.add(timer);
    return timer;
  }

  stop(timer: unknown): void {
    this.#timers.delete(timer as { at: number; run: () => void });
  }

  /** Sets the clock to the earliest timer that is due by `end`, and runs it. Returns false if there is none. */
  runNext(end: number): boolean {
    const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((one, other) => one.at - other.at);
    if (!next) return false;
    this.#timers.delete(next);
    this.time = Math.max(this.time, next.at);
    next.run();
    return true;
  }
}

// Saved before a test installs fake timers, which would never fire.
const { setTimeout: startTimer } = globalThis;

/** Lets promises, microtasks and immediates run. */
function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    startTimer(resolve, 0);
  });
}

function overError(): Error {
  return new Error('next: the connection has ended, and nothing is left to receive; see `closed` for the reason');
}

function bytesOf(caller: string, data: ArrayBuffer | ArrayBufferView): InstanceType<Uint8ArrayConstructor> {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  if (data instanceof ArrayBuffer) return new Uint8Array(data.slice(0));
  throw new TypeError(`${caller}: the data is ${describe(data)}; pass an ArrayBuffer or a view of one`);
}

function controlBytes(
  caller: string,
  data: string | ArrayBuffer | ArrayBufferView,
): InstanceType<Uint8ArrayConstructor> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : bytesOf(caller, data);
  if (bytes.byteLength <= 125) return bytes;
  throw new RangeError(`${caller}: the data has ${bytes.byteLength} bytes; at most 125 are allowed (RFC 6455 §5.5)`);
}
