// Presence, in one process and in three.

import { createPresence, createPubSub, type Presence, type PubSub, type Tracked } from '@websock/pubsub';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, expectTypeOf, test, vi } from 'vitest';
import { complete } from '../toolkit/programs.ts';
import { TestMailbox } from './mailbox.ts';
import { MemoryServer, memoryBroker } from './memory-broker.ts';

interface Person {
  readonly name: string;
}

const LEASE = 10_000;

/** Lets the network of the server in memory do its work. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
}

// Leases and beats by a clock that the test moves; the network by the real one.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

async function advance(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    vi.advanceTimersByTime(500);
    await settle();
  }
}

/** A process, whose network can be cut off, and what its listeners have been told. */
class Node {
  readonly server: MemoryServer;
  readonly lines: PubSub<unknown>;
  readonly who: Presence<Person>;
  /** The names that a listener knows by joins and leaves alone, by topic. */
  readonly heard = new Map<string, string[]>();
  readonly told: string[] = [];

  constructor(server: MemoryServer) {
    this.server = server;
    this.lines = createPubSub({ broker: memoryBroker(server), onError: () => {} });
    this.who = createPresence<Person>(this.lines);
    this.who.onChange((topic, { joined, left }) => {
      const names = this.heard.get(topic) ?? [];
      this.heard.set(topic, names);
      for (const { name } of left) {
        this.told.push(`-${name}`);
        expect(names, 'those who leave have joined').toContain(name);
        names.splice(names.indexOf(name), 1);
      }
      for (const { name } of joined) {
        this.told.push(`+${name}`);
        names.push(name);
      }
    });
  }

  names(topic: string): string[] {
    return this.who.list(topic).map(({ name }) => name);
  }
}

test('6 in one process: joins, updates and leaves are reported once each, and listed in order', async () => {
  const lines = createPubSub();
  const who = createPresence<Person>(lines);
  const told: unknown[] = [];
  const stop = who.onChange((topic, change) => told.push([topic, change]));
  const mailbox = new TestMailbox();
  const alice = await who.track('kitchen', mailbox, { name: 'alice' });
  const bob = await who.track('kitchen', mailbox, { name: 'bob' });
  await who.track('garden', mailbox, { name: 'bob' });
  expect(mailbox.listeners).toBe(1);
  expect(who.list('kitchen')).toEqual([{ name: 'alice' }, { name: 'bob' }]);
  await alice.update({ name: 'Alice' });
  bob.leave();
  bob.leave();
  await bob.update({ name: 'Bob' });
  expect(who.list('kitchen')).toEqual([{ name: 'Alice' }]);
  mailbox.end();
  expect([who.list('kitchen'), who.list('garden')]).toEqual([[], []]);
  const late = await who.track('kitchen', mailbox, { name: 'late' });
  await late.update({ name: 'late' });
  late.leave();
  stop();
  await who.track('kitchen', new TestMailbox(), { name: 'carol' });
  expect(told).toEqual([
    ['kitchen', { joined: [{ name: 'alice' }], left: [] }],
    ['kitchen', { joined: [{ name: 'bob' }], left: [] }],
    ['garden', { joined: [{ name: 'bob' }], left: [] }],
    ['kitchen', { joined: [{ name: 'Alice' }], left: [{ name: 'alice' }] }],
    ['kitchen', { joined: [], left: [{ name: 'bob' }] }],
    ['kitchen', { joined: [], left: [{ name: 'Alice' }] }],
    ['garden', { joined: [], left: [{ name: 'bob' }] }],
  ]);
});

test('6 all processes see the same, also one that starts later; close leaves at once', async () => {
  const server = new MemoryServer();
  const [one, other] = [new Node(server), new Node(server)] as const;
  await settle();
  await one.who.track('kitchen', new TestMailbox(), { name: 'alice' });
  await other.who.track('kitchen', new TestMailbox(), { name: 'bob' });
  await settle();
  const late = new Node(server);
  await settle();
  expect([one, other, late].map((node) => node.names('kitchen'))).toEqual([
    ['alice', 'bob'],
    ['bob', 'alice'],
    ['alice', 'bob'],
  ]);
  await one.lines.close();
  await settle();
  expect([other, late].map((node) => node.names('kitchen'))).toEqual([['bob'], ['bob']]);
  expect(late.told).toEqual(['+alice', '+bob', '-alice']);
  for (const { lines } of [other, late]) await lines.close();
});

