import type { Broker, BrokerEvents } from './broker.ts';
import type { Bytes } from './codec.ts';
import { describe } from './describe.ts';
import { Gaps } from './gaps.ts';
import { checkOptions } from './options.ts';

/** Options of a broker over NATS. */
export interface NatsOptions {
  /**
   * What the subjects begin with: letters, digits, `-`, `_` and dots. Applications that share a NATS need different ones.
   * Default: `'websock'`.
   */
  readonly prefix?: string | undefined;
}

/** What the broker needs of a connection of `@nats-io/transport-node` (or another transport of `@nats-io`), version 3. */
export interface NatsConnection {
  /** Publishes to a subject. */
  publish(subject: string, data?: any, options?: any): void;
  /** Subscribes to a subject. */
  subscribe(subject: string, options?: any): any;
  /** Settles when the server has processed all that was sent. */
  flush(): Promise<void>;
  /** The events of the connection. */
  status(): AsyncIterable<any>;
  /** Whether the connection was closed for good. */
  isClosed(): boolean;
}

const PREFIX = /^[\w-]+(\.[\w-]+)*$/;
const PLAIN = /^[\w-]+$/;

interface Subscription {
  readonly inner: { unsubscribe(): void };
  isConfirmed: boolean;
}

/**
 * A broker over core NATS, by a connection of `@nats-io/transport-node` 3 (or another transport of `@nats-io`), which remains
 * open when the pub/sub closes. The messages of each publisher come in order; those of different publishers may come in a
 * different order in each process. Connect with `maxReconnectAttempts: -1`; `pingInterval` says when a lost connection is
 * noticed.
 *
 * Throws a TypeError for an invalid connection or option.
 */
export function nats(connection: NatsConnection, options: NatsOptions = {}): Broker {
  const methods = ['publish', 'subscribe', 'flush', 'status', 'isClosed'] as const;
  if (typeof connection !== 'object' || !methods.every((method) => typeof connection?.[method] === 'function')) {
    throw new TypeError(`nats: the connection is ${describe(connection)}; pass what connect of @nats-io resolves with`);
  }
  checkOptions('nats', options, ['prefix']);
  const { prefix = 'websock' } = options;
  if (typeof prefix !== 'string' || !PREFIX.test(prefix)) {
    const must = 'it must be letters, digits, "-" and "_", with single dots between them';
    throw new TypeError(`nats: the option "prefix" is ${describe(prefix)}; ${must}`);
  }

  const subscriptions = new Map<string, Subscription>();
  const gaps = new Gaps();
  let events: BrokerEvents;
  let isConnected = true;
  let isClosed = false;
  let flushed: Promise<void> | undefined;

  /** Settles when the server has processed what was sent so far; shared by all calls of a microtask. */
  function flush(): Promise<void> {
    flushed ??= Promise.resolve().then(() => {
      flushed = undefined;
      return connection.flush();
    });
    return flushed;
  }

  /** The subject of a topic, in which NATS gives spaces, dots, `*` and `>` a meaning. */
  function subjectOf(topic: string): string {
    if (PLAIN.test(topic)) return `${prefix}.${topic}`;
    const bytes = Array.from(new TextEncoder().encode(topic), (byte) => String.fromCharCode(byte));
    return `${prefix}.=.${btoa(bytes.join('')).replaceAll('+', '-').replaceAll('/', '_')}`;
  }

  /** The connection subscribes again by itself. The answer to a flush shows that the server has processed that. */
  async function restored(): Promise<void> {
    try {
      await connection.flush();
    } catch {
      return; // lost again
    }
    if (!isClosed) gaps.report(subscriptions.keys(), events);
  }

  async function watch(): Promise<void> {
    for await (const status of connection.status()) {
      if (isClosed) return;
      if (status.type === 'disconnect') {
        isConnected = false;
        for (const [topic, { isConfirmed }] of subscriptions) if (isConfirmed) gaps.add(topic);
      } else if (status.type === 'reconnect') {
        isConnected = true;
        restored();
      } else if (status.type === 'error') events.error(status.error);
    }
    if (!isClosed) events.error(new Error('the connection to NATS was closed; connect with maxReconnectAttempts: -1'));
  }

  return {
    order: 'publisher',

    open(own) {
      events = own;
      isConnected = !connection.isClosed();
      watch();
    },

    async subscribe(topic) {
      let refusal: unknown;
      const subscription: Subscription = {
        isConfirmed: false,
        inner: connection.subscribe(subjectOf(topic), {
          callback(error: unknown, message: { data: Bytes }) {
            if (isClosed || subscriptions.get(topic) !== subscription) return;
            if (error) {
              refusal = error;
              return;
            }
            gaps.report([topic], events);
            events.message(topic, message.data);
          },
        }),
      };
      subscriptions.set(topic, subscription);
      try {
        await flush();
        if (refusal) throw refusal;
      } catch (error) {
        subscriptions.delete(topic);
        subscription.inner.unsubscribe();
        throw error;
      }
      subscription.isConfirmed = true;
    },

    async unsubscribe(topic) {
      subscriptions.get(topic)?.inner.unsubscribe();
      subscriptions.delete(topic);
      gaps.delete(topic);
    },

    publish(topic, data) {
      if (!isConnected) return Promise.reject(new Error('there is no connection to NATS'));
      connection.publish(subjectOf(topic), data);
      return flush();
    },

    async close() {
      isClosed = true;
      for (const { inner } of subscriptions.values()) inner.unsubscribe();
      subscriptions.clear();
      gaps.clear();
    },
  };
}
