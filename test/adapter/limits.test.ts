// @websock/adapter/limits: connections of one key, and messages of one connection.

import { AsyncLocalStorage } from 'node:async_hooks';
import { connect as connectSocket } from 'node:net';
import { accept, type Route } from '@websock/adapter';
import { limitConnections, limitMessages } from '@websock/adapter/limits';
import { connect } from '@websock/adapter/testing';
import type { WebSock } from '@websock/spec';
import type { HandlerConforms } from '@websock/spec/conformance';
import { afterAll, afterEach, beforeAll, describe, expect, expectTypeOf, test, vi } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import { type Host, host, launch, platforms } from '../toolkit/host.ts';
import { echo, endServers, exchange, handlerOf, served, UPGRADE } from './node-server.ts';

afterEach(endServers);
const UNTIL = { timeout: 10_000, interval: 10 };

// ---- Connections ----

/** The status of the answer to an upgrade; 101 of one that stays open until `sockets` are destroyed. */
const statusOf = (client: Promise<Client>) =>
  client.then(() => 101).catch((error) => Number(/\d+$/.exec(error.message)?.[0]));

const one = { key: () => 'everybody', max: 1 };

test('more than max connections of one key are answered with 429, until one has ended', async () => {
  const route = limitConnections((request: Request) => accept(echo, request.url), {
    key: async (request) => new URL(request.url).searchParams.get('user') ?? '',
    max: 2,
  });
  const server = await served(route);
  const first = await Client.connect(`${server.url}/?user=alice`);
  await Client.connect(`${server.url}/?user=alice`);
  expect(await statusOf(Client.connect(`${server.url}/?user=alice`))).toBe(429);
  expect(await statusOf(Client.connect(`${server.url}/?user=bob`))).toBe(101);
  first.socket.terminate();
  await vi.waitFor(async () => expect(await statusOf(Client.connect(`${server.url}/?user=alice`))).toBe(101), UNTIL);
  expect(await statusOf(Client.connect(`${server.url}/?user=alice`))).toBe(429);
  expect(server.errors).toEqual([]);
});

test('at the same moment, no more than max are accepted', async () => {
  const wait = () => new Promise<void>((resolve) => setTimeout(resolve, 20));
  const route = limitConnections(
    async () => {
      await wait();
      return accept(echo, undefined);
    },
    { ...one, max: 3 },
  );
  const server = await served(route);
  const statuses = await Promise.all(Array.from({ length: 10 }, () => statusOf(Client.connect(server.url))));
  expect(statuses.sort()).toEqual([101, 101, 101, 429, 429, 429, 429, 429, 429, 429]);
});

test('what the route refuses, throws or leaves to others does not count, nor does an invalid upgrade', async () => {
  const answers: (() => ReturnType<Route>)[] = [
    () => new Response('no\n', { status: 403 }),
    () => undefined,
    () => {
      throw new Error('no route');
    },
    () => Promise.reject(new Error('no route')),
    () => accept(echo, undefined),
  ];
  let asked = 0;
  const server = await served(
    limitConnections(() => (answers[asked++ % answers.length] as () => ReturnType<Route>)(), one),
  );
  const statuses = [403, 404, 500, 500];
  for (const status of statuses) expect(await statusOf(Client.connect(server.url))).toBe(status);
  const notAnUpgrade = UPGRADE.map((line) => line.replace('13', '12'));
  expect(await exchange(server.url, ['GET / HTTP/1.1', ...notAnUpgrade])).toMatch(/^HTTP\/1\.1 426 /);
  asked = 4;
  expect(await statusOf(Client.connect(server.url))).toBe(101);
  asked = 4;
  expect(await statusOf(Client.connect(server.url))).toBe(429);
});

test('an ended connection no longer counts, although its callback is pending', async () => {
  let called = false;
  const { handler } = handlerOf({
    handleIn() {
      called = true;
      return new Promise(() => {});
    },
  });
  const server = await served(
    limitConnections(() => accept(handler, undefined), one),
    { closeTimeout: 100 },
  );
  const client = await Client.connect(server.url);
  client.text('hello');
  await vi.waitFor(() => expect(called).toBe(true), UNTIL);
  client.socket.terminate();
  await vi.waitFor(async () => expect(await statusOf(Client.connect(server.url))).toBe(101), UNTIL);
});

