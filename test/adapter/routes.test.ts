// Routes on Node.js: the requests they receive, and the answers that clients receive.

import { Agent, createServer, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { accept, attach, type NodePlatform, type Route, type Serving, serve } from '@websock/adapter/node';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { Client } from '../../tck/src/client.ts';
import { frame, RawClient, TEXT } from '../../tck/src/raw-client.ts';
import { echo, endServers, exchange, served, UPGRADE } from './node-server.ts';

const serving: Serving[] = [];

afterEach(async () => {
  await Promise.all(serving.splice(0).map(({ shutdown }) => shutdown()));
  await endServers();
});

/** Serves a route on a free port; returns its URL, for WebSockets and for fetch. */
async function serves(route: Route<NodePlatform>): Promise<{ ws: string; http: string; errors: unknown[] }> {
  const errors: unknown[] = [];
  const onError = (error: unknown, { callback }: { callback: string }) => errors.push(`${callback}: ${error}`);
  const server = await serve(route, { port: 0, hostname: '127.0.0.1', onError, routeTimeout: 200 });
  serving.push(server);
  return { ws: server.url, http: server.url.replace('ws:', 'http:'), errors };
}

test('the request is a web-standard Request, and the platform adds its own', async () => {
  const seen: unknown[] = [];
  const { ws } = await serves((request, { request: message, socket }) => {
    seen.push(request instanceof Request, request.method, request.url, request.headers.get('x-two'));
    seen.push(message.socket === socket, message.socket.remoteAddress);
    return accept(echo, undefined);
  });
  const client = await Client.connect(`${ws}//path?query=1`, { headers: { 'X-Two': ['a', 'b'] as never } });
  expect(seen).toEqual([true, 'GET', `${ws.replace('ws', 'http')}//path?query=1`, 'a, b', true, '127.0.0.1']);
  client.cut();
});

describe('serve asks the route about every request', () => {
  test('a Response is sent in full', async () => {
    const { http } = await serves(async (request) => {
      const headers = new Headers([
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ]);
      return new Response(`${request.method} ${await request.text()}`, { status: 201, statusText: 'Made', headers });
    });
    const response = await fetch(http, { method: 'POST', body: 'a body' });
    expect([response.status, response.statusText]).toEqual([201, 'Made']);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await response.text()).toBe('POST a body');
  });

  test('a Response to an upgrade is sent in full, and the socket is closed', async () => {
    const headers = { 'WWW-Authenticate': 'Basic', 'Content-Length': '7', Connection: 'keep-alive' };
    const { ws } = await serves(() => new Response('who are you?', { status: 401, headers }));
    const client = await RawClient.connect(ws);
    expect(client.answer.toLowerCase().split('\r\n')).toEqual([
      'http/1.1 401 unauthorized',
      'content-type: text/plain;charset=utf-8',
      'www-authenticate: basic',
      'connection: close',
      'content-length: 12',
      '',
      '',
    ]);
    await client.ended();
  });

  test('undefined is 404; a body that fails at once is 500, and reported', async () => {
    let requests = 0;
    const failing = () =>
      new ReadableStream({
        pull(controller) {
          controller.error(new Error('no body'));
        },
      });
    const { ws, http, errors } = await serves(() => (++requests > 2 ? new Response(failing()) : undefined));
    expect((await fetch(http)).status).toBe(404);
    await expect(Client.connect(ws)).rejects.toThrow('404');
    await expect(Client.connect(ws)).rejects.toThrow('500');
    expect((await fetch(http)).status).toBe(500);
    expect(errors).toEqual(['route: Error: no body', 'route: Error: no body']);
  });

  test('a Response whose body has been read is 500 and reported', async () => {
    const once = new Response('once');
    const { ws, http, errors } = await serves(() => once);
    expect(await (await fetch(http)).text()).toBe('once');
    expect((await fetch(http)).status).toBe(500);
    await expect(Client.connect(ws)).rejects.toThrow('500');
    const used =
      'route: TypeError: the route returned a Response whose body has already been read; return a new one for each request';
    expect(errors).toEqual([used, used]);
  });

  test.each(['/now', '/later'])('a client that leaves before its answer is not an error: %s', async (path) => {
    let cancelled = 0;
    const body = () =>
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(100_000)),
        cancel: () => {
          cancelled += 1;
        },
      });
    const { http, errors } = await serves(async ({ url }) => {
      if (url.endsWith('/later')) await new Promise((turn) => setTimeout(turn, 100));
      return new Response(body());
    });
    const { port, hostname } = new URL(http);
    const socket = connect(Number(port), hostname);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await new Promise((turn) => setTimeout(turn, 50));
    socket.resetAndDestroy();
    await vi.waitFor(() => expect(cancelled).toBe(1), { timeout: 10_000 });
    expect(errors).toEqual([]);
  });

  test('4.5 an endless body of an answer to an upgrade is cancelled after a time limit', async () => {
    let cancelled = 0;
    const endless = () =>
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(1)),
        cancel: () => {
          cancelled += 1;
        },
      });
    const { url, errors } = await served(() => new Response(endless()));
    const { port, hostname } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    await vi.waitFor(() => expect(cancelled).toBe(1), { timeout: 10_000 });
    expect(errors).toEqual([]);
    socket.destroy();
  });

  test('a body that the route does not read does not block the next request', async () => {
    const { http } = await serves(() => undefined);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let count = 0; count < 3; count++) {
      const status = await new Promise((resolve) => {
        const post = request(http, { method: 'POST', agent }, (response) => {
          response.resume().once('end', () => resolve(response.statusCode));
        });
        post.end(Buffer.alloc(1_000_000));
      });
      expect(status).toBe(404);
    }
    agent.destroy();
  });

  test('accept is 426 for a request that is not an upgrade', async () => {
    const { http } = await serves(() => accept(echo, undefined));
    const response = await fetch(http);
    expect(response.status).toBe(426);
    expect(response.headers.get('upgrade')).toBe('websocket');
  });

  test('a throw is 500 and reported, and so is a route that takes too long, with 503', async () => {
    const { ws, http, errors } = await serves(({ url }) => {
      if (url.endsWith('/never')) return new Promise<undefined>(() => {});
      throw new Error('boom');
    });
    expect((await fetch(http)).status).toBe(500);
    await expect(Client.connect(ws)).rejects.toThrow('500');
    expect((await fetch(`${http}/never`)).status).toBe(503);
    await expect(Client.connect(`${ws}/never`)).rejects.toThrow('503');
    const late = 'route: Error: the route did not decide within 200 ms';
    expect(errors).toEqual(['route: Error: boom', 'route: Error: boom', late, late]);
  });

  test.each(['a b', 'host/path', 'user@host', 'host?', '[::1', 'host:99999'])('a Host of %j is 400', async (host) => {
    let asked = false;
    const { ws } = await serves(() => {
      asked = true;
      return accept(echo, undefined);
    });
    const { port } = new URL(ws);
    const socket = (await import('node:net')).connect(Number(port), '127.0.0.1');
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`);
    expect(String(await new Promise((answer) => socket.once('data', answer)))).toMatch(/^HTTP\/1.1 400 /);
    expect(asked).toBe(false);
    socket.destroy();
  });

  test('1.3 early data and the end of a client whose route is pending are not lost', async () => {
    let decide: (() => void) | undefined;
    const said: unknown[] = [];
    const handler: typeof echo = {
      ...echo,
      handleIn: (message, state) => {
        said.push(message.data);
        return { type: 'ok', state };
      },
      terminate: (reason) => said.push(reason),
    };
    const { ws } = await serves(
      () =>
        new Promise((resolve) => {
          decide = () => resolve(accept(handler, undefined));
        }),
    );
    const { port } = new URL(ws);
    const socket = (await import('node:net')).connect(Number(port), '127.0.0.1');
    const lines = ['GET / HTTP/1.1', 'Host: localhost', 'Upgrade: websocket', 'Connection: Upgrade'];
    const key = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
    socket.end(Buffer.concat([Buffer.from([...lines, ...key, '', ''].join('\r\n')), frame(TEXT, 'early')]));
    await vi.waitUntil(() => decide !== undefined, { timeout: 10_000 });
    await new Promise((turn) => setTimeout(turn, 50)); // the client's end has arrived
    decide?.();
    await vi.waitUntil(() => said.length > 1, { timeout: 10_000 });
    expect(said).toEqual(['early', { type: 'remote', code: 1006, reason: '' }]);
  });
});

/** What is answered to a request of these lines; the connection is closed after it. */
const ask = (url: string, line: string, ...headers: string[]) =>
  exchange(url, [`${line} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '']);

