// The hooks for crossws: on its adapters for Bun and Deno, in an application of h3, and against hostile clients. The rules
// are tested in test/tck, on crossws's adapter for Node.js.

import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import {
  type AdapterOptions,
  accept,
  type CrosswsHooks,
  type CrosswsPeer,
  type CrosswsPlatform,
  type Route,
  toHooks,
} from '@websock/adapter/crossws';
import type { WebSock } from '@websock/spec';
import type { Hooks, Peer } from 'crossws';
import nodeAdapter from 'crossws/adapters/node';
import { plugin } from 'crossws/server';
import { defineWebSocketHandler, H3, serve } from 'h3';
import { afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import { BINARY, closeFrame, frame, PING, PONG, RawClient, TEXT } from '../../tck/src/raw-client.ts';
import { type RunHelp, run } from '../../tck/src/run.ts';
import { launch } from '../toolkit/host.ts';
import { echo, handlerOf } from './node-server.ts';

const UNTIL = { timeout: 10_000, interval: 5 };
const until = (condition: () => boolean) => vi.waitFor(() => expect(condition()).toBe(true), UNTIL);

/** Closes the servers of a test. */
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
});

interface Serving {
  readonly url: string;
  readonly hooks: CrosswsHooks;
  /** The calls of `onError`. */
  readonly errors: { readonly callback: string; readonly error: unknown }[];
  /** The HTTP server. */
  readonly http: Server;
}

type Using = (hooks: CrosswsHooks) => Promise<{ http: Server; close(): Promise<unknown> }>;

/** crossws's adapter for Node.js, without a framework. */
const onCrossws: Using = async (hooks) => {
  const crossws = nodeAdapter({ hooks, idleTimeout: 0 });
  const http = createServer();
  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    crossws.handleUpgrade(request, socket, head);
  });
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
  return { http, close: () => new Promise((closed) => http.close(closed).closeAllConnections()) };
};

/** An application of h3. */
const onH3: Using = async (hooks) => {
  const app = new H3();
  app.use((event) => {
    event.context['user'] = event.req.headers.get('x-user') ?? 'nobody';
  });
  app.get('/hello', () => 'hello');
  app.get('/**', defineWebSocketHandler(hooks));
  const plugins = [plugin({ options: { node: { idleTimeout: 0 } } })];
  const server = serve(app, { port: 0, hostname: '127.0.0.1', silent: true, plugins });
  await server.ready();
  return { http: server.node?.server as Server, close: () => server.close(true) };
};