describe('an accept that never becomes a connection', () => {
  const accepted = (route: ReturnType<typeof limitConnections<unknown, any>>) => {
    const headers = Object.fromEntries(UPGRADE.map((line) => line.split(': ') as [string, string]));
    const decision = route(new Request('http://localhost/', { headers }), undefined);
    return decision as Exclude<Awaited<typeof decision>, Response>;
  };
  afterEach(() => vi.useRealTimers());

  test('counts for 10 seconds', () => {
    vi.useFakeTimers();
    const route = limitConnections(() => accept(echo, undefined), one);
    accepted(route);
    vi.advanceTimersByTime(9_999);
    expect(accepted(route)).toMatchObject({ status: 429 });
    vi.advanceTimersByTime(1);
    expect(accepted(route)).toMatchObject({ arg: undefined });
    expect(accepted(route)).toMatchObject({ status: 429 });
  });

  test('that opens later counts again, or is closed with 1008 if its place is taken', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const reasons: unknown[] = [];
    const { handler } = handlerOf({ terminate: (reason) => reasons.push(reason) });
    const route = limitConnections(() => accept(handler, undefined), one);
    const late = accepted(route);
    vi.advanceTimersByTime(10_000);
    const tooLate = late;
    const inTime = connect(accepted(route).handler, undefined);
    const client = connect(tooLate.handler, undefined);
    expect(await client.next()).toEqual({ type: 'close', code: 1008, reason: '' });
    expect(await client.closed).toMatchObject({ code: 1008 });
    expect(reasons).toEqual([]);
    inTime.close();
    await inTime.closed;
    expect(reasons).toEqual([{ type: 'remote', code: 1005, reason: '' }]);
    const again = connect(accepted(route).handler, undefined);
    expect(accepted(route)).toMatchObject({ status: 429 });
    again.close();
  });

  test('over sockets: many clients that reset during the handshake are forgotten', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    let accepted = 0;
    const route = limitConnections(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        accepted += 1;
        return accept(echo, undefined);
      },
      { ...one, max: 20 },
    );
    const server = await served(route);
    const { hostname, port } = new URL(server.url);
    for (let index = 0; index < 20; index++) {
      const socket = connectSocket(Number(port), hostname).on('error', () => {});
      socket.write(['GET / HTTP/1.1', ...UPGRADE, '', ''].join('\r\n'), () =>
        setTimeout(() => socket.resetAndDestroy(), 10),
      );
    }
    await vi.waitFor(() => expect(accepted).toBe(20), UNTIL);
    await new Promise((resolve) => setImmediate(resolve)); // what follows from the route runs
    expect(await statusOf(Client.connect(server.url)), 'they count until their time has passed').toBe(429);
    vi.advanceTimersByTime(10_000);
    const clients = await Promise.all(Array.from({ length: 20 }, () => statusOf(Client.connect(server.url))));
    expect(clients).toEqual(Array(20).fill(101));
    expect(await statusOf(Client.connect(server.url))).toBe(429);
  });
});

test('the callbacks run in the AsyncLocalStorage context in which the route accepted', async () => {
  const user = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const { handler } = handlerOf({
    init: () => {
      seen.push(user.getStore());
      return { type: 'ok', state: 0 };
    },
  });
  const server = await served(
    limitConnections(
      async () => {
        await null;
        return user.run('alice', () => accept(handler, undefined));
      },
      { key: async () => '', max: 1 },
    ),
  );
  await Client.connect(server.url);
  expect(seen).toEqual(['alice']);
});

test('limitConnections keeps the result type of the route, and its platform', () => {
  const never = limitConnections((_request: Request, _platform: { ip: string }) => accept(echo, undefined), {
    key: (_request, { ip }) => ip,
    max: 1,
  });
  expectTypeOf<undefined>().not.toExtend<Awaited<ReturnType<typeof never>>>();
  expectTypeOf(never).parameter(1).toEqualTypeOf<{ ip: string }>();
  expectTypeOf(never).toExtend<Route<{ ip: string }>>();
});

test.each([
  [{ max: 1 }, 'limitConnections: the option "key" is undefined; it must be a function'],
  [
    { key: () => '', max: 0 },
    'limitConnections: the option "max" is 0; it must be a whole number of connections, at least 1',
  ],
  [{ key: () => '', max: Number.POSITIVE_INFINITY }, 'limitConnections: the option "max" is Infinity'],
  [{ ...one, keys: 1 }, 'limitConnections: there is no option "keys"; the options are key, max'],
])('limitConnections throws for %o', (options, message) => {
  expect(() => limitConnections(() => undefined, options as never)).toThrow(message);
  expect(() => limitConnections({} as never, one)).toThrow('limitConnections: the route is an object; pass a function');
});

test('a key that is no string is an error of the route', async () => {
  const server = await served(
    limitConnections(() => accept(echo, undefined), { key: () => undefined as never, max: 1 }),
  );
  expect(await statusOf(Client.connect(server.url))).toBe(500);
  const error = new TypeError('limitConnections: the key is undefined; it must be a string, such as an address');
  expect(server.errors).toEqual([{ callback: 'route', error }]);
});

