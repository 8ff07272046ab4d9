// A server of node:http that others use as well: other adapters, other libraries, and clients that speak plain HTTP.

import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, createServer as createNetServer } from 'node:net';
import { Duplex } from 'node:stream';
import { accept, attach, createAdapter, type NodePlatform, type Route } from '@websock/adapter/node';
import express from 'express';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Client } from '../../tck/src/client.ts';
import { frame, PING, PONG, RawClient, TEXT } from '../../tck/src/raw-client.ts';
import { pause } from '../../tck/src/server-under-test.ts';
import { createCertificate, noOpenssl } from '../toolkit/certificate.ts';
import { echo, exchange, later, only, UPGRADE, ways } from './node-server.ts';

const servers: { close(closed: () => void): unknown; closeAllConnections?(): void }[] = [];
const shutdowns: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(shutdowns.splice(0).map((shutdown) => shutdown()));
  await Promise.all(
    servers.splice(0).map(
      (server) =>
        new Promise<void>((closed) => {
          server.close(() => closed());
          server.closeAllConnections?.();
        }),
    ),
  );
});

/** Starts a server on a free port; returns its URL. */
async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Attaches a route; what it reports is in `errors`. */
function attached(server: Server, route: Route<NodePlatform>, options: object = {}) {
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const { shutdown } = attach(server, route, { onError, closeTimeout: 300, ...options });
  shutdowns.push(shutdown);
  return { errors, shutdown };
}

/** A listener of another library, which greets the clients of one path. */
function otherLibrary(path: string, delay?: number) {
  const library = new WebSocketServer({ noServer: true });
  return async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.url !== path) return;
    if (delay !== undefined) await pause(delay);
    library.handleUpgrade(request, socket, head, (webSocket) => webSocket.on('error', () => {}).send('other library'));
  };
}

/** What a client gets first: a message, or a status. */
async function firstOf(url: string, hello = 'hello'): Promise<string> {
  const client = new WebSocket(url);
  client.on('open', () => client.send(hello));
  const first = await new Promise<string>((resolve) => {
    client.on('message', (data) => resolve(`${data}`)).on('error', ({ message }) => resolve(message));
  });
  client.terminate();
  return first;
}

describe.each(ways)('after the shutdown of an adapter, with routes that are %s', (_title, way) => {
  test('another adapter continues, and no listener is left behind', async () => {
    const server = createServer();
    const url = await listen(server);
    const first = attached(server, way(only('/first')));
    attached(server, way(only('/second')));
    await first.shutdown();
    expect(server.listenerCount('upgrade')).toBe(1);
    expect(await firstOf(`${url}/second`)).toBe('hello');
    expect(await firstOf(`${url}/first`)).toMatch('404');
  });

  test('the server can be attached to again', async () => {
    const server = createServer();
    const url = await listen(server);
    for (let reload = 0; reload < 12; reload++) {
      const { shutdown, errors } = attached(server, way(only('/')));
      expect(await firstOf(`${url}/`)).toBe('hello');
      await shutdown();
      expect(errors).toEqual([]);
    }
    expect(server.listenerCount('upgrade')).toBe(0);
  });

  test('no listener is left behind among those of other libraries', async () => {
    const server = createServer();
    await listen(server);
    const before = otherLibrary('/before');
    server.on('upgrade', before);
    await attached(server, way(only('/'))).shutdown();
    expect(server.listeners('upgrade')).toEqual([before]);
  });
});

