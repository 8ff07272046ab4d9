// WebSockets over HTTP/2 on Node.js against hostile clients: what one stream does harms no other stream of its session.

import { once } from 'node:events';
import { constants, createServer } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { accept } from '@websock/adapter/node';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BINARY, CLOSE, closeFrame, frame, PING, PONG, TEXT } from '../../tck/src/raw-client.ts';
import { pause } from '../../tck/src/server-under-test.ts';
import { endServers, Http2Client, served, UNTIL } from './http2-server.ts';
import { echo, handlerOf } from './node-server.ts';

afterEach(endServers);

const uncaught: unknown[] = [];
const catcher = (error: unknown) => uncaught.push(error);
beforeEach(() => {
  uncaught.length = 0;
  process.on('uncaughtException', catcher);
});
afterEach(() => {
  process.off('uncaughtException', catcher);
  expect(uncaught).toEqual([]);
});

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR } = constants;

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next));
};

const until = (condition: () => unknown) => vi.waitFor(() => expect(condition()).toBe(true), UNTIL);

const binary = (length: number) => ({ opcode: 'binary', data: new Uint8Array(length) });
const POUR = 20_000_000;

/** Pours out bytes when a message comes, unless it is "hello", which is echoed. */
const pouring = (bytes: number, close = false) =>
  handlerOf({
    handleIn: (message: { data: string }) => {
      if (message.data === 'hello') return { type: 'push', messages: { opcode: 'text', data: 'hello' }, state: 0 };
      return { type: close ? 'stop' : 'push', messages: binary(bytes), state: 0 };
    },
  });

describe('a reset in every phase affects no other stream', () => {
  const codes = { NGHTTP2_NO_ERROR, NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR };
  const { handler, reasons } = handlerOf({
    handleIn: (message: { data: string }) => {
      if (message.data === 'stop') return { type: 'stop', state: 0 };
      if (message.data === 'pour') return { type: 'push', messages: binary(1_000_000), state: 0 };
      return new Promise(() => {}); // stuck: what comes after it stays unread
    },
  });
  const phases: [string, (client: Http2Client) => unknown, () => unknown][] = [
    ['while the route is pending', () => {}, () => pause(20).then(() => accept(handler, 0))],
    ['before the response', (client) => client.send(TEXT, 'early'), () => accept(handler, 0)],
    ['while it is refused', () => {}, () => new Response('x'.repeat(200_000), { status: 401 })],
    ['while it is open', (client) => client.status(), () => accept(handler, 0)],
    ['while data is unsent', (client) => client.send(TEXT, 'pour'), () => accept(handler, 0)],
    [
      'while data is unread',
      (client) => {
        for (let count = 0; count < 20; count++) client.send(BINARY, new Uint8Array(1_000));
      },
      () => accept(handler, 0),
    ],
    ['while it closes', (client) => client.send(TEXT, 'stop'), () => accept(handler, 0)],
    ['after the close frame of the client', ({ stream }) => stream.write(closeFrame(1000)), () => accept(handler, 0)],
  ];
  test.each(phases)('%s', async (_title, prepare, route) => {
    reasons.length = 0;
    const server = await served((request) =>
      request.url.endsWith('/echo') ? accept(echo, 0) : (route() as undefined),
    );
    const session = await server.connect();
    const other = Http2Client.request(session, '/echo');
    for (const code of Object.values(codes)) {
      for (let moment = 0; moment < 12; moment++) {
        const client = Http2Client.request(session);
        await prepare(client);
        await turns(moment);
        client.stream.close(code);
      }
    }
    await until(() => server.streams.size === 1);
    other.send(TEXT, 'hello');
    await other.next(TEXT, 'hello');
    expect(server.errors).toEqual([]);
    expect(reasons.filter(({ code }) => ![1000, 1006].includes(code))).toEqual([]);
  });
});

test('4.3g a reset is a lost connection: terminate receives 1006 once', async () => {
  for (const code of [NGHTTP2_NO_ERROR, NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR]) {
    const { handler, reasons } = handlerOf();
    const server = await served(() => accept(handler, 0));
    const client = Http2Client.request(await server.connect());
    expect(await client.status()).toBe(200);
    client.stream.close(code);
    await until(() => server.streams.size === 0);
    expect(reasons).toEqual([{ type: 'remote', code: 1006, reason: '' }]);
  }
});

