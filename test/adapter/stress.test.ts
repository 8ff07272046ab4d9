// What goes wrong, on every server: callbacks that never settle, floods, cuts, resets at every moment, half-open sockets,
// slow readers, hostile results, many connections, and random traffic whose every trace must obey the rules. Titles begin
// with the rule.
//
// Everything that is left to chance follows from the seed that is printed: WEBSOCK_SEED repeats a run, WEBSOCK_SECONDS
// makes the random traffic longer, and WEBSOCK_PLATFORMS=node,bun runs some of the platforms.

import { existsSync, readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Capability } from '@websock/spec/conformance';
import { afterAll, beforeAll, describe, expect, type TestContext, test, vi } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import type { Callback, Instruction } from '../../tck/src/probe.ts';
import { BINARY, closeFrame, frame, PING, RawClient, TEXT } from '../../tck/src/raw-client.ts';
import { pause, ServerUnderTest, type Trace } from '../../tck/src/server-under-test.ts';
import { type Host, host, platforms, processFolders } from '../toolkit/host.ts';
import { complete } from '../toolkit/programs.ts';
import { results } from './stress.application.ts';

const APPLICATION = 'test/adapter/stress.application.ts';

const seed = Number(process.env['WEBSOCK_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const seconds = Number(process.env['WEBSOCK_SECONDS'] ?? (complete ? 10 : 2));
const chosen = process.env['WEBSOCK_PLATFORMS']?.split(',') ?? platforms;
/** The servers share the machine with each other, and with all that the tests do to them. */
const PATIENCE = 60_000; // ms
const CLIENTS = 200;
const CONNECTIONS = complete ? 2_000 : 500;

console.log(`WEBSOCK_SEED=${seed}`);

const ALWAYS: Callback[] = ['handleIn', 'handleInfo'];

// Most tests wait most of their time, so the platforms run side by side.
describe.each(platforms.filter((platform) => chosen.includes(platform)))('%s', { concurrent: true }, (platform) => {
  let running: Host;
  let server: ServerUnderTest;

  beforeAll(async () => {
    running = await host(platform, APPLICATION);
    server = await ServerUnderTest.connect(running.url, PATIENCE);
  });
  afterAll(async () => {
    await server?.disconnect();
    expect(await running?.stop(), 'the exit code of the server').toBe(0);
    expect(running.reports()).not.toMatch(/uncaught|unhandled/);
  });

  const rule = (title: string, run: () => Promise<unknown>, ...needs: Capability[]) => {
    test(title, { sequential: true, timeout: 180_000 }, async ({ skip }: TestContext) => {
      const reason = needs.map((need) => server.cannot[need]).find((why) => why !== undefined);
      if (reason !== undefined) skip(reason);
      await run();
    });
  };

  /** A server of a test's own, whose counts and descriptors nobody else changes. */
  const alone = async (run: (there: ServerUnderTest, own: Host) => Promise<unknown>, options: object = {}) => {
    const own = await host(platform, APPLICATION, { ADAPTER_OPTIONS: JSON.stringify(options) });
    const there = await ServerUnderTest.connect(own.url, PATIENCE);
    await run(there, own);
    await there.disconnect();
    expect(await own.stop(), 'the exit code of the server').toBe(0);
    expect(own.reports()).not.toMatch(/uncaught|unhandled/);
  };

  for (const callback of ALWAYS) {
    rule(
      `4.1 a ${callback} that never settles keeps terminate waiting when the client leaves, and nothing else`,
      async () => {
        const probe = await server.open({ on: { [callback]: { forever: true } } });
        if (callback === 'handleIn') probe.client.text('stuck');
        else await probe.post('stuck');
        await probe.untilStarted(callback);
        probe.client.cut();
        await pause(100);
        expect((await probe.trace()).started).toEqual(['init', callback]);
        const other = await server.open();
        other.client.close();
        await other.untilTerminated();
      },
    );
  }

  rule('4.5 a shutdown completes although callbacks never settle', async () => {
    const own = await host(platform, APPLICATION, { ADAPTER_OPTIONS: '{"closeTimeout":1000}' });
    const there = await ServerUnderTest.connect(own.url, PATIENCE);
    for (const callback of ['init', ...ALWAYS, 'terminate'] as const) {
      const probe = await there.open({ on: { terminate: { throw: 'too late' }, [callback]: { forever: true } } });
      if (callback === 'handleIn') probe.client.text('stuck');
      else if (callback === 'handleInfo') await probe.post('stuck');
      await probe.untilStarted(callback === 'terminate' ? 'init' : callback);
    }
    const silent = await RawClient.connect(there.probeUrl().url); // never answers the close
    expect(await own.stop()).toBe(0);
    expect(own.reports(), 'terminate beside a pending callback').not.toContain('too late');
    silent.cut();
  });

  rule(
    '5.1 a flood into a stuck handler costs bounded memory',
    async () => {
      const before = (await count(server)).memory;
      const client = await RawClient.connect(server.probeUrl({ on: { handleIn: { forever: true } } }).url);
      const block = frame(BINARY, Buffer.alloc(100_000));
      for (let sent = 0; sent < 1_000; sent++) client.socket.write(block); // 100 MB
      await pause(1_000);
      expect((await count(server)).memory - before).toBeLessThan(50_000_000);
      client.cut();
    },
    'reportsMemory',
  );

  rule('5.1 a stream of infos to one connection does not starve the others', async () => {
    const busy = await server.open();
    await busy.post({ stream: 1e9 });
    const other = await server.open();
    other.instruct({ result: { type: 'push', messages: { opcode: 'text', data: 'hi' } } });
    expect(await other.client.next()).toEqual({ text: 'hi' });
    expect((await busy.trace()).calls('handleInfo')).toEqual([]); // the end of the stream is not reached
    busy.client.cut();
  });

  rule(
    '5.3 a client that reads nothing, while the handler pushes, holds up its own handler',
    async () => {
      const { id, url } = server.probeUrl();
      const client = await RawClient.connect(url);
      client.socket.pause();
      const messages = { opcode: 'text', long: 1_000_000 };
      const instruction = frame(TEXT, JSON.stringify({ result: { type: 'push', messages } }));
      for (let sent = 0; sent < 200; sent++) client.send(instruction);
      await pause(1_000);
      expect((await server.trace(id)).calls('handleIn').length).toBeLessThan(60);
      client.cut();
      expect((await server.untilTerminated(id)).reason).toMatchObject({ type: 'remote', code: 1006 });
    },
    'knowsBacklog',
    'dropsSockets',
    'pausesReading',
  );

  rule(`4.1 ${CONNECTIONS} connections end with as many terminates as inits, and leave no memory behind`, () =>
    alone(async (there) => {
      await churn(there, CONNECTIONS / 5);
      const before = (await count(there)).memory;
      await churn(there, CONNECTIONS);
      const growth = (await count(there)).memory - before;
      // Deno's clock keeps a socket that was cut until it fires. What the process itself grows by counts for less, the
      // more connections there are.
      const each = platform === 'deno' ? 2_000 : 300;
      if (!there.cannot.reportsMemory) expect(growth, 'bytes kept').toBeLessThan(CONNECTIONS * each + 1_000_000);
    }),
  );

  rule(`2.1 ${CLIENTS} clients with random traffic: every trace obeys 1.1, 2.1, 2.2, 2.4, 3.4 and 4.1`, async () => {
    const random = mulberry(seed);
    const until = performance.now() + seconds * 1_000;
    let lives = 0;
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        while (performance.now() < until) {
          const trace = await server.untilTerminated(await live(server, random));
          expect(broken(trace), `seed ${seed}: ${JSON.stringify(trace.events)}`).toEqual([]);
          lives += 1;
        }
      }),
    );
    console.log(`${platform}: ${lives} connections of ${CLIENTS} clients in ${seconds} s: all obey`);
  });

  rule(
    '4.1 resets at every moment of a handshake, of a route that waits and of a life: terminates are as many as inits',
    () =>
      alone(async (there) => {
        const random = mulberry(seed + 1);
        let left = complete ? 1_500 : 150;
        await Promise.all(
          Array.from({ length: 30 }, async () => {
            while (left-- > 0) await resetSomewhere(there, random, platform !== 'cloudflare');
          }),
        );
        await vi.waitFor(async () => {
          const { inits, terminates } = await count(there);
          expect(terminates).toBe(inits);
          expect(inits).toBeGreaterThan(0);
        }, PATIENCE);
        const probe = await there.open();
        probe.client.close();
        await probe.untilTerminated();
      }),
  );

  rule('4.1 a client that drops its connection leaves no descriptor open', () =>
    alone(async (there, own) => {
      const before = descriptors(own);
      if (before === undefined) return;
      const clients = await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(there.probeUrl().url)));
      expect(descriptors(own)).toBeGreaterThanOrEqual(before + 100);
      for (const [index, client] of clients.entries()) {
        if (index % 4 === 0) client.send(frame(TEXT, 'half of it').subarray(0, 5));
        if (index % 2 === 0) client.socket.resetAndDestroy();
        else client.cut();
      }
      await vi.waitFor(() => expect(descriptors(own)).toBeLessThanOrEqual(before + 2), PATIENCE);
    }),
  );

  rule(
    '4.5 half-open sockets of every kind are gone after a bound',
    () =>
      alone(
        async (there, own) => {
          const before = descriptors(own);
          if (before === undefined) return;
          const { url } = there.probeUrl();
          const stop = frame(TEXT, '{"result":{"type":"stop"}}');
          const large = frame(TEXT, '{"result":{"type":"push","messages":{"opcode":"text","long":20000000}}}');
          const sockets = await Promise.all(
            Array.from({ length: 60 }, async (_each, index) => {
              const path = index % 6 === 0 ? '/nobody' : new URL(url).pathname + new URL(url).search;
              const socket = await handshake(there.url, path);
              if (index % 6 === 1) socket.write(stop);
              else if (index % 6 === 2) socket.write(closeFrame(1000));
              else if (index % 6 === 3)
                socket.write(frame(3)); // breaks the protocol
              else if (index % 6 === 4) socket.end(frame(TEXT, 'the last'));
              else if (index % 6 === 5) socket.end(large); // leaves it unread
              return socket;
            }),
          );
          await vi.waitFor(() => expect(descriptors(own)).toBeLessThanOrEqual(before + 2), PATIENCE);
          await vi.waitFor(async () => {
            const { inits, terminates } = await count(there);
            expect([inits, terminates]).toEqual([50, 50]);
          }, PATIENCE);
          for (const socket of sockets) socket.destroy();
        },
        { closeTimeout: 500, stallTimeout: 1_000 },
      ),
    'dropsSockets',
    'knowsBacklog',
  );

  rule('3.6 hostile results end their own connection, and nothing else', async () => {
    const witness = await Client.connect(`${server.url}/hostile`);
    for (const [index, [what, goesOn]] of results.entries()) {
      const client = await Client.connect(`${server.url}/hostile`);
      client.text(String(index));
      client.text('still here?');
      const expected = goesOn ? { text: 'still here?' } : { close: 1011, reason: '' };
      // Deno resets a socket whose client sends while it closes.
      const reset = platform === 'deno' && !goesOn ? [{ close: 1006, reason: '' }] : [];
      expect([expected, ...reset], what).toContainEqual(await client.next());
      client.cut();
      witness.text('still here?');
      expect(await witness.next(), what).toEqual({ text: 'still here?' });
    }
    witness.cut();
  });

  rule(
    '5.3 in a busy room, a slow reader misses nothing, one that reads nothing is dropped, and the others do not wait',
    () =>
      alone(
        async (there) => {
          const TALK = complete ? 2_000 : 1_000;
          const line = 'x'.repeat(10_000);
          const members = await Promise.all(Array.from({ length: 5 }, () => Client.connect(`${there.url}/room`)));
          for (const member of members) expect(await member.next()).toEqual({ text: 'welcome' });
          const slow = await handshake(there.url, '/room');
          const dead = await handshake(there.url, '/room');
          let bytes = 0;
          const began = performance.now();
          slow.on('data', (chunk) => {
            bytes += chunk.length;
            slow.pause();
            setTimeout(() => slow.resume(), began + bytes / 5_000 - performance.now()); // 5 MB/s
          });
          const [speaker] = members as [Client];
          const untilMembers = (expected: number) =>
            vi.waitFor(async () => {
              speaker.text('members?');
              expect(await speaker.next()).toEqual({ text: `${expected} members` });
            }, PATIENCE);
          await untilMembers(7); // who joins late misses the first lines
          for (let said = 0; said < TALK; said += 100) {
            for (let more = 0; more < 100; more++) speaker.text(`${said + more} ${line}`);
            for (const member of members) {
              for (let more = 0; more < 100; more++) {
                const heard = (await member.next()) as { text: string };
                expect(heard.text.slice(0, 6).split(' ')[0]).toBe(String(said + more));
              }
            }
          }
          await untilMembers(6); // the dead one is dropped
          await vi.waitFor(() => expect(bytes).toBeGreaterThan(TALK * line.length), 60_000);
          for (const member of members) member.cut();
          slow.destroy();
          dead.destroy();
        },
        { stallTimeout: 15_000 }, // longer than this busy process leaves the slow reader alone
      ),
    'knowsBacklog',
    'seesSendProgress',
    'dropsSockets',
  );
});

