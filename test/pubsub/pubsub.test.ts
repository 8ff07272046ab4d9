// Topics in one process, and what createPubSub does with any broker. The titles begin with the number of the promise.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connect } from '@websock/adapter/testing';
import { type Broker, type BrokerEvents, type Codec, createPubSub, type PubSub } from '@websock/pubsub';
import type { WebSock } from '@websock/spec';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { TestMailbox } from './mailbox.ts';
import { MemoryServer, memoryBroker } from './memory-broker.ts';

/** A broker that settles when the test says so, and keeps what it is asked. */
class ManualBroker implements Broker {
  readonly order = 'topic';
  readonly calls: string[] = [];
  readonly pending: { readonly call: string; resolve(): void; reject(error: unknown): void }[] = [];
  events!: BrokerEvents;
  isAutomatic = true;

  readonly open = (events: BrokerEvents): void => {
    this.events = events;
  };
  readonly subscribe = (topic: string) => this.#call(`subscribe ${topic}`);
  readonly unsubscribe = (topic: string) => this.#call(`unsubscribe ${topic}`);
  readonly publish = (topic: string) => this.#call(`publish ${topic}`);
  readonly close = () => this.#call('close');

  #call(call: string): Promise<void> {
    this.calls.push(call);
    if (this.isAutomatic) return Promise.resolve();
    return new Promise((resolve, reject) => this.pending.push({ call, resolve, reject }));
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('1', () => {
  test('1 in one process: every subscriber gets a copy of each message, in one order', async () => {
    const lines = createPubSub<{ n: number; list?: number[] | undefined }>();
    const [one, other, elsewhere] = [new TestMailbox(), new TestMailbox(), new TestMailbox()];
    await lines.subscribe('a', one);
    await lines.subscribe('a', other);
    await lines.subscribe('b', elsewhere);
    const message = { n: 1, list: [1] };
    await lines.publish('a', message);
    message.list.push(2);
    await lines.publish('a', { n: 2, list: undefined });
    expect(one.posted).toEqual([{ n: 1, list: [1] }, { n: 2 }]);
    expect(Object.keys(one.posted[1] as object)).toEqual(['n']);
    expect(other.posted).toEqual(one.posted);
    expect(elsewhere.posted).toEqual([]);
  });

  test('1 a message that a subscriber publishes while one is delivered comes after it, for all', async () => {
    for (const broker of [undefined, memoryBroker(new MemoryServer())]) {
      const lines = createPubSub<number>({ broker });
      const [first, last] = [new TestMailbox<number>(), new TestMailbox<number>()];
      const echo = Object.assign(new TestMailbox<number>(), {
        post: (n: number) => {
          if (n < 3) lines.publish('a', n + 1);
        },
      });
      for (const mailbox of [first, echo, last]) await lines.subscribe('a', mailbox);
      await lines.publish('a', 0);
      for (const mailbox of [first, last]) {
        await mailbox.has((n) => n === 3);
        expect(mailbox.posted).toEqual([0, 1, 2, 3]);
      }
      await lines.close();
    }
  });

  test('1 except: the sender does not get its own message; others of the process do', async () => {
    const lines = createPubSub<string>();
    const [one, other] = [new TestMailbox<string>(), new TestMailbox<string>()];
    for (const mailbox of [one, other]) await lines.subscribe('a', mailbox);
    await lines.publish('a', 'hello', { except: one });
    expect([one.posted, other.posted]).toEqual([[], ['hello']]);
  });

  test('1 except: a mailbox gets nothing from another pub/sub of its process either', async () => {
    const server = new MemoryServer();
    const [one, other] = [0, 1].map(() => createPubSub<string>({ broker: memoryBroker(server) })) as [
      PubSub<string>,
      PubSub<string>,
    ];
    const [sender, listener] = [new TestMailbox<string>(), new TestMailbox<string>()];
    for (const mailbox of [sender, listener]) await one.subscribe('a', mailbox);
    await other.publish('a', 'hello', { except: sender });
    await other.publish('a', 'last');
    for (const mailbox of [sender, listener]) await mailbox.has((text) => text === 'last');
    expect([sender.posted, listener.posted]).toEqual([['last'], ['hello', 'last']]);
    for (const lines of [one, other]) await lines.close();
  });

  test('1 a subscriber that subscribes again while it gets a message gets that one once', async () => {
    const lines = createPubSub<number>();
    const again = Object.assign(new TestMailbox<number>(), {
      post(n: number) {
        again.posted.push(n);
        if (again.posted.length > 9) return;
        lines.unsubscribe('a', again);
        lines.subscribe('a', again);
        lines.subscribe('a', late);
      },
    });
    const [other, late] = [new TestMailbox<number>(), new TestMailbox<number>()];
    for (const mailbox of [again, other]) await lines.subscribe('a', mailbox);
    for (const n of [1, 2]) await lines.publish('a', n);
    expect([again.posted, other.posted, late.posted]).toEqual([[1, 2], [1, 2], [2]]);
  });

  test('1 a mailbox that is subscribed twice gets each message once', async () => {
    const lines = createPubSub();
    const mailbox = new TestMailbox();
    await lines.subscribe('a', mailbox);
    await lines.subscribe('a', mailbox);
    await lines.publish('a', 1);
    lines.unsubscribe('a', mailbox);
    await lines.publish('a', 2);
    expect(mailbox.posted).toEqual([1]);
  });

  test('1 with a codec, messages are what it decodes, in this process too', async () => {
    const codec: Codec<Date> = {
      encode: (date) => new TextEncoder().encode(date.toISOString()),
      decode: (bytes) => new Date(new TextDecoder().decode(bytes)),
    };
    const server = new MemoryServer();
    for (const broker of [undefined, memoryBroker(server)]) {
      const lines = createPubSub<Date>({ codec, broker });
      const mailbox = new TestMailbox<Date>();
      await lines.subscribe('a', mailbox);
      await lines.publish('a', new Date(5));
      await mailbox.has(() => true);
      expect(mailbox.posted).toEqual([new Date(5)]);
      await lines.close();
    }
  });
});

describe('2', () => {
  test('2 in one process, too, a message that the codec cannot decode is reported, and is a gap', async () => {
    const onError = vi.fn();
    const codec: Codec<number> = {
      encode: (n) => Uint8Array.of(n),
      decode([n]) {
        if (n === 1) throw new Error('thrown by a test');
        return n as number;
      },
    };
    const lines = createPubSub<number>({ codec, onError });
    const gap = vi.fn();
    lines.onGap(gap);
    const mailbox = new TestMailbox<number>();
    await lines.subscribe('a', mailbox);
    for (const n of [0, 1, 2]) await lines.publish('a', n);
    expect(mailbox.posted).toEqual([0, 2]);
    expect(gap.mock.calls).toEqual([[['a']]]);
    expect(onError.mock.calls).toEqual([[new Error('thrown by a test'), { source: 'decode', topic: 'a' }]]);
  });

  test('2 a listener that is added while a gap is reported is called from the next one on', async () => {
    const broker = new ManualBroker();
    const lines = createPubSub({ broker });
    await lines.subscribe('a', new TestMailbox());
    let calls = 0;
    let stop = () => {};
    function listen(): void {
      stop = lines.onGap(() => {
        calls += 1;
        stop();
        if (calls < 9) listen();
      });
    }
    listen();
    for (const expected of [1, 2]) {
      broker.events.gap(['ta']);
      expect(calls).toBe(expected);
    }
    await lines.close();
  });

  test('2 a message that cannot be decoded is reported, and is a gap', async () => {
    const broker = new ManualBroker();
    const onError = vi.fn();
    const lines = createPubSub({ broker, onError });
    const gap = vi.fn();
    lines.onGap(gap);
    const mailbox = new TestMailbox();
    await lines.subscribe('a', mailbox);
    const bytes = (text: string) => new TextEncoder().encode(text);
    for (const wrong of ['', 'no line', '\n{', '\n', 'x'.repeat(1_000)]) broker.events.message('ta', bytes(wrong));
    broker.events.message('ta', Uint8Array.of(10, 0xff));
    broker.events.message('ta', bytes('\n1'));
    expect(mailbox.posted).toEqual([1]);
    expect(gap.mock.calls).toEqual(Array.from({ length: 6 }, () => [['a']]));
    expect(onError).toHaveBeenCalledTimes(6);
    expect(onError.mock.calls[0]?.[1]).toEqual({ source: 'decode', topic: 'a' });
    await lines.close();
  });

  test('2 a gap names topics with subscribers; a listener that throws is reported, and holds up no other', async () => {
    const broker = new ManualBroker();
    const onError = vi.fn();
    const lines = createPubSub({ broker, onError });
    const gaps: (readonly string[])[] = [];
    lines.onGap(() => {
      throw new Error('thrown by a test');
    });
    const stop = lines.onGap((topics) => gaps.push(topics));
    const mailbox = new TestMailbox();
    for (const topic of ['a', 'b', 'c']) await lines.subscribe(topic, mailbox);
    lines.unsubscribe('b', mailbox);
    broker.events.gap(['ta', 'tb', 'tc', 'td', 'p']);
    expect(gaps).toEqual([['a', 'c']]);
    broker.events.gap(['tb', 'p']);
    expect(gaps).toEqual([['a', 'c']]);
    stop();
    broker.events.gap(['ta']);
    expect(gaps).toEqual([['a', 'c']]);
    expect(onError.mock.calls.map(([, context]) => context)).toEqual([{ source: 'onGap' }, { source: 'onGap' }]);
    await lines.close();
  });
});

describe('3', () => {
  test('3 publish rejects after the time limit, and when the broker throws or rejects; volatile never does', async () => {
    const broker = new ManualBroker();
    const lines = createPubSub({ broker, timeout: 20 });
    broker.isAutomatic = false;
    await expect(lines.publish('a', 1)).rejects.toThrow('publish: the broker has not answered within 20 ms');
    await lines.publish('a', 1, { volatile: true });
    const published = lines.publish('a', 1);
    broker.pending.at(-1)?.reject(new Error('full'));
    await expect(published).rejects.toMatchObject({ cause: { message: 'full' } });
    Object.assign(broker, {
      publish() {
        throw new Error('thrown');
      },
    });
    await expect(lines.publish('a', 1)).rejects.toMatchObject({ cause: { message: 'thrown' } });
    await lines.publish('a', 1, { volatile: true });
    broker.isAutomatic = true;
    await lines.close();
  });

  test('3 a message of more than maxPending bytes is rejected, and the error says so', async () => {
    const lines = createPubSub({ broker: new ManualBroker(), maxPending: 1_000 });
    const words = /^publish: the message is too large; maxPending is 1000, and this message has 1259 bytes$/;
    await expect(lines.publish('a', 'x'.repeat(1_000))).rejects.toThrow(words);
    await lines.close();
  });

  test('3 at most maxPending bytes are pending, also after the time limit; then there is room again', async () => {
    const broker = new ManualBroker();
    const lines = createPubSub({ broker, timeout: 20, maxPending: 1_100 });
    broker.isAutomatic = false;
    const published = [1, 2, 3, 4].map((n) => lines.publish('a', n)); // with 256 bytes of overhead each
    await expect(lines.publish('a', 5)).rejects.toThrow(/too slow, or away: messages of \d+ bytes are pending/);
    await lines.publish('a', 5, { volatile: true });
    await Promise.allSettled(published);
    await expect(lines.publish('a', 5)).rejects.toThrow('maxPending is 1100');
    expect(broker.calls).toHaveLength(4);
    for (const { resolve } of broker.pending.splice(0)) resolve();
    await turn();
    broker.isAutomatic = true;
    await lines.publish('a', 6);
    await lines.close();
  });
});

describe('4', () => {
  test('4 the broker gets one call at a time for each topic, and one subscription', async () => {
    const broker = new ManualBroker();
    const lines = createPubSub({ broker });
    broker.isAutomatic = false;
    const mailboxes = [new TestMailbox(), new TestMailbox()] as const;
    const settled: string[] = [];
    const subscribe = (index: 0 | 1) =>
      lines.subscribe('a', mailboxes[index]).then(
        () => settled.push(`${index} subscribed`),
        () => settled.push(`${index} failed`),
      );
    subscribe(0);
    subscribe(1);
    expect(broker.calls).toEqual(['subscribe ta']);
    lines.unsubscribe('a', mailboxes[0]);
    lines.unsubscribe('a', mailboxes[1]);
    await turn();
    expect(broker.calls).toEqual(['subscribe ta']);
    broker.pending.shift()?.resolve();
    await turn();
    expect(broker.calls).toEqual(['subscribe ta', 'unsubscribe ta']);
    subscribe(1);
    await turn();
    expect(broker.calls).toHaveLength(2);
    settled.length = 0;
    broker.pending.shift()?.resolve();
    await turn();
    expect(broker.calls).toEqual(['subscribe ta', 'unsubscribe ta', 'subscribe ta']);
    expect(settled).toEqual([]);
    broker.pending.shift()?.resolve();
    await turn();
    expect(settled).toEqual(['1 subscribed']);
    subscribe(0);
    await turn();
    expect(settled).toEqual(['1 subscribed', '0 subscribed']);
    lines.unsubscribe('a', mailboxes[0]);
    await turn();
    expect(broker.calls).toHaveLength(3);
    broker.isAutomatic = true;
    await lines.close();
  });

  test('4 a subscription that fails or takes too long is none: the mailbox is free, and the broker is asked again', async () => {
    const broker = new ManualBroker();
    const lines = createPubSub({ broker, timeout: 20 });
    broker.isAutomatic = false;
    const mailbox = new TestMailbox();
    const failing = lines.subscribe('a', mailbox);
    broker.pending.shift()?.reject(new Error('refused'));
    await expect(failing).rejects.toMatchObject({ cause: { message: 'refused' } });
    expect(mailbox.listeners).toBe(0);
    await expect(lines.subscribe('a', mailbox)).rejects.toThrow('subscribe: the broker has not answered within 20 ms');
    expect(mailbox.listeners).toBe(0);
    expect(broker.calls).toEqual(['subscribe ta', 'subscribe ta']);
    broker.isAutomatic = true;
    broker.pending.shift()?.resolve(); // late: it is unsubscribed again
    await turn();
    expect(broker.calls).toEqual(['subscribe ta', 'subscribe ta', 'unsubscribe ta']);
    await lines.subscribe('a', mailbox);
    expect(mailbox.listeners).toBe(1);
    await lines.close();
    expect(mailbox.listeners).toBe(0);
  });

  test('4 a subscription that fails is no error for a mailbox that has been unsubscribed', async () => {
    const broker = new ManualBroker();
    const lines = createPubSub({ broker });
    broker.isAutomatic = false;
    const [left, stays] = [new TestMailbox(), new TestMailbox()];
    const outcomes = Promise.allSettled([lines.subscribe('a', left), lines.subscribe('a', stays)]);
    lines.unsubscribe('a', left);
    broker.pending.shift()?.reject(new Error('refused'));
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    broker.isAutomatic = true;
    await lines.close();
  });

  test('4 the end of a connection takes its mailbox off all topics; nothing of it stays', async () => {
    const broker = new ManualBroker();
    for (const lines of [createPubSub(), createPubSub({ broker })]) {
      const mailbox = new TestMailbox();
      for (const topic of ['a', 'b', 'c']) await lines.subscribe(topic, mailbox);
      expect(mailbox.listeners).toBe(1);
      lines.unsubscribe('c', mailbox);
      mailbox.end();
      await lines.publish('a', 1);
      expect(mailbox.posted).toEqual([]);
      await lines.subscribe('a', mailbox); // does nothing, as `post` would
      await lines.publish('a', 1);
      expect(mailbox.posted).toEqual([]);
      expect(mailbox.listeners).toBeLessThanOrEqual(1); // an aborted signal keeps nothing alive
    }
    expect(broker.calls.filter((call) => call.startsWith('un')).sort()).toEqual(
      ['a', 'b', 'c'].map((name) => `unsubscribe t${name}`),
    );
  });

  test('4 after close, no message is posted, also while pending messages are waited for', async () => {
    const broker = new ManualBroker();
    const lines = createPubSub({ broker });
    const mailbox = new TestMailbox();
    await lines.subscribe('a', mailbox);
    broker.isAutomatic = false;
    const published = lines.publish('a', 1);
    const closed = lines.close();
    broker.events.message('ta', new TextEncoder().encode('\n1'));
    expect(mailbox.posted).toEqual([]);
    broker.isAutomatic = true;
    broker.pending.shift()?.resolve();
    await Promise.all([published, closed]);
  });

  test('4 connections that end without unsubscribe leak nothing', async () => {
    const lines = createPubSub<string>();
    const handler = {
      async init(topic, mailbox) {
        await lines.subscribe(topic, mailbox);
        return { type: 'ok', state: undefined };
      },
      handleIn: (_frame, state) => ({ type: 'ok', state }),
      handleInfo: (data, state) => ({ type: 'push', messages: { opcode: 'text', data }, state }),
    } satisfies WebSock<undefined, string, string>;
    const weak: WeakRef<object>[] = [];
    await (async () => {
      for (let index = 0; index < 50; index++) {
        const client = connect(handler, 'a');
        await turn();
        await lines.publish('a', `to ${index}`);
        expect(await client.next()).toEqual({ opcode: 'text', data: `to ${index}` });
        if (index % 2) client.close();
        else client.drop();
        await client.closed;
        weak.push(new WeakRef(client.mailbox));
      }
    })();
    setFlagsFromString('--expose-gc');
    const gc: () => void = runInNewContext('gc');
    await vi.waitFor(() => {
      gc();
      expect(weak.filter((each) => each.deref()).length).toBeLessThan(3);
    });
    await lines.close();
  });

  const operation = fc.record({
    node: fc.nat(1),
    topic: fc.nat(20),
    mailbox: fc.nat(15),
    what: fc.constantFrom('subscribe', 'await', 'unsubscribe', 'publish', 'publish', 'end'),
  });

  test('4 topics joined and left at random: each mailbox gets what a model says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 20, maxLength: 300 }), async (operations) => {
        const server = new MemoryServer();
        const nodes = [0, 1].map(() => createPubSub<number>({ broker: memoryBroker(server) })) as PubSub<number>[];
        const mailboxes = nodes.map(() => Array.from({ length: 16 }, () => new TestMailbox<number>()));
        // by node and mailbox: since which message each topic is certain to be subscribed, and the topics that may be
        const certain = nodes.map(() => Array.from({ length: 16 }, () => new Map<number, Set<number>>()));
        const required = nodes.map(() => Array.from({ length: 16 }, () => [] as number[]));
        const forbidden = nodes.map(() => Array.from({ length: 16 }, () => new Set<number>()));
        const ended = new Set<TestMailbox<number>>();
        let number = 0;
        for (const { node, topic, mailbox: index, what } of operations) {
          const lines = nodes[node] as PubSub<number>;
          const mailbox = mailboxes[node]?.[index] as TestMailbox<number>;
          const topics = certain[node]?.[index] as Map<number, Set<number>>;
          if (what === 'subscribe') void lines.subscribe(String(topic), mailbox);
          else if (what === 'await') {
            await lines.subscribe(String(topic), mailbox);
            if (!ended.has(mailbox)) topics.set(topic, new Set());
          } else if (what === 'unsubscribe') {
            lines.unsubscribe(String(topic), mailbox);
            topics.delete(topic);
          } else if (what === 'end') {
            mailbox.end();
            ended.add(mailbox);
            topics.clear();
          } else {
            const own = ++number;
            for (const [where, list] of certain.entries()) {
              for (const [who, has] of list.entries()) {
                const each = mailboxes[where]?.[who] as TestMailbox<number>;
                if (has.has(topic)) required[where]?.[who]?.push(own);
                else if (ended.has(each)) forbidden[where]?.[who]?.add(own);
              }
            }
            await lines.publish(String(topic), own);
            for (let turns = 0; turns < 3; turns++) await turn();
          }
        }
        for (const [where, list] of mailboxes.entries()) {
          for (const [who, { posted }] of list.entries()) {
            const expected = required[where]?.[who] as number[];
            expect(posted.filter((n) => expected.includes(n))).toEqual(expected);
            expect(posted).toEqual([...new Set(posted)].sort((a, b) => a - b));
            expect(posted.filter((n) => forbidden[where]?.[who]?.has(n))).toEqual([]);
          }
        }
        await Promise.all(nodes.map((lines) => lines.close()));
      }),
      { numRuns: 40 },
    );
  });
});