// ---- Messages ----

class Counter {
  readonly #seen: unknown[] = [];
  readonly calls = { total: 0 };
  init(from: number, _mailbox: WebSock.Mailbox<string>): WebSock.Ok<number> {
    return { type: 'ok', state: from + this.#seen.length };
  }
  handleIn(frame: WebSock.DataFrame, count: number): WebSock.Push<number> {
    this.calls.total += 1;
    this.#seen.push(frame.data);
    return { type: 'push', messages: { opcode: 'text', data: String(count) }, state: count + 1 };
  }
  async handleInfo(info: string, state: number): Promise<WebSock.Push<number>> {
    return { type: 'push', messages: { opcode: 'text', data: `${info} at ${state}` }, state: state + 100 };
  }
  terminate(_reason: WebSock.CloseReason, state: number): void {
    this.#seen.push(state);
  }
  get seen(): unknown[] {
    return this.#seen;
  }
  reset(): void {
    this.#seen.length = 0;
  }
}

describe('limitMessages', () => {
  afterEach(() => vi.useRealTimers());
  const fakeTime = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });

  test('keeps the type of a handler, its state, its methods and its this', async () => {
    const counter = new Counter();
    const limited = limitMessages(counter, { perSecond: 1, burst: 10, over: 'stop' });
    expectTypeOf(limited).toEqualTypeOf<Counter>();
    expectTypeOf<HandlerConforms<typeof limited>>().toEqualTypeOf<true>();
    const client = connect(limited, 5);
    client.text('a');
    expect(await client.next()).toEqual({ opcode: 'text', data: '5' });
    client.post('posted');
    expect(await client.next()).toEqual({ opcode: 'text', data: 'posted at 6' });
    client.text('b');
    expect(await client.next()).toEqual({ opcode: 'text', data: '106' });
    client.close();
    await client.closed;
    expect(limited.seen).toEqual(['a', 'b', 107]);
    limited.reset();
    expect(counter.seen).toEqual([]);
    expect(limited).toBeInstanceOf(Counter);
    expect('handleControl' in limited && limited.handleControl).toBeFalsy();
    expect(client.errors).toEqual([]);
  });

  test('works with a frozen handler, and keeps what is invalid for the server to report', async () => {
    const wrong = { ...echo, handleIn: () => 'nothing' as never, handleInfo: () => ({ type: 'ok' }) as never };
    for (const event of ['text', 'post'] as const) {
      const client = connect(limitMessages(Object.freeze(wrong), { perSecond: 1, burst: 1, over: 'wait' }), undefined);
      client[event]('1');
      await client.closed;
      const what = event === 'text' ? "handleIn returned 'nothing'" : "handleInfo returned 'ok' without a state";
      expect(client.errors).toMatchObject([{ error: { message: expect.stringContaining(what) } }]);
    }
  });

  test("'stop' closes with 1008 at the first message over the limit; the state is the handler's last", async () => {
    fakeTime();
    const counter = new Counter();
    const client = connect(limitMessages(counter, { perSecond: 2, burst: 2, over: 'stop' }), 0);
    client.text('1');
    client.text('2');
    vi.advanceTimersByTime(500);
    client.text('3');
    client.text('4');
    for (const data of ['0', '1', '2']) expect(await client.next()).toEqual({ opcode: 'text', data });
    expect(await client.next()).toEqual({ type: 'close', code: 1008, reason: '' });
    const error = new Error('the client sent more than 2 messages per second');
    expect(await client.closed).toEqual({ type: 'error', error, code: 1008, reason: '' });
    expect(counter.seen).toEqual(['1', '2', '3', 3]);
    expect(client.errors).toEqual([]);
  });

  test("'wait' handles each message in its time, and posted messages behind it", async () => {
    fakeTime();
    const counter = new Counter();
    const client = connect(limitMessages(counter, { perSecond: 4, burst: 2, over: 'wait' }), 0);
    for (const data of ['1', '2', '3', '4']) client.text(data);
    client.post('posted');
    expect(counter.seen).toEqual(['1', '2']);
    await vi.advanceTimersByTimeAsync(249);
    expect(counter.seen).toEqual(['1', '2']);
    await vi.advanceTimersByTimeAsync(1);
    expect(counter.seen).toEqual(['1', '2', '3']);
    await vi.advanceTimersByTimeAsync(250);
    expect(counter.seen).toEqual(['1', '2', '3', '4']);
    for (const data of ['0', '1', '2', '3', 'posted at 4'])
      expect(await client.next()).toEqual({ opcode: 'text', data });
    await vi.advanceTimersByTimeAsync(100_000); // the bucket holds no more than the burst
    for (const data of ['5', '6', '7']) client.text(data);
    expect(counter.seen).toEqual(['1', '2', '3', '4', '5', '6']);
    client.drop();
    await client.closed;
  });

