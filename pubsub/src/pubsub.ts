import { type Broker, takeBroker } from './broker.ts';
import { Channels, type Receiver } from './channels.ts';
import { type Bytes, type Codec, type CopyingCodec, checkCodec, jsonCodec } from './codec.ts';
import { describe } from './describe.ts';
import { seal, unseal } from './envelope.ts';
import { createOrder } from './in-order.ts';
import { type Held, idOf, type Member, Members, type Subscriber } from './members.ts';
import { checkFunction, checkNumber, checkOptions, checkTopic } from './options.ts';
import { type ErrorContext, type ErrorReporter, safeReporter } from './report.ts';

/** Options of {@link createPubSub}. */
export interface PubSubOptions<Info> {
  /** Connects the processes: `redis(client)`, `ioredis(client)`, `nats(connection)`, or your own. Default: this process only. */
  readonly broker?: Broker | undefined;
  /** How messages are written. Default: JSON, which refuses what it would change, such as a `Date`. */
  readonly codec?: Codec<Info> | undefined;
  /** How long `publish` and `subscribe` wait for the broker, in ms, at least 1. Then they reject. Default: 5 000. */
  readonly timeout?: number | undefined;
  /**
   * The size of the messages that may wait for the broker's answer, in bytes, each with 256 bytes of overhead. Beyond it,
   * `publish` rejects immediately. Default: 16 000 000.
   */
  readonly maxPending?: number | undefined;
  /**
   * Receives errors that have no caller: of a listener, of a message that cannot be decoded, of a broker that cannot connect.
   * Default: they are written to the console.
   */
  readonly onError?: ErrorReporter | undefined;
}

/** Options of one message. */
export interface PublishOptions<Info> {
  /** A mailbox of this process that does not get the message, such as the sender's. */
  readonly except?: Subscriber<Info> | undefined;
  /**
   * Whether the message may be left out: it is not posted to mailboxes with posted messages that wait (promise 5), and
   * `publish` resolves even if the broker has not accepted it. For what is soon stale. Default: `false`.
   */
  readonly volatile?: boolean | undefined;
}

/** Topics, their subscribers and their messages. The functions may be detached. The README lists what they promise. */
export interface PubSub<Info> {
  /**
   * Subscribes a mailbox to a topic, until `unsubscribe` or the end of its connection (`mailbox.signal`). Does nothing if it
   * is subscribed, or has ended. Resolves when messages published from now on reach the mailbox; rejects if the broker has not
   * confirmed that within `timeout`: the mailbox is not subscribed then. While the broker is away, a topic that this process
   * already subscribes to is accepted, and its gap is reported later.
   *
   * Throws a TypeError for a topic that is not a string of at most 1 000 characters, and an Error after `close`.
   */
  readonly subscribe: (topic: string, mailbox: Subscriber<Info>) => Promise<void>;
  /** Ends a subscription. The mailbox gets nothing that is published later. Does nothing if there is no subscription. */
  readonly unsubscribe: (topic: string, mailbox: Subscriber<Info>) => void;
  /**
   * Posts a copy of a message to each subscriber of a topic, in every process. All subscribers of a process share one copy,
   * so do not modify it.
   *
   * Resolves when the broker has accepted the message. Rejects when the broker is away, does not answer within `timeout`, or
   * has too much to do (`maxPending`): whether the message was sent is then unknown. Throws a TypeError for a message that
   * the codec cannot express, and an Error after `close`.
   */
  readonly publish: (topic: string, message: Info, options?: PublishOptions<Info>) => Promise<void>;
  /**
   * Calls a listener with the topics of this process in which messages may have been lost: once for each interruption, when
   * messages arrive again, and before the first of them (promise 2). Read them from your database, or tell the users.
   *
   * Returns a function that takes the listener off.
   */
  readonly onGap: (listener: (topics: readonly string[]) => void) => () => void;
  /**
   * Ends all subscriptions, waits for pending messages, and closes what the broker has opened. Then, but for `close` and
   * `unsubscribe`, each call throws.
   */
  readonly close: () => Promise<void>;
}

/** A topic with subscribers. */
interface Topic extends Held, Receiver {
  readonly name: string;
  readonly members: Set<Member>;
  /** The subscriptions that wait for the broker; `undefined` before the first. */
  joining: Map<Member, { promise?: Promise<void> }> | undefined;
}