describe.each(ways)('1.6 during the shutdown of an adapter, with routes that are %s', (_title, way) => {
  /** An adapter whose shutdown waits for a connection with a callback that is pending. */
  async function shuttingDown(server: Server, url: string, route: Route<NodePlatform>) {
    let finish = () => {};
    const stuck: typeof echo = {
      ...echo,
      handleIn: (_frame, state) =>
        new Promise((resolve) => {
          finish = () => resolve({ type: 'ok', state });
        }),
    };
    const adapter = attached(server, (request, platform) =>
      new URL(request.url).pathname === '/stuck' ? accept(stuck, 0) : way(route)(request, platform),
    );
    return {
      ...adapter,
      /** Begins the shutdown; returns a function that lets it end. */
      async begin() {
        const client = await Client.connect(`${url}/stuck`);
        client.text('stuck');
        await vi.waitUntil(() => finish.length === 0 && String(finish).includes('resolve'), { timeout: 5_000 });
        const over = adapter.shutdown();
        return () => {
          finish();
          return over;
        };
      },
    };
  }

  test('a new adapter gets its upgrades', async () => {
    const server = createServer();
    const url = await listen(server);
    const old = await shuttingDown(server, url, only('/'));
    attached(server, way(only('/')));
    const end = await old.begin();
    expect(await firstOf(`${url}/`)).toBe('hello');
    expect(old.errors).toEqual([]);
    await end();
    expect(await firstOf(`${url}/`)).toBe('hello');
  });

  test.each([undefined, 50])('another library gets its upgrades, after %s ms', async (delay) => {
    const server = createServer();
    const url = await listen(server);
    const old = await shuttingDown(server, url, only('/both'));
    server.on('upgrade', otherLibrary('/both', delay));
    server.on('upgrade', otherLibrary('/theirs', delay));
    const end = await old.begin();
    expect(await firstOf(`${url}/theirs`)).toBe('other library');
    expect(await firstOf(`${url}/both`)).toBe('other library');
    await end();
    expect(old.errors).toEqual([]);
  });

  test('the answer is 503 if no listener takes the upgrade', async () => {
    const server = createServer();
    const url = await listen(server);
    const old = await shuttingDown(server, url, only('/'));
    attached(server, way(only('/other')));
    const end = await old.begin();
    expect(await firstOf(`${url}/`)).toMatch('503');
    expect(await firstOf(`${url}/none`)).toMatch('404');
    expect(await firstOf(`${url}/other`)).toBe('hello');
    server.on('upgrade', () => {}); // it may be asynchronous: the adapter waits until its shutdown ends
    const waiting = firstOf(`${url}/`);
    await pause(100);
    await end();
    expect(await waiting).toMatch('503');
    expect(old.errors).toEqual([]);
  });

  test('requests that offer another protocol are served as usual', async () => {
    const server = createServer((_request, response) => response.end('the site'));
    const url = await listen(server);
    const end = await (await shuttingDown(server, url, only('/'))).begin();
    expect(await exchange(url, ['GET / HTTP/1.1', ...H2C])).toMatch(/^HTTP.1.1 200 .*the site$/s);
    await end();
  });
});

describe.each(ways)('an upgrade that another library answers, with routes that are %s', (_title, way) => {
  const refusing = way(() => new Response('who are you?', { status: 401 }));
  const accepting = way(() => accept(echo, 0));
  const routes: [string, Route<NodePlatform>][] = [
    ['refuses', refusing],
    ['accepts', accepting],
  ];

  test.each(routes)('before the adapter, whose route %s, is left alone', async (_does, route) => {
    const server = createServer();
    const url = await listen(server);
    server.on('upgrade', otherLibrary('/'));
    const { errors } = attached(server, route);
    const client = await Client.connect(url);
    expect(await client.next()).toEqual({ text: 'other library' });
    client.socket.ping();
    expect(await client.next()).toEqual({ pong: '' });
    await vi.waitFor(() => expect(String(errors)).toMatch('another listener of the server has taken'), 5_000);
    client.cut();
  });

  test.each(routes)('after the adapter, whose route %s, is answered once', async (_does, route) => {
    const server = createServer();
    const url = await listen(server);
    attached(server, route);
    server.on('upgrade', (request, socket, head) => {
      otherLibrary('/')(request, socket, head).catch(() => {}); // `ws` finds that the socket is a WebSocket already
    });
    const client = await RawClient.connect(url, { earlyBytes: frame(TEXT, 'echo') });
    if (client.status === 101) {
      expect(await client.next()).toMatchObject({ opcode: TEXT });
      client.send(frame(PING));
      expect(await client.next()).toMatchObject({ opcode: PONG });
    }
    await pause(100);
    expect(client.socket.readyState).toBe(client.status === 101 ? 'open' : 'closed');
    client.cut();
  });
});

