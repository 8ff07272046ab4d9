// For tests of a handler: a connection without a socket, over the same machine as the servers', in virtual time.
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
  /** Tells it from a message, which has none. */
  readonly type: 'close';
  /** Tells it from a message, which has one. */
  readonly opcode?: undefined;
  /** The code; 1005 if the frame had none, which is so when it echoes the client's. */
  readonly code: number;
  /** The reason; `''` if there was none. */
  readonly reason: string;
}

/** What a client sees: `received.type === 'close'` and `received.opcode === 'text'` tell what it is. */
export type Received = (WebSock.Message & { readonly type?: undefined }) | Close;

/**
 * The client of a connection that a handler serves. It does what the test says and nothing else: it answers no ping, so
 * that `idleTimeout` can be tested; only a close frame it answers, and then its socket is gone.
 */
export interface TestConnection<Info> {
  /** Sends a text message to the handler. */
  readonly text: (data: string) => void;
  /** Sends a binary message to the handler. The bytes are copied. */
  readonly binary: (data: ArrayBuffer | ArrayBufferView) => void;
  /** Sends a ping of at most 125 bytes; the server answers it with a pong, before `handleControl` is called. */
  readonly ping: (data?: string | ArrayBuffer | ArrayBufferView) => void;
  /** Sends a pong of at most 125 bytes. */
  readonly pong: (data?: string | ArrayBuffer | ArrayBufferView) => void;
  /** Posts to the connection's mailbox, as the rest of the program does. */
  readonly post: (info: Info) => void;
  /** The mailbox that `init` receives, for a test that stops the connection, or looks at `waiting` or `signal`. */
  readonly mailbox: WebSock.Mailbox<Info>;
  /**
   * Sends a close frame; without a code, one that has none. Throws a RangeError for a code that a client may not send.
   */
  readonly close: (code?: number, reason?: string) => void;
  /** Drops the connection without a close frame. */
  readonly drop: () => void;
  /**
   * Moves the connection's clock, by which `heartbeat`, `idleTimeout` and the bounds of closing are measured. Pending work
   * runs before, between and behind the timers. The handler's own timers and dates are not affected.
   */
  readonly advance: (milliseconds: number) => Promise<void>;
  /**
   * The next thing that the client sees: a message of the handler, a ping or pong of the server, or the close frame.
   * Waits for it; rejects once nothing can come any more, because the connection is over.
   */
  readonly next: () => Promise<Received>;
  /** Why the connection ended, once `terminate` has settled: the reason that `terminate` received. */
  readonly closed: Promise<WebSock.CloseReason>;
  /** What callbacks have thrown so far, with the callback's name. A server would report it (rule 4.4). */
  readonly errors: readonly (ErrorContext & { readonly error: unknown })[];
}

/**
 * Opens a connection to a handler: `init` has been called when this returns.
 *
 * Throws a TypeError for an invalid handler or option.
 *
 * @param handler - the handler to test
 * @param arg - passed to `init` as it is; may be left out if the handler's `Arg` is `undefined`
 * @param options - of the connection; those of the handshake and of compression have no effect
 */