test('6 a process that dies leaves after the lease, and not before', async () => {
  const server = new MemoryServer();
  const [one, other] = [new Node(server), new Node(server)] as const;
  await settle();
  await one.who.track('kitchen', new TestMailbox(), { name: 'alice' });
  await settle();
  const sent = vi.spyOn(one.lines, 'publish');
  vi.spyOn(server, 'publish').mockImplementation(() => {}); // nothing arrives any more
  await advance(LEASE - 500);
  expect(other.names('kitchen')).toEqual(['alice']);
  await advance(LEASE / 4 + 500);
  expect(other.told).toEqual(['+alice', '-alice']);
  vi.restoreAllMocks();
  sent.mockRestore();
  for (const { lines } of [one, other]) await lines.close();
});

test('6 changes that are missed are asked for: at the next change, or at the next sign of the process', async () => {
  const server = new MemoryServer();
  const [one, other] = [new Node(server), new Node(server)] as const;
  await settle();
  const track = (name: string) => one.who.track('kitchen', new TestMailbox(), { name });
  await track('a');
  const loseNext = () => vi.spyOn(server, 'publish').mockImplementationOnce(() => {});
  loseNext();
  await track('b');
  await track('c');
  await settle();
  expect(other.names('kitchen')).toEqual(['a', 'b', 'c']);
  loseNext();
  await track('d');
  await settle();
  expect(other.names('kitchen')).toEqual(['a', 'b', 'c']);
  await advance(LEASE / 4);
  expect(other.names('kitchen')).toEqual(['a', 'b', 'c', 'd']);
  expect(other.told).toEqual(['+a', '+b', '+c', '+d']);
  vi.restoreAllMocks();
  for (const { lines } of [one, other]) await lines.close();
});

test('6 what comes late, or twice, changes nothing', async () => {
  const server = new MemoryServer();
  const publish = server.publish.bind(server);
  const sent: Parameters<typeof publish>[] = [];
  vi.spyOn(server, 'publish').mockImplementation((...args) => {
    sent.push(args);
    publish(...args);
  });
  const one = new Node(server);
  await settle();
  const a = await one.who.track('kitchen', new TestMailbox(), { name: 'a' });
  const b = await one.who.track('kitchen', new TestMailbox(), { name: 'b' });
  const other = new Node(server); // asks for the state with both
  await settle();
  a.leave();
  await b.update({ name: 'B' });
  await settle();
  expect(other.told).toEqual(['+a', '+b', '-a', '-b', '+B']);
  for (const args of [...sent]) publish(...args);
  await settle();
  expect(other.told).toEqual(['+a', '+b', '-a', '-b', '+B']);
  expect(other.names('kitchen')).toEqual(['B']);
  vi.restoreAllMocks();
  for (const { lines } of [one, other]) await lines.close();
});

test('6 a change that a listener makes is reported after the current one, to all listeners', async () => {
  const lines = createPubSub();
  const who = createPresence<Person>(lines);
  const tracked = new Map<string, Tracked<Person>>();
  who.onChange((_topic, { joined }) => {
    for (const { name } of joined) tracked.get(name)?.update({ name: `${name}!` });
  });
  const told: unknown[] = [];
  who.onChange((_topic, change) => told.push(change));
  const alice = await who.track('kitchen', new TestMailbox(), { name: 'alice' });
  tracked.set('Alice', alice);
  await alice.update({ name: 'Alice' });
  expect(told).toEqual([
    { joined: [{ name: 'alice' }], left: [] },
    { joined: [{ name: 'Alice' }], left: [{ name: 'alice' }] },
    { joined: [{ name: 'Alice!' }], left: [{ name: 'Alice' }] },
  ]);
  await lines.close();
});

test('6 many presences with large metas reach a process that starts later', async () => {
  const server = new MemoryServer();
  const one = new Node(server);
  const names = Array.from({ length: 300 }, (_, index) => `${index} ${'x'.repeat(1_000)}`);
  for (const name of names) one.who.track('kitchen', new TestMailbox(), { name });
  const sizes: number[] = [];
  const { publish } = server;
  vi.spyOn(server, 'publish').mockImplementation((topic, data) => {
    sizes.push(data.length);
    publish.call(server, topic, data);
  });
  await settle();
  const late = new Node(server);
  await settle();
  expect(late.names('kitchen')).toEqual(names);
  expect(sizes.length).toBeGreaterThan(4);
  expect(Math.max(...sizes)).toBeLessThan(100_000);
  for (const { lines } of [one, late]) await lines.close();
});

const step = fc.record({
  node: fc.nat(2),
  topic: fc.constantFrom('kitchen', 'garden'),
  what: fc.constantFrom('track', 'track', 'update', 'leave', 'end', 'cut', 'away', 'time', 'settle'),
  pick: fc.nat(1_000),
});