test('a declined upgrade is not answered while another library may take it; then it is 404', async () => {
  const server = createServer();
  const url = await listen(server);
  const { errors } = attached(server, () => undefined, { routeTimeout: 400 });
  server.on('upgrade', otherLibrary('/slow', 200));
  expect(await firstOf(`${url}/slow`)).toBe('other library');
  const client = await Client.connect(`${url}/slow`);
  expect(await client.next()).toEqual({ text: 'other library' });
  expect(await firstOf(`${url}/none`)).toMatch('404');
  await pause(300);
  client.socket.ping();
  expect(await client.next()).toEqual({ pong: '' });
  expect(errors).toEqual([]);
  client.cut();
});

test('a client that resets its socket while no listener has taken its upgrade does not end the process', async () => {
  const server = createServer();
  const url = await listen(server);
  attached(server, () => undefined, { routeTimeout: 400 });
  server.on('upgrade', () => {});
  const uncaught: unknown[] = [];
  const catcher = (error: unknown) => uncaught.push(error);
  process.on('uncaughtException', catcher);
  for (let count = 0; count < 20; count++) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
    await new Promise((sent) => socket.write(['GET / HTTP/1.1', ...UPGRADE, '', ''].join('\r\n'), sent));
    await pause(count);
    socket.resetAndDestroy();
  }
  await vi.waitFor(async () => {
    expect(await new Promise((resolve) => server.getConnections((_error, open) => resolve(open)))).toBe(0);
  }, 5_000);
  process.off('uncaughtException', catcher);
  expect(uncaught).toEqual([]);
});

test('a listener that only counts bytes does not take an upgrade', async () => {
  const server = createServer();
  let bytes = 0;
  server.on('connection', (socket) =>
    socket.on('data', ({ length }) => {
      bytes += length;
    }),
  );
  const url = await listen(server);
  attached(server, only('/attach'));
  const { upgrade, shutdown } = createAdapter();
  shutdowns.push(shutdown);
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/adapter') upgrade({ request, socket, head }, echo, 0);
  });
  expect(await firstOf(`${url}/attach`)).toBe('hello');
  expect(await firstOf(`${url}/adapter`)).toBe('hello');
  expect(bytes).toBeGreaterThan(0);
});

test('many adapters and many clients cause no warnings of a leak', async () => {
  const warnings: string[] = [];
  const warned = ({ message }: Error) => warnings.push(message);
  process.on('warning', warned);
  const server = createServer();
  const url = await listen(server);
  for (let count = 0; count < 9; count++) {
    attached(
      server,
      later((request) => {
        request.signal.addEventListener('abort', () => {});
        return only(`/${count}`)(request);
      }),
    );
  }
  for (let count = 0; count < 9; count++) expect(await firstOf(`${url}/${count}`)).toBe('hello');
  expect(await firstOf(`${url}/none`)).toMatch('404');
  await pause(20);
  process.off('warning', warned);
  expect(warnings).toEqual([]);
});

const H2C = [
  'Host: localhost',
  'Connection: Upgrade, HTTP2-Settings',
  'Upgrade: h2c',
  'HTTP2-Settings: AAMAAABkAAQAAP__',
];

