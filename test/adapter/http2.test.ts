// WebSockets over HTTP/2 (RFC 8441) on Node.js: the handshake, and other software on the same server. The rules are tested in
// test/tck, hostile clients in http2-clients.test.ts.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Stream } from 'node:http2';
import { accept, type NodePlatform, type Route } from '@websock/adapter/node';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { CLOSE, closeFrame, TEXT } from '../../tck/src/raw-client.ts';
import { pause } from '../../tck/src/server-under-test.ts';
import { endServers, Http2Client, SETTINGS, type Served, served, UNTIL } from './http2-server.ts';
import { echo, handlerOf, only, ways } from './node-server.ts';

afterEach(endServers);

/** What a client gets: its own message, or a status. */
async function firstOf(server: Served, path: string): Promise<string | number | undefined> {
  const client = Http2Client.request(await server.connect(), path);
  client.send(TEXT, 'hello');
  const status = await client.status();
  if (status !== 200) return status;
  await client.next(TEXT, 'hello');
  client.stream.close();
  return 'hello';
}

describe('the handshake', () => {
  test('the route receives a GET request, as over HTTP/1.1', async () => {
    const seen: unknown[] = [];
    const server = await served((request, { request: message, socket }) => {
      seen.push(request.method, request.url, Object.fromEntries(request.headers));
      seen.push(message.method, message.url, message.httpVersion, message.headers.host);
      seen.push(message.complete, message.socket.remoteAddress, 'id' in socket);
      return accept(echo, 0);
    });
    const session = await server.connect();
    const client = Http2Client.request(session, '//path?query=1', {
      ':authority': 'app.example:1',
      host: 'other.example',
      cookie: ['a=1', 'b=2'],
      'sec-websocket-key': 'none',
      'x-two': ['a', 'b'],
    });
    client.send(TEXT, 'hello');
    await client.next(TEXT, 'hello');
    expect(seen).toEqual([
      'GET',
      'http://app.example:1//path?query=1',
      {
        connection: 'Upgrade',
        cookie: 'a=1; b=2',
        host: 'app.example:1',
        'sec-websocket-key': expect.stringMatching(/^[\w+/]{22}==$/),
        'sec-websocket-version': '13',
        upgrade: 'websocket',
        'x-two': 'a, b',
      },
      'GET',
      '//path?query=1',
      '2.0',
      'app.example:1',
      true,
      '127.0.0.1',
      true,
    ]);
  });

  test('1.5 the response has the subprotocol and the headers, and none that only HTTP/1.1 has', async () => {
    const headers = {
      'Set-Cookie': ['a=1', 'b=2'],
      ETag: ['1', '2'],
      'X-Name': ' caf\xe9 ',
      'Keep-Alive': 'timeout=5',
    };
    const server = await served(() => accept(echo, 0, { protocol: 'chat.v2', headers }));
    const client = Http2Client.request(await server.connect(), '/', { 'sec-websocket-protocol': 'chat.v1, chat.v2' });
    expect(await client.response()).toEqual({
      ':status': 200,
      'sec-websocket-protocol': 'chat.v2',
      'set-cookie': ['a=1', 'b=2'],
      etag: '1, 2',
      'x-name': 'caf\xe9',
      date: expect.any(String),
    });
  });

  test('compress: messages are compressed if the client offers it, and only then', async () => {
    const server = await served(() => accept(echo, 0, { compress: true }));
    const session = await server.connect();
    const plain = Http2Client.request(session);
    expect((await plain.response())['sec-websocket-extensions']).toBeUndefined();
    plain.send(TEXT, 'hello');
    await plain.next(TEXT, 'hello');

    const offer = { 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits' };
    const client = Http2Client.request(session, '/', offer);
    expect((await client.response())['sec-websocket-extensions']).toBe('permessage-deflate');
    client.send(TEXT, 'Hello');
    await client.next(TEXT | 0x40, Buffer.from('f248cdc9c90700', 'hex')); // RFC 7692 §7.2.3.1

    const wrong = Http2Client.request(session, '/', { 'sec-websocket-extensions': 'permessage-deflate; ?' });
    expect(await wrong.status()).toBe(400);
  });

  test.each(ways)('1.3 frames that come before the response are handled: the route is %s', async (_title, way) => {
    const server = await served(way(() => accept(echo, 0)));
    const client = Http2Client.request(await server.connect());
    client.send(TEXT, 'early');
    client.stream.write(closeFrame(4000, 'bye'));
    await client.next(TEXT, 'early');
    await client.next(CLOSE, Buffer.concat([Buffer.of(0x0f, 0xa0), Buffer.from('bye')]));
  });

  test('without enableConnectProtocol nothing changes', async () => {
    const site = createServer((_request, response) => response.end('the site'));
    const server = await served(() => accept(echo, 0), {}, site);
    const session = await server.connect();
    expect(session.remoteSettings.enableConnectProtocol).toBe(false);
    const page = new Http2Client(session.request({ ':path': '/' }));
    expect(await page.text()).toBe('the site');
    expect(server.streams.size).toBeLessThan(2);
  });
});

describe('refusals', () => {
  test('a Response is sent in full, and the stream ends', async () => {
    const headers = { 'WWW-Authenticate': 'Basic', 'Content-Length': '7', Connection: 'keep-alive' };
    const server = await served(() => {
      const response = new Response('who are you?', { status: 401, headers });
      response.headers.append('Set-Cookie', 'a=1');
      response.headers.append('Set-Cookie', 'b=2');
      return response;
    });
    const client = Http2Client.request(await server.connect());
    expect(await client.response()).toEqual({
      ':status': 401,
      'content-type': 'text/plain;charset=UTF-8',
      'www-authenticate': 'Basic',
      'set-cookie': ['a=1', 'b=2'],
      date: expect.any(String),
    });
    expect(await client.text()).toBe('who are you?');
    client.stream.end();
    expect(await client.closed()).toBe(0);
    expect(server.errors).toEqual([]);
  });

  const failing = () => new Response(new ReadableStream({ pull: () => Promise.reject(new Error('no body')) }));
  const answers: [string, Route<NodePlatform>, number, string?][] = [
    ['undefined', () => undefined, 404],
    ['a Response that would accept over HTTP/2', () => new Response('a page'), 400],
    ['a Response without a body', () => new Response(null, { status: 401 }), 401],
    ['a Response that cannot have a body', () => new Response(null, { status: 304 }), 304],
    ['a Response that redirects', () => Response.redirect('http://localhost/other', 307), 307],
    ['a throw', () => Promise.reject(new Error('no')), 500, 'route: Error: no'],
    ['a body that fails', failing, 500, 'route: Error: no body'],
    ['nothing in time', () => new Promise(() => {}), 503, 'route: Error: the route did not decide within 200 ms'],
  ];
  test.each(answers)('the route gives %s', async (_title, route, status, error) => {
    const server = await served(route, { routeTimeout: 200, closeTimeout: 60_000 });
    const client = Http2Client.request(await server.connect());
    expect(await client.status()).toBe(status);
    client.stream.end();
    expect(await client.closed()).toBe(0);
    expect(server.errors).toEqual(error === undefined ? [] : [error]);
  });

  const invalid: [string, Record<string, string>, number][] = [
    ['another version', { 'sec-websocket-version': '12' }, 400],
    ['a scheme other than http and https', { ':scheme': 'wss' }, 400],
    ['an authority that is not part of a URL', { ':authority': 'localhost:none' }, 400],
    ['a body', { 'content-length': '5' }, 400],
  ];
  test.each(invalid)('1.5 a request with %s is not valid', async (_title, headers, status) => {
    const server = await served(() => accept(echo, 0));
    const client = Http2Client.request(await server.connect(), '/', headers);
    const response = await client.response();
    expect(response[':status']).toBe(status);
    expect(response['sec-websocket-version']).toBe('sec-websocket-version' in headers ? '13' : undefined);
    expect(server.errors).toEqual([]);
  });

  test.each(ways)('1.6 the answer during a shutdown is 503: the route is %s', async (_title, way) => {
    const { handler } = handlerOf({ handleIn: () => new Promise(() => {}) });
    const server = await served(way(() => accept(handler, 0)));
    const session = await server.connect();
    const client = Http2Client.request(session);
    client.send(TEXT, 'stuck');
    expect(await client.status()).toBe(200);
    const pending = Http2Client.request(session);
    await pause(5);
    const [shutdown] = [server.end()];
    expect(await Http2Client.request(session).status()).toBe(503);
    await client.next(CLOSE, Buffer.of(0x03, 0xe9));
    client.stream.write(closeFrame(1001));
    expect([200, 503]).toContain(await pending.status());
    await shutdown;
  });
});

describe('other software on the same server', () => {
  /** Which answers a server gives without the adapter: pages, ordinary CONNECT requests, other protocols. */
  async function answersTo(server: Served): Promise<(number | undefined)[]> {
    const session = await server.connect();
    const requests = [
      { ':path': '/' },
      { ':method': 'CONNECT', ':authority': 'localhost:1' },
      { ':method': 'CONNECT', ':protocol': 'other', ':scheme': 'http', ':path': '/', ':authority': 'localhost' },
    ];
    return Promise.all(requests.map((headers) => new Http2Client(session.request(headers)).status()));
  }

  test('pages and other CONNECT requests are answered as before', async () => {
    const site = () => createServer(SETTINGS, (_request, response) => response.end('the site'));
    const server = await served(only('/'), { routeTimeout: 60_000 }, site());
    server.attach(only('/other'), { routeTimeout: 60_000 });
    expect(await answersTo(server)).toEqual([200, 405, 405]);
    expect(await firstOf(server, '/')).toBe('hello');
    expect(await firstOf(server, '/other')).toBe('hello');
    expect(await firstOf(server, '/none')).toBe(404);
    expect(server.errors).toEqual([]);
  });

  test('a listener of connect gets other CONNECT requests, and may take a stream that the route declines', async () => {
    const site = createServer(SETTINGS, (_request, response) => response.end('the site'));
    site.on('connect', async ({ headers, url }: Http2ServerRequest, response: Http2ServerResponse) => {
      if (headers[':protocol'] !== 'websocket') response.writeHead(502).end();
      await pause(50);
      if (url === '/theirs') response.writeHead(299).end();
    });
    const server = await served(only('/'), { routeTimeout: 200 }, site);
    expect(await answersTo(server)).toEqual([200, 502, 502]);
    expect(await firstOf(server, '/')).toBe('hello');
    expect(await firstOf(server, '/theirs')).toBe(299);
    expect(await firstOf(server, '/none')).toBe(404);
  });

  test.each([0, 50])('another library takes a stream that the route declines, after %s ms', async (delay) => {
    const server = await served(only('/ours'), { routeTimeout: 400 });
    server.http.on('stream', async (stream, headers) => {
      if (headers[':path'] !== '/theirs') return;
      if (delay > 0) await pause(delay);
      stream.respond({ ':status': 299 });
    });
    expect(await firstOf(server, '/theirs')).toBe(299);
    expect(await firstOf(server, '/ours')).toBe('hello');
    expect(await firstOf(server, '/none')).toBe(404);
    expect(server.errors).toEqual([]);
  });

  const routes: [string, Route<NodePlatform>][] = [
    ['accepts', () => accept(echo, 0)],
    ['refuses', () => new Response('no', { status: 401 })],
  ];
  test.each(routes)(
    'a listener that answers every stream has taken it, and the route %s too late',
    async (_does, route) => {
      for (const isFirst of [true, false]) {
        const answerAll = (stream: ServerHttp2Stream) => {
          stream.respond({ ':status': 200 });
          stream.end('the site');
        };
        const http = createServer(SETTINGS);
        if (isFirst) http.on('stream', answerAll);
        const server = await served(route, {}, http);
        if (!isFirst) http.on('stream', answerAll);
        const client = Http2Client.request(await server.connect());
        expect(await client.text()).toBe('the site');
        expect(server.errors).toEqual([expect.stringMatching('another listener of the server has taken')]);
      }
    },
  );

  test.each(ways)('several adapters, with routes that are %s: no listener is left behind', async (_title, way) => {
    const server = await served(way(only('/first')), { routeTimeout: 1_000 });
    const listeners = () => ['stream', 'connect', 'upgrade'].map((event) => server.http.listenerCount(event));
    expect(listeners()).toEqual([1, 1, 1]);
    for (let reload = 0; reload < 10; reload++) {
      const shutdown = server.attach(way(only('/second')));
      expect(await firstOf(server, '/first')).toBe('hello');
      expect(await firstOf(server, '/second')).toBe('hello');
      expect(await firstOf(server, '/none')).toBe(404);
      await shutdown();
      expect(await firstOf(server, '/second')).toBe(404);
    }
    expect(listeners()).toEqual([1, 1, 1]);
    await server.shutdowns[0]?.();
    expect(listeners()).toEqual([0, 0, 0]);
    expect(server.errors).toEqual([]);
  });

  test.each(ways)(
    '1.6 a new adapter gets the streams of one that is shutting down: the routes are %s',
    async (_t, way) => {
      const { handler } = handlerOf({ handleIn: () => new Promise(() => {}) });
      const server = await served(way((request) => only('/')(request) && accept(handler, 0)));
      const client = Http2Client.request(await server.connect());
      client.send(TEXT, 'stuck');
      expect(await client.status()).toBe(200);
      server.attach(way(only('/')));
      const [over] = [server.shutdowns[0]?.()];
      expect(await firstOf(server, '/')).toBe('hello');
      await over;
      expect(await firstOf(server, '/')).toBe('hello');
      expect(server.errors).toEqual([]);
    },
  );
});

test('attach to a server of node:http does not load node:http2', () => {
  const program = `
    import { createServer } from 'node:http';
    import { attach } from '@websock/adapter/node';
    const isLoaded = () => process.moduleLoadList.some((name) => name.includes('http2/core'));
    attach(createServer(), () => undefined);
    const before = isLoaded();
    await import('node:http2');
    console.log(before, isLoaded());
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: import.meta.dirname,
  });
  expect(`${output}`).toBe('false true\n');
});

describe('request.signal aborts when the client leaves while the route is pending', () => {
  const ways: [string, (client: Http2Client) => void][] = [
    ['by a reset', ({ stream }) => stream.close(8)],
    ['by a reset without an error', ({ stream }) => stream.close(0)],
    ['by the end of its side', ({ stream }) => stream.end()],
    ['with its session', ({ stream }) => stream.session?.destroy()],
  ];
  test.each(ways)('%s', async (_title, leave) => {
    const addresses: unknown[] = [];
    const server = await served(async (request, { request: message }) => {
      addresses.push(message.socket.remoteAddress);
      if (!request.signal.aborted) await once(request.signal, 'abort');
      addresses.push(message.socket.remoteAddress);
      request.signal.throwIfAborted();
      return undefined;
    });
    const client = Http2Client.request(await server.connect());
    await vi.waitFor(() => expect(addresses).toEqual(['127.0.0.1']), UNTIL);
    leave(client);
    await vi.waitFor(() => expect(addresses).toHaveLength(2), UNTIL);
    await vi.waitFor(() => expect(server.streams.size).toBe(0), UNTIL);
    expect(server.errors).toEqual([]);
  });
});
