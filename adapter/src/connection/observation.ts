import type { WebSock } from '@websock/spec';
import type { ConnectionInfo, EndRule, HandledCallback, NewConnection, SafeObserver, Traffic } from '../observer.ts';
import type { Clock } from './clock.ts';
import type { AsyncContext } from './context.ts';
import { byteLengthOf } from './frame-size.ts';

/** What is recorded of one connection. Made only if there is an observer or an `onError`. */
export class Observation {
  readonly connection: ConnectionInfo;
  readonly #observer: SafeObserver | undefined;
  readonly #clock: Clock;
  readonly #context: AsyncContext | undefined;
  readonly #openedAt: number;
  /** The traffic in each direction; `undefined` if the observer has no `closed`. */
  readonly #received: Counter | undefined;
  readonly #sent: Counter | undefined;
  readonly #seesHandled: boolean;
  #calledAt = 0;
  #rule: EndRule | undefined;
  #isClosed = false;

  /** @param context - that of the callbacks, in which the observer is called, too */
  constructor(
    observer: SafeObserver | undefined,
    clock: Clock,
    connection: NewConnection | ConnectionInfo,
    context: AsyncContext | undefined,
  ) {
    const isNew = !('openedAt' in connection);
    this.connection = isNew
      ? { ...connection, id: connection.id ?? crypto.randomUUID(), openedAt: Date.now() }
      : connection;
    this.#observer = observer;
    this.#clock = clock;
    this.#context = context;
    this.#openedAt = clock.now() - (Date.now() - this.connection.openedAt);
    this.#seesHandled = observer?.has('handled') ?? false;
    if (observer?.has('closed')) {
      this.#received = new Counter();
      this.#sent = new Counter();
    }
    if (isNew) this.#inContext(() => observer?.opened(this.connection));
  }

  received(frame: WebSock.Message): void {
    this.#received?.add(frame);
  }

  sent(message: WebSock.Message): void {
    this.#sent?.add(message);
  }

  /** A callback is about to be called. */
  calls(): void {
    if (this.#seesHandled) this.#calledAt = this.#clock.now();
  }

  /** The callback has settled. */
  handled(callback: HandledCallback['callback'], waiting: number): void {
    if (!this.#seesHandled) return;
    this.#observer?.handled(this.connection, { callback, ms: this.#clock.now() - this.#calledAt, waiting });
  }

  ended(rule: EndRule): void {
    this.#rule = rule;
  }

  /** The connection is over. Only the first call counts. */
  closed(reason: WebSock.CloseReason): void {
    if (!this.#received || !this.#sent || !this.#rule || this.#isClosed) return;
    this.#isClosed = true;
    const ms = this.#clock.now() - this.#openedAt;
    const closed = { reason, rule: this.#rule, ms, received: this.#received.traffic, sent: this.#sent.traffic };
    this.#inContext(() => this.#observer?.closed(this.connection, closed));
  }

  #inContext(call: () => void): void {
    if (this.#context) this.#context.runInAsyncScope(call, undefined);
    else call();
  }
}

class Counter {
  readonly traffic: { readonly [Opcode in keyof Traffic]: { count: number; bytes: number } } = {
    text: { count: 0, bytes: 0 },
    binary: { count: 0, bytes: 0 },
    ping: { count: 0, bytes: 0 },
    pong: { count: 0, bytes: 0 },
  };

  add({ opcode, data = '' }: WebSock.Message): void {
    const counted = this.traffic[opcode];
    counted.count += 1;
    counted.bytes += byteLengthOf(data);
  }
}