describe('a request that offers another protocol is served by the server', () => {
  test('with its body, and those behind it on the same connection', async () => {
    let connections = 0;
    const server = createServer(async (request, response) => {
      const body = (await request.toArray()).join('');
      await pause(5);
      response.end(`${request.method} ${request.url} ${body.length};`);
    });
    server.on('connection', () => {
      connections += 1;
    });
    const url = await listen(server);
    attached(server, only('/'));
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let answers = '';
    socket.on('data', (data) => {
      answers += data;
    });
    const send = async (lines: string[], ...body: string[]) => {
      socket.write([...lines, '', ''].join('\r\n'));
      for (const part of body) {
        await pause(10);
        socket.write(part);
      }
    };
    for (let count = 0; count < 3; count++) {
      await send(['POST /length HTTP/1.1', ...H2C, 'Content-Length: 100000'], 'x'.repeat(10), 'y'.repeat(99_990));
      await send(
        ['POST /chunked HTTP/1.1', ...H2C, 'Transfer-Encoding: chunked'],
        '3\r\nabc\r\n',
        '2\r\nde\r\n0\r\n\r\n',
      );
      await send(['GET /offer HTTP/1.1', ...H2C], 'GET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n');
    }
    const once = ['POST /length 100000', 'POST /chunked 5', 'GET /offer 0', 'GET /plain 0'];
    await vi.waitFor(() => {
      expect(answers.match(/[A-Z]+ \/\w+ \d+(?=;)/g)).toEqual([...once, ...once, ...once]);
    }, 5_000);
    expect(connections).toBe(1);
    socket.destroy();
  });

  test('but not before another library has had time to take it', async () => {
    const server = createServer((_request, response) => response.end('the site'));
    const url = await listen(server);
    attached(server, only('/'), { routeTimeout: 200 });
    server.on('upgrade', (request, socket) => {
      if (request.url === '/mine') socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n');
    });
    expect(await exchange(url, ['GET /mine HTTP/1.1', ...H2C])).toMatch(/^HTTP.1.1 101 /);
    expect(await exchange(url, ['GET / HTTP/1.1', ...H2C])).toMatch(/^HTTP.1.1 200 .*the site$/s);
  });
});

test.each(ways)(
  'an upgrade behind a request that is still to be answered waits: the route is %s',
  async (_title, way) => {
    const server = createServer((_request, response) => setTimeout(() => response.end('the site'), 100));
    const url = await listen(server);
    attached(server, way(only('/')));
    const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
    let answers = '';
    socket.on('data', (data) => {
      answers += data.toString('latin1');
    });
    const plain = 'GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const upgrade = [`${plain}GET / HTTP/1.1`, ...UPGRADE, '', ''].join('\r\n');
    socket.write(Buffer.concat([Buffer.from(upgrade), frame(TEXT, 'early')]));
    await vi.waitFor(() => expect(answers).toMatch(/^HTTP.1.1 200 .*the site.*HTTP.1.1 101 .*early$/s), 5_000);
    socket.destroy();
  },
);

describe('upgrade of createAdapter answers a request once', () => {
  test.each([
    ['refused as invalid', () => [{}, echo]],
    ['accepted', () => [echo, echo]],
  ])('a request that was %s', async (_title, handlers) => {
    const { upgrade, shutdown } = createAdapter({ onError() {} });
    const other = createAdapter();
    shutdowns.push(shutdown, other.shutdown);
    const server = createServer();
    const thrown: string[] = [];
    server.on('upgrade', (request, socket, head) => {
      const [first, second] = handlers();
      for (const [call, handler] of [
        [upgrade, first],
        [upgrade, second],
        [other.upgrade, second],
      ] as const) {
        try {
          call({ request, socket, head }, handler as typeof echo, 0);
        } catch (error) {
          thrown.push((error as Error).message);
        }
      }
    });
    const url = await listen(server);
    const answer = await exchange(url, ['GET / HTTP/1.1', ...UPGRADE]);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(thrown.slice(-2)).toEqual(
      Array(2).fill('upgrade: this request has been answered already; call upgrade once for each request'),
    );
  });
});