export function connect<State, Info>(handler: WebSock<State, Info, undefined>): TestConnection<Info>;
/** Opens a connection to a handler, with an `arg` for its `init`, and perhaps options. */
export function connect<State, Info, Arg>(
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
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
  /** What the client has not taken yet, and who waits for it. */
  readonly #inbox: Received[] = [];
  readonly #waiting: {
    readonly settle: (seen: Received) => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  /** No close frame has gone either way, and the connection has not dropped. */
  #open = true;
  #over = false;

  constructor(handler: WebSock.Any, arg: unknown, options: WebSock.ConnectionOptions | undefined) {
    const onError = (error: unknown, { callback }: ErrorContext) => this.errors.push({ callback, error });
    const wire: Wire = {
      send: (message) => this.#show(message),
      unsent: () => 0,
      close: (code, reason) => {
        this.#open = false;
        this.#show({ type: 'close', code, reason });
        queueMicrotask(() => this.#connection.gone()); // the client has answered
      },
      drop: () => {},
      pause: () => {},
      resume: () => {},
      ping: () => this.#show({ opcode: 'ping', data: new Uint8Array() }),
    };
    const connections = new Connections({ onError }, this.#clock);
    this.#connection = new Connection(connections, wire, handler, checkOptions(options, 'connect'));
    this.closed = this.#connection.over;
    this.mailbox = new ConnectionMailbox(this.#connection);
    this.closed.then(() => {
      this.#over = true;
      for (const { fail } of this.#waiting.splice(0)) fail(overError());
    });
    this.#connection.open(arg);
  }

  // Arrow functions, so that a test may take them apart: `const { text, next } = connect(chat)`.

  readonly text = (data: string): void => {
    if (typeof data !== 'string') throw new TypeError(`text: the data is ${describe(data)}; pass a string`);
    this.#connection.data({ opcode: 'text', data: data.toWellFormed() });
  };

  readonly binary = (data: ArrayBuffer | ArrayBufferView): void => {
    this.#connection.data({ opcode: 'binary', data: bytesOf('binary', data) });
  };

  readonly ping = (data: string | ArrayBuffer | ArrayBufferView = ''): void => {
    const bytes = controlBytes('ping', data);
    if (this.#open) this.#show({ opcode: 'pong', data: bytes.slice() });
    this.#connection.control({ opcode: 'ping', data: bytes });
  };

  readonly pong = (data: string | ArrayBuffer | ArrayBufferView = ''): void => {
    this.#connection.control({ opcode: 'pong', data: controlBytes('pong', data) });
  };

  readonly post = (info: unknown): void => this.#connection.post(info);

  readonly close = (code?: number, reason = ''): void => {
    if (code !== undefined && code !== 1010 && !isSendableCode(code)) {
      const may = '1000-1003, 1007-1014 and 3000-4999, or nothing';
      throw new RangeError(`close: the code is ${describe(code)}; a client may send ${may}`);
    }
    if (!this.#open) return;
    this.#open = false;
    this.#show({ type: 'close', code: code ?? 1005, reason }); // the echo
    this.#connection.closing(code ?? 1005, reason);
    this.#connection.gone();
  };

  readonly drop = (): void => {
    this.#open = false;
    this.#connection.gone();
  };

  readonly advance = async (milliseconds: number): Promise<void> => {
    if (!(milliseconds >= 0)) {
      throw new RangeError(`advance: ${describe(milliseconds)} milliseconds; pass a number that is not negative`);
    }
    await turn();
    const end = this.#clock.time + milliseconds;
    while (this.#clock.runNext(end)) await turn();
    this.#clock.time = end;
  };

  readonly next = (): Promise<Received> => {
    const seen = this.#inbox.shift();
    if (seen) return Promise.resolve(seen);
    if (this.#over) return Promise.reject(overError());
    return new Promise((settle, fail) => this.#waiting.push({ settle, fail }));
  };

  #show(seen: Received): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting.settle(seen);
    else this.#inbox.push(seen);
  }
}

/** A clock that stands still until a test moves it. */
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

  /** Runs the first timer that is due by `end`, in its own time; false if there is none. */
  runNext(end: number): boolean {
    const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((one, other) => one.at - other.at);
    if (!next) return false;
    this.#timers.delete(next);
    this.time = Math.max(this.time, next.at);
    next.run();
    return true;
  }
}

// Taken now: a test that puts fake timers in their place would wait indefinitely.
const { setTimeout: startTimer } = globalThis;

/** Lets promises, microtasks and the machine's own turns run. */
function turn(): Promise<void> {
  return new Promise((settle) => {
    startTimer(settle, 0);
  });
}

function overError(): Error {
  return new Error('next: nothing can come any more, because the connection is over; see `closed` for the reason');
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