/** How many probes have begun and ended on a server, and its heap in bytes. */
async function count(server: ServerUnderTest): Promise<{ inits: number; terminates: number; memory: number }> {
  return (await server.command({ count: true })) as { inits: number; terminates: number; memory: number };
}

/** How many descriptors a process and those that it has started have open; `undefined` where the system does not say. */
function descriptors({ process }: Host): number | undefined {
  if (!existsSync('/proc/self/fd')) return undefined;
  return processFolders(process.pid).flatMap((folder) => readdirSync(`${folder}/fd`)).length;
}

/** A socket that has sent a request to upgrade, and stays open when the server ends it. */
async function handshake(url: string, path: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  socket.on('error', () => {});
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: localhost',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  await new Promise<void>((sent) => socket.write(`${lines.join('\r\n')}\r\n\r\n`, () => sent()));
  return socket;
}

/**
 * Connects, perhaps by a route that waits (`late`), does something or nothing, and resets the connection at some moment.
 * While a route waits, workerd never shows that the client has left, with or without the adapter.
 */
async function resetSomewhere(server: ServerUnderTest, random: () => number, late: boolean): Promise<void> {
  const { pathname, search } = new URL(server.probeUrl().url);
  const path =
    random() < 0.5 || !late ? pathname + search : `/late${pathname}${search}&wait=${Math.floor(random() * 20)}`;
  const socket = await handshake(server.url, path);
  const steps = Math.floor(random() * 4);
  for (let step = 0; step < steps; step++) {
    const action = random();
    if (action < 0.3) socket.write(frame(TEXT, 'hello'));
    else if (action < 0.4)
      socket.write(frame(TEXT, '{"result":{"type":"push","messages":{"opcode":"text","long":500000}}}'));
    else if (action < 0.5) socket.write(frame(TEXT, '{"result":{"type":"stop"}}'));
    else if (action < 0.6)
      socket.write(frame(PING).subarray(0, 3)); // part of a frame
    else if (action < 0.7) socket.write(closeFrame(1000));
    else await pause(random() * 20);
  }
  if (random() < 0.7) socket.resetAndDestroy();
  else socket.destroy();
}