describe('5', () => {
  test('5 volatile leaves out a client that reads slowly, and no other', async () => {
    const lines = createPubSub<string>();
    const [fast, slow] = [new TestMailbox<string>(), new TestMailbox<string>()];
    slow.waiting = 1;
    for (const mailbox of [fast, slow]) await lines.subscribe('a', mailbox);
    await lines.publish('a', 'typing', { volatile: true });
    await lines.publish('a', 'said');
    expect([fast.posted, slow.posted]).toEqual([['typing', 'said'], ['said']]);
  });
});

describe('bad input is an error at the call:', () => {
  const lines = createPubSub<any>();
  const mailbox = new TestMailbox<any>();
  const broker = () => new ManualBroker();
  const used = broker();
  createPubSub({ broker: used });
  const cyclic: any = { list: [] };
  cyclic.list.push(cyclic);
  class Line {
    text = '';
  }

  test.each<[string, () => unknown, RegExp]>([
    ['options', () => createPubSub(5 as any), /^createPubSub: the options are 5; pass an object$/],
    [
      'an option',
      () => createPubSub({ brokers: 1 } as any),
      /no option "brokers"; the options are broker, codec, timeout/,
    ],
    ['a broker', () => createPubSub({ broker: 'redis' as any }), /the broker is "redis"; pass what redis\(client\)/],
    [
      'a client as a broker',
      () => createPubSub({ broker: { publish() {}, subscribe() {} } as any }),
      /the broker's "open" is undefined/,
    ],
    [
      'the order of a broker',
      () => createPubSub({ broker: { ...broker(), order: 'none' } as any }),
      /"order" is "none"; it must be 'topic' or 'publisher'/,
    ],
    ['a broker in use', () => createPubSub({ broker: used }), /used by another createPubSub; make one for each/],
    [
      'timeout',
      () => createPubSub({ timeout: 0 }),
      /the option "timeout" is 0; it must be a number of milliseconds, at least 1/,
    ],
    ['maxPending', () => createPubSub({ maxPending: Number.NaN }), /the option "maxPending" is NaN/],
    ['codec', () => createPubSub({ codec: {} as any }), /codec.encode is undefined; pass a function/],
    [
      'what a codec returns',
      () => createPubSub<any>({ codec: { encode: () => 'x' as any, decode: () => 1 } }).publish('a', 1),
      /codec.encode returned "x"; it must return a Uint8Array/,
    ],
    ['onError', () => createPubSub({ onError: 1 as any }), /the option "onError" is 1; pass a function/],
    ['a topic', () => lines.subscribe(5 as any, mailbox), /^subscribe: the topic is 5; it must be a string/],
    ['the topic of a message', () => lines.publish(undefined as any, 1), /^publish: the topic is undefined/],
    [
      'a long topic',
      () => lines.publish('x'.repeat(1_001), 1),
      /has 1001 characters; it must be a string of at most 1000/,
    ],
    ['a broken topic', () => lines.unsubscribe('\ud800', mailbox), /has a lone surrogate/],
    [
      'a mailbox',
      () => lines.subscribe('a', (() => {}) as any),
      /the mailbox is a function; pass the mailbox that init received/,
    ],
    [
      'a mailbox to except',
      () => lines.publish('a', 1, { except: {} as any }),
      /^publish: the mailbox is an object; pass/,
    ],
    [
      'an option of a message',
      () => lines.publish('a', 1, { exept: mailbox } as any),
      /no option "exept"; the options are except, volatile/,
    ],
    ['volatile', () => lines.publish('a', 1, { volatile: 1 as any }), /"volatile" is 1; it must be true or false/],
    ['undefined', () => lines.publish('a', undefined), /^the message is undefined, which JSON cannot express/],
    [
      'a function',
      () => lines.publish('a', { a: [() => {}] }),
      /^the message\.a\[0\] is a function, which JSON cannot express/,
    ],
    ['a Date', () => lines.publish('a', { at: new Date() }), /^the message\.at is an object of Date, which JSON/],
    [
      'a Map',
      () => lines.publish('a', new Map()),
      /is an object of Map, which JSON cannot express; convert it, or give createPubSub a codec/,
    ],
    ['an object of a class', () => lines.publish('a', new Line()), /is an object of Line/],
    ['bytes', () => lines.publish('a', Uint8Array.of(1)), /is an object of Uint8Array/],
    ['NaN', () => lines.publish('a', [Number.NaN]), /^the message\[0\] is NaN/],
    ['a bigint', () => lines.publish('a', 1n), /is a bigint/],
    ['undefined in a list', () => lines.publish('a', [undefined]), /^the message\[0\] is undefined/],
    ['a cycle', () => lines.publish('a', cyclic), /contains itself, or is nested too deeply for JSON/],
    ['a listener', () => lines.onGap(undefined as any), /^onGap: the listener is undefined; pass a function$/],
  ])('%s', (_what, call, words) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(words);
  });

  test('and so is everything after close, but for close and unsubscribe', async () => {
    const broker = new ManualBroker();
    const closing = createPubSub({ broker });
    await closing.subscribe('a', mailbox);
    const closed = closing.close();
    expect(closing.close()).toBe(closed);
    for (const call of [
      () => closing.subscribe('a', mailbox),
      () => closing.publish('a', 1),
      () => closing.publish('a', 1, { volatile: true }),
      () => closing.onGap(() => {}),
    ]) {
      expect(call).toThrow(/^(subscribe|publish|onGap): the pub\/sub was closed$/);
    }
    closing.unsubscribe('a', mailbox);
    await closed;
    expect(mailbox.listeners).toBe(0);
    expect(broker.calls.at(-1)).toBe('close');
    broker.events.message('ta', new TextEncoder().encode('\n1'));
    broker.events.gap(['ta']);
    expect(mailbox.posted).toEqual([]);
  });
});