async function serving(using: Using, route: Route<CrosswsPlatform>, options: AdapterOptions = {}): Promise<Serving> {
  const errors: Serving['errors'] = [];
  const onError: AdapterOptions['onError'] = (error, { callback }) => errors.push({ callback, error });
  const hooks = toHooks(route, { onError, closeTimeout: 300, stallTimeout: 500, ...options });
  const { http, close } = await using(hooks);
  ends.push(() => hooks.shutdown({ timeout: 1_000 }).then(close));
  return { url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`, hooks, errors, http };
}

describe('the rules on Bun and Deno', { concurrent: true }, () => {
  const onDeno = {
    compresses: 'Deno cannot compress',
    setsHeaders: 'crossws does not set them on Deno',
    receivesControlFrames: 'Deno hides them',
    keepsEarlyFrames: 'crossws listens too late on Deno',
  };

  // Without the rules of closing and of flow (4.3, 4.5, 5, and what 6.6 and 6.7 say of slow readers): there crossws shows less
  // than on Node.js.
  const mailbox = ['6.1', '6.2', '6.3', '6.4', '6.5', '6.8'];

  test.each([
    ['bun', ['1.1', '1.5', '2', '3', ...mailbox], { compresses: 'crossws does not compress on Bun' }, 200],
    ['deno', ['1.1', '2.4', '3.1', '3.2', '3.6', '4.3a', '4.3c', ...mailbox], onDeno, 50],
  ] as const)(
    "the tests of the kit pass on crossws's adapter for %s",
    { timeout: 240_000 },
    async (platform, rules, cannot, least) => {
      const start: NonNullable<RunHelp['start']> = async () => {
        const application = join(import.meta.dirname, '../tck/application.ts');
        const { url, stop, reports } = await launch(platform, ['test/toolkit/hosts/crossws.ts', application]);
        const shutdown = async () => expect(await stop(), 'the exit code of the server').toBe(0);
        return { url, shutdown, reports };
      };
      const { url, shutdown, reports } = await start();
      const { outcomes } = await run(url, { start, reports, rules, cannot });
      expect(outcomes.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
      expect(outcomes.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(least);
      await shutdown();
      expect(reports()).not.toMatch(/uncaught|unhandled/);
    },
  );
});

test('the types are those of crossws', () => {
  expectTypeOf<CrosswsHooks>().toExtend<Hooks>();
  expectTypeOf<Peer>().toExtend<CrosswsPeer>();
});

test('an invalid route or option is an error that names it', () => {
  expect(() => toHooks(accept(echo, undefined) as never)).toThrow(/^toHooks: the route is an object; pass a function/);
  expect(() => toHooks(() => accept(echo, undefined), { idleTimeout: 1 } as AdapterOptions)).toThrow(
    /^toHooks: there is no option "idleTimeout"/,
  );
});

test('without the hook `upgrade`, a connection closes with 1011, and the error says why', async () => {
  const { url, errors } = await serving(
    ({ upgrade: _, ...hooks }) => onCrossws(hooks as CrosswsHooks),
    () => accept(echo, undefined),
  );
  const client = await Client.connect(url);
  client.text('hello');
  expect(await client.closed()).toEqual({ close: 1011, reason: '' });
  expect(errors).toMatchObject([
    { callback: 'server', error: { message: expect.stringMatching(/pass all the hooks/) } },
  ]);
});

test('2.7 bytes belong to the handler, in memory of their own', async () => {
  const received: InstanceType<Uint8ArrayConstructor>[] = [];
  const keep = ({ data }: { data: InstanceType<Uint8ArrayConstructor> }) => {
    received.push(data);
    return { type: 'ok', state: 0 };
  };
  const { handler } = handlerOf({ handleIn: keep, handleControl: keep });
  const { url } = await serving(onCrossws, () => accept(handler, undefined));
  const client = await RawClient.connect(url);
  client.send(frame(BINARY, 'abc'), frame(PING, 'ab'), frame(PONG, 'a'));
  await until(() => received.length === 3);
  expect(received.map(({ buffer }) => buffer.byteLength)).toEqual([3, 2, 1]);
  client.cut();
});

describe('in an application of h3', () => {
  const greeting: WebSock<string, string, string> = {
    init: (name) => ({ type: 'push', messages: { opcode: 'text', data: `hello ${name}` }, state: name }),
    handleIn: (message, name) => ({ type: 'push', messages: message, state: name }),
    handleInfo: (info, name) => ({ type: 'push', messages: { opcode: 'text', data: info }, state: name }),
  };
  const route: Route<CrosswsPlatform> = async (request, { context }) => {
    const { pathname } = new URL(request.url);
    if (pathname === '/forbidden') return new Response('who are you?', { status: 401 });
    if (pathname === '/broken') throw new Error('broken');
    if (pathname !== '/chat') return undefined;
    const headers = { 'Set-Cookie': ['a=1', 'b=2'] };
    return accept(greeting, String(context?.['user']), { protocol: 'chat', headers, compress: true });
  };

  test('connections and other requests are served', async () => {
    const { url } = await serving(onH3, route);
    expect(await (await fetch(`${url.replace('ws', 'http')}/hello`)).text()).toBe('hello');
    expect((await fetch(`${url.replace('ws', 'http')}/chat`)).status).toBe(426);

    const client = await Client.connect(`${url}/chat`, {
      headers: { 'x-user': 'alice' },
      protocols: ['other', 'chat'],
      perMessageDeflate: true,
    });
    expect(client.socket.protocol).toBe('chat');
    expect(client.socket.extensions).toMatch(/permessage-deflate/);
    expect(await client.next()).toEqual({ text: 'hello alice' });
    client.text('and you?');
    client.socket.send(Buffer.of(1, 2));
    expect(await client.next()).toEqual({ text: 'and you?' });
    expect(await client.next()).toEqual({ binary: '0102' });
    client.close();
  });

  test('the 101 response has the headers of the application, and no subprotocol that the client did not offer', async () => {
    const { url } = await serving(onH3, route);
    const client = await RawClient.connect(`${url}/chat`);
    expect(client.header('set-cookie')).toEqual(['a=1', 'b=2']);
    expect(client.header('sec-websocket-protocol')).toEqual([]);
    expect(client.header('sec-websocket-extensions')).toEqual([]);
    client.cut();
  });

  test('the recipe serves the chat, and stops', async () => {
    vi.stubEnv('PORT', '0');
    const { server, stop } = await import('../../examples/recipes/h3.ts');
    await server.ready();
    const { port } = new URL(server.url as string);
    const url = `ws://127.0.0.1:${port}/chat`;
    await expect(Client.connect(url)).rejects.toThrow('401');
    const client = await Client.connect(url, { headers: { cookie: 'session=abc123' } });
    expect(await client.next()).toMatchObject({ text: expect.stringContaining('alice') });
    const stopped = stop();
    for (;;) {
      const received = await client.next();
      if (!('close' in received)) continue;
      expect(received).toEqual({ close: 1001, reason: '' });
      break;
    }
    await stopped;
    await expect(Client.connect(url)).rejects.toThrow('ECONNREFUSED');
    vi.unstubAllEnvs();
  });

  test('a refusal reaches the client, and an error of the route is reported', async () => {
    const { url, errors } = await serving(onH3, route);
    for (const [path, status] of Object.entries({ forbidden: 401, broken: 500, elsewhere: 404 })) {
      await expect(Client.connect(`${url}/${path}`)).rejects.toThrow(String(status));
    }
    expect(errors).toMatchObject([{ callback: 'route', error: { message: 'broken' } }]);
  });

  test('messages are handled one at a time and in order, although h3 calls its hooks asynchronously', async () => {
    const handled: unknown[] = [];
    const { handler, reasons } = handlerOf({
      handleIn: async ({ data }: WebSock.DataFrame) => {
        await new Promise((settle) => setTimeout(settle, handled.length === 0 ? 20 : 0));
        handled.push(data);
        return { type: 'ok', state: 0 };
      },
    });
    const { url } = await serving(onH3, () => accept(handler, undefined));
    const client = await RawClient.connect(url, {
      earlyBytes: Buffer.concat([...['1', '2', '3'].map((data) => frame(TEXT, data)), closeFrame(4001, 'bye')]),
    });
    await until(() => reasons.length > 0);
    expect(handled).toEqual(['1', '2', '3']);
    expect(reasons).toEqual([{ type: 'remote', code: 4001, reason: 'bye' }]);
    client.cut();
  });

  test('a shutdown closes with 1001, and refuses with 503', async () => {
    let settle = (_result: unknown) => {};
    const { handler, reasons } = handlerOf({
      handleIn: () =>
        new Promise((resolve) => {
          settle = resolve;
        }),
    });
    const { url, hooks } = await serving(onH3, () => accept(handler, undefined));
    const client = await Client.connect(url);
    client.text('wait');
    await until(() => settle.name !== 'settle');
    const over = hooks.shutdown();
    expect(await client.closed()).toEqual({ close: 1001, reason: '' });
    await expect(Client.connect(url)).rejects.toThrow('503');
    settle({ type: 'ok', state: 0 });
    await over;
    expect(reasons).toEqual([{ type: 'shutdown', code: 1001, reason: '' }]);
  });
});

