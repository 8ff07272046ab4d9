// What the brokers over Redis share: two connections, one to publish and one to subscribe, each replaced when it is lost.
//
// Neither is the application's client: a client may queue a message while it is disconnected, and send it long after `publish`
// has rejected, or send it again after it has reconnected.

import type { Broker, BrokerEvents } from './broker.ts';
import type { Bytes } from './codec.ts';
import { describe } from './describe.ts';
import { Gaps } from './gaps.ts';
import { checkOptions, checkString } from './options.ts';

/** Options of a broker over Redis. */
export interface RedisOptions {
  /**
   * Whether to use sharded pub/sub (`SPUBLISH`, Redis 7). All processes of a topic need the same. Default: `false`.
   */
  readonly sharded?: boolean | undefined;
  /** What the names of all channels begin with. Applications that share a Redis need different ones. Default: `'websock:'`. */
  readonly prefix?: string | undefined;
}

/** One connection to Redis, which never reconnects. */
export interface RedisConnection {
  readonly connect: () => Promise<unknown>;
  readonly subscribe: (channels: string[]) => Promise<unknown>;
  readonly unsubscribe: (channel: string) => Promise<unknown>;
  readonly publish: (channel: string, data: Bytes) => Promise<unknown>;
  readonly ping: () => Promise<unknown>;
  /** Closes the socket immediately. Must not throw. */
  readonly destroy: () => void;
}

export interface ConnectionEvents {
  readonly message: (channel: string, data: Bytes) => void;
  /** The connection has ended, or no longer receives all messages. */
  readonly lost: (error: unknown) => void;
}

/** Makes a connection that is not connected yet. */
export type CreateConnection = (events: ConnectionEvents, connectTimeout: number, sharded: boolean) => RedisConnection;

/** Delays before an attempt to connect, in ms: the first one after an immediate attempt, and the longest. */
const RETRY = [50, 1_000] as const;

/** A connection that is replaced when it is lost. */
class Link {
  /** The connection, while there is one. */
  current: RedisConnection | undefined;
  /** Whether an attempt to connect is pending. */
  isConnecting = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Attempts that have failed, and connections that were soon lost. */
  #failures = 0;
  #upSince = 0;
  #isClosed = false;
  #attempt: RedisConnection | undefined;

  readonly #create: (events: ConnectionEvents) => RedisConnection;
  readonly #timeout: number;
  readonly #up: (connection: RedisConnection) => void;
  readonly #down: (error: unknown) => void;
  readonly #message: (channel: string, data: Bytes) => void;

  constructor(
    create: (events: ConnectionEvents) => RedisConnection,
    timeout: number,
    /** The connection is there. */
    up: (connection: RedisConnection) => void,
    /** The connection is lost, or an attempt has failed. */
    down: (error: unknown) => void,
    message: (channel: string, data: Bytes) => void = () => {},
  ) {
    this.#create = create;
    this.#timeout = timeout;
    this.#up = up;
    this.#down = down;
    this.#message = message;
  }

