// Stress tests of every server: callbacks that never settle, floods, lost connections, resets at any moment, half-open
// sockets, slow readers, hostile results, many connections, and random traffic whose traces must obey the rules. Titles
// begin with the rule.
//
// All random choices follow from a seed, which is printed. WEBSOCK_SEED repeats a run, WEBSOCK_SECONDS sets the duration of
// the random traffic, and WEBSOCK_PLATFORMS=node,bun selects platforms.

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
const seconds = Number(process.env['WEBSOCK_SECONDS'] ?? (complete ? 5 : 2));
const chosen = process.env['WEBSOCK_PLATFORMS']?.split(',') ?? platforms;
/** In ms. Long, as the servers and the tests share one machine. */
const TIMEOUT = 60_000;
const CLIENTS = 200;
const CONNECTIONS = complete ? 1_000 : 500;

console.log(`WEBSOCK_SEED=${seed}`);

const REQUIRED: Callback[] = ['handleIn', 'handleInfo'];

// Most tests spend most of their time waiting, so the platforms run concurrently.
describe.each(platforms.filter((platform) => chosen.includes(platform)))('%s', { concurrent: true }, (platform) => {
  let running: Host;
  let server: ServerUnderTest;

  beforeAll(async () => {
    running = await host(platform, APPLICATION);
    server = await ServerUnderTest.connect(running.url, TIMEOUT);
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

  /** Runs a test on a server of its own, as other tests would change its counts and descriptors. */
  const alone = async (run: (ownServer: ServerUnderTest, ownHost: Host) => Promise<unknown>, options: object = {}) => {
    const ownHost = await host(platform, APPLICATION, { ADAPTER_OPTIONS: JSON.stringify(options) });
    const ownServer = await ServerUnderTest.connect(ownHost.url, TIMEOUT);
    await run(ownServer, ownHost);
    await ownServer.disconnect();
    expect(await ownHost.stop(), 'the exit code of the server').toBe(0);
    expect(ownHost.reports()).not.toMatch(/uncaught|unhandled/);
  };

  for (const callback of REQUIRED) {
    rule(
      `4.1 when a client leaves, a ${callback} that never settles delays its terminate, and nothing else`,
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
    const ownHost = await host(platform, APPLICATION, { ADAPTER_OPTIONS: '{"closeTimeout":1000}' });
    const ownServer = await ServerUnderTest.connect(ownHost.url, TIMEOUT);
    for (const callback of ['init', ...REQUIRED, 'terminate'] as const) {
      const probe = await ownServer.open({ on: { terminate: { throw: 'too late' }, [callback]: { forever: true } } });
      if (callback === 'handleIn') probe.client.text('stuck');
      else if (callback === 'handleInfo') await probe.post('stuck');
      await probe.untilStarted(callback === 'terminate' ? 'init' : callback);
    }
    const silent = await RawClient.connect(ownServer.probeUrl().url); // never answers the close frame
    expect(await ownHost.stop()).toBe(0);
    expect(ownHost.reports(), 'terminate during a pending callback').not.toContain('too late');
    silent.cut();
  });

  rule(
    '5.1 a flood into a stuck handler uses a limited amount of memory',
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

  rule('5.1 a stream of posted messages to one connection does not starve the others', async () => {
    const busy = await server.open();
    await busy.post({ stream: 1e9 });
    const other = await server.open();
    other.instruct({ result: { type: 'push', messages: { opcode: 'text', data: 'hi' } } });
    expect(await other.client.next()).toEqual({ text: 'hi' });
    expect((await busy.trace()).calls('handleInfo')).toEqual([]); // the stream has not ended
    busy.client.cut();
  });

  rule(
    '5.3 while a client does not read, its handler is not called',
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

  rule(`4.1 ${CONNECTIONS} connections have as many terminates as inits, and free their memory`, () =>
    alone(async (ownServer) => {
      await churn(ownServer, CONNECTIONS / 5);
      const before = (await count(ownServer)).memory;
      await churn(ownServer, CONNECTIONS);
      const growth = (await count(ownServer)).memory - before;
      // Deno keeps a lost socket until its idle timer fires. The more connections, the less the growth of the process itself
      // matters.
      const each = platform === 'deno' ? 2_000 : 300;
      if (!ownServer.cannot.reportsMemory)
        expect(growth, 'bytes not freed').toBeLessThan(CONNECTIONS * each + 1_000_000);
    }),
  );

  rule(`2.1 ${CLIENTS} clients with random traffic: every trace obeys 1.1, 2.1, 2.2, 2.4, 3.4 and 4.1`, async () => {
    const random = mulberry(seed);
    const until = performance.now() + seconds * 1_000;
    let lives = 0;
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        while (performance.now() < until) {
          const trace = await server.untilTerminated(await liveAtRandom(server, random));
          expect(brokenRules(trace), `seed ${seed}: ${JSON.stringify(trace.events)}`).toEqual([]);
          lives += 1;
        }
      }),
    );
    console.log(`${platform}: ${lives} connections of ${CLIENTS} clients in ${seconds} s: all obey the rules`);
  });

  rule(
    '4.1 after resets at any moment of a handshake, a pending route or a connection, there are as many terminates as inits',
    () =>
      alone(
        async (ownServer) => {
          const random = mulberry(seed + 1);
          let left = complete ? 1_500 : 150;
          await Promise.all(
            Array.from({ length: 30 }, async () => {
              while (left-- > 0) await resetAtRandom(ownServer, random, platform !== 'cloudflare');
            }),
          );
          await vi.waitFor(async () => {
            const { inits, terminates } = await count(ownServer);
            expect(terminates).toBe(inits);
            expect(inits).toBeGreaterThan(0);
          }, TIMEOUT);
          const probe = await ownServer.open();
          probe.client.close();
          await probe.untilTerminated();
          // Bun sees a reset only when it sends, if data is buffered for the client.
        },
        { stallTimeout: 8_000 },
      ),
  );

  rule('4.1 a lost connection leaves no descriptor open', () =>
    alone(async (ownServer, ownHost) => {
      const before = descriptors(ownHost);
      if (before === undefined) return;
      const clients = await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(ownServer.probeUrl().url)));
      expect(descriptors(ownHost)).toBeGreaterThanOrEqual(before + 100);
      for (const [index, client] of clients.entries()) {
        if (index % 4 === 0) client.send(frame(TEXT, 'truncated').subarray(0, 5));
        if (index % 2 === 0) client.socket.resetAndDestroy();
        else client.cut();
      }
      await vi.waitFor(() => expect(descriptors(ownHost)).toBeLessThanOrEqual(before + 2), TIMEOUT);
    }),
  );

  rule(
    '4.5 half-open sockets of every kind are closed after a time limit',
    () =>
      alone(
        async (ownServer, ownHost) => {
          const before = descriptors(ownHost);
          if (before === undefined) return;
          const { url } = ownServer.probeUrl();
          const stop = frame(TEXT, '{"result":{"type":"stop"}}');
          const large = frame(TEXT, '{"result":{"type":"push","messages":{"opcode":"text","long":20000000}}}');
          const sockets = await Promise.all(
            Array.from({ length: 60 }, async (_each, index) => {
              const path = index % 6 === 0 ? '/unknown' : new URL(url).pathname + new URL(url).search;
              const socket = await handshake(ownServer.url, path);
              if (index % 6 === 1) socket.write(stop);
              else if (index % 6 === 2) socket.write(closeFrame(1000));
              else if (index % 6 === 3)
                socket.write(frame(3)); // breaks the protocol
              else if (index % 6 === 4) socket.end(frame(TEXT, 'last'));
              else if (index % 6 === 5) socket.end(large); // does not read the answer
              return socket;
            }),
          );
          await vi.waitFor(() => expect(descriptors(ownHost)).toBeLessThanOrEqual(before + 2), TIMEOUT);
          await vi.waitFor(async () => {
            const { inits, terminates } = await count(ownServer);
            expect([inits, terminates]).toEqual([50, 50]);
          }, TIMEOUT);
          for (const socket of sockets) socket.destroy();
        },
        { closeTimeout: 500, stallTimeout: 1_000 },
      ),
    'dropsSockets',
    'knowsBacklog',
  );

  rule('3.6 hostile results end their own connection only', async () => {
    const witness = await Client.connect(`${server.url}/hostile`);
    for (const [index, [label, isValid]] of results.entries()) {
      const client = await Client.connect(`${server.url}/hostile`);
      client.text(String(index));
      client.text('still here?');
      const expected = isValid ? { text: 'still here?' } : { close: 1011, reason: '' };
      // Deno resets a socket if the client sends during the closing handshake.
      const reset = platform === 'deno' && !isValid ? [{ close: 1006, reason: '' }] : [];
      expect([expected, ...reset], label).toContainEqual(await client.next());
      client.cut();
      witness.text('still here?');
      expect(await witness.next(), label).toEqual({ text: 'still here?' });
    }
    witness.cut();
  });

  rule(
    '5.3 in a busy room, a slow reader misses nothing, a client that does not read is dropped, and others are not delayed',
    () =>
      alone(
        async (ownServer) => {
          const TALK = complete ? 2_000 : 1_000;
          const line = 'x'.repeat(10_000);
          const members = await Promise.all(Array.from({ length: 5 }, () => Client.connect(`${ownServer.url}/room`)));
          for (const member of members) expect(await member.next()).toEqual({ text: 'welcome' });
          const slow = await handshake(ownServer.url, '/room');
          const stuck = await handshake(ownServer.url, '/room');
          let bytes = 0;
          const start = performance.now();
          slow.on('data', (chunk) => {
            bytes += chunk.length;
            slow.pause();
            setTimeout(() => slow.resume(), start + bytes / 5_000 - performance.now()); // 5 MB/s
          });
          const [speaker] = members as [Client];
          const untilMembers = (expected: number) =>
            vi.waitFor(async () => {
              speaker.text('members?');
              expect(await speaker.next()).toEqual({ text: `${expected} members` });
            }, TIMEOUT);
          await untilMembers(7); // a member that joined later would miss the first lines
          for (let said = 0; said < TALK; said += 100) {
            for (let index = 0; index < 100; index++) speaker.text(`${said + index} ${line}`);
            for (const member of members) {
              for (let index = 0; index < 100; index++) {
                const heard = (await member.next()) as { text: string };
                expect(heard.text.slice(0, 6).split(' ')[0]).toBe(String(said + index));
              }
            }
          }
          await untilMembers(6); // the client that does not read is dropped
          await vi.waitFor(() => expect(bytes).toBeGreaterThan(TALK * line.length), 60_000);
          for (const member of members) member.cut();
          slow.destroy();
          stuck.destroy();
        },
        { stallTimeout: 15_000 }, // the slow reader is in this busy process, and may pause for long
      ),
    'knowsBacklog',
    'seesSendProgress',
    'dropsSockets',
  );
});