test('6 three processes, with cuts and splits at random: in the end all see what a model says, told once each', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 80 }), async (steps) => {
      const server = new MemoryServer();
      const nodes = [0, 1, 2].map(() => new Node(server));
      let number = 0;
      const present: { node: number; topic: string; name: string; mailbox: TestMailbox; tracked: Tracked<Person> }[] =
        [];
      for (const { node, topic, what, pick } of steps) {
        const chosen = present[pick % Math.max(1, present.length)];
        const take = () => present.splice(present.indexOf(chosen as (typeof present)[0]), 1);
        if (what === 'track') {
          const name = `${node}.${++number}`;
          const mailbox = new TestMailbox();
          const tracked = (nodes[node] as Node).who.track(topic, mailbox, { name });
          for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
          present.push({ node, topic, name, mailbox, tracked: await tracked });
        } else if (what === 'update' && chosen) {
          chosen.name = `${chosen.node}.${++number}`;
          chosen.tracked.update({ name: chosen.name });
        } else if (what === 'leave' && chosen) {
          chosen.tracked.leave();
          take();
        } else if (what === 'end' && chosen) {
          chosen.mailbox.end();
          take();
        } else if (what === 'cut') server.cut();
        else if (what === 'away') {
          const restart = server.stop();
          await advance(pick * 20);
          restart();
        } else if (what === 'time') await advance(pick * 10);
        else await settle();
      }
      await advance(2 * LEASE);
      for (const topic of ['kitchen', 'garden']) {
        const expected = present.filter((each) => each.topic === topic).map(({ name }) => name);
        for (const [index, node] of nodes.entries()) {
          const names = node.names(topic);
          expect(names.toSorted()).toEqual(expected.toSorted());
          expect((node.heard.get(topic) ?? []).toSorted()).toEqual(expected.toSorted());
          const own = present.filter((each) => each.topic === topic && each.node === index).length;
          expect(names.slice(0, own).every((name) => name.startsWith(`${index}.`))).toBe(true);
        }
      }
      for (const node of nodes) {
        const joins = node.told.filter((word) => word.startsWith('+'));
        // only an absence that is longer than a lease may tell of a join again
        if (!steps.some(({ what }) => what === 'away')) expect(new Set(joins).size).toBe(joins.length);
      }
      await Promise.all(nodes.map(({ lines }) => lines.close()));
    }),
    { numRuns: complete ? 25 : 10 },
  );
});

test('6 bad input is an error at the call', async () => {
  const lines = createPubSub();
  const who = createPresence<any>(lines, { name: 'people', lease: 5_000 });
  const mailbox = new TestMailbox();
  for (const [call, words] of [
    [
      () => createPresence({} as any),
      /^createPresence: the first argument is an object; pass what createPubSub returned$/,
    ],
    [
      () => createPresence(lines, { lease: '5s' as any }),
      /the option "lease" is "5s"; it must be a number of milliseconds/,
    ],
    [() => createPresence(lines, { name: 5 as any }), /the option "name" is 5; it must be a string/],
    [() => createPresence(lines, { leese: 5 } as any), /no option "leese"; the options are name, lease/],
    [() => who.track(5 as any, mailbox, 1), /^track: the topic is 5/],
    [() => who.track('a', {} as any, 1), /^track: the mailbox is an object/],
    [() => who.track('a', mailbox, () => {}), /^the meta is a function, which JSON cannot express/],
    [() => who.list(undefined as any), /^list: the topic is undefined/],
    [() => who.onChange(1 as any), /^onChange: the listener is 1; pass a function/],
  ] as const) {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(words);
  }
  expect(() => createPresence(lines, { name: 'people' })).toThrow(
    'has a presence named "people"; give each its own name',
  );
  expect(mailbox.listeners).toBe(0);
  const tracked = await who.track('a', mailbox, 1);
  await lines.close();
  expect(mailbox.listeners).toBe(0);
  expect(() => who.track('a', mailbox, 1)).toThrow('track: the pub/sub was closed');
  expect(() => createPresence(lines)).toThrow('createPresence: the pub/sub was closed');
  await tracked.update(2);
  tracked.leave();
  expect(who.list('a')).toEqual([]);
});

test('the types are exact', () => {
  const who = createPresence<Person>(createPubSub<number>());
  expectTypeOf(who).toEqualTypeOf<Presence<Person>>();
  expectTypeOf(who.track).returns.resolves.toEqualTypeOf<Tracked<Person>>();
  expectTypeOf(who.list).returns.toEqualTypeOf<readonly Person[]>();
});