describe.each([
  ['crossws', onCrossws],
  ['h3', onH3],
] as [string, Using][])('hostile clients, on %s', (_name, using) => {
  const HANDSHAKE = [
    'GET / HTTP/1.1',
    'Host: localhost',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];

  /** A socket that has sent an upgrade request, and reads nothing. It stays open when the server closes its side. */
  async function request(url: string): Promise<Socket> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    socket.on('error', () => {});
    await new Promise<void>((sent) => socket.write([...HANDSHAKE, '', ''].join('\r\n'), () => sent()));
    return socket;
  }

  const sockets = ({ http }: Serving) =>
    new Promise<number>((settle) => http.getConnections((_error, count) => settle(count)));
  const untilNoSockets = (server: Serving) =>
    vi.waitFor(async () => expect(await sockets(server), 'sockets of the server').toBe(0), UNTIL);

  /** Checks that other clients are served. */
  async function serves({ url }: Serving): Promise<void> {
    const client = await Client.connect(`${url}/echo`);
    client.text('others');
    expect(await client.next()).toEqual({ text: 'others' });
    client.close();
    await client.closed();
  }

  const routeTo = (handler: WebSock<number, unknown, unknown>, options?: WebSock.ConnectionOptions) => {
    return ({ url }: Request) => accept(url.endsWith('/echo') ? echo : handler, undefined, options);
  };

  test.each([
    ['that is answered with 401', () => new Response('who are you?', { status: 401 })],
    ['while the route waits', () => new Promise((settle) => setTimeout(settle, 20))],
    ['while the route waits before it accepts', () => new Promise((s) => setTimeout(s, 20, accept(echo, undefined)))],
    ['that is accepted', () => accept(echo, undefined)],
  ] as [string, () => any][])('a reset of a request %s affects no other client', async (_title, answer) => {
    const uncaught: unknown[] = [];
    const catcher = (error: unknown) => uncaught.push(error);
    process.on('uncaughtException', catcher);
    const server = await serving(using, ({ url }) => (url.endsWith('/echo') ? accept(echo, undefined) : answer()));
    for (let moment = 0; moment < 40; moment++) {
      const socket = await request(server.url);
      for (let turn = 0; turn < moment % 20; turn++) await new Promise((next) => setImmediate(next));
      socket.resetAndDestroy();
    }
    await untilNoSockets(server);
    await serves(server);
    process.off('uncaughtException', catcher);
    expect(uncaught).toEqual([]);
    expect(server.errors).toEqual([]);
  });

  test('a reset of a connection is its end, once', async () => {
    const { handler, reasons } = handlerOf();
    const server = await serving(using, routeTo(handler));
    const client = await RawClient.connect(server.url);
    client.socket.resetAndDestroy();
    await until(() => reasons.length > 0);
    await serves(server);
    expect(reasons).toEqual([{ type: 'remote', code: 1006, reason: '' }]);
  });

  test('5.1 a flood during a pending callback closes with 1013, and others are served meanwhile', async () => {
    const { handler } = handlerOf({ handleIn: () => new Promise(() => {}) });
    const server = await serving(using, routeTo(handler), { maxHeldMessages: 100 });
    const client = await RawClient.connect(server.url);
    client.socket.write(Buffer.alloc(600_000, frame(TEXT)));
    const served = serves(server);
    expect(await client.untilClose()).toEqual([[], 1013]);
    await served;
    client.cut();
  });

  test('2.2 after a flood and a reset, the received frames are handled, and terminate is called once', async () => {
    let handled = 0;
    const { handler, reasons } = handlerOf({
      handleIn: () => {
        handled += 1;
        return { type: 'ok', state: 0 };
      },
    });
    const server = await serving(using, routeTo(handler));
    const client = await RawClient.connect(server.url);
    const block = Buffer.alloc(600_000, frame(TEXT));
    for (let count = 0; count < 5; count++) await new Promise((sent) => client.socket.write(block, sent)); // 500 000
    const served = serves(server);
    await served;
    client.socket.resetAndDestroy();
    await until(() => reasons.length > 0);
    expect(reasons).toEqual([{ type: 'remote', code: 1006, reason: '' }]);
    expect(handled).toBeGreaterThan(10_000);
  }, 60_000);

  test('4.3n the heartbeat detects a client that has disappeared', async () => {
    const { handler, reasons } = handlerOf();
    const server = await serving(using, routeTo(handler, { idleTimeout: 200 }));
    const socket = await request(server.url); // it answers neither pings nor the close frame
    await until(() => reasons.length > 0);
    expect(reasons).toEqual([{ type: 'timeout', code: 1001, reason: '' }]);
    await untilNoSockets(server);
    await serves(server);
    socket.destroy();
  });

  test.each([
    ['a control character in a header', () => new Response('x', { headers: { 'X-Id': 'a\x01b' } }), 500],
    [
      'a body that fails at once',
      () => new Response(new ReadableStream({ pull: () => Promise.reject(new Error('no')) })),
      500,
    ],
    [
      'a locked body',
      () => {
        const response = new Response('x');
        response.body?.getReader();
        return response;
      },
      500,
    ],
    [
      'a body that fails later',
      () =>
        new Response(new ReadableStream({ pull: () => new Promise((_, no) => setTimeout(no, 20, new Error('no'))) })),
      401,
    ],
  ] as [string, () => Response, number][])(
    'a refusal with %s is reported, and ends no process',
    async (_title, refusal, status) => {
      const uncaught: unknown[] = [];
      const catcher = (error: unknown) => uncaught.push(error);
      process.on('uncaughtException', catcher).on('unhandledRejection', catcher);
      const refused = () => (status === 500 ? refusal() : new Response(refusal().body, { status }));
      const server = await serving(using, ({ url }) => (url.endsWith('/echo') ? accept(echo, undefined) : refused()));
      const client = await RawClient.connect(server.url);
      expect(client.status).toBe(status);
      await client.ended();
      await serves(server);
      expect(server.errors).toMatchObject([{ callback: 'route' }]);
      process.off('uncaughtException', catcher).off('unhandledRejection', catcher);
      expect(uncaught).toEqual([]);
    },
  );

  test('4.5 a client that leaves data unread and ends its side is dropped after a time limit', async () => {
    const { handler, reasons } = handlerOf({
      init: () => ({ type: 'push', messages: { opcode: 'binary', data: new Uint8Array(20_000_000) }, state: 0 }),
    });
    const server = await serving(using, routeTo(handler));
    const client = await request(server.url);
    client.end();
    await until(() => reasons.length > 0);
    await untilNoSockets(server);
    expect(reasons).toMatchObject([{ code: 1006, reason: '' }]);
    await serves(server);
    client.destroy();
  });

  test('5.3 a client that reads nothing is dropped after a time limit', async () => {
    const { handler, reasons } = handlerOf({
      handleIn: () => ({ type: 'push', messages: { opcode: 'binary', data: new Uint8Array(30_000_000) }, state: 0 }),
    });
    const server = await serving(using, routeTo(handler));
    const socket = await request(server.url);
    socket.write(Buffer.concat([frame(TEXT, 'go'), frame(TEXT, 'more')]));
    await until(() => reasons.length > 0);
    expect(reasons).toMatchObject([{ type: 'error', code: 1006, reason: '' }]);
    expect(String((reasons[0] as { error: unknown }).error)).toMatch(
      /the client does not read: no bytes were sent for 500/,
    );
    await untilNoSockets(server);
    await serves(server);
    socket.destroy();
  });

  test('5.3 a client that reads steadily receives what Node.js sends in one write, though that takes longer than the limit', async () => {
    const messages = Array.from({ length: 20 }, () => ({ opcode: 'binary' as const, data: new Uint8Array(1_000_000) }));
    const { handler, reasons } = handlerOf({ handleIn: () => ({ type: 'push', messages, state: 0 }) });
    const server = await serving(using, routeTo(handler)); // with a stallTimeout of 500 ms
    const client = await RawClient.connect(server.url);
    client.socket.removeAllListeners('data');
    client.socket.write(frame(TEXT, 'go'));
    let received = 0;
    const all = new Promise<void>((resolve, reject) => {
      client.socket.on('data', ({ length }) => {
        received += length;
        client.socket.pause();
        setTimeout(() => client.socket.resume(), length / 8_000); // 8 MB/s
        if (received === 20 * 1_000_010) resolve();
      });
      client.socket.on('close', () => reject(new Error(`dropped after ${received} bytes: ${JSON.stringify(reasons)}`)));
    });
    await all;
    client.cut();
  }, 60_000);

  test('5.3 a client that reads slowly delays only its own handler, and receives everything', async () => {
    let handled = 0;
    const { handler, reasons } = handlerOf({
      handleIn: () => {
        handled += 1;
        return { type: 'push', messages: { opcode: 'binary', data: new Uint8Array(100_000) }, state: 0 };
      },
    });
    const server = await serving(using, routeTo(handler), { stallTimeout: Number.POSITIVE_INFINITY });
    const client = await RawClient.connect(server.url);
    client.socket.pause();
    client.send(...Array.from({ length: 200 }, () => frame(TEXT, 'more')));
    await until(() => handled > 0);
    await serves(server);
    expect(handled).toBeLessThan(100); // the network's buffers, and 1 MB
    const reader = setInterval(() => client.socket.read(), 5);
    for (let count = 0; count < 200; count++) {
      expect(await client.next()).toMatchObject({ opcode: BINARY, payload: { length: 100_000 } });
    }
    clearInterval(reader);
    expect([handled, reasons]).toEqual([200, []]);
    client.cut();
  }, 60_000);
});