describe('serve answers every request, and reports what cannot be sent', () => {
  const bytes = new Uint8Array(65_536);

  test('HEAD: the headers at once, the body is cancelled; for upgrades, too', async () => {
    let cancelled = 0;
    let pulled = 0;
    const endless = () =>
      new ReadableStream({
        pull(body) {
          pulled += 1;
          if (pulled < 100_000) body.enqueue(bytes);
          else body.close(); // or a fault would freeze the test
        },
        cancel() {
          cancelled += 1;
        },
      });
    const { ws, errors } = await serves(() => new Response(endless(), { headers: { 'X-One': '1' } }));
    expect(await ask(ws, 'HEAD /')).toMatch(/^HTTP.1.1 200 OK\r\n.*x-one: 1\r\n.*\r\n\r\n$/is);
    expect(await exchange(ws, ['HEAD / HTTP/1.1', ...UPGRADE, ''])).toMatch(/^HTTP.1.1 200 OK\r\n.*\r\n\r\n$/is);
    expect(cancelled).toBe(2);
    expect(pulled).toBeLessThan(10);
    expect(errors).toEqual([]);
  });

  test('a stream from memory does not starve others, as an answer or a refusal', async () => {
    const tiny = () => new ReadableStream({ pull: (body) => body.enqueue(new Uint8Array(1)) });
    const { ws, http } = await serves(({ url }) => new Response(url.endsWith('/tiny') ? tiny() : 'ok'));
    const { port, hostname } = new URL(ws);
    const sockets = [[], UPGRADE.slice(1)].map((headers) => {
      const socket = connect(Number(port), hostname).on('error', () => {});
      socket.write(['GET /tiny HTTP/1.1', 'Host: localhost', ...headers, '', ''].join('\r\n'));
      return socket;
    });
    await new Promise((turn) => setTimeout(turn, 50));
    for (let count = 0; count < 5; count++) expect(await (await fetch(http)).text()).toBe('ok');
    for (const socket of sockets) socket.resetAndDestroy();
  });

  test('an event stream that has nothing to say yet sends its headers', async () => {
    let say: ((text: string) => void) | undefined;
    const { http } = await serves(() => {
      const events = new ReadableStream({
        start(body) {
          say = (text) => body.enqueue(new TextEncoder().encode(text));
        },
      });
      return new Response(events, { headers: { 'Content-Type': 'text/event-stream' } });
    });
    const response = await fetch(http);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const reader = response.body?.getReader();
    for (const text of ['data: 1\n\n', 'data: 2\n\n']) {
      say?.(text);
      expect(new TextDecoder().decode((await reader?.read())?.value)).toBe(text);
    }
    await reader?.cancel();
  });

  const locked = () => {
    const response = new Response('locked');
    response.body?.getReader();
    return response;
  };
  const streamOf = (...chunks: unknown[]) =>
    new ReadableStream({
      start(body) {
        for (const chunk of chunks) body.enqueue(chunk);
        body.close();
      },
    });
  const unsendable: [string, () => Response, RegExp][] = [
    [
      'a control character in a header',
      () => new Response('ok', { headers: { 'X-Id': 'a\u0001b' } }),
      /control character in the header/,
    ],
    [
      'a control character in a header, and a stream',
      () => new Response(streamOf(bytes), { headers: { 'X-Id': '\u007f' } }),
      /control character in the header/,
    ],
    ['a locked body', locked, /locked/],
    [
      'a body that fails at once',
      () => new Response(new ReadableStream({ pull: (body) => body.error(new Error('no body')) })),
      /no body/,
    ],
    [
      'a chunk of text',
      () => new Response(streamOf('text') as ReadableStream),
      /a chunk that is 'text'; enqueue bytes/,
    ],
  ];
  test('a body that is locked after the route has returned: 500', async () => {
    const { ws, errors } = await serves(() => {
      const response = new Response('locked');
      queueMicrotask(() => response.body?.getReader());
      return response;
    });
    expect(await ask(ws, 'GET /')).toMatch(/^HTTP.1.1 500 /);
    expect(errors).toEqual(['route: TypeError: the body of a Response was locked after the route returned it']);
  });

  test.each(unsendable)('%s: 500', async (_title, response, message) => {
    const { ws, errors } = await serves(response);
    expect(await ask(ws, 'GET /')).toMatch(/^HTTP.1.1 500 /);
    expect(await exchange(ws, ['GET / HTTP/1.1', ...UPGRADE, ''])).toMatch(/^HTTP.1.1 500 /);
    expect(errors).toHaveLength(2);
    for (const error of errors) expect(error).toMatch(message);
  });

  test('a body that fails later is reported once, and the client sees that it is incomplete', async () => {
    let pulls = 0;
    const failing = () =>
      new ReadableStream({
        async pull(body) {
          await new Promise((turn) => setTimeout(turn, 20));
          if (++pulls === 1) body.enqueue(bytes);
          else body.error(new Error('no more'));
        },
      });
    const { http, errors } = await serves(() => new Response(failing()));
    const response = await fetch(http);
    expect(response.status).toBe(200);
    await expect(response.arrayBuffer()).rejects.toThrow();
    expect(errors).toEqual(['route: Error: no more']);
  });

  test('a body that is read in part does not block the next request', async () => {
    const { http } = await serves(async (request) => {
      if (request.method === 'POST') await request.body?.getReader().read();
      return new Response('ok');
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (const method of ['POST', 'GET', 'POST', 'GET']) {
      const status = await new Promise((resolve) => {
        const sent = request(http, { method, agent }, (response) => {
          response.resume().once('end', () => resolve(response.statusCode));
        });
        sent.on('error', resolve);
        sent.end(method === 'POST' ? Buffer.alloc(5_000_000) : undefined);
      });
      expect(status).toBe(200);
    }
    agent.destroy();
  });
});

describe('the URL of a request', () => {
  test.each([
    ['/path?query', 'http://localhost/path?query'],
    ['http://example.com/path?query', 'http://example.com/path?query'],
    ['https://example.com/path', 'http://example.com/path'],
    ['HTTP://user:password@example.com:81', 'http://example.com:81/'],
    ['wss://example.com/', 400],
    ['ftp://example.com/', 400],
    ['file:///etc/passwd', 400],
    ['data:text/plain,x', 400],
    ['http://', 400],
    ['*', 400],
  ])('of the target %s is %s', async (target, url) => {
    const { ws } = await serves((request) => new Response(`<${request.url}>`));
    for (const headers of [[], UPGRADE.slice(1)]) {
      const answer = await ask(ws, `GET ${target}`, ...headers);
      if (url === 400) expect(answer).toMatch(/^HTTP.1.1 400 /);
      else expect(answer).toContain(`<${url}>`);
    }
  });
});

describe('request.signal', () => {
  const leave: [string, (socket: Socket) => unknown][] = [
    ['ends its side', (socket) => socket.end()],
    ['resets its socket', (socket) => socket.resetAndDestroy()],
  ];
  test.each(leave)(
    'aborts when the client %s while the route is pending, which is not an error',
    async (_title, left) => {
      for (const headers of [['Host: localhost'], UPGRADE]) {
        let asked = false;
        let aborted = false;
        const { ws, errors } = await serves(async ({ signal }) => {
          asked = true;
          await new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              aborted = true;
              reject(signal.reason);
            });
          });
          return undefined;
        });
        const { port, hostname } = new URL(ws);
        const socket = connect(Number(port), hostname).on('error', () => {});
        socket.write(['GET / HTTP/1.1', ...headers, '', ''].join('\r\n'));
        await vi.waitUntil(() => asked, { timeout: 5_000 });
        left(socket);
        await vi.waitUntil(() => aborted, { timeout: 5_000 });
        await new Promise((turn) => setTimeout(turn, 20));
        expect(errors).toEqual([]);
        socket.destroy();
      }
    },
  );

  test('does not abort when the client waits for its answer', async () => {
    const signals: AbortSignal[] = [];
    const { ws, http } = await serves(async ({ signal, url }) => {
      signals.push(signal);
      await new Promise((turn) => setTimeout(turn, 20));
      return url.endsWith('/chat') ? accept(echo, undefined) : new Response('ok');
    });
    await (await fetch(http)).text();
    const client = await Client.connect(`${ws}/chat`);
    await new Promise((turn) => setTimeout(turn, 20));
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    client.cut();
  });

  test('the request is one that other code takes, such as fetch', async () => {
    const { http } = await serves(async (request) => {
      const copy = new Request(request, { headers: { 'X-Copy': '1' } });
      return new Response(`${copy.headers.get('x-copy')} ${await copy.text()} ${request.clone instanceof Function}`);
    });
    expect(await (await fetch(http, { method: 'POST', body: 'body' })).text()).toBe('1 body true');
  });
});