  async connect(): Promise<void> {
    this.isConnecting = true;
    const connection: RedisConnection = this.#create({
      message: (channel, data) => {
        if (this.current === connection) this.#message(channel, data);
      },
      lost: (error) => this.drop(connection, error),
    });
    this.#attempt = connection;
    const tooLate = setTimeout(
      () => this.drop(connection, new Error('Redis has not accepted a connection')),
      this.#timeout,
    );
    try {
      await connection.connect();
      if (this.#attempt !== connection) return;
      this.isConnecting = false;
      this.#upSince = performance.now();
      this.current = connection;
      this.#watch(connection);
      this.#up(connection);
    } catch (error) {
      this.drop(connection, error);
    } finally {
      clearTimeout(tooLate);
    }
  }

  /** Drops a connection, or an attempt, and connects again: at first immediately. */
  drop(connection: RedisConnection, error: unknown): void {
    if (this.#attempt !== connection) return;
    const [first, longest] = RETRY;
    // A proxy accepts a connection, and closes it, while its Redis is away.
    if (this.current === connection && performance.now() - this.#upSince > first) this.#failures = 0;
    this.#attempt = undefined;
    this.current = undefined;
    clearInterval(this.#heartbeat);
    connection.destroy();
    this.isConnecting = !this.#isClosed && this.#failures === 0; // messages wait for an attempt that follows immediately
    if (this.#isClosed) return;
    const delay = Math.min(longest, first * 2 ** (this.#failures - 1)) * (0.5 + Math.random() / 2);
    this.#failures += 1;
    this.#down(error);
    if (this.isConnecting) this.connect();
    else this.#timer = setTimeout(() => this.connect(), delay);
  }

  #heartbeat: ReturnType<typeof setInterval> | undefined;

  /** Drops a connection whose server does not answer. After a pause of this process, the answers are read before the third check. */
  #watch(connection: RedisConnection): void {
    let unanswered = 0;
    this.#heartbeat = setInterval(() => {
      if (unanswered === 2) return this.drop(connection, new Error(`Redis has not answered for ${this.#timeout} ms`));
      unanswered += 1;
      connection.ping().then(
        () => {
          unanswered = 0;
        },
        () => {}, // the connection is lost, which `lost` reports
      );
    }, this.#timeout / 3);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    if (this.#attempt) this.drop(this.#attempt, undefined);
  }
}

/** A subscription to a topic. */
interface Subscription {
  /** When it was asked for, by `performance.now()`. */
  readonly at: number;
  isConfirmed: boolean;
  readonly confirm: () => void;
  readonly fail: (error: unknown) => void;
}

/** A message that waits for an attempt to connect. */
interface QueuedMessage {
  readonly channel: string;
  readonly data: Bytes;
  readonly at: number;
  readonly resolve: (published: Promise<unknown>) => void;
  readonly reject: (error: unknown) => void;
}

class RedisBroker implements Broker {
  readonly order = 'topic';
  readonly #create: CreateConnection;
  readonly #sharded: boolean;
  readonly #prefix: string;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #gaps = new Gaps();
  readonly #queue: QueuedMessage[] = [];
  #events!: BrokerEvents;
  #publisher!: Link;
  #subscriber!: Link;
  #lastError: unknown;

  constructor(create: CreateConnection, sharded: boolean, prefix: string) {
    this.#create = create;
    this.#sharded = sharded;
    this.#prefix = prefix;
  }

  readonly open = (events: BrokerEvents): void => {
    this.#events = events;
    const { timeout } = events;
    const create = (of: ConnectionEvents) => this.#create(of, timeout, this.#sharded);
    let isReported = false;
    const report = (error: unknown) => {
      this.#lastError = error;
      if (!isReported) events.error(error);
      isReported = true; // once for each outage
    };
    this.#publisher = new Link(
      create,
      timeout,
      (connection) => this.#flush(connection),
      (error) => {
        this.#lastError = error;
        if (this.#publisher.isConnecting) return;
        for (const { reject } of this.#queue.splice(0)) reject(error);
      },
    );
    this.#subscriber = new Link(
      create,
      timeout,
      (connection) => {
        isReported = false;
        this.#subscribeTo(connection, [...this.#subscriptions.keys()]).catch((error) => {
          this.#subscriber.drop(connection, error);
        });
      },
      (error) => {
        report(error);
        const overdue = performance.now() - timeout;
        for (const [topic, subscription] of this.#subscriptions) {
          if (subscription.isConfirmed) this.#gaps.add(topic);
          else if (subscription.at < overdue) this.#fail(topic, error); // no subscriber waits for it any more
        }
      },
      (channel, data) => {
        const topic = channel.slice(this.#prefix.length);
        this.#gaps.report([topic], events);
        events.message(topic, data);
      },
    );
    this.#publisher.connect();
    this.#subscriber.connect();
  };

  readonly subscribe = (topic: string): Promise<void> => {
    const confirmed = new Promise<void>((confirm, fail) => {
      this.#subscriptions.set(topic, { at: performance.now(), isConfirmed: false, confirm, fail });
    });
    const { current } = this.#subscriber;
    if (current) {
      this.#subscribeTo(current, [topic]).catch((error) => {
        if (this.#subscriber.current === current) this.#fail(topic, error); // otherwise the next connection subscribes
      });
    }
    return confirmed;
  };

  #fail(topic: string, error: unknown): void {
    this.#subscriptions.get(topic)?.fail(error);
    this.#subscriptions.delete(topic);
  }

  /** Subscribes a connection to topics, in one command where Redis allows it; then reports their gaps. */
  async #subscribeTo(connection: RedisConnection, topics: string[]): Promise<void> {
    if (topics.length === 0) return;
    await connection.subscribe(topics.map((topic) => this.#prefix + topic));
    if (this.#subscriber.current !== connection) return;
    this.#gaps.report(topics, this.#events);
    for (const topic of topics) {
      const subscription = this.#subscriptions.get(topic);
      if (!subscription) continue;
      subscription.isConfirmed = true;
      subscription.confirm();
    }
  }

  readonly unsubscribe = async (topic: string): Promise<void> => {
    this.#subscriptions.delete(topic);
    this.#gaps.delete(topic);
    // a connection that is lost in the meantime has no subscriptions
    await this.#subscriber.current?.unsubscribe(this.#prefix + topic).catch(() => {});
  };

  readonly publish = (topic: string, data: Bytes): Promise<unknown> => {
    const channel = this.#prefix + topic;
    const { current, isConnecting } = this.#publisher;
    if (current) return current.publish(channel, data);
    if (!isConnecting) return Promise.reject(new Error('there is no connection to Redis', { cause: this.#lastError }));
    return new Promise((resolve, reject) => {
      this.#queue.push({ channel, data, at: performance.now(), resolve, reject });
    });
  };

  #flush(connection: RedisConnection): void {
    for (const { channel, data, at, resolve, reject } of this.#queue.splice(0)) {
      if (performance.now() - at < this.#events.timeout) resolve(connection.publish(channel, data));
      else reject(new Error('there was no connection to Redis'));
    }
  }

  readonly close = async (): Promise<void> => {
    this.#publisher.close();
    this.#subscriber.close();
    const error = new Error('the broker was closed');
    for (const { reject } of this.#queue.splice(0)) reject(error);
    for (const { fail } of this.#subscriptions.values()) fail(error);
    this.#subscriptions.clear();
    this.#gaps.clear();
  };
}

/** Throws a TypeError for an invalid client or option; returns the broker. */
export function redisBroker(
  caller: string,
  client: unknown,
  methods: readonly string[],
  options: RedisOptions,
  create: CreateConnection,
): Broker {
  const has = (method: string) =>
    typeof (client as Record<string, unknown> | null | undefined)?.[method] === 'function';
  if (typeof client !== 'object' || !methods.every(has)) {
    throw new TypeError(
      `${caller}: the client is ${describe(client)}; pass a client of a single Redis, not of a cluster`,
    );
  }
  checkOptions(caller, options, ['sharded', 'prefix']);
  const { sharded = false, prefix = 'websock:' } = options;
  if (typeof sharded !== 'boolean') {
    throw new TypeError(`${caller}: the option "sharded" is ${describe(sharded)}; it must be true or false`);
  }
  return new RedisBroker(create, sharded, checkString(caller, 'prefix', prefix));
}