/** A message, and which members of its topic it is for. */
interface Delivery<Info> {
  readonly message: Info;
  readonly except: Subscriber<Info> | undefined;
  readonly volatile: boolean;
}

/** What presences share with the topics of their pub/sub. */
export interface Internals {
  readonly members: Members;
  /** `undefined` without a broker. */
  readonly channels: Channels | undefined;
  readonly timeout: number;
  readonly report: (error: unknown, context: ErrorContext) => void;
  /** Throws after `close`. */
  readonly checkOpen: (caller: string) => void;
  /** The presences of this pub/sub by name, each with what to do before it closes. */
  readonly presences: Map<string, () => void>;
}

const internals = new WeakMap<object, Internals>();

/** Throws a TypeError for what {@link createPubSub} has not made. */
export function internalsOf(pubsub: PubSub<any>): Internals {
  const found = typeof pubsub === 'object' && pubsub !== null ? internals.get(pubsub) : undefined;
  if (found) return found;
  throw new TypeError(`createPresence: the first argument is ${describe(pubsub)}; pass what createPubSub returned`);
}

/** The channel of a topic; presences have channels of their own. */
const channelOf = (topic: string) => `t${topic}`;
const RESOLVED = Promise.resolve();

/**
 * Makes a pub/sub: subscribers of a topic get the messages that are published to it, in this process or, with a broker, in
 * all processes of the broker. Throws a TypeError for an invalid option.
 *
 * @typeParam Info - the type of the messages, which are posted to mailboxes. Default: `unknown`
 */
