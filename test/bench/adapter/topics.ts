// What topics.ts measures, on the adapter and on any platform: a room by hand, the same by `@websock/pubsub`, and, without
// connections, many subscriptions. REDIS_URL or NATS_PORT connects the processes.

import { accept } from '@websock/adapter';
import { type Broker, createPubSub, type Subscriber } from '@websock/pubsub';
import type { WebSock } from '@websock/spec';
import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';
import { collectGarbage } from '../bare/garbage.ts';

type Mailbox = WebSock.Mailbox<string>;

interface Room {
  enter(mailbox: Mailbox): unknown;
  say(text: string): void;
  leave?(mailbox: Mailbox): void;
}

const { REDIS_URL, NATS_PORT } = process.env;

async function connectToNats() {
  const { connect } = await import('@nats-io/transport-node');
  return connect({ port: Number(NATS_PORT) });
}

async function createBroker(): Promise<Broker | undefined> {
  if (REDIS_URL !== undefined) {
    const { createClient } = await import('@redis/client');
    const { redis } = await import('@websock/pubsub/redis');
    return redis(createClient({ url: REDIS_URL }));
  }
  if (NATS_PORT === undefined) return undefined;
  const { nats } = await import('@websock/pubsub/nats');
  return nats(await connectToNats());
}

const lines = createPubSub<string>({ broker: await createBroker() });
const byPubSub: Room = {
  enter: (mailbox) => lines.subscribe('topic', mailbox),
  say: (text) => lines.publish('topic', text),
};

async function createByHand(): Promise<Room> {
  const mailboxes = new Set<Mailbox>();
  const deliver = (text: string) => {
    for (const mailbox of mailboxes) mailbox.post(text);
  };
  const own = {
    enter: (mailbox: Mailbox) => mailboxes.add(mailbox),
    leave: (mailbox: Mailbox) => mailboxes.delete(mailbox),
  };
  if (NATS_PORT === undefined) return { ...own, say: deliver };
  const connection = await connectToNats();
  connection.subscribe('topic', { callback: (_error, message) => deliver(message.json()) });
  return { ...own, say: (text) => connection.publish('topic', JSON.stringify(text)) };
}

function handlerOf(room: Room) {
  return {
    async init(_arg, mailbox) {
      await room.enter(mailbox);
      return { type: 'ok', state: mailbox };
    },
    handleIn(frame, state) {
      if (frame.opcode === 'text') room.say(frame.data);
      return { type: 'ok', state };
    },
    handleInfo: (data, state) => ({ type: 'push', messages: { opcode: 'text', data }, state }),
    terminate: (_reason, mailbox) => room.leave?.(mailbox),
  } satisfies WebSock<Mailbox, string>;
}

const handlers = new Map([
  ['/by-hand', handlerOf(await createByHand())],
  ['/pubsub', handlerOf(byPubSub)],
]);

// ---- Many subscriptions ----

const TOPICS = 10_000;
const MAILBOXES = 1_000;
/** The number of topics of each mailbox. */
const EACH = 100;
const PUBLISHED = 100_000;
/** As many rounds come before the one that counts. */
const WARM_UP = 10;

interface Topics {
  subscribe(topic: string, mailbox: Subscriber<string>): unknown;
  unsubscribe(topic: string, mailbox: Subscriber<string>): unknown;
  publish(topic: string, text: string): unknown;
}

/** What `@websock/pubsub` does in one process, by hand: the end of a connection takes its mailbox off. */
function createTopicsByHand(): Topics {
  const topics = new Map<string, Set<Subscriber<string>>>();
  const mailboxes = new Map<Subscriber<string>, Set<string>>();
  function unsubscribe(topic: string, mailbox: Subscriber<string>): void {
    const members = topics.get(topic);
    if (members?.delete(mailbox) && members.size === 0) topics.delete(topic);
    mailboxes.get(mailbox)?.delete(topic);
  }
  return {
    unsubscribe,
    subscribe(topic, mailbox) {
      let own = mailboxes.get(mailbox);
      if (!own) {
        own = new Set();
        mailboxes.set(mailbox, own);
        mailbox.signal.addEventListener('abort', () => {
          for (const each of mailboxes.get(mailbox) ?? []) unsubscribe(each, mailbox);
          mailboxes.delete(mailbox);
        });
      }
      own.add(topic);
      const members = topics.get(topic);
      if (members) members.add(mailbox);
      else topics.set(topic, new Set([mailbox]));
    },
    publish(topic, text) {
      for (const mailbox of topics.get(topic) ?? []) mailbox.post(text);
    },
  };
}

/** Figures of one subscription, in bytes and ns, and of one message to ten subscribers, in ns. */
function subscriptions(topics: Topics): Record<string, number> {
  let posted = 0;
  const mailboxes = Array.from({ length: MAILBOXES }, () => ({
    post: () => posted++,
    waiting: 0,
    signal: new AbortController().signal as Subscriber<string>['signal'],
  }));
  const names = Array.from({ length: TOPICS }, (_, index) => `topic ${index}`);
  const nameOf = (subscription: number) => names[(subscription * 7_919) % TOPICS] as string; // a prime number
  const mailboxOf = (subscription: number) => mailboxes[Math.floor(subscription / EACH)] as (typeof mailboxes)[0];
  const count = MAILBOXES * EACH;
  const timed = (times: number, work: (index: number) => void) => {
    const from = performance.now();
    for (let index = 0; index < times; index++) work(index);
    return ((performance.now() - from) * 1e6) / times;
  };
  const join = () => timed(count, (each) => topics.subscribe(nameOf(each), mailboxOf(each)));
  const leave = () => timed(count, (each) => topics.unsubscribe(nameOf(each), mailboxOf(each)));
  const publish = () => timed(PUBLISHED, (each) => topics.publish('alone', names[each % TOPICS] as string));
  const heap = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  for (let round = 0; round < 2; round++) {
    join();
    leave();
  }
  for (const mailbox of mailboxes.slice(0, 10)) topics.subscribe('alone', mailbox);
  const publishWarm = () => {
    for (let round = 0; round < WARM_UP; round++) publish();
    return publish();
  };
  const alone = publishWarm();
  const before = heap();
  const joined = join();
  const bytes = (heap() - before) / count;
  const among = publishWarm(); // the collection of garbage may have discarded compiled code
  const left = leave();
  if (posted !== 2 * (WARM_UP + 1) * 10 * PUBLISHED) throw new Error('messages are missing');
  return { bytes, join: joined, leave: left, alone, among };
}

// ---- The server ----

const { serve } =
  'Bun' in globalThis
    ? await import('@websock/adapter/bun')
    : 'Deno' in globalThis
      ? await import('@websock/adapter/deno')
      : await import('@websock/adapter/node');

const server = await serve(
  (request) => {
    const { pathname } = new URL(request.url);
    const handler = handlers.get(pathname);
    if (handler) return accept(handler);
    return Response.json(subscriptions(pathname === '/subscriptions/pubsub' ? lines : createTopicsByHand()));
  },
  { port: 0, hostname: '127.0.0.1' },
);
console.log(server.url);

untilInputEnds(() => server.shutdown());