test('7 a subscriber that throws is reported, and holds up no other', async () => {
  const onError = vi.fn();
  const lines = createPubSub({ onError });
  const wrong = Object.assign(new TestMailbox(), {
    post() {
      throw new Error('thrown by a test');
    },
  });
  const right = new TestMailbox();
  for (const mailbox of [wrong, right]) await lines.subscribe('a', mailbox);
  await lines.publish('a', 1);
  expect(right.posted).toEqual([1]);
  expect(onError.mock.calls).toEqual([[new Error('thrown by a test'), { source: 'post', topic: 'a' }]]);
});

test('the types are exact', () => {
  const lines = createPubSub<{ readonly text: string }>();
  expectTypeOf(lines).toEqualTypeOf<PubSub<{ readonly text: string }>>();
  expectTypeOf(lines.subscribe).parameter(1).toExtend<Pick<WebSock.Mailbox<{ readonly text: string }>, 'post'>>();
  expectTypeOf<WebSock.Mailbox<{ readonly text: string }>>().toExtend<Parameters<typeof lines.subscribe>[1]>();
  expectTypeOf<WebSock.Mailbox<unknown>>().toExtend<Parameters<typeof lines.subscribe>[1]>();
  expectTypeOf<WebSock.Mailbox<{ readonly other: string }>>().not.toExtend<Parameters<typeof lines.subscribe>[1]>();
  expectTypeOf(lines.publish).parameter(1).toEqualTypeOf<{ readonly text: string }>();
  expectTypeOf(createPubSub()).toEqualTypeOf<PubSub<unknown>>();
});
