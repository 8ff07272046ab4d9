// The channels of a broker: one subscription for each, limits on what is pending, and time limits on the broker's answers.

import type { Broker } from './broker.ts';
import type { Bytes } from './codec.ts';
import type { ErrorContext } from './report.ts';

/** Receives the messages of one channel. */
export interface Receiver {
  receive(data: Bytes): void;
}

/** One channel of the broker that is, or has just been, in use. */
interface Channel {
  readonly name: string;
  /** `undefined` if the channel is to be unsubscribed from. */
  receiver: Receiver | undefined;
  /** Whether the broker has confirmed the subscription. */
  isActive: boolean;
  /** Whether a call of the broker is pending. */
  isBusy: boolean;
  /** Those that wait for the broker to confirm the subscription. */
  readonly waiting: Set<(error?: Error) => void>;
}

export interface ChannelsOptions {
  readonly broker: Broker;
  /** In ms. */
  readonly timeout: number;
  /** Bytes. */
  readonly maxPending: number;
  /** Receives the names of channels whose messages may have been lost. */
  readonly gap: (names: string[]) => void;
  readonly report: (error: unknown, context: ErrorContext) => void;
}

/** What a pending message costs besides its bytes, roughly. */
const OVERHEAD = 256;

export class Channels {
  readonly #options: ChannelsOptions;
  readonly #channels = new Map<string, Channel>();
  readonly #publishing = new Set<Promise<void>>();
  #pendingBytes = 0;
  #isClosed = false;

  constructor(options: ChannelsOptions) {
    this.#options = options;
    const { broker, timeout, gap, report } = options;
    broker.open({
      timeout,
      message: (name, data) => {
        if (!this.#isClosed) this.#channels.get(name)?.receiver?.receive(data);
      },
      gap: (names) => {
        if (this.#isClosed) return;
        const known = [...names].filter((name) => {
          const channel = this.#channels.get(name);
          return channel?.isActive && channel.receiver;
        });
        if (known.length > 0) gap(known);
      },
      error: (error) => report(error, { source: 'broker' }),
    });
  }

  /** Subscribes to a channel; `done` is called once, when it is active, or with an error: then the caller must leave. */
  join(name: string, receiver: Receiver, done: (error?: Error) => void): void {
    let channel = this.#channels.get(name);
    if (!channel) {
      channel = { name, receiver, isActive: false, isBusy: false, waiting: new Set() };
      this.#channels.set(name, channel);
    }
    channel.receiver = receiver;
    if (channel.isActive) {
      done();
      return;
    }
    const { waiting } = channel;
    const settle = (error?: Error) => {
      clearTimeout(timer);
      waiting.delete(settle);
      done(error);
    };
    const { timeout } = this.#options;
    const late = () => settle(new Error(`subscribe: the broker has not answered within ${timeout} ms`));
    const timer = setTimeout(late, timeout);
    waiting.add(settle);
    this.#reconcile(channel);
  }

  /** Unsubscribes from a channel. */
  leave(name: string): void {
    const channel = this.#channels.get(name);
    if (!channel) return;
    channel.receiver = undefined;
    for (const done of [...channel.waiting]) done(); // their mailboxes have left
    this.#reconcile(channel);
  }

  /** Makes the subscription what is wanted, by one call of the broker at a time. */
  async #reconcile(channel: Channel): Promise<void> {
    if (channel.isBusy) return;
    channel.isBusy = true;
    const { broker, report } = this.#options;
    while (!this.#isClosed && channel.isActive !== (channel.receiver !== undefined)) {
      if (channel.receiver) {
        try {
          await broker.subscribe(channel.name);
          channel.isActive = true;
        } catch (cause) {
          const error = new Error('subscribe: the broker has failed', { cause });
          for (const done of [...channel.waiting]) done(error);
          channel.receiver = undefined;
        }
      } else {
        channel.isActive = false;
        try {
          await broker.unsubscribe(channel.name);
        } catch (error) {
          report(error, { source: 'broker' });
        }
      }
    }
    channel.isBusy = false;
    if (channel.receiver === undefined) this.#channels.delete(channel.name);
    else for (const done of [...channel.waiting]) done();
  }

  /** Settles when the broker has accepted the message. */
  publish(name: string, data: Bytes): Promise<void> {
    const { broker, timeout, maxPending } = this.#options;
    const size = data.byteLength + OVERHEAD;
    if (this.#pendingBytes + size > maxPending) {
      const why =
        size > maxPending
          ? 'the message is too large'
          : `the broker is too slow, or away: messages of ${this.#pendingBytes} bytes are pending`;
      return Promise.reject(
        new Error(`publish: ${why}; maxPending is ${maxPending}, and this message has ${size} bytes`),
      );
    }
    this.#pendingBytes += size; // until the broker has settled: it may keep the message for longer than `timeout`
    const published = new Promise<void>((resolve, reject) => {
      const late = () => reject(new Error(`publish: the broker has not answered within ${timeout} ms`));
      const timer = setTimeout(late, timeout);
      const settled = () => {
        clearTimeout(timer);
        this.#pendingBytes -= size;
        this.#publishing.delete(published);
      };
      const failed = (cause: unknown) => {
        settled();
        reject(new Error('publish: the broker has not accepted the message', { cause }));
      };
      const accepted = () => {
        settled();
        resolve();
      };
      Promise.resolve(call(() => broker.publish(name, data))).then(accepted, failed); // later: `published` exists then
    });
    this.#publishing.add(published);
    return published;
  }

  /** Waits for pending messages, then closes the broker. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#publishing);
    this.#isClosed = true;
    const error = new Error('subscribe: the pub/sub was closed');
    for (const { waiting } of this.#channels.values()) for (const done of [...waiting]) done(error);
    this.#channels.clear();
    await this.#options.broker.close();
  }
}

function call<Value>(method: () => PromiseLike<Value>): PromiseLike<Value> {
  try {
    return method();
  } catch (error) {
    return Promise.reject(error);
  }
}
