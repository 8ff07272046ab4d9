// What goes wrong, on every server: callbacks that never settle, floods, clients that read nothing, many connections,
// and random traffic from a seed, whose every trace must obey the rules. Titles begin with the rule.
//
// WEBSOCK_SEED repeats a run of the random traffic, WEBSOCK_SECONDS makes it longer.

import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import type { Limit } from '../../tck/src/capabilities.ts';
import { Client } from '../../tck/src/client.ts';
import type { Callback, Instruction } from '../../tck/src/probe.ts';
import { BINARY, frame, RawClient, TEXT } from '../../tck/src/raw-client.ts';
import { type Connected, pause, Server, type Trace } from '../../tck/src/server-under-test.ts';
import { type Host, host, type Platform, platforms } from '../toolkit/host.ts';

const seed = Number(process.env['WEBSOCK_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const seconds = Number(process.env['WEBSOCK_SECONDS'] ?? 10);
const CLIENTS = 200;
const CONNECTIONS = 10_000;

const ALWAYS: Callback[] = ['handleIn', 'handleInfo'];

describe.each(platforms)('%s', { concurrent: true }, (platform: Platform) => {
  let running: Host;
  let server: Server;

  beforeAll(async () => {
    running = await host(platform, 'test/tck/application.ts');
    server = await Server.at(running.url);
  });
  afterAll(async () => {
    await server?.leave();
    expect(await running?.stop(), 'the exit code of the server').toBe(0);
    expect(running.reports()).not.toMatch(/uncaught|unhandled/);
  });

  const rule = (title: string, run: () => Promise<unknown>, ...limits: Limit[]) => {
    test(title, async ({ skip }: TestContext) => {
      const reason = limits.map((what) => server.limits[what]).find((limit) => limit !== undefined);
      if (reason !== undefined) skip(reason);
      await run();
    }, 180_000);
  };

  for (const callback of ALWAYS) {
    rule(
      `4.1 a ${callback} that never settles keeps terminate waiting when the client leaves, and nothing else`,
      async () => {
        const probe = await server.open({ on: { [callback]: { forever: true } } });
        if (callback === 'handleIn') probe.client.text('stuck');
        else await probe.post('stuck');
        await probe.begun(callback);
        probe.client.cut();
        await pause(100);
        expect((await probe.trace()).begun).toEqual(['init', callback]);
        const other = await server.open();
        other.client.close();
        await other.ended();
      },
    );
  }

  rule('4.5 a server with callbacks that never settle goes down all the same', async () => {
    const own = await host(platform, 'test/tck/application.ts');
    const there = await Server.at(own.url);
    for (const callback of ['init', ...ALWAYS, 'terminate'] as const) {
      const probe = await there.open({ on: { terminate: { throw: 'too late' }, [callback]: { forever: true } } });
      if (callback === 'handleIn') probe.client.text('stuck');
      else if (callback === 'handleInfo') await probe.post('stuck');
      await probe.begun(callback === 'terminate' ? 'init' : callback);
    }
    const silent = await RawClient.connect(there.ask().url); // never answers the close
    expect(await own.stop()).toBe(0);
    expect(own.reports(), 'terminate beside a pending callback').not.toContain('too late');
    silent.cut();
  });

  rule(
    '5.1 a flood into a stuck handler takes bounded memory',
    async () => {
      const before = (await count(server)).memory;
      const client = await RawClient.connect(server.ask({ on: { handleIn: { forever: true } } }).url);
      const block = frame(BINARY, Buffer.alloc(100_000));
      for (let count = 0; count < 1_000; count++) client.socket.write(block); // 100 MB
      await pause(1_000);
      expect((await count(server)).memory - before).toBeLessThan(50_000_000);
      client.cut();
    },
    'memory',
  );

  rule('5.1 a stream of infos to one connection leaves the others their turn', async () => {
    const busy = await server.open();
    await busy.post({ stream: 2_000_000 });
    const other = await server.open();
    other.tell({ result: { type: 'push', messages: { opcode: 'text', data: 'hi' } } });
    expect(await other.client.next()).toEqual({ text: 'hi' });
    expect((await busy.trace()).calls('handleInfo')).toEqual([]); // the end of the stream is not reached
    busy.client.cut();
  });

  rule(
    '5.2 a client that reads nothing, while the handler pushes, holds up its own handler',
    async () => {
      const { id, url } = server.ask();
      const client = await RawClient.connect(url);
      client.socket.pause();
      const instruction = frame(
        TEXT,
        JSON.stringify({ result: { type: 'push', messages: { opcode: 'text', long: 1_000_000 } } }),
      );
      for (let count = 0; count < 200; count++) client.send(instruction);
      await pause(1_000);
      expect((await server.trace(id)).calls('handleIn').length).toBeLessThan(60);
      client.cut();
      expect((await server.ended(id)).reason).toMatchObject({ type: 'remote', code: 1006 });
    },
    'backlog',
    'drop',
  );

  rule(`4.1 ${CONNECTIONS} connections end with as many terminates as inits, and leave no memory behind`, async () => {
    const own = await host(platform, 'test/tck/application.ts');
    const there = await Server.at(own.url);
    await churn(there, CONNECTIONS / 5);
    const before = (await count(there)).memory;
    await churn(there, CONNECTIONS);
    const growth = (await count(there)).memory - before;
    if (!there.limits.memory) expect(growth / CONNECTIONS, 'bytes kept by each connection').toBeLessThan(500);
    await there.leave();
    expect(await own.stop()).toBe(0);
  });

  rule(
    `2.1 ${CLIENTS} clients with random traffic (seed ${seed}): every trace obeys 1.1, 2.1, 2.2, 2.4, 3.4 and 4.1`,
    async () => {
      const random = mulberry(seed);
      const until = performance.now() + seconds * 1_000;
      let lives = 0;
      await Promise.all(
        Array.from({ length: CLIENTS }, async () => {
          while (performance.now() < until) {
            const trace = await server.ended(await live(server, random));
            expect(broken(trace), `seed ${seed}: ${JSON.stringify(trace.seen)}`).toEqual([]);
            lives += 1;
          }
        }),
      );
      console.log(`${platform}: ${lives} connections of ${CLIENTS} clients in ${seconds} s, seed ${seed}: all obey`);
    },
  );
});

/** How many probes have begun and ended on a server, and its heap in bytes. */
async function count(server: Server): Promise<{ begun: number; ended: number; memory: number }> {
  return (await server.command({ count: true })) as { begun: number; ended: number; memory: number };
}

/** Opens and closes so many connections, some at once, in every way, and compares how many began and ended. */
async function churn(server: Server, connections: number): Promise<void> {
  await server.command({ forget: true });
  let left = connections;
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      while (left-- > 0) {
        const client = await Client.connect(server.ask().url);
        const way = left % 4;
        if (way === 0) client.text('{"result":{"type":"stop","reason":"normal"}}');
        else if (way === 1) client.close(1000);
        else if (way === 2) client.cut();
        else client.text('{"result":{"type":"stop","reason":"restart"},"wait":0}');
        await client.next();
      }
    }),
  );
  const ended = async () => {
    const counted = await count(server);
    return [counted.begun, counted.ended];
  };
  const deadline = Date.now() + 20_000;
  while ((await ended())[1] !== connections && Date.now() < deadline) await pause(20);
  expect(await ended()).toEqual([connections, connections]);
  await server.command({ forget: true });
}

