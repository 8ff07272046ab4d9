// The promises, as tests of any broker. They use no test runner:
//
//   import { brokerTests } from '@websock/pubsub/testing';
//   for (const { title, needs, run } of brokerTests) test(title, { skip: !needs.every((need) => server[need]) }, () => run(server));

import type { Broker } from './broker.ts';
import type { Subscriber } from './members.ts';
import { createPubSub, type PubSub } from './pubsub.ts';

/** What a test may do to the server. A test that needs what is missing cannot run. */
export type ServerControl = 'cut' | 'stop' | 'pause';

/** A server to test, in any state: each test makes its own topics. */
export interface BrokerUnderTest {
  /** Makes a broker that is connected to the server, as in a process of its own. */
  readonly create: () => Broker | Promise<Broker>;
  /** How long a test waits for what must happen, in ms. Default: 20 000. */
  readonly patience?: number | undefined;
  /** Cuts all connections of brokers; the server accepts new ones. */
  readonly cut?: (() => unknown) | undefined;
  /** Stops the server, and resolves when it has stopped. The function that it resolves with starts the server again. */
  readonly stop?: (() => Promise<() => unknown>) | undefined;
  /** Suspends the server, which keeps its connections. The function that it resolves with resumes it. */
  readonly pause?: (() => Promise<() => unknown>) | undefined;
}

/** One test. */
export interface BrokerTest {
  /** The promise, and what is tested, such as `'2 after a cut, the gap is reported once'`. */
  readonly title: string;
  /** What the test does to the server. */
  readonly needs: readonly ServerControl[];
  /** Rejects if the broker breaks the promise. */
  readonly run: (server: BrokerUnderTest) => Promise<void>;
}

/** The time limit of the pub/subs, in ms: longer than the answer of a busy machine. */
const TIMEOUT = 3_000;

type Event = { readonly message: unknown } | { readonly gap: readonly string[] };

/** A subscriber, or a listener of gaps, that keeps what it gets. */
class Recorder implements Subscriber<unknown> {
  readonly events: Event[] = [];
  readonly #ended = new AbortController();
  readonly signal = this.#ended.signal as Subscriber<unknown>['signal'];
  readonly #patience: number;
  waiting = 0;
  #woken = () => {};

  constructor(patience: number) {
    this.#patience = patience;
  }

  readonly post = (message: unknown): void => this.add({ message });

  add(event: Event): void {
    this.events.push(event);
    this.#woken();
  }

  end(): void {
    this.#ended.abort();
  }

  get messages(): unknown[] {
    return this.events.flatMap((event) => ('message' in event ? [event.message] : []));
  }

  get gaps(): string[] {
    return this.events.flatMap((event) => ('gap' in event ? event.gap : []));
  }

  /** Waits until the condition holds. */
  async until(what: string, condition: () => boolean): Promise<void> {
    const end = performance.now() + this.#patience;
    while (!condition()) {
      if (performance.now() > end)
        throw new Error(`${what} was expected; there was ${JSON.stringify(this.events.slice(-20))}`);
      await new Promise<void>((resolve) => {
        this.#woken = resolve;
        setTimeout(resolve, 200);
      });
    }
  }

  has(message: unknown): Promise<void> {
    return this.until(`the message ${JSON.stringify(message)}`, () => this.messages.includes(message));
  }
}

function equal(actual: unknown, expected: unknown, what: string): void {
  const [one, other] = [actual, expected].map((value) => JSON.stringify(value));
  if (one !== other) throw new Error(`${what}: ${other} was expected, not ${one}`);
}