describe('the end of a session', () => {
  test.each([
    ['by a reset of its socket', (session) => session.socket.resetAndDestroy?.() ?? session.destroy()],
    ['by the end of its socket', (session) => session.destroy()],
    ['by an error of the protocol', (session) => session.destroy(undefined, NGHTTP2_PROTOCOL_ERROR)],
  ] as [string, (session: any) => void][])('%s: its connections are lost, those of others are not', async (_t, end) => {
    const { handler, reasons } = handlerOf();
    const server = await served(async (request) => {
      if (request.url.endsWith('/echo')) return accept(echo, 0);
      if (request.url.endsWith('/later')) await pause(50);
      return accept(handler, 0);
    });
    const other = Http2Client.request(await server.connect(), '/echo');
    const session = await server.connect();
    const clients = ['/1', '/2', '/later'].map((path) => Http2Client.request(session, path));
    expect(await clients[1]?.status()).toBe(200);
    end(session);
    await until(() => server.streams.size === 1);
    await pause(60);
    expect(reasons).toEqual(Array(2).fill({ type: 'remote', code: 1006, reason: '' }));
    other.send(TEXT, 'hello');
    await other.next(TEXT, 'hello');
    expect(server.errors).toEqual([]);
  });
});

describe('GOAWAY', () => {
  test('of the client: its open streams continue', async () => {
    const server = await served(() => accept(echo, 0));
    const session = await server.connect();
    const client = Http2Client.request(session);
    expect(await client.status()).toBe(200);
    session.close();
    await pause(50);
    client.send(TEXT, 'hello');
    await client.next(TEXT, 'hello');
    client.stream.write(closeFrame(1000));
    await client.next(CLOSE, Buffer.of(3, 232));
    client.stream.end();
    await once(session, 'close');
  });

  test('of the server, during a shutdown: clients receive 1001, and the sessions end', async () => {
    const { handler, reasons } = handlerOf();
    const server = await served(() => accept(handler, 0));
    const session = await server.connect();
    const clients = [Http2Client.request(session), Http2Client.request(session)];
    for (const client of clients) expect(await client.status()).toBe(200);
    const over = server.shutdowns[0]?.();
    for (const each of server.sessions) each.close();
    for (const client of clients) {
      await client.next(CLOSE, Buffer.of(3, 233));
      client.stream.end(closeFrame(1001));
    }
    await over;
    await once(session, 'close');
    expect(reasons).toEqual(Array(2).fill({ type: 'shutdown', code: 1001, reason: '' }));
  });
});

describe('a client that reads nothing', () => {
  test('5.3 is dropped after a time limit, by a reset of its stream; others of its session are served meanwhile', async () => {
    const { handler, reasons } = pouring(POUR);
    const server = await served(() => accept(handler, 0));
    const session = await server.connect();
    const [client, other] = [Http2Client.request(session), Http2Client.request(session)];
    expect(await client.status()).toBe(200);
    client.stream.pause();
    client.send(TEXT, 'pour');
    const closed = client.closed();
    let isClosed = false;
    closed.then(() => {
      isClosed = true;
    });
    while (!isClosed) {
      other.send(TEXT, 'hello');
      await other.next(TEXT, 'hello');
      await pause(10);
    }
    expect(await closed).toBe(NGHTTP2_CANCEL);
    expect(reasons).toEqual([{ type: 'error', code: 1006, reason: '', error: expect.any(Error) }]);
    expect(String((reasons[0] as { error: unknown }).error)).toMatch(
      /no bytes were sent for 500 ms while 20\d{6} were/,
    );
    expect(server.streams.size).toBe(1);
  });

  test.each([
    ['4.5 after a stop', pouring(POUR, true), (client: Http2Client) => client.send(TEXT, 'pour')],
    ['4.5 after the end of its side', pouring(POUR), (client: Http2Client) => client.stream.end(frame(TEXT, 'pour'))],
    [
      '4.5 after its close frame',
      pouring(POUR),
      ({ stream }: Http2Client) => stream.write(Buffer.concat([frame(TEXT, 'pour'), closeFrame(1000)])),
    ],
  ])('%s', async (_title, { handler, reasons }, act) => {
    const server = await served(() => accept(handler, 0), { stallTimeout: 60_000 });
    const client = Http2Client.request(await server.connect());
    expect(await client.status()).toBe(200);
    client.stream.pause();
    act(client);
    expect(await client.closed()).toBe(NGHTTP2_CANCEL);
    await until(() => server.streams.size === 0);
    expect(reasons).toHaveLength(1);
  });

  test('4.5 a refused client is dropped after a time limit', async () => {
    const server = await served(() => new Response('x'.repeat(1_000_000), { status: 401 }));
    const client = Http2Client.request(await server.connect());
    client.stream.pause();
    expect(await client.status()).toBe(401);
    expect(await client.closed()).toBe(NGHTTP2_CANCEL);
    await until(() => server.streams.size === 0);
  });

  test('4.5 so is a client that neither ends nor resets its stream', async () => {
    const { handler, reasons } = handlerOf({ handleIn: () => ({ type: 'stop', state: 0 }) });
    const server = await served(({ url }) => (url.endsWith('/no') ? undefined : accept(handler, 0)));
    const session = await server.connect();
    for (const path of ['/', '/no']) {
      const client = Http2Client.request(session, path);
      client.send(TEXT, 'stop');
      client.stream.once('end', () => client.stream.write(closeFrame(1000)));
      expect(await client.closed()).toBe(NGHTTP2_CANCEL);
    }
    expect(reasons).toEqual([{ type: 'normal', code: 1000, reason: '' }]);
  });
});