/** One connection's life, by chance; returns the id of its probe. */
async function live(server: Server, random: () => number): Promise<string> {
  const pick = <Choice>(...choices: Choice[]): Choice => choices[Math.floor(random() * choices.length)] as Choice;
  const how = (): Instruction => pick<Instruction>({}, {}, { wait: Math.floor(random() * 20) }, { thenable: true });
  const end = (): Instruction =>
    pick<Instruction>(
      { result: { type: 'stop', reason: 'normal' } },
      { result: { type: 'stop', reason: { error: 'by chance' }, close: { code: 4000 } }, wait: 5 },
      { raw: { type: 'none' } },
      { result: { type: 'stop', reason: 'restart' } },
    );
  const probe: Connected = await server.open({ on: { init: how(), handleIn: how(), handleInfo: how() } });
  let sent = 0;
  let posted = 0;
  for (let step = 0, steps = Math.floor(random() * 20); step < steps; step++) {
    const action = random();
    if (probe.client.socket.readyState !== probe.client.socket.OPEN) break;
    if (action < 0.5) probe.client.text(`frame ${sent++}`);
    else if (action < 0.6) probe.client.socket.send(Buffer.from([sent++]));
    else if (action < 0.7) probe.client.socket.ping();
    else if (action < 0.85) void probe.post(posted++);
    else if (action < 0.9) probe.tell(end());
    else await pause(random() * 50);
  }
  const last = random();
  if (last < 0.4) probe.client.close(pick(1000, 4000));
  else if (last < 0.7) probe.client.cut();
  else probe.tell(end());
  await new Promise<void>((closed) => {
    if (probe.client.socket.readyState === probe.client.socket.CLOSED) closed();
    else probe.client.socket.once('close', () => closed());
  });
  return probe.id;
}

/** The rules that a trace breaks. A small model of a connection, which knows nothing of how a server works. */
function broken({ seen }: Trace): string[] {
  const rules = new Set<string>();
  let pending: Callback | undefined;
  let over = false;
  let lastFrame = -1;
  let lastInfo = -1;
  let afterEnd = false;
  let terminates = 0;
  for (const [index, { event, callback, given, sameState }] of seen.entries()) {
    if (event === 'settle') {
      if (pending !== callback) rules.add('2.1');
      pending = undefined;
    }
    if (event !== 'begin') continue;
    if (pending) rules.add('2.1');
    if ((index === 0) !== (callback === 'init')) rules.add('1.1');
    if (!sameState) rules.add('2.4');
    if (over && callback !== 'terminate') afterEnd = true;
    pending = callback;
    const { text, info, result, raw } = given as {
      text?: string;
      info?: number;
      result?: { type: string };
      raw?: unknown;
    };
    if (result?.type === 'stop' || raw !== undefined) over = true;
    if (text?.startsWith('frame ')) {
      if (Number(text.slice(6)) <= lastFrame) rules.add('2.2');
      lastFrame = Number(text.slice(6));
    }
    if (typeof info === 'number') {
      if (info !== lastInfo + 1) rules.add('2.2');
      lastInfo = info;
    }
    if (callback === 'terminate') terminates += 1;
  }
  // if the client had ended it first, a stop has changed nothing (3.7), and its last frames were still handled (2.2)
  const reason = seen.find(({ event, callback }) => event === 'begin' && callback === 'terminate')?.given;
  if (afterEnd && (reason as { type?: string })?.type !== 'remote') rules.add('3.4');
  const last = seen.findLast(({ event }) => event === 'begin' || event === 'settle');
  if (terminates !== 1 || last?.callback !== 'terminate') rules.add('4.1');
  return [...rules];
}

/** A small generator of random numbers that can be seeded: mulberry32, in the public domain. */
function mulberry(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
