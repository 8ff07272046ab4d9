// The chat in two processes over Redis.

import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import { type Host, host, platforms } from '../../test/toolkit/host.ts';
import { suspend } from '../../test/toolkit/programs.ts';
import { noRedis, RedisServer } from '../../test/toolkit/redis-server.ts';

// The Redis client needs the TCP sockets of Node.js.
const withSockets = platforms.filter((platform) => platform !== 'cloudflare');

/** Polls until the condition holds. */
const until = <T>(condition: () => T | Promise<T>) => vi.waitFor(condition, { timeout: 20_000, interval: 20 });

const GAP = '* some lines may be missing';

/** The process of a host and its descendants: on some platforms the first process is only a launcher. */
function processes(server: Host): readonly number[] {
  const family = (pid: number): number[] => {
    const children = spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' });
    if (children.error) throw children.error;
    return [...children.stdout.split('\n').filter(Boolean).map(Number).flatMap(family), pid];
  };
  const { pid, exitCode, signalCode } = server.process;
  if (pid === undefined || exitCode !== null || signalCode !== null) return [];
  return family(pid);
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) process.kill(pid, name);
}

/** What a process reports that has lost Redis. */
const CUT_OFF = /^WebSock: broker failed: /;

/** The close frame for somebody who cannot enter. */
async function refusal(server: Host, room: string, name: string): Promise<unknown> {
  const client = await Client.connect(`${server.url}/chat?room=${room}&name=${name}`);
  return client.closed();
}

/** A person in the chat. */
class Person {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async enter(server: Host, room: string, name: string): Promise<Person> {
    return new Person(await Client.connect(`${server.url}/chat?room=${room}&name=${name}`));
  }

  say(text: string): void {
    this.#client.text(text);
  }

  /** The next `count` lines. */
  async take(count: number): Promise<string[]> {
    const lines: string[] = [];
    while (lines.length < count) {
      const received = await this.#client.next();
      lines.push('text' in received ? received.text : JSON.stringify(received));
    }
    return lines;
  }

  /** Expects these lines next. */
  async hears(...lines: string[]): Promise<void> {
    expect(await this.take(lines.length)).toEqual(lines);
  }

  /** Waits for a line; returns the lines before it. */
  async hearsAtLast(line: string): Promise<string[]> {
    const before: string[] = [];
    for (;;) {
      const [heard] = (await this.take(1)) as [string];
      if (heard === line) return before;
      before.push(heard);
    }
  }

  /** Asks for the members until they are these. News of members may come before the answer. */
  async sees(...names: string[]): Promise<void> {
    await until(async () => {
      this.say('/who');
      let [answer] = (await this.take(1)) as [string];
      while (/ (is here|has left)$/.test(answer)) [answer] = (await this.take(1)) as [string];
      expect(answer).toBe(`* ${names.join(', ')}`);
    });
  }

  /** Sends lines until one is delivered, which it returns. Expects a notice for each line before. */
  async speaksUntilHeard(name: string, text: string): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      this.say(`${text} ${attempt}`);
      const [heard] = await this.take(1);
      if (heard === `${name}: ${text} ${attempt}`) return heard;
      expect(heard).toBe(`* not delivered: ${text} ${attempt}`);
    }
  }

  bytes(): void {
    this.#client.socket.send(Uint8Array.of(1));
  }

  cut(): void {
    this.#client.cut();
  }

  close(): void {
    this.#client.close();
  }

  get isOpen(): boolean {
    return this.#client.socket.readyState === this.#client.socket.OPEN;
  }
}