describe('5.3 a client that reads slowly but steadily stays connected', () => {
  const LARGE = 3_000_000;
  const messages: [string, unknown][] = [
    ['one large message', binary(LARGE)],
    ['one large text', { opcode: 'text', data: 'x'.repeat(LARGE) }],
    ['many small messages', Array.from({ length: LARGE / 1_000 }, () => binary(1_000))],
  ];
  test.each(messages)('%s', async (_title, messages) => {
    const { handler, reasons } = handlerOf({ handleIn: () => ({ type: 'stop', messages, state: 0 }) });
    const server = await served(() => accept(handler, 0), { closeTimeout: 500 });
    const session = await server.connect();
    const { stream } = Http2Client.request(session);
    await once(stream, 'response');
    stream.removeAllListeners('data').pause();
    let bytes = 0;
    const reader = setInterval(() => {
      bytes += stream.read()?.length ?? 0; // at most the window: 64 KiB
    }, 30);
    stream.write(frame(TEXT, 'pour'));
    await until(() => bytes > LARGE || stream.closed);
    clearInterval(reader);
    expect(bytes).toBeGreaterThan(LARGE);
    stream.end(closeFrame(1000));
    await until(() => reasons.length > 0);
    expect(reasons).toEqual([{ type: 'normal', code: 1000, reason: '' }]);
  });
});

test('the end of the stream is the end of a socket: without a close frame it is 1006, and the server ends its side', async () => {
  const { handler, reasons } = handlerOf();
  const server = await served(() => accept(handler, 0));
  const client = Http2Client.request(await server.connect());
  expect(await client.status()).toBe(200);
  client.stream.end();
  expect(await client.closed()).toBe(NGHTTP2_NO_ERROR);
  expect(reasons).toEqual([{ type: 'remote', code: 1006, reason: '' }]);
});

test('5.1 a stream that is not read does not hold up the others of its session', async () => {
  let release = () => {};
  let handled = 0;
  const { handler } = handlerOf({
    handleIn: () => {
      handled += 1;
      return new Promise((resolve) => {
        release = () => resolve({ type: 'ok', state: 0 });
      });
    },
  });
  const server = await served(({ url }) => accept(url.endsWith('/echo') ? echo : handler, 0));
  const session = await server.connect();
  const stuck = Http2Client.request(session);
  for (let count = 0; count < 50; count++) stuck.send(BINARY, new Uint8Array(100_000));
  await until(() => handled === 1);
  const other = Http2Client.request(session, '/echo');
  for (let count = 0; count < 20; count++) {
    other.send(BINARY, new Uint8Array(50_000));
    await other.next(BINARY, new Uint8Array(50_000));
  }
  expect(stuck.stream.writableLength).toBeGreaterThan(4_000_000); // it has stopped
  while (handled < 50) {
    release();
    await pause(0);
  }
});

test('a protocol error closes its stream only', async () => {
  const { handler, reasons } = handlerOf();
  const server = await served(({ url }) => accept(url.endsWith('/echo') ? echo : handler, 0));
  const session = await server.connect();
  const [client, other] = [Http2Client.request(session), Http2Client.request(session, '/echo')];
  client.stream.write(frame(TEXT, 'unmasked', { masked: false }));
  await client.next(CLOSE, Buffer.of(3, 234));
  client.stream.end();
  expect(await client.closed()).toBe(NGHTTP2_NO_ERROR);
  expect(reasons).toMatchObject([{ type: 'error', code: 1002 }]);
  other.send(PING, 'hello');
  await other.next(PONG, 'hello');
});