  test("'wait' ends with the client: a last burst is handled, and the rest is discarded", async () => {
    fakeTime();
    const counter = new Counter();
    const client = connect(limitMessages(counter, { perSecond: 0.001, burst: 2, over: 'wait' }), 0);
    for (const data of ['1', '2', '3', '4', '5', '6']) client.text(data);
    client.close();
    expect(await client.closed).toMatchObject({ type: 'remote' });
    expect(counter.seen).toEqual(['1', '2', '3', '4', 4]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("'wait' ends with the server's end, and calls the handler no more", async () => {
    fakeTime();
    const counter = new Counter();
    const client = connect(limitMessages(counter, { perSecond: 1e-9, burst: 1, over: 'wait' }), 0);
    for (const data of ['1', '2', '3']) client.text(data);
    await vi.advanceTimersByTimeAsync(100_000);
    client.mailbox.stop({ code: 4000 });
    expect(await client.closed).toMatchObject({ type: 'normal', code: 4000 });
    expect(counter.seen).toEqual(['1', 1]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('pings and pongs count if the handler receives them; each connection has its own bucket', async () => {
    const { handler } = handlerOf({ handleControl: (_frame, state) => ({ type: 'ok', state }) });
    const limited = limitMessages(handler, { perSecond: 0.001, burst: 2, over: 'stop' });
    const [flooding, other] = [connect(limited, 0), connect(limited, 0)];
    for (const client of [flooding, flooding, flooding, other]) client.pong();
    expect(await flooding.next()).toMatchObject({ code: 1008 });
    other.close();
    expect(await other.closed).toMatchObject({ type: 'remote' });
  });

  test.each([
    [
      { perSecond: 0, burst: 1, over: 'wait' },
      '"perSecond" is 0; it must be a number of messages per second, more than 0',
    ],
    [{ perSecond: Number.NaN, burst: 1, over: 'wait' }, '"perSecond" is NaN'],
    [{ perSecond: 1, burst: 0.5, over: 'wait' }, '"burst" is 0.5; it must be a whole number of messages, at least 1'],
    [{ perSecond: 1, burst: 1, over: 'drop' }, "\"over\" is 'drop'; it must be 'wait' or 'stop'"],
    [{ perSecond: 1, burst: 1 }, '"over" is undefined'],
  ])('throws for %o', (options, message) => {
    expect(() => limitMessages(echo, options as never)).toThrow(`limitMessages: the option ${message}`);
    expect(() => limitMessages(Counter as never, options as never)).toThrow('limitMessages: the handler is a class');
  });
});

// ---- On every platform ----

const FILE = 'test/adapter/wrappers.application.ts';

describe.each([...platforms, 'crossws'] as const)('on %s', (platform) => {
  let server: Host;
  beforeAll(async () => {
    server = await (platform === 'crossws'
      ? launch('node', ['test/toolkit/hosts/crossws.ts', FILE])
      : host(platform, FILE));
  });
  afterAll(async () => {
    expect(await server?.stop(), 'the exit code of the server').toBe(0);
  });

  test('connections that have ended, or whose init throws, are forgotten', async () => {
    const url = `${server.url}/counted?key=${platform}`;
    const open = [await Client.connect(url), await Client.connect(url)];
    expect(await statusOf(Client.connect(url))).toBe(429);
    open[0]?.close();
    await vi.waitFor(async () => open.push(await Client.connect(url)), UNTIL);
    for (const client of open) client.close();
    for (let index = 0; index < 10; index++) {
      const failed = await Client.connect(`${server.url}/failing?key=failing`);
      expect(await failed.closed()).toMatchObject({ close: 1011 });
    }
    for (let index = 0; index < 10; index++) expect(await statusOf(Client.connect(`${url}&refused`))).toBe(403);
    await vi.waitFor(
      async () => expect(await statusOf(Client.connect(`${server.url}/counted?key=failing`))).toBe(101),
      UNTIL,
    );
  });

  test('messages wait, or close with 1008', async () => {
    const slowed = await Client.connect(`${server.url}/slowed`);
    for (let index = 0; index < 20; index++) slowed.text('hello');
    for (let index = 0; index < 20; index++) expect(await slowed.next()).toEqual({ text: String(index) });
    slowed.close();
    const stopped = await Client.connect(`${server.url}/stopped`);
    for (let index = 0; index < 4; index++) stopped.text('hello');
    for (let index = 0; index < 3; index++) expect(await stopped.next()).toEqual({ text: String(index) });
    expect(await stopped.closed()).toEqual({ close: 1008, reason: '' });
  });
});