function ok(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

/** The error of a promise that must reject. */
async function rejection(promise: Promise<unknown>, what: string): Promise<unknown> {
  const outcome = await promise.then(
    () => undefined,
    (error) => ({ error }),
  );
  ok(outcome !== undefined, `${what} must reject`);
  return outcome.error;
}

const count = (length: number) => Array.from({ length }, (_, index) => index);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
let lastTopic = 0;

/** What a test has: pub/subs as in different processes, and topics that no other test uses. */
class World {
  readonly #pubsubs: PubSub<unknown>[] = [];
  readonly #undo: (() => unknown)[] = [];
  readonly server: BrokerUnderTest;
  readonly patience: number;

  constructor(server: BrokerUnderTest) {
    this.server = server;
    this.patience = server.patience ?? 20_000;
  }

  recorder(): Recorder {
    return new Recorder(this.patience);
  }

  topic(name = ''): string {
    return `${name} ${Date.now()}.${++lastTopic}.${Math.random()}`;
  }

  async process(
    options: { timeout?: number; maxPending?: number } = {},
  ): Promise<PubSub<unknown> & { readonly order: string }> {
    const broker = await this.server.create();
    const pubsub = createPubSub({ broker, timeout: TIMEOUT, ...options, onError: () => {} });
    this.#pubsubs.push(pubsub);
    return { ...pubsub, order: broker.order };
  }

  /** A process with a recorder that is subscribed to a topic, and records gaps. */
  async subscribed(topic: string): Promise<{ pubsub: PubSub<unknown>; recorder: Recorder }> {
    const pubsub = await this.process();
    const recorder = this.recorder();
    pubsub.onGap((gap) => recorder.add({ gap }));
    await pubsub.subscribe(topic, recorder);
    return { pubsub, recorder };
  }

  async cut(): Promise<void> {
    await this.server.cut?.();
  }

  async stop(): Promise<() => Promise<void>> {
    return this.#undoable(await this.server.stop?.());
  }

  async pause(): Promise<() => Promise<void>> {
    return this.#undoable(await this.server.pause?.());
  }

  #undoable(undo: () => unknown = () => {}): () => Promise<void> {
    let done: Promise<void> | undefined;
    const once = () => {
      done ??= (async () => {
        await undo();
      })();
      return done;
    };
    this.#undo.push(once);
    return once;
  }

  /** Publishes until the broker accepts it. */
  async publishAtLast(pubsub: PubSub<unknown>, topic: string, message: unknown): Promise<void> {
    const end = performance.now() + this.patience;
    for (;;) {
      try {
        return await pubsub.publish(topic, message);
      } catch (error) {
        if (performance.now() > end) throw error;
        await sleep(20);
      }
    }
  }

  /** Publishes numbers, each when the one before has settled, until it is stopped; `stop` returns those that were accepted. */
  stream(pubsub: PubSub<unknown>, topic: string): { readonly last: () => number; stop(): Promise<Set<number>> } {
    const accepted = new Set<number>();
    let number = 0;
    let isEnding = false;
    const ended = (async () => {
      while (!isEnding) {
        const own = ++number;
        await pubsub.publish(topic, own).then(
          () => accepted.add(own),
          () => sleep(5),
        );
      }
    })();
    const stop = async () => {
      isEnding = true;
      await ended;
      return accepted;
    };
    this.#undo.push(stop);
    return { last: () => number, stop };
  }

  async end(): Promise<void> {
    for (const undo of this.#undo) await undo();
    await Promise.all(this.#pubsubs.map((pubsub) => pubsub.close()));
  }
}

function test(title: string, needs: readonly ServerControl[], body: (world: World) => Promise<void>): BrokerTest {
  return {
    title,
    needs,
    async run(server) {
      const world = new World(server);
      try {
        await body(world);
      } finally {
        await world.end();
      }
    },
  };
}

/** Checks promises 1 and 2 on the numbers of one publisher: in order, none twice, none missed without a gap. */
function checkStream({ events }: Recorder, topic: string, accepted: Set<number>, until: number): void {
  let last = 0;
  let isGap = false;
  for (const event of events) {
    if ('gap' in event) {
      isGap ||= event.gap.includes(topic);
      continue;
    }
    const number = event.message as number;
    ok(number > last, `${number} came after ${last}: a message came twice, or out of order`);
    for (let missed = last + 1; missed < number; missed++) {
      ok(isGap || !accepted.has(missed), `${missed} was accepted, and was missed without a gap before ${number}`);
    }
    last = number;
    isGap = false;
  }
  ok(last >= until || isGap, `${until} was accepted, and was missed without a gap: ${last} was the last`);
}

/** The tests, in the order of the promises. */
export const brokerTests: readonly BrokerTest[] = [
  // ---- 1. Order ----
  test('1 every subscriber in every process gets each message once, the publisher included', [], async (world) => {
    const topic = world.topic();
    const all = await Promise.all(count(3).map(() => world.subscribed(topic)));
    const second = world.recorder();
    await all[0]?.pubsub.subscribe(topic, second);
    for (const number of count(20)) await all[number % 3]?.pubsub.publish(topic, number);
    await Promise.all(all.map(({ pubsub }, index) => pubsub.publish(topic, `last of ${index}`)));
    for (const recorder of [...all.map(({ recorder }) => recorder), second]) {
      for (const index of count(3)) await recorder.has(`last of ${index}`);
      equal(
        recorder.messages.slice(0, 20),
        count(20),
        'the messages, each published after the one before was accepted',
      );
      equal(recorder.messages.length, 23, 'the number of messages');
      equal(recorder.gaps, [], 'gaps');
    }
  }),

  test('1 the order is the same for all, or that of each publisher, as the broker says', [], async (world) => {
    const topic = world.topic();
    const all = await Promise.all(count(3).map(() => world.subscribed(topic)));
    const { order } = await world.process();
    await Promise.all(
      all.map(({ pubsub }, publisher) =>
        Promise.all(count(200).map((number) => pubsub.publish(topic, publisher * 1_000 + number))),
      ),
    );
    for (const { recorder } of all) {
      await recorder.until('600 messages', () => recorder.messages.length >= 600);
      for (const publisher of count(3)) {
        const own = recorder.messages.filter((message) => Math.floor((message as number) / 1_000) === publisher);
        equal(
          own,
          count(200).map((number) => publisher * 1_000 + number),
          `the messages of publisher ${publisher}`,
        );
      }
      if (order === 'topic')
        equal(recorder.messages, all[0]?.recorder.messages, 'the order, compared with another process');
    }
  }),

  test('1 topics are any text, and distinct', [], async (world) => {
    const names = [
      '',
      'a',
      'A',
      'a ',
      ' a',
      'a.b',
      'a.*',
      '*',
      '>',
      '.',
      'a\nb',
      'a\0',
      'é',
      'e\u0301',
      '=',
      '=.YQ==',
      '🎈',
      '__proto__',
    ];
    const long = [...'xé'].map((letter) => letter.repeat(960));
    const { pubsub } = await world.subscribed(world.topic());
    const other = await world.process();
    const suffix = world.topic().slice(0, 39);
    const topics = [...new Set([...names, ...long].flatMap((name) => [name + suffix, suffix + name]))];
    const recorders = topics.map(() => world.recorder());
    await Promise.all(topics.map((topic, index) => pubsub.subscribe(topic, recorders[index] as Recorder)));
    await Promise.all(topics.map((topic) => other.publish(topic, topic)));
    for (const [index, recorder] of recorders.entries()) await recorder.has(topics[index]);
    await Promise.all(topics.map((topic) => other.publish(topic, 'last')));
    for (const [index, recorder] of recorders.entries()) {
      await recorder.has('last');
      equal(recorder.messages, [topics[index], 'last'], `the messages of the topic ${JSON.stringify(topics[index])}`);
    }
  }),

  test('1 messages arrive unchanged, and are not sent to their exception', [], async (world) => {
    const topic = world.topic();
    const { pubsub, recorder } = await world.subscribed(topic);
    const { recorder: far } = await world.subscribed(topic);
    const messages = [null, true, 0, '', '\u2028\ud800é🎈', [[], {}], { a: { b: [1.5, null] } }, 'x'.repeat(300_000)];
    for (const message of messages) await pubsub.publish(topic, message, { except: recorder });
    await pubsub.publish(topic, 'last');
    await far.has('last');
    await recorder.has('last');
    equal(far.messages, [...messages, 'last'], 'the messages');
    equal(recorder.messages, ['last'], 'the messages of the exception');
  }),

  // ---- 2. Gaps ----
  test('2 after a cut, the gap is reported once, and before any later message', ['cut'], async (world) => {
    const topics = count(3).map(() => world.topic());
    const { pubsub, recorder } = await world.subscribed(topics[0] as string);
    await Promise.all(topics.map((topic) => pubsub.subscribe(topic, recorder)));
    const other = await world.process();
    await other.publish(topics[0] as string, 'before');
    await recorder.has('before');
    for (const round of [1, 2]) {
      await world.cut();
      await recorder.until(`the gaps of cut ${round}`, () => recorder.gaps.length >= 3 * round);
      for (const topic of topics) await world.publishAtLast(other, topic, `after ${round} in ${topic}`);
      for (const topic of topics) await recorder.has(`after ${round} in ${topic}`);
      equal(recorder.gaps.slice(3 * (round - 1)).sort(), [...topics].sort(), `the topics of gap ${round}`);
      const lastGap = recorder.events.map((event) => 'gap' in event).lastIndexOf(true);
      const first = recorder.events.findIndex(
        (event) => 'message' in event && String(event.message).startsWith(`after ${round}`),
      );
      ok(lastGap < first, 'a message came before the gap was reported');
    }
  }),

  test('2 after a cut, no message comes before the gap', ['cut'], async (world) => {
    const topic = world.topic();
    const { recorder } = await world.subscribed(topic);
    const other = await world.process();
    await other.publish(topic, 0);
    await recorder.has(0);
    for (const round of [1, 2, 3]) {
      const before = recorder.events.length;
      await world.cut();
      const numbers = world.stream(other, topic);
      await recorder.until(`the gap of cut ${round}`, () => recorder.gaps.length >= round);
      await recorder.until('5 messages', () => recorder.events.length >= before + 6);
      await numbers.stop();
      ok('gap' in (recorder.events[before] as Event), 'a message came before the gap was reported');
      await world.publishAtLast(other, topic, `end ${round}`);
      await recorder.has(`end ${round}`);
    }
  }),

  test('2 when a gap is reported, the topic is subscribed again', ['cut'], async (world) => {
    const topic = world.topic();
    const { pubsub, recorder } = await world.subscribed(topic);
    const other = await world.process();
    const published: Promise<void>[] = [];
    pubsub.onGap(() => published.push(world.publishAtLast(other, topic, `after gap ${published.length}`)));
    for (const round of count(5)) {
      await world.cut();
      await recorder.until(`gap ${round}`, () => published.length > round);
      await Promise.all(published);
      await recorder.has(`after gap ${round}`);
    }
  }),

  test(
    '2 a cut while messages flow: none comes twice, out of order, or is missed without a gap',
    ['cut'],
    async (world) => {
      const topic = world.topic();
      const all = await Promise.all(count(2).map(() => world.subscribed(topic)));
      const publisher = await world.process();
      const numbers = world.stream(publisher, topic);
      const { recorder } = all[0] as (typeof all)[0];
      for (const round of count(4)) {
        const before = recorder.messages.length;
        await recorder.until('20 messages', () => recorder.messages.length >= before + 20);
        await world.cut();
        await recorder.until('a gap', () => recorder.gaps.length > round);
      }
      const accepted = await numbers.stop();
      let last = numbers.last();
      for (const { recorder } of all) {
        for (;;) {
          // what comes before the gap of the last cut may be missed
          const own = ++last;
          await world.publishAtLast(publisher, topic, own);
          accepted.add(own);
          const gaps = recorder.gaps.length;
          await recorder.until(
            'a message or a gap',
            () => recorder.messages.includes(own) || recorder.gaps.length > gaps,
          );
          if (recorder.messages.includes(own)) break;
        }
      }
      for (const { recorder } of all) {
        await recorder.has(last);
        checkStream(recorder, topic, accepted, last);
      }
    },
  ),

  test('2 the server stops and starts: the gap is reported once', ['stop'], async (world) => {
    const topic = world.topic();
    const { pubsub, recorder } = await world.subscribed(topic);
    const restart = await world.stop();
    await sleep(300);
    equal(recorder.events, [], 'events while the server is away');
    await restart();
    await recorder.until('the gap', () => recorder.gaps.length > 0);
    await world.publishAtLast(pubsub, topic, 'after');
    await recorder.has('after');
    equal(recorder.events, [{ gap: [topic] }, { message: 'after' }], 'the events');
  }),

  test('2 what was not subscribed, or is not any more, has no gap', ['cut'], async (world) => {
    const [topic, left] = [world.topic(), world.topic()];
    const { pubsub, recorder } = await world.subscribed(topic);
    await pubsub.subscribe(left, recorder);
    pubsub.unsubscribe(left, recorder);
    await world.cut();
    await recorder.until('the gap', () => recorder.gaps.length > 0);
    const later = world.topic();
    await pubsub.subscribe(later, recorder);
    await world.publishAtLast(pubsub, later, 'later');
    await recorder.has('later');
    equal(recorder.gaps, [topic], 'the topics of the gap');
  }),

  // ---- 3. Accepting ----
  test('3 publish settles when the server has the message', [], async (world) => {
    const topic = world.topic();
    const { recorder } = await world.subscribed(topic);
    const [one, other] = [await world.process(), await world.process()];
    for (const number of count(100)) await (number % 2 ? one : other).publish(topic, number);
    await recorder.has(99);
    equal(recorder.messages, count(100), 'messages of two processes, each published after the one before was accepted');
  }),

  test(
    '3 publish rejects while the server is away, and what was rejected does not arrive later',
    ['stop'],
    async (world) => {
      const topic = world.topic();
      const { pubsub, recorder } = await world.subscribed(topic);
      const restart = await world.stop();
      for (let attempt = 0; ; attempt++) {
        // the broker may not have noticed yet
        ok(attempt < 100, 'publish must reject while the server is away');
        const error = await pubsub.publish(topic, 'noticed').then(
          () => undefined,
          (error) => error,
        );
        if (error) break;
      }
      await sleep(300);
      const published = count(20).map((number) => pubsub.publish(topic, number));
      await Promise.all(published.map((each) => rejection(each, 'publish without a server')));
      await restart();
      await recorder.until('the gap', () => recorder.gaps.length > 0);
      await world.publishAtLast(pubsub, topic, 'after');
      await sleep(300); // what a broker keeps, it may send now
      await world.publishAtLast(pubsub, topic, 'last');
      await recorder.has('last');
      equal(
        recorder.messages.filter((message) => typeof message === 'number'),
        [],
        'messages that were rejected',
      );
    },
  ),

  test('3 publish does not settle early: a server that hangs has accepted nothing', ['pause'], async (world) => {
    const topic = world.topic();
    const { recorder } = await world.subscribed(topic);
    const pubsub = await world.process({ timeout: 500 });
    await pubsub.publish(topic, 'before');
    const resume = await world.pause();
    await rejection(pubsub.publish(topic, 'hanging'), 'publish to a server that hangs');
    await resume();
    await world.publishAtLast(pubsub, topic, 'after');
    await recorder.until('a message or a gap', () => recorder.messages.includes('after') || recorder.gaps.length > 0);
  }),

  test('3 what is pending has a limit', ['pause'], async (world) => {
    const topic = world.topic();
    const pubsub = await world.process({ maxPending: 100_000 });
    await pubsub.publish(topic, 'before');
    const resume = await world.pause();
    const message = 'x'.repeat(1_000);
    const published = count(200).map(() => pubsub.publish(topic, message));
    let rejected = 0;
    for (const each of published) each.catch(() => rejected++);
    await sleep(0);
    ok(rejected > 100, `messages beyond maxPending must be rejected immediately: only ${rejected} of 200 were`);
    await resume();
    await Promise.allSettled(published);
    await world.publishAtLast(pubsub, topic, 'after');
  }),

  // ---- 4. Subscribing ----
  test('4 subscribe settles when messages reach the mailbox', [], async (world) => {
    const pubsub = await world.process();
    const other = await world.process();
    for (const number of count(50)) {
      const topic = world.topic();
      const recorder = world.recorder();
      await pubsub.subscribe(topic, recorder);
      await other.publish(topic, number);
      await recorder.has(number);
      pubsub.unsubscribe(topic, recorder);
    }
  }),

  test('4 one leaves, and the others lose nothing', [], async (world) => {
    const topic = world.topic();
    const { pubsub, recorder } = await world.subscribed(topic);
    const other = await world.process();
    const numbers = world.stream(other, topic);
    for (const round of count(30)) {
      const guest = world.recorder();
      const joined = pubsub.subscribe(topic, guest);
      if (round % 3 === 0) await joined;
      if (round % 2 === 0) pubsub.unsubscribe(topic, guest);
      else guest.end();
      await joined;
    }
    const accepted = await numbers.stop();
    await recorder.has(numbers.last());
    equal(recorder.messages, [...accepted], 'the messages of the one that stays');
  }),

  test('4 who leaves and comes back gets messages again', [], async (world) => {
    const topic = world.topic();
    const { pubsub, recorder } = await world.subscribed(topic);
    const other = await world.process();
    for (const number of count(30)) {
      pubsub.unsubscribe(topic, recorder);
      if (number % 2) pubsub.subscribe(topic, recorder);
      if (number % 3) pubsub.unsubscribe(topic, recorder);
      await pubsub.subscribe(topic, recorder);
      if (number % 10 === 9) await sleep(50);
      await other.publish(topic, number);
      await recorder.has(number);
    }
    equal(recorder.messages, count(30), 'the messages');
  }),

  test('4 subscribe rejects while the server is away, and works when it is back', ['stop'], async (world) => {
    const topic = world.topic();
    const pubsub = await world.process({ timeout: 500 });
    await pubsub.subscribe(world.topic(), world.recorder());
    const restart = await world.stop();
    const recorder = world.recorder();
    await sleep(200);
    await rejection(pubsub.subscribe(topic, recorder), 'subscribe without a server');
    await restart();
    for (let attempt = 0; ; attempt++) {
      try {
        await pubsub.subscribe(topic, recorder);
        break;
      } catch (error) {
        if (attempt > 40) throw error;
        await sleep(100);
      }
    }
    await world.publishAtLast(pubsub, topic, 'after');
    await recorder.has('after');
    equal(recorder.messages, ['after'], 'the messages');
  }),

  test('4 a cut while topics are subscribed: every subscriber gets messages, or a gap', ['cut'], async (world) => {
    const pubsub = await world.process();
    const other = await world.process();
    const recorders = new Map<string, Recorder>();
    pubsub.onGap((topics) => {
      for (const topic of topics) recorders.get(topic)?.add({ gap: [topic] });
    });
    await pubsub.subscribe(world.topic(), world.recorder());
    for (const round of count(5)) {
      recorders.clear();
      const joins = count(20).map(async () => {
        const [topic, recorder] = [world.topic(), world.recorder()];
        recorders.set(topic, recorder);
        const end = performance.now() + world.patience;
        while (await pubsub.subscribe(topic, recorder).catch((error) => error)) {
          ok(performance.now() < end, 'subscribe must work when the connection is back');
          await sleep(5);
        }
      });
      await sleep(round); // the cut comes before the commands, or before their answers
      await world.cut();
      await Promise.all(joins);
      for (const [topic, recorder] of recorders) {
        await world.publishAtLast(other, topic, 'first');
        await recorder.until('a message or a gap', () => recorder.events.length > 0);
        if (recorder.gaps.length === 0) continue;
        await world.publishAtLast(other, topic, 'after the gap');
        await recorder.has('after the gap');
      }
    }
  }),

  // ---- 5. Volatile ----
  test('5 a volatile message leaves out those for whom messages wait', [], async (world) => {
    const topic = world.topic();
    const { pubsub, recorder } = await world.subscribed(topic);
    const { recorder: slow } = await world.subscribed(topic);
    slow.waiting = 1;
    await pubsub.publish(topic, 'volatile', { volatile: true });
    await pubsub.publish(topic, 'last');
    for (const each of [recorder, slow]) await each.has('last');
    equal(recorder.messages, ['volatile', 'last'], 'the messages of one for whom nothing waits');
    equal(slow.messages, ['last'], 'the messages of one for whom messages wait');
  }),

  test('5 a volatile message never rejects', ['stop'], async (world) => {
    const topic = world.topic();
    const pubsub = await world.process({ timeout: 500 });
    await pubsub.publish(topic, 'before');
    const restart = await world.stop();
    for (const number of count(5)) await pubsub.publish(topic, number, { volatile: true });
    await restart();
    await world.publishAtLast(pubsub, topic, 'after');
  }),

  // ---- 7. Isolation ----
  test('7 a subscriber that throws, or a process that closes, holds up no other', [], async (world) => {
    const topic = world.topic();
    const { pubsub, recorder } = await world.subscribed(topic);
    const wrong = world.recorder();
    const thrower = {
      ...wrong,
      signal: wrong.signal,
      waiting: 0,
      post() {
        throw new Error('thrown by a test');
      },
    };
    await pubsub.subscribe(topic, thrower);
    const late = world.recorder();
    await pubsub.subscribe(topic, late);
    const { pubsub: closing } = await world.subscribed(topic);
    const closed = closing.close();
    await pubsub.publish(topic, 'one');
    await closed;
    await pubsub.publish(topic, 'two');
    for (const each of [recorder, late]) {
      await each.has('two');
      equal(each.messages, ['one', 'two'], 'the messages');
    }
  }),
];
