// Real faults: three processes on one broker, which are killed and stopped, and whose connections break. The titles begin with the
// numbers of the promises.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient } from '@redis/client';
import { type Broker, createPubSub } from '@websock/pubsub';
import { buildSync } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { root } from '../toolkit/compilers.ts';
import { NatsServer, noNats } from '../toolkit/nats-server.ts';
import { complete, freePort, suspend } from '../toolkit/programs.ts';
import { noRedis, RedisServer } from '../toolkit/redis-server.ts';
import { TcpProxy } from '../toolkit/tcp-proxy.ts';
import { type BrokerKind, createBroker } from './create-broker.ts';
import { TestMailbox } from './mailbox.ts';
import type { Command, Report } from './process.application.ts';

const TOPIC = 'topic';

const servers = { redis: RedisServer, ioredis: RedisServer, nats: NatsServer } as const;
const absent = (kind: BrokerKind) => (kind === 'nats' ? noNats : noRedis);

/** process.application.ts, bundled: so it starts in a fraction of the time. */
const folder = mkdtempSync(join(tmpdir(), 'websock-faults-'));
const program = join(folder, 'process.mjs');

beforeAll(() => {
  buildSync({
    entryPoints: [join(root, 'test/pubsub/process.application.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
});

afterAll(() => rmSync(folder, { recursive: true }));

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A process of process.application.ts, and what it has reported. */
class Process {
  readonly reports: Report[] = [];
  readonly child: ChildProcess;
  readonly name: string;
  #woken = () => {};

  private constructor(kind: BrokerKind, port: number, name: string, lease: number) {
    this.name = name;
    this.child = spawn(process.execPath, [program], {
      cwd: root,
      env: { ...process.env, BROKER: kind, PORT: String(port), NAME: name, LEASE: String(lease), TOPIC },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.reports.push(JSON.parse(line));
      this.#woken();
    });
    this.child.stdin?.on('error', () => {}); // it was killed
    ends.push(async () => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return;
      this.child.kill('SIGKILL');
      await once(this.child, 'exit');
    });
  }

  static async start(kind: BrokerKind, port: number, name: string, lease = 10_000): Promise<Process> {
    const process = new Process(kind, port, name, lease);
    await process.until('it is ready', (report) => 'ready' in report);
    return process;
  }

  do(command: Command): void {
    this.child.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  /** Waits for a report, from an index on; returns its index. */
  async until(what: string, isIt: (report: Report) => boolean, from = 0, patience = 40_000): Promise<number> {
    const end = performance.now() + patience;
    for (;;) {
      const index = this.reports.findIndex((report, index) => index >= from && isIt(report));
      if (index >= 0) return index;
      if (performance.now() > end) throw new Error(`${this.name}: ${what}: ${JSON.stringify(this.reports.slice(-10))}`);
      await new Promise<void>((resolve) => {
        this.#woken = resolve;
        setTimeout(resolve, 500);
      });
    }
  }

  has(message: string, from = 0): Promise<number> {
    return this.until(`the message ${message}`, (report) => 'message' in report && report.message === message, from);
  }

  gap(from = 0): Promise<number> {
    return this.until('a gap', (report) => 'gap' in report, from);
  }

  /** Publishes until the broker accepts it. */
  async say(message: string): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const from = this.reports.length;
      this.do({ publish: message });
      const index = await this.until('the broker settles', (report) => 'published' in report, from);
      if ((this.reports[index] as { published: boolean }).published) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${message} was never accepted`);
  }

  /** Stops a stream; returns the numbers that were accepted. */
  async stopStream(): Promise<Set<number>> {
    this.do({ stop: true });
    const index = await this.until('the stream ends', (report) => 'accepted' in report);
    return new Set((this.reports[index] as { accepted: number[] }).accepted);
  }

  get messages(): string[] {
    return this.reports.flatMap((report) => ('message' in report ? [String(report.message)] : []));
  }

  get gaps(): number {
    return this.reports.filter((report) => 'gap' in report).length;
  }

  /** Who is present, by what was told; no one may join or leave twice. */
  get present(): string[] {
    const names: string[] = [];
    for (const report of this.reports) {
      if (!('joined' in report)) continue;
      for (const name of report.left) {
        expect(names).toContain(name);
        names.splice(names.indexOf(name), 1);
      }
      for (const name of report.joined) {
        expect(names).not.toContain(name);
        names.push(name);
      }
    }
    return names.sort();
  }

  /**
   * Checks what was got of a publisher's stream: in order, none twice, and what is missing, before a gap. Returns how many were
   * missed.
   */
  check(publisher: string, accepted: Set<number>): number {
    let last = 0;
    let isGap = false;
    let missed = 0;
    for (const report of this.reports) {
      if ('gap' in report) isGap = true;
      if (!('message' in report)) continue;
      const [name, number] = String(report.message).split(' ') as [string, string];
      if (name !== publisher) continue;
      expect(Number(number), 'a message came twice, or out of order').toBeGreaterThan(last);
      for (let each = last + 1; each < Number(number); each++) {
        if (!accepted.has(each)) continue;
        missed += 1;
        if (!isGap) throw new Error(`${this.name}: ${publisher} ${each} was missed without a gap before ${number}`);
      }
      last = Number(number);
      isGap = false;
    }
    return missed;
  }
}

/** Whether two lists have what both have in the same order. */
function expectOneOrder(one: readonly string[], other: readonly string[]): void {
  const inOne = new Set(one);
  const inBoth = new Set(other.filter((each) => inOne.has(each)));
  expect(one.filter((each) => inBoth.has(each))).toEqual(other.filter((each) => inBoth.has(each)));
}

describe.each(Object.keys(servers) as BrokerKind[])('three processes over %s', (kind) => {
  beforeEach(({ skip }) => skip(absent(kind) !== undefined, absent(kind)));

  async function startServer(): Promise<RedisServer | NatsServer> {
    const server = await servers[kind].start();
    ends.push(() => server.kill());
    return server;
  }

  async function startAll(port: number, lease?: number): Promise<[Process, Process, Process]> {
    const all = await Promise.all(['a', 'b', 'c'].map((name) => Process.start(kind, port, name, lease)));
    return all as [Process, Process, Process];
  }

  test('1, 6, 7: one is killed: the others lose nothing, and its presence leaves once, after the lease', async () => {
    const server = await startServer();
    const [a, b, c] = await startAll(server.port, 1_500);
    for (const each of [a, b, c]) {
      await vi.waitFor(() => expect(each.present).toEqual(['a', 'b', 'c']), { timeout: 20_000, interval: 50 });
    }
    for (const each of [a, b, c]) each.do({ stream: true });
    await a.has('c 50');
    c.child.kill('SIGKILL');
    await b.until('c leaves', (report) => 'left' in report && report.left.includes('c'));
    await a.until('c leaves', (report) => 'left' in report && report.left.includes('c'));
    const streams = { a: await a.stopStream(), b: await b.stopStream() };
    await a.say('end');
    for (const each of [a, b]) {
      await each.has('end');
      expect(each.gaps).toBe(0);
      for (const [publisher, accepted] of Object.entries(streams)) expect(each.check(publisher, accepted)).toBe(0);
      expect(each.present).toEqual(['a', 'b']);
    }
    if (kind !== 'nats') expectOneOrder(a.messages, b.messages);
  });

  test('1, 2, 3: the broker is killed and started again while all publish', async () => {
    const server = await startServer();
    const all = await startAll(server.port);
    for (const each of all) each.do({ stream: true });
    for (const round of [1, 2]) {
      const from = all.map(({ reports }) => reports.length);
      await all[0].until('messages flow', (report) => 'message' in report, from[0]);
      await server.kill();
      await server.start();
      for (const [index, each] of all.entries()) {
        const gap = await each.gap(from[index]);
        await each.until('messages flow again', (report) => 'message' in report, gap);
        expect(each.gaps).toBe(round);
      }
    }
    const accepted = await Promise.all(all.map((each) => each.stopStream()));
    for (const each of all) await each.say(`end of ${each.name}`);
    for (const each of all) {
      for (const { name } of all) await each.has(`end of ${name}`);
      for (const [index, { name }] of all.entries()) each.check(name, accepted[index] as Set<number>);
      expect(each.gaps).toBe(2);
    }
    if (kind !== 'nats') expectOneOrder(all[0].messages, all[1].messages);
  });

  test('2 the connection of one breaks while messages flow: what it misses is before its gap, and others miss nothing', async () => {
    const server = await startServer();
    const proxy = await TcpProxy.start(server.port);
    ends.push(() => proxy.stop());
    const a = await Process.start(kind, server.port, 'a');
    const b = await Process.start(kind, proxy.port, 'b');
    a.do({ stream: true });
    await b.has('a 50');
    proxy.freeze();
    const before = a.messages.length;
    await vi.waitFor(() => expect(a.messages.length).toBeGreaterThan(before + 200), { timeout: 20_000, interval: 20 });
    proxy.thaw();
    await b.until('messages flow again', (report) => 'message' in report, await b.gap());
    const accepted = await a.stopStream();
    await a.say('end');
    for (const each of [a, b]) await each.has('end');
    expect([a.gaps, b.gaps]).toEqual([0, 1]);
    expect(a.check('a', accepted)).toBe(0);
    expect(b.check('a', accepted)).toBeGreaterThan(100);
  });

  test('2 the broker, or the way to it, hangs: the connection is replaced, and the gap is reported', async ({
    skip,
  }) => {
    skip(kind === 'nats', "this is the client's own pingInterval");
    const server = await startServer();
    const proxy = await TcpProxy.start(server.port);
    ends.push(() => proxy.stop());
    const a = await Process.start(kind, server.port, 'a');
    const b = await Process.start(kind, proxy.port, 'b');
    proxy.freeze();
    await a.say('missed');
    proxy.melt(); // only new connections are forwarded
    await b.gap();
    await a.say('end');
    await b.has('end');
    expect(b.messages).toEqual(['end']);
    await b.say('of b');
    await a.has('of b');
  });

  test('2, 7: one reads too slowly, and is dropped: it gets the first part, then the gap; others get all', async () => {
    const server = await startLimited(kind);
    const a = await Process.start(kind, server.port, 'a');
    const b = await Process.start(kind, server.port, 'b');
    await suspend(b.child);
    // Each flood is below the limit; together they are above it, and above what the operating system buffers.
    for (let round = 1; round <= 10; round++) {
      a.do({ flood: 50, size: 100_000 });
      await a.until('the flood arrives', () => a.messages.length === 50 * round);
    }
    b.child.kill('SIGCONT');
    await b.gap();
    await a.say('end');
    for (const each of [a, b]) await each.has('end');
    expect([a.gaps, b.gaps]).toEqual([0, 1]);
    expect(a.messages).toHaveLength(501);
    const gap = b.reports.findIndex((report) => 'gap' in report);
    expect(b.reports.slice(gap).filter((report) => 'message' in report)).toEqual([{ message: 'end' }]);
    expect(a.messages.slice(0, b.messages.length - 1)).toEqual(b.messages.slice(0, -1));
  });

  // ioredis and redis share what matters here
  test.runIf(complete && kind !== 'ioredis')(
    '2, 6, 7: one is stopped for 10 seconds: others go on; it gets all, or a gap',
    async () => {
      const server = await startServer();
      const [a, b, c] = await startAll(server.port, 3_000);
      await vi.waitFor(() => expect(c.present).toEqual(['a', 'b', 'c']), { timeout: 20_000, interval: 50 });
      a.do({ stream: true });
      await c.has('a 50');
      await suspend(c.child);
      const resumed = new Promise((resolve) => setTimeout(resolve, 10_000));
      await b.until('c leaves', (report) => 'left' in report && report.left.includes('c'));
      await resumed;
      c.child.kill('SIGCONT');
      const left = b.reports.length;
      const accepted = await a.stopStream();
      await a.say('end');
      for (const each of [a, b, c]) {
        await each.has('end');
        each.check('a', accepted);
      }
      expect(b.check('a', accepted)).toBe(0);
      await b.until('c joins again', (report) => 'joined' in report && report.joined.includes('c'), left - 5);
      for (const each of [a, b, c]) expect(each.present).toEqual(['a', 'b', 'c']);
      // a process that was stopped has not seen the others leave
      expect(c.reports.filter((report) => 'left' in report && report.left.length > 0)).toEqual([]);
    },
  );
});

/** A server that keeps at most 12 MB for a subscriber that does not read. */
async function startLimited(kind: BrokerKind): Promise<RedisServer | NatsServer> {
  if (kind === 'nats') {
    const server = await NatsServer.start('max_pending: 12000000\nwrite_deadline: "2s"\n');
    ends.push(() => server.kill());
    return server;
  }
  const server = await RedisServer.start();
  ends.push(() => server.kill());
  const admin = await createClient({ url: server.url }).connect();
  await admin.sendCommand(['CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 12mb 0 0']);
  admin.destroy();
  return server;
}

describe.each(['redis', 'ioredis'] as const)('over a Redis that is away, by %s', (kind) => {
  const open = async (port: number): Promise<Broker> => {
    const broker = await createBroker(kind, port);
    broker.open({ timeout: 200, message() {}, gap() {}, error() {} });
    ends.push(() => broker.close());
    return broker;
  };

  test('3, 4 subscriptions are not kept for longer than the time limit', async () => {
    const broker = await open(await freePort());
    for (const topic of ['a', 'b']) {
      const from = performance.now();
      await expect(broker.subscribe(topic)).rejects.toThrow('ECONNREFUSED');
      expect(performance.now() - from).toBeGreaterThan(190);
    }
  });

  test('7 a proxy that closes each connection soon is not flooded', async ({ skip }) => {
    skip(noRedis !== undefined, noRedis);
    const server = await RedisServer.start();
    ends.push(() => server.kill());
    let accepted = 0;
    const proxy = createServer((socket) => {
      accepted += 1;
      const upstream = connect(server.port, '127.0.0.1');
      socket.pipe(upstream).pipe(socket);
      for (const each of [socket, upstream]) each.on('error', () => {});
      upstream.once('data', () => setTimeout(() => socket.resetAndDestroy(), 5)); // the client is connected, or nearly
      socket.once('close', () => upstream.destroy());
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    ends.push(() => proxy.close());
    await open((proxy.address() as AddressInfo).port);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    // two connections, each at once, again, and after up to 50, 100, 200, 400 ms and so on
    expect(accepted).toBeGreaterThan(4);
    expect(accepted).toBeLessThan(60);
  });
});

describe.each(['redis', 'ioredis'] as const)('over Redis, by %s', (kind) => {
  beforeEach(({ skip }) => skip(noRedis !== undefined, noRedis));

  const rounds: [what: string, cuts: number][] = [[', with cuts', 10]];
  if (complete) rounds.push(['', 0]);

  test.each(rounds)(
    '4 10,000 topics joined and left at random%s leave nothing behind, here and in Redis',
    async (_what, cuts) => {
      const server = await RedisServer.start();
      ends.push(() => server.kill());
      const admin = await createClient({ url: server.url }).connect();
      ends.push(() => admin.destroy());
      const proxy = await TcpProxy.start(server.port);
      ends.push(() => proxy.stop());
      const lines = createPubSub<number>({
        broker: await createBroker(kind, proxy.port),
        timeout: 30_000,
        onError: () => {},
      });
      ends.push(() => lines.close());
      const mailboxes = Array.from({ length: 100 }, () => new TestMailbox<number>());
      const stays = new TestMailbox<number>();
      await lines.subscribe('stays', stays);
      const joins: Promise<void>[] = [];
      for (let index = 0; index < 20_000; index++) {
        const topic = `topic ${Math.floor(Math.random() * 10_000)}`;
        const mailbox = mailboxes[index % 100] as TestMailbox<number>;
        joins.push(lines.subscribe(topic, mailbox));
        if (index % 2) lines.unsubscribe(topic, mailbox);
        if (cuts > 0 && index % (20_000 / cuts) === 0) {
          await new Promise((resolve) => setTimeout(resolve, 10)); // commands are on their way
          proxy.cut();
        }
      }
      await Promise.all(joins);
      const channels = async () => (await admin.sendCommand(['PUBSUB', 'CHANNELS'])) as unknown as string[];
      const patience = { timeout: 20_000, interval: 50 };
      await vi.waitFor(async () => expect((await channels()).length).toBeGreaterThan(3_000), patience);
      for (const mailbox of mailboxes) mailbox.end();
      await vi.waitFor(async () => expect(await channels()).toEqual(['websock:tstays']), patience);
      await vi.waitFor(() => lines.publish('stays', 1), patience);
      await stays.has((n) => n === 1);
      expect(stays.posted).toEqual([1]);
    },
  );
});