describe('a route that forgets to return what accept made is reported', () => {
  const forgetful: [string, Route<NodePlatform>][] = [
    ['synchronous', () => void accept(echo, undefined)],
    ['asynchronous', async () => void accept(echo, undefined)],
    [
      'asynchronous, after an await',
      async () => {
        await new Promise((turn) => setTimeout(turn, 5));
        accept(echo, undefined);
        return undefined;
      },
    ],
  ] as [string, Route<NodePlatform>][];
  test.each(forgetful)('%s', async (_title, route) => {
    const { ws, errors } = await serves(route);
    await expect(Client.connect(ws)).rejects.toThrow('404');
    expect(errors).toEqual([
      'route: TypeError: the route called accept, but returned undefined; write "return accept(…)"',
    ]);
  });

  test('but not one that has returned undefined while another accepted', async () => {
    const { ws, errors } = await serves(async ({ url }) => {
      await new Promise((turn) => setTimeout(turn, url.endsWith('/other') ? 50 : 10));
      return url.endsWith('/other') ? undefined : accept(echo, undefined);
    });
    const other = Client.connect(`${ws}/other`);
    const client = await Client.connect(ws);
    await expect(other).rejects.toThrow('404');
    expect(errors).toEqual([]);
    client.cut();
  });
});

describe('1.5 the handshake is checked by the adapter, not by ws', () => {
  const replaced = (name: string, line: string) => [...UPGRADE.filter((header) => !header.startsWith(name)), line];
  test.each<[string, string[], object | undefined, RegExp]>([
    ['a list of protocols', replaced('Upgrade', 'Upgrade: a, WebSocket'), undefined, /^HTTP.1.1 101 /],
    [
      'a list of subprotocols with a gap',
      [...UPGRADE, 'Sec-WebSocket-Protocol: a,,b'],
      { protocol: 'b' },
      /^HTTP.1.1 101 .*Protocol: b\r\n/s,
    ],
    [
      'a malformed list of subprotocols',
      [...UPGRADE, 'Sec-WebSocket-Protocol: a b, "c'],
      { protocol: 'c' },
      /^HTTP.1.1 101 (?!.*-Protocol)/s,
    ],
    [
      'malformed extensions',
      [...UPGRADE, 'Sec-WebSocket-Extensions: permessage-deflate; =;'],
      { compress: true },
      /^HTTP.1.1 400 .*text\/plain/s,
    ],
    [
      'a second key',
      [...UPGRADE, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
      undefined,
      /^HTTP.1.1 400 .*text\/plain/s,
    ],
    [
      'version 8',
      replaced('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 8'),
      undefined,
      /^HTTP.1.1 426 .*text\/plain/s,
    ],
  ])('%s', async (_title, headers, options, expected) => {
    const { ws } = await serves(() => accept(echo, undefined, options));
    expect(await exchange(ws, ['GET / HTTP/1.1', ...headers, ''])).toMatch(expected);
  });
});

describe('attach leaves other upgrades', () => {
  const turns = (result: unknown) => new Promise<any>((resolve) => setTimeout(resolve, 20, result));
  const routes: [string, Route][] = [
    ['synchronous', ({ url }) => (url.endsWith('/ours') ? accept(echo, undefined) : undefined)],
    ['asynchronous', ({ url }) => turns(url.endsWith('/ours') ? accept(echo, undefined) : undefined)],
  ];

  test.each(routes)('to other listeners of upgrade, with a route that is %s', async (_title, route) => {
    const server = await served(route);
    const other = new WebSocketServer({ noServer: true });
    other.on('connection', (webSocket: WebSocket) =>
      webSocket.on('message', (data) => webSocket.send(`theirs: ${data}`)),
    );
    server.http.on('upgrade', (request, socket, head) => {
      if (request.url === '/theirs') other.handleUpgrade(request, socket, head, (ws) => other.emit('connection', ws));
      else if (request.url === '/none') socket.end('HTTP/1.1 410 Gone\r\n\r\n');
    });
    for (const path of ['/ours', '/theirs']) {
      const client = await RawClient.connect(`${server.url}${path}`, { earlyBytes: frame(TEXT, 'early') });
      client.send(frame(TEXT, 'late'));
      for (const said of ['early', 'late']) {
        const expected = path === '/ours' ? said : `theirs: ${said}`;
        expect(await client.next()).toEqual({ opcode: TEXT, payload: Buffer.from(expected) });
      }
      client.cut();
    }
    await expect(Client.connect(`${server.url}/none`)).rejects.toThrow('410');
    expect(server.errors).toEqual([]);
  });

  test('and reports one that its route accepted after another listener had taken it', async () => {
    const server = await served(() => turns(accept(echo, undefined)));
    const other = new WebSocketServer({ noServer: true });
    server.http.on('upgrade', (request, socket, head) => other.handleUpgrade(request, socket, head, () => {}));
    const client = await Client.connect(server.url);
    await vi.waitUntil(() => server.errors.length > 0);
    expect(String(server.errors[0]?.error)).toMatch(/that another listener of the server has taken/);
    client.socket.ping();
    expect(await client.next()).toEqual({ pong: '' });
    client.cut();
  });

  test('and answers 404 if there is no other listener', async () => {
    const server = await served(routes[0]?.[1] as Route);
    await expect(Client.connect(`${server.url}/theirs`)).rejects.toThrow('404');
  });

  test('requests that are not upgrades stay with the server', async () => {
    const http = createServer((_request, response) => response.end('the site'));
    const server = await served(() => accept(echo, undefined), {}, http);
    expect(await (await fetch(server.url.replace('ws:', 'http:'))).text()).toBe('the site');
    const client = await Client.connect(server.url);
    client.text('hi');
    expect(await client.next()).toEqual({ text: 'hi' });
    client.cut();
  });

  test('two adapters share a server', async () => {
    const http = createServer();
    const first = attach(http, ({ url }) => (url.endsWith('/one') ? accept(echo, undefined) : undefined));
    const second = attach(http, ({ url }) => (url.endsWith('/two') ? accept(echo, undefined) : undefined));
    await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
    const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const one = await Client.connect(`${url}/one`);
    const two = await Client.connect(`${url}/two`);
    await expect(Client.connect(`${url}/three`)).rejects.toThrow('404');
    await first.shutdown();
    expect(await one.closed()).toEqual({ close: 1001, reason: '' });
    two.text('still here');
    expect(await two.next()).toEqual({ text: 'still here' });
    await second.shutdown();
    http.close();
  });
});