describe.each(withSockets)('chat on two processes of %s', (platform) => {
  beforeEach(({ skip }) => skip(noRedis !== undefined, noRedis));

  const running: { kill(): unknown }[] = [];

  afterEach(async () => {
    for (const { kill } of running.splice(0).reverse()) await kill();
  });

  async function startRedis(): Promise<RedisServer> {
    const redis = await RedisServer.start();
    running.push({ kill: () => redis.kill() });
    return redis;
  }

  async function startChat(redis: RedisServer): Promise<Host> {
    const server = await host(platform, 'examples/chat/redis.application.ts', { REDIS_URL: redis.url });
    running.push({ kill: () => signal(processes(server), 'SIGKILL') });
    return server;
  }

  /** Stops the servers, and checks what they have reported. */
  async function stop(servers: readonly Host[], reports: RegExp | '' = ''): Promise<void> {
    for (const server of servers) {
      expect(await server.stop()).toBe(0);
      if (reports === '') expect(server.reports()).toBe('');
      else expect(server.reports()).toMatch(reports);
    }
  }

  /** Alice in one process and bob in another, in the same room. */
  async function meet(redis: RedisServer) {
    const servers = await Promise.all([startChat(redis), startChat(redis)]);
    const alice = await Person.enter(servers[0], 'kitchen', 'alice');
    await alice.hears('* alice is here');
    const bob = await Person.enter(servers[1], 'kitchen', 'bob');
    await bob.hearsAtLast('* bob is here'); // his process may hear of alice before, or after
    await alice.hears('* bob is here');
    await alice.sees('alice', 'bob');
    await bob.sees('bob', 'alice');
    return { servers, alice, bob };
  }

  test('lines reach the members of the room in both processes, in one order, and no other room', async () => {
    const { servers, alice, bob } = await meet(await startRedis());
    const carol = await Person.enter(servers[1], 'garden', 'carol');
    await carol.hears('* carol is here');
    const dave = await Person.enter(servers[0], 'garden', 'dave');
    for (const person of [carol, dave]) await person.hears('* dave is here');
    const texts = Array.from({ length: 200 }, (_, index) => String(index));
    for (const text of texts) {
      alice.say(text);
      bob.say(text);
    }
    const heard = await alice.take(400);
    expect(await bob.take(400)).toEqual(heard);
    for (const name of ['alice', 'bob']) {
      expect(heard.filter((line) => line.startsWith(name))).toEqual(texts.map((text) => `${name}: ${text}`));
    }
    carol.say('only flowers');
    for (const person of [carol, dave]) await person.hears('carol: only flowers');
    alice.say('over');
    for (const person of [alice, bob]) await person.hears('alice: over');
    await stop(servers);
  });

  test('all members see who is present, and who leaves: by /quit, after a binary message, or without a close frame', async () => {
    const { servers, alice, bob } = await meet(await startRedis());
    const elsewhere = await Person.enter(servers[0], 'constructor', 'elsewhere');
    await elsewhere.hears('* elsewhere is here');
    await elsewhere.sees('elsewhere');
    const leavers = await Promise.all(
      ['carol', 'dave', 'erin'].map(async (name) => {
        const person = await Person.enter(servers[1], 'kitchen', name);
        await person.hearsAtLast(`* ${name} is here`);
        return person;
      }),
    );
    expect((await alice.take(3)).sort()).toEqual(['* carol is here', '* dave is here', '* erin is here']);
    await bob.take(3);
    leavers[0]?.say('/quit');
    for (const person of [alice, bob]) await person.hears('* carol has left');
    leavers[1]?.bytes();
    for (const person of [alice, bob]) await person.hears('* dave has left');
    leavers[2]?.say('I have to ');
    for (const person of [alice, bob]) await person.hears('erin: I have to ');
    leavers[2]?.cut();
    for (const person of [alice, bob]) await person.hears('* erin has left');
    bob.close();
    await alice.hears('* bob has left');
    await alice.sees('alice');
    await stop(servers);
  });

  test('Redis is killed and restarted: no client is disconnected, and none is left unaware of lost lines', async () => {
    const redis = await startRedis();
    const { servers, alice, bob } = await meet(redis);
    await redis.kill();
    alice.say('one');
    alice.say('two');
    bob.say('three');
    await alice.hears('* not delivered: one', '* not delivered: two');
    await bob.hears('* not delivered: three');
    expect(await refusal(servers[1], 'garden', 'carol')).toEqual({ close: 1013, reason: 'try again later' });

    await redis.start();
    for (const person of [alice, bob]) await person.hears(GAP);
    await bob.hears(await alice.speaksUntilHeard('alice', 'four'));
    await alice.hears(await bob.speaksUntilHeard('bob', 'five'));
    const carol = await Person.enter(servers[1], 'kitchen', 'carol');
    for (const person of [alice, bob, carol]) await person.hears('* carol is here');
    await alice.sees('alice', 'bob', 'carol');
    expect([alice.isOpen, bob.isOpen, carol.isOpen]).toEqual([true, true, true]);
    await stop(servers, CUT_OFF);
  });

  test('one process is cut off: its members are notified that lines may be missing', async () => {
    const redis = await startRedis();
    const { servers, alice, bob } = await meet(redis);
    const stopped = processes(servers[1]);
    for (const pid of stopped) await suspend({ pid });
    try {
      await redis.cutSubscribers(); // alice's process reconnects immediately, bob's cannot
      await alice.hears(GAP);
      alice.say('bob?');
      await alice.hears('alice: bob?');
    } finally {
      signal(stopped, 'SIGCONT');
    }
    await bob.hears(GAP);
    alice.say('there you are');
    for (const person of [alice, bob]) await person.hears('alice: there you are');
    await stop(servers, CUT_OFF);
  });

  test('when Redis hangs, the sender is notified, and the chat continues', async () => {
    const redis = await startRedis();
    const { servers, alice, bob } = await meet(redis);
    redis.pause();
    alice.say('hm');
    await alice.hears('* not delivered: hm');
    for (const server of servers) await until(() => expect(server.reports()).toMatch(CUT_OFF));
    redis.resume();
    // Redis may still deliver what it received before it hung: "not delivered" is then wrong.
    await Promise.all([alice, bob].map((person) => person.hearsAtLast(GAP)));
    const line = await alice.speaksUntilHeard('alice', 'better');
    await bob.hearsAtLast(line);
    await stop(servers, CUT_OFF);
  });

  test('the members of a process that dies leave, and the others are notified', async () => {
    const { servers, alice } = await meet(await startRedis());
    signal(processes(servers[1]), 'SIGKILL');
    await alice.hears('* bob has left'); // after the lease
    await alice.sees('alice');
    alice.say('alone');
    await alice.hears('alice: alone');
    await stop([servers[0]]);
  });

  test('a process starts and stops without Redis; members can enter when it is there', async () => {
    const redis = await startRedis();
    await redis.kill();
    const server = await startChat(redis);
    expect(await refusal(server, 'kitchen', 'alice')).toEqual({ close: 1013, reason: 'try again later' });
    await redis.start();
    await until(async () => {
      const alice = await Person.enter(server, 'kitchen', 'alice');
      await alice.hears('* alice is here');
      await alice.speaksUntilHeard('alice', 'ah');
    });
    await redis.kill();
    await stop([server], CUT_OFF);
  });
});