/** Opens and closes a number of connections, some at the same time, in every way, and compares how many began and ended. */
async function churn(server: ServerUnderTest, connections: number): Promise<void> {
  await server.command({ forget: true });
  let left = connections;
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      while (left-- > 0) {
        const client = await Client.connect(server.probeUrl().url);
        const way = left % 4;
        if (way === 0) client.text('{"result":{"type":"stop"}}');
        else if (way === 1) client.close(1000);
        else if (way === 2) client.cut();
        else client.text('{"result":{"type":"stop","reason":"restart"},"wait":0}');
        await client.next();
      }
    }),
  );
  await vi.waitFor(async () => {
    const { inits, terminates } = await count(server);
    expect([inits, terminates]).toEqual([connections, connections]);
  }, PATIENCE);
  await server.command({ forget: true });
}

/** One connection's life, by chance; returns the id of its probe. */
async function live(server: ServerUnderTest, random: () => number): Promise<string> {
  const pick = <Choice>(...choices: Choice[]): Choice => choices[Math.floor(random() * choices.length)] as Choice;
  const how = (): Instruction => pick<Instruction>({}, {}, { wait: Math.floor(random() * 20) }, { thenable: true });
  const end = (): Instruction =>
    pick<Instruction>(
      { result: { type: 'stop' } },
      { result: { type: 'stop', reason: { error: 'by chance' }, close: { code: 4000 } }, wait: 5 },
      { raw: { type: 'none' } },
      { result: { type: 'stop', reason: 'restart' } },
    );
  const probe = await server.open({ on: { init: how(), handleIn: how(), handleInfo: how() } });
  let sent = 0;
  let posted = 0;
  for (let step = 0, steps = Math.floor(random() * 20); step < steps; step++) {
    const action = random();
    if (probe.client.socket.readyState !== probe.client.socket.OPEN) break;
    if (action < 0.5) probe.client.text(`frame ${sent++}`);
    else if (action < 0.6) probe.client.socket.send(Buffer.from([sent++]));
    else if (action < 0.7) probe.client.socket.ping();
    else if (action < 0.85) await probe.post(posted++);
    else if (action < 0.9) probe.instruct(end());
    else await pause(random() * 50);
  }
  const last = random();
  if (last < 0.4) probe.client.close(pick(1000, 4000));
  else if (last < 0.7) probe.client.cut();
  else probe.instruct(end());
  await new Promise<void>((closed) => {
    if (probe.client.socket.readyState === probe.client.socket.CLOSED) closed();
    else probe.client.socket.once('close', () => closed());
  });
  return probe.id;
}

/** The rules that a trace breaks. A small model of a connection, which knows nothing of how a server works. */
function broken({ events }: Trace): string[] {
  const rules = new Set<string>();
  let pending: Callback | undefined;
  let over = false;
  let lastFrame = -1;
  let lastInfo = -1;
  let afterEnd = false;
  let terminates = 0;
  for (const [index, { event, callback, given, sameState }] of events.entries()) {
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
  const reason = events.find(({ event, callback }) => event === 'begin' && callback === 'terminate')?.given;
  if (afterEnd && (reason as { type?: string })?.type !== 'remote') rules.add('3.4');
  const last = events.findLast(({ event }) => event === 'begin' || event === 'settle');
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