test('a flood of streams: the server limits how many are open, and ends a session that resets too many', async () => {
  let asked = 0;
  const http = createServer({ settings: { enableConnectProtocol: true, maxConcurrentStreams: 10 } });
  const server = await served(
    async (request) => {
      asked += 1;
      if (request.url.endsWith('/echo')) return accept(echo, 0);
      await pause(100);
      return undefined;
    },
    {},
    http,
  );
  const other = Http2Client.request(await server.connect(), '/echo');
  const session = await server.connect();
  const many = Array.from({ length: 50 }, () => Http2Client.request(session));
  await pause(50);
  expect(asked).toBeLessThanOrEqual(11);
  for (const { stream } of many) stream.close(NGHTTP2_CANCEL);
  for (let count = 0; count < 20_000 && !session.destroyed; count++) {
    Http2Client.request(session).stream.close(NGHTTP2_CANCEL);
    if (count % 100 === 0) await turns(1);
  }
  await until(() => server.streams.size === 1);
  expect(session.destroyed).toBe(true);
  other.send(TEXT, 'hello');
  await other.next(TEXT, 'hello');
  expect(server.errors).toEqual([]);
});

describe('a client that writes frames of HTTP/2 itself', () => {
  /** A frame (RFC 9113 §4.1). */
  const http2Frame = (type: number, flags: number, stream: number, payload: Buffer) => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head.set([type, flags], 3);
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, payload]);
  };
  /** A header of fewer than 127 bytes (RFC 7541 §6.2.2). */
  const field = (name: string, value: string) =>
    Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);
  const request = (stream: number, more: Record<string, string> = {}) => {
    const headers = {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'http',
      ':path': '/',
      ':authority': 'localhost',
      'sec-websocket-version': '13',
      ...more,
    };
    const fields = Object.entries(headers).map(([name, value]) => field(name, value));
    return http2Frame(1, 4, stream, Buffer.concat(fields));
  };
  const data = (stream: number, payload: Buffer) => http2Frame(0, 0, stream, payload);
  /** The preface, with windows of 1 GB for each stream, and 64 KiB for all. */
  const preface = Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    http2Frame(4, 0, 0, Buffer.of(0, 4, 0x40, 0, 0, 0)),
  ]);

  const bytesOf = (socket: Socket) => {
    let bytes = Buffer.alloc(0);
    socket.on('data', (more) => {
      bytes = Buffer.concat([bytes, more]);
    });
    return () => bytes;
  };

  test('5.3 without a window for the session, those that have data to receive are dropped, others stay', async () => {
    const { handler, reasons } = pouring(2_000_000);
    const server = await served(() => accept(handler, 0));
    const socket = connect(server.port, '127.0.0.1').resume();
    socket.write(Buffer.concat([preface, request(1), request(3), request(5)]));
    socket.write(Buffer.concat([data(1, frame(TEXT, 'pour')), data(3, frame(TEXT, 'pour'))]));
    await until(() => server.streams.size === 3);
    await until(() => server.streams.size === 1);
    expect(reasons).toMatchObject(Array(2).fill({ type: 'error', code: 1006 }));
    socket.write(http2Frame(8, 0, 0, Buffer.of(0, 1, 0, 0))); // WINDOW_UPDATE
    socket.write(data(5, frame(TEXT, 'hello')));
    const received = bytesOf(socket);
    await until(() => received().includes(frame(TEXT, 'hello', { masked: false })));
    socket.destroy();
  });

  test('5.3 if it does not read its socket either, all that have data to receive are dropped', async () => {
    const { handler, reasons } = pouring(POUR);
    const server = await served(() => accept(handler, 0));
    const socket = connect(server.port, '127.0.0.1');
    socket.write(Buffer.concat([preface, http2Frame(8, 0, 0, Buffer.of(0x40, 0, 0, 0)), request(1), request(3)]));
    socket.write(Buffer.concat([data(1, frame(TEXT, 'pour')), data(3, frame(TEXT, 'pour'))]));
    await until(() => reasons.length === 2);
    await until(() => server.streams.size === 0);
    expect(reasons).toMatchObject(Array(2).fill({ type: 'error', code: 1006 }));
    socket.destroy();
  });

  test('headers that only HTTP/1.1 has reset the stream; the route is not asked', async () => {
    const server = await served(() => accept(echo, 0));
    const socket = connect(server.port, '127.0.0.1');
    socket.write(Buffer.concat([preface, request(1, { upgrade: 'websocket' }), request(3, { connection: 'upgrade' })]));
    socket.write(Buffer.concat([request(5), data(5, frame(TEXT, 'hello'))]));
    await until(() => server.streams.size === 1);
    const reset = (stream: number) => http2Frame(3, 0, stream, Buffer.of(0, 0, 0, NGHTTP2_PROTOCOL_ERROR));
    const received = bytesOf(socket);
    await until(() => received().includes(frame(TEXT, 'hello', { masked: false })));
    expect([received().includes(reset(1)), received().includes(reset(3))]).toEqual([true, true]);
    socket.destroy();
  });
});
