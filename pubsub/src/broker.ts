import type { Bytes } from './codec.ts';
import { describe } from './describe.ts';

/**
 * Carries messages between processes: write one for a broker that this package does not know, and test it with
 * `@websock/pubsub/testing`. One broker object belongs to one `createPubSub`, which checks all arguments, limits what
 * is pending, and never subscribes to a topic twice: a broker need not.
 */
export interface Broker {
  /**
   * In which order the subscribers of a topic get its messages (promise 1): `'topic'`, all in one order; `'publisher'`,
   * those of each publisher in the order of its calls.
   */
  readonly order: 'topic' | 'publisher';
  /** Called once, before anything else. It may connect now or later; it must not throw because the server is away. */
  readonly open: (events: BrokerEvents) => void;
  /**
   * Subscribes to a topic: any text of at most 1,001 characters. Settles when each message published from now on, in any
   * process, reaches `events.message`; stays pending, or rejects, while the server is away. After that, the broker restores
   * the subscription by itself when it reconnects.
   */
  readonly subscribe: (topic: string) => PromiseLike<unknown>;
  /** Ends a subscription, or one that is pending. Not called again before it has settled; may be followed by `subscribe`. */
  readonly unsubscribe: (topic: string) => PromiseLike<unknown>;
  /**
   * Publishes to the subscribers of all processes, this one included. Settles when the server has accepted the message, and
   * rejects if that is unknown. Must not send it more than once, nor `events.timeout` or more after the call.
   */
  readonly publish: (topic: string, data: Bytes) => PromiseLike<unknown>;
  /** Closes what the broker opened, and nothing else. No event may follow. */
  readonly close: () => PromiseLike<unknown>;
}

/** What a broker calls. */
export interface BrokerEvents {
  /** A message has arrived, in the order of the server. */
  readonly message: (topic: string, data: Bytes) => void;
  /**
   * These subscriptions were interrupted and are restored: messages may have been lost. Call it once for each topic and
   * interruption: when the subscription is active again, so that an application which now reads a history misses nothing, and
   * before the next message of the topic.
   */
  readonly gap: (topics: Iterable<string>) => void;
  /** Something failed that has no caller, such as an attempt to reconnect. */
  readonly error: (error: unknown) => void;
  /** Milliseconds after which `publish` and `subscribe` of the application have failed. */
  readonly timeout: number;
}

const METHODS = ['open', 'subscribe', 'unsubscribe', 'publish', 'close'] as const;
const used = new WeakSet<Broker>();

/** Throws a TypeError unless the value is a broker that is not in use. */
export function takeBroker(broker: Broker): void {
  const remedy =
    'pass what redis(client), ioredis(client) or nats(connection) returns, or an object with the methods of Broker';
  if (typeof broker !== 'object' || broker === null) {
    throw new TypeError(`createPubSub: the broker is ${describe(broker)}; ${remedy}`);
  }
  for (const method of METHODS) {
    if (typeof broker[method] === 'function') continue;
    throw new TypeError(`createPubSub: the broker's "${method}" is ${describe(broker[method])}; ${remedy}`);
  }
  if (broker.order !== 'topic' && broker.order !== 'publisher') {
    throw new TypeError(
      `createPubSub: the broker's "order" is ${describe(broker.order)}; it must be 'topic' or 'publisher'`,
    );
  }
  if (used.has(broker)) {
    throw new TypeError('createPubSub: the broker is used by another createPubSub; make one for each');
  }
  used.add(broker);
}