export function createPubSub<Info = unknown>(options: PubSubOptions<Info> = {}): PubSub<Info> {
  checkOptions('createPubSub', options, ['broker', 'codec', 'timeout', 'maxPending', 'onError']);
  const timeout = checkNumber('createPubSub', 'timeout', options.timeout ?? 5_000, 'milliseconds');
  const maxPending = checkNumber('createPubSub', 'maxPending', options.maxPending ?? 16_000_000, 'bytes');
  const codec: CopyingCodec<Info> = options.codec === undefined ? jsonCodec : checkCodec(options.codec);
  if (options.onError !== undefined) checkFunction('createPubSub', 'the option "onError"', options.onError);
  const report = safeReporter(options.onError);
  if (options.broker !== undefined) takeBroker(options.broker);

  const topics = new Map<string, Topic>();
  const members = new Members();
  const gapListeners = new Set<(topics: readonly string[]) => void>();
  const presences = new Map<string, () => void>();
  let closed: Promise<void> | undefined;

  const channels =
    options.broker &&
    new Channels({
      broker: options.broker,
      timeout,
      maxPending,
      report,
      gap: (names) => {
        const own = names.filter((name) => name.startsWith('t')).map((name) => name.slice(1));
        if (own.length > 0) inOrder(() => tellGap(own));
      },
    });

  // A subscriber or a listener may publish while a message is delivered: the message comes after that one, for everybody.
  const inOrder = createOrder();

  function tellGap(names: readonly string[]): void {
    for (const listener of [...gapListeners]) {
      try {
        listener(names);
      } catch (error) {
        report(error, { source: 'onGap' });
      }
    }
  }

  function deliver({ name, members }: Topic, { message, except, volatile }: Delivery<Info>): void {
    let left = members.size; // a subscription that `post` adds begins with the next message
    for (const { mailbox } of members) {
      if (left-- === 0) return;
      try {
        if (mailbox !== except && !(volatile && mailbox.waiting > 0)) mailbox.post(message);
      } catch (error) {
        report(error, { source: 'post', topic: name });
      }
    }
  }

  function receive(topic: Topic, read: () => Delivery<Info>): void {
    try {
      const delivery = read();
      inOrder(() => deliver(topic, delivery));
    } catch (error) {
      report(error, { source: 'decode', topic: topic.name });
      inOrder(() => tellGap([topic.name]));
    }
  }

  function open({ members }: Topic, data: Bytes): Delivery<Info> {
    const { volatile, except, body } = unseal(data);
    let excepted: Member | undefined;
    if (except !== '') for (const member of members) if (idOf(member.mailbox) === except) excepted = member;
    return { message: codec.decode(body), except: excepted?.mailbox, volatile };
  }

  function createTopic(name: string): Topic {
    const topic: Topic = {
      name,
      members: new Set(),
      joining: undefined,
      receive: (data) => receive(topic, () => open(topic, data)),
      release(member) {
        topic.joining?.delete(member);
        if (!topic.members.delete(member) || topic.members.size > 0) return;
        topics.delete(name);
        channels?.leave(channelOf(name));
      },
    };
    topics.set(name, topic);
    return topic;
  }

  function remove(topic: Topic, member: Member): void {
    members.drop(member, topic);
    topic.release(member);
  }

  function checkOpen(caller: string): void {
    if (closed) throw new Error(`${caller}: the pub/sub was closed`);
  }

  const pubsub: PubSub<Info> = {
    subscribe(name, mailbox) {
      checkTopic('subscribe', name);
      checkMailbox('subscribe', mailbox);
      checkOpen('subscribe');
      const topic = topics.get(name) ?? createTopic(name);
      const member = members.hold(mailbox, topic);
      if (!member) {
        if (topic.members.size === 0) topics.delete(name);
        return RESOLVED;
      }
      if (topic.members.has(member)) return topic.joining?.get(member)?.promise ?? RESOLVED;
      topic.members.add(member);
      if (!channels) return RESOLVED;
      const joining: { promise?: Promise<void> } = {};
      const all = topic.joining ?? new Map();
      topic.joining = all;
      all.set(member, joining);
      joining.promise = new Promise((resolve, reject) => {
        channels.join(channelOf(name), topic, (error) => {
          const isCurrent = all.get(member) === joining; // not unsubscribed, or ended, in the meantime
          if (isCurrent) all.delete(member);
          if (!error || !isCurrent) {
            resolve();
            return;
          }
          remove(topic, member);
          reject(error);
        });
      });
      return joining.promise;
    },

    unsubscribe(name, mailbox) {
      checkTopic('unsubscribe', name);
      checkMailbox('unsubscribe', mailbox);
      const topic = topics.get(name);
      const member = members.find(mailbox);
      if (topic && member) remove(topic, member);
    },

    publish(name, message, options) {
      checkTopic('publish', name);
      checkOpen('publish');
      let except: Subscriber<Info> | undefined;
      let volatile = false;
      if (options !== undefined) {
        checkOptions('publish', options, ['except', 'volatile']);
        ({ except, volatile = false } = options);
        if (except !== undefined) checkMailbox('publish', except);
        if (typeof volatile !== 'boolean') {
          throw new TypeError(`publish: the option "volatile" is ${describe(volatile)}; it must be true or false`);
        }
      }
      if (!channels) {
        const read = codec.copy(message);
        const topic = topics.get(name);
        if (topic) receive(topic, () => ({ message: read(), except, volatile }));
        return RESOLVED;
      }
      const body = codec.encode(message);
      const data = seal({ volatile, except: except ? idOf(except) : '', body });
      const published = channels.publish(channelOf(name), data);
      return volatile ? published.catch(() => {}) : published;
    },

    onGap(listener) {
      checkFunction('onGap', 'the listener', listener);
      checkOpen('onGap');
      const own: typeof listener = (topics) => listener(topics);
      gapListeners.add(own);
      return () => gapListeners.delete(own);
    },

    close() {
      closed ??= (async () => {
        for (const leave of presences.values()) leave();
        members.clear();
        for (const topic of topics.values()) {
          topic.members.clear(); // messages may still arrive
          topic.joining?.clear(); // they resolve, as after `unsubscribe`
        }
        topics.clear();
        gapListeners.clear();
        await channels?.close();
      })();
      return closed;
    },
  };
  internals.set(pubsub, { members, channels, timeout, report, checkOpen, presences });
  return pubsub;
}

/** Throws a TypeError unless the value has what {@link Subscriber} names. */
export function checkMailbox(caller: string, mailbox: Subscriber<any>): void {
  if (typeof mailbox === 'object' && mailbox !== null) {
    if (typeof mailbox.post === 'function' && typeof mailbox.signal?.addEventListener === 'function') return;
  }
  throw new TypeError(`${caller}: the mailbox is ${describe(mailbox)}; pass the mailbox that init received`);
}