/** The number of probes that have begun and ended on a server, and its heap in bytes. */
async function count(server: ServerUnderTest): Promise<{ inits: number; terminates: number; memory: number }> {
  return (await server.command({ count: true })) as { inits: number; terminates: number; memory: number };
}

/** The number of open descriptors of a process and its children; `undefined` if the system does not show it. */
function descriptors({ process }: Host): number | undefined {
  if (!existsSync('/proc/self/fd')) return undefined;
  return processFolders(process.pid).flatMap((folder) => readdirSync(`${folder}/fd`)).length;
}

/** A socket that has sent an upgrade request. It stays half-open when the server ends its side. */
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
  await new Promise<void>((resolve) => socket.write(`${lines.join('\r\n')}\r\n\r\n`, () => resolve()));
  return socket;
}

/**
 * Connects, performs random actions, and resets the connection at a random moment.
 *
 * @param late - whether some routes are asynchronous; not on workerd, which never shows that the client has left meanwhile
 */
async function resetAtRandom(server: ServerUnderTest, random: () => number, late: boolean): Promise<void> {
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

/** Opens connections, closes them in every way, and waits until as many have terminated as began. */
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
  }, TIMEOUT);
  await server.command({ forget: true });
}

/** Opens a connection, performs random actions, and closes it. Returns the id of its probe. */
async function liveAtRandom(server: ServerUnderTest, random: () => number): Promise<string> {
  const pick = <Choice>(...choices: Choice[]): Choice => choices[Math.floor(random() * choices.length)] as Choice;
  const how = (): Instruction => pick<Instruction>({}, {}, { wait: Math.floor(random() * 20) }, { thenable: true });
  const end = (): Instruction =>
    pick<Instruction>(
      { result: { type: 'stop' } },
      { result: { type: 'stop', reason: { error: 'at random' }, close: { code: 4000 } }, wait: 5 },
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
  await new Promise<void>((resolve) => {
    if (probe.client.socket.readyState === probe.client.socket.CLOSED) resolve();
    else probe.client.socket.once('close', () => resolve());
  });
  return probe.id;
}

/** The rules that a trace breaks, by a small model of a connection that is independent of any server. */
function brokenRules({ events }: Trace): string[] {
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
  // after the client's end, a stop changes nothing (3.7), and earlier frames are still handled (2.2)
  const reason = events.find(({ event, callback }) => event === 'begin' && callback === 'terminate')?.given;
  if (afterEnd && (reason as { type?: string })?.type !== 'remote') rules.add('3.4');
  const last = events.findLast(({ event }) => event === 'begin' || event === 'settle');
  if (terminates !== 1 || last?.callback !== 'terminate') rules.add('4.1');
  return [...rules];
}

/** A generator of random numbers with a seed: mulberry32, in the public domain. */
function mulberry(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