describe('sockets of other kinds', () => {
  test('a Duplex that counts no bytes: a refusal is not written into a WebSocket of another library', async () => {
    const server = createServer();
    attached(
      server,
      later(() => new Response(null, { status: 401 })),
    );
    server.on('upgrade', otherLibrary('/'));
    const net = createNetServer((socket) => {
      const duplex = new Duplex({
        read: () => socket.resume(),
        write: (chunk, _encoding, done) => void socket.write(chunk, () => done()),
        final: (done) => void socket.end(() => done()),
        destroy: (error, done) => {
          socket.destroy();
          done(error);
        },
      });
      socket.on('data', (data) => duplex.push(data) || socket.pause());
      socket
        .on('end', () => duplex.push(null))
        .on('error', () => {})
        .on('close', () => duplex.destroy());
      server.emit('connection', duplex);
    });
    const url = await listen(net as unknown as Server);
    const client = await Client.connect(url);
    expect(await client.next()).toEqual({ text: 'other library' });
    await pause(100);
    client.socket.ping();
    expect(await client.next()).toEqual({ pong: '' });
    client.cut();
  });

  test.skipIf(noOpenssl)('TLS, over HTTP/1.1, of node:https and of node:http2', async () => {
    const options = createCertificate();
    for (const server of [createTlsServer(options), createSecureServer({ ...options, allowHTTP1: true })]) {
      const urls: string[] = [];
      const url = (await listen(server as unknown as Server)).replace('ws:', 'wss:');
      server.on('request', (_request: unknown, response: any) => response.end('the site'));
      const onError = () => {};
      shutdowns.push(
        attach(
          server,
          (request) => {
            urls.push(request.url);
            return request.url.endsWith('/ours') ? accept(echo, 0) : undefined;
          },
          { onError },
        ).shutdown,
        attach(server, later(only('/async')), { onError }).shutdown,
        attach(
          server,
          later((request) => (request.url.endsWith('/both') ? new Response('no', { status: 401 }) : undefined)),
          { onError },
        ).shutdown,
      );
      server.on('upgrade', otherLibrary('/both'));
      const insecure = { rejectUnauthorized: false };
      for (const path of ['/ours', '/async']) {
        const client = await Client.connect(`${url}${path}`, insecure);
        client.text('hello');
        expect(await client.next()).toEqual({ text: 'hello' });
        client.cut();
      }
      const client = await Client.connect(`${url}/both`, insecure);
      expect(await client.next()).toEqual({ text: 'other library' });
      await pause(100);
      client.socket.ping();
      expect(await client.next()).toEqual({ pong: '' });
      client.cut();
      expect(urls[0]).toMatch(/^https:/);
    }
  });
});

describe('attach says what is wrong with what is not a server', () => {
  class Koa {
    on() {}
    use() {}
    callback() {}
  }
  test.each<[string, unknown, RegExp]>([
    ['an app of Express', express(), /Express.*createServer\(app\)/],
    ['an app of Koa', new Koa(), /Koa.*createServer\(app\.callback\(\)\)/],
    ['an app of Hono', { fetch() {}, request() {}, on() {} }, /Hono.*serve\(\)/],
    ['an app of Fastify', { server: createServer() }, /app\.server/],
    ['a server of Vite', { httpServer: createServer() }, /httpServer/],
    ['an app of NestJS', { getHttpServer() {} }, /getHttpServer/],
    ['a server of node:net', createNetServer(), /node:net/],
    ['null', null, /null/],
  ])('%s', (_title, server, message) => {
    const call = () => attach(server as Server, () => undefined);
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
  });
});

test('1.3 early data is handled, whoever takes the upgrade', async () => {
  const server = createServer();
  const url = await listen(server);
  attached(server, later(only('/ours')));
  attached(server, later(only('/second')));
  for (const path of ['/ours', '/second']) {
    const client = await RawClient.connect(`${url}${path}`, {
      request: `GET ${path} HTTP/1.1`,
      earlyBytes: frame(TEXT, 'early'),
    });
    expect(await client.next()).toEqual({ opcode: TEXT, payload: Buffer.from('early') });
    client.cut();
  }
});
