// The Node.js adapter against hostile clients, over real sockets. The rules themselves are tested in test/tck.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { deflateRawSync } from 'node:zlib';
import { accept, createAdapter, serve } from '@websock/adapter/node';
import type { WebSock } from '@websock/spec';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import { BINARY, CLOSE, closeFrame, frame, PING, PONG, RawClient, TEXT } from '../../tck/src/raw-client.ts';
import { pause } from '../../tck/src/server-under-test.ts';
import { echo, endServers, handlerOf, served } from './node-server.ts';

afterEach(endServers);

const UNTIL = { timeout: 10_000, interval: 5 };

/** Waits for a condition, for at most 10 seconds. */
const until = (condition: () => boolean | Promise<boolean>) =>
  vi.waitFor(async () => expect(await condition()).toBe(true), UNTIL);

const HANDSHAKE = [
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

/** A socket that has sent an upgrade request and reads nothing. It stays open when the server ends its side. */
async function request(url: string, { version = '1.1', headers = HANDSHAKE } = {}): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  socket.on('error', () => {});
  await new Promise<void>((sent) =>
    socket.write([`GET / HTTP/${version}`, 'Host: localhost', ...headers, '', ''].join('\r\n'), () => sent()),
  );
  return socket;
}

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next));
};

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The bytes in the buffers of this process, after a garbage collection. */
async function bytesHeld(): Promise<number> {
  await turns(5);
  collectGarbage();
  await turns(5); // the count follows the collection with a delay
  return process.memoryUsage().arrayBuffers;
}

const never = new Promise<never>(() => {});

test('texts are framed alike for each client, at every length of the header', async () => {
  const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000];
  const texts = lengths.flatMap((length) => ['a', 'b'].map((letter) => letter.repeat(length)));
  texts.push('ü'.repeat(63), 'ü'.repeat(32_768), 'half a pair: \ud83d', '\u{1f600}');
  const { handler } = handlerOf({
    handleIn: () => ({ type: 'push', messages: texts.map((data) => ({ opcode: 'text', data })), state: 0 }),
  });
  const { url } = await served(() => accept(handler, undefined));
  const clients = await Promise.all([1, 2].map(() => RawClient.connect(url)));
  for (const client of clients) client.send(frame(TEXT, 'go'));
  for (const text of texts) {
    const payload = Buffer.from(text);
    for (const client of clients) expect(await client.next('a text')).toEqual({ opcode: TEXT, payload });
  }
  for (const client of clients) client.cut();
});

describe('a reset during the handshake does not affect the server', () => {
  const answers: [string, () => unknown, { version?: string }?][] = [
    ['of HTTP/1.0', () => accept(echo, undefined), { version: '1.0' }],
    ['that is answered with 404', () => undefined],
    ['that is answered with 401', () => new Response('who are you?', { status: 401 })],
    ['while the route is pending', () => new Promise((resolve) => setTimeout(resolve, 20))],
    [
      'while the route is pending, before it accepts',
      () => new Promise((s) => setTimeout(s, 20, accept(echo, undefined))),
    ],
    ['that is accepted', () => accept(echo, undefined)],
  ];
  test.each(answers)('%s', async (_title, answer, options) => {
    const uncaught: unknown[] = [];
    const catcher = (error: unknown) => uncaught.push(error);
    process.on('uncaughtException', catcher);
    const server = await served(answer as () => undefined);
    for (let moment = 0; moment < 40; moment++) {
      const socket = await request(server.url, options);
      await turns(moment % 20);
      socket.resetAndDestroy();
    }
    await until(async () => (await server.sockets()) === 0);
    process.off('uncaughtException', catcher);
    expect(uncaught).toEqual([]);
    expect(server.errors).toEqual([]);
  });
});

test('4.5 refused clients that keep their socket open are dropped after a time limit', async () => {
  const server = await served(() => new Response('no', { status: 403 }));
  const sockets = await Promise.all(Array.from({ length: 20 }, () => request(server.url)));
  await until(async () => (await server.sockets()) === 20);
  await until(async () => (await server.sockets()) === 0);
  for (const socket of sockets) socket.destroy();
});

test('4.5 a time limit of Infinity cuts no answer short', async () => {
  const slow = () =>
    new ReadableStream({
      pull: (body) =>
        pause(50)
          .then(() => body.enqueue('who are you?'))
          .then(() => body.close()),
    });
  const server = await served(() => new Response(slow().pipeThrough(new TextEncoderStream()), { status: 401 }), {
    closeTimeout: Number.POSITIVE_INFINITY,
  });
  const socket = await request(server.url);
  let answer = '';
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text;
  });
  await once(socket, 'end');
  expect(answer).toMatch(/^HTTP\/1\.1 401 .*who are you\?$/s);
  socket.destroy();
});

test('2.2 a flood of empty frames and a reset: every frame that was read is handled, and terminate is called once', async () => {
  let handled = 0;
  let most = 0;
  let received: Socket | undefined;
  const { handler, reasons } = handlerOf({
    handleIn() {
      handled += 1;
      if (handled % 100 === 0) most = Math.max(most, (received as Socket).bytesRead / 6 - handled);
      return { type: 'ok', state: 0 };
    },
  });
  const server = await served((_request, { socket }) => {
    received = socket as Socket;
    return accept(handler, undefined);
  });
  const client = await RawClient.connect(server.url);
  const block = Buffer.alloc(600_000, frame(TEXT));
  for (let count = 0; count < 10; count++) await new Promise((sent) => client.socket.write(block, sent)); // a million
  client.socket.resetAndDestroy();
  await until(() => reasons.length > 0);
  expect(reasons).toEqual([{ type: 'remote', code: 1006, reason: '' }]);
  expect(handled).toBeGreaterThan(100_000);
  // 5.1: while the handler yields to the event loop, reading is paused.
  expect(most, 'frames that were read and not handled').toBeLessThan(50_000);
}, 60_000);

test('4.5 a client that leaves data unread and ends its side is dropped after a time limit', async () => {
  const { handler, reasons } = handlerOf({
    init: () => ({ type: 'push', messages: { opcode: 'binary', data: new Uint8Array(20_000_000) }, state: 0 }),
  });
  const server = await served(() => accept(handler, undefined));
  const client = await request(server.url);
  client.end();
  await until(() => reasons.length > 0);
  expect(reasons).toEqual([{ type: 'remote', code: 1006, reason: '' }]);
  await until(async () => (await server.sockets()) === 0);
  client.destroy();
});

/** Reads steadily and slowly; returns all bytes when the server has ended the connection. */
async function readSlowly(socket: Socket): Promise<number> {
  let bytes = 0;
  const reader = setInterval(() => {
    bytes += socket.read()?.length ?? 0;
  }, 5);
  await new Promise((ended) => socket.once('end', ended).once('close', ended));
  clearInterval(reader);
  socket.destroy();
  return bytes;
}

describe('a client that reads slowly is kept, one that reads nothing is dropped', () => {
  const LARGE = 30_000_000;
  const binary = (length: number) => ({ opcode: 'binary', data: new Uint8Array(length) });

  test('5.3 while the handler waits for it', async () => {
    const { handler, reasons } = handlerOf({
      handleIn: () => ({ type: 'push', messages: binary(LARGE), state: 0 }),
      handleInfo: () => ({ type: 'stop', reason: 'normal', state: 0 }),
      init: (_arg, mailbox) => {
        setTimeout(() => mailbox.post('stop'), 100);
        return { type: 'ok', state: 0 };
      },
    });
    const server = await served(() => accept(handler, undefined), { stallTimeout: 1_000 });
    const socket = await request(server.url);
    socket.write(frame(TEXT, 'go'));
    expect(await readSlowly(socket)).toBeGreaterThan(LARGE);
    expect(reasons).toEqual([{ type: 'normal', code: 1000, reason: '' }]);
  }, 60_000);

  test('4.5 after a stop', async () => {
    const { handler, reasons } = handlerOf({
      handleIn: () => ({ type: 'stop', reason: 'normal', messages: binary(LARGE), state: 0 }),
    });
    const server = await served(() => accept(handler, undefined), { stallTimeout: 1_000 });
    const socket = await request(server.url);
    socket.write(frame(TEXT, 'go'));
    expect(await readSlowly(socket)).toBeGreaterThan(LARGE);
    expect(reasons).toEqual([{ type: 'normal', code: 1000, reason: '' }]);
  }, 60_000);

  test('5.3 a client that reads nothing is dropped after a time limit', async () => {
    const { handler, reasons } = handlerOf({
      handleIn: () => ({ type: 'push', messages: binary(LARGE), state: 0 }),
    });
    const server = await served(() => accept(handler, undefined));
    const socket = await request(server.url);
    socket.write(frame(TEXT, 'go'));
    await until(() => reasons.length > 0);
    expect(reasons).toMatchObject([{ type: 'error', code: 1006, reason: '' }]);
    expect(String((reasons[0] as { error: unknown }).error)).toMatch(
      /the client does not read: no bytes were sent for 500 ms/,
    );
    await until(async () => (await server.sockets()) === 0);
    socket.destroy();
  });

  test('5.3 a client that reads nothing is dropped when its mailbox overflows', async () => {
    let mailbox: WebSock.Mailbox<unknown> | undefined;
    const { handler, reasons } = handlerOf({
      init: (_arg, given) => {
        mailbox = given;
        return { type: 'push', messages: binary(LARGE), state: 0 };
      },
    });
    const server = await served(() => accept(handler, undefined), { stallTimeout: 60_000, maxHeldInfos: 10 });
    const socket = await request(server.url);
    await until(() => mailbox !== undefined);
    await turns(5);
    for (let count = 0; count < 10; count++) mailbox?.post(count);
    expect(reasons).toEqual([]);
    mailbox?.post('one too many');
    await until(() => reasons.length > 0);
    expect(reasons).toMatchObject([{ type: 'error', code: 1006, reason: '' }]);
    socket.destroy();
  });
});

describe('2.8 any number of pings is answered', () => {
  const pings = Buffer.concat(Array.from({ length: 61 }, () => frame(PING, 'p')));

  test('in one packet, followed by a text', async () => {
    const server = await served(() => accept(echo, undefined));
    const client = await RawClient.connect(server.url, { earlyBytes: Buffer.concat([pings, frame(TEXT, 'behind')]) });
    for (let count = 0; count < 61; count++) expect(await client.next()).toMatchObject({ opcode: PONG });
    expect(await client.next()).toEqual({ opcode: TEXT, payload: Buffer.from('behind') });
    client.cut();
  });

  test('while a callback is pending', async () => {
    let resolve = () => {};
    const { handler } = handlerOf({
      handleIn: (message: WebSock.DataFrame) =>
        new Promise((resolved) => {
          resolve = () => resolved({ type: 'push', messages: message, state: 0 });
        }),
    });
    const server = await served(() => accept(handler, undefined));
    const client = await RawClient.connect(server.url);
    client.send(frame(TEXT, 'first'), pings, frame(TEXT, 'behind'));
    for (let count = 0; count < 61; count++) expect(await client.next()).toMatchObject({ opcode: PONG });
    resolve();
    expect(await client.next()).toEqual({ opcode: TEXT, payload: Buffer.from('first') });
    resolve();
    expect(await client.next()).toEqual({ opcode: TEXT, payload: Buffer.from('behind') });
    client.cut();
  });

  const handlers: [string, Partial<typeof echo>][] = [
    ['a handler without handleControl', {}],
    ['a handler that sends nothing for them', { handleControl: (_frame, state) => ({ type: 'ok', state }) }],
  ];
  test.each(handlers)(
    '5.3 but not to a client that reads none of the answers: %s',
    async (_title, callbacks) => {
      const handler = { ...echo, ...callbacks };
      const server = await served(() => accept(handler, undefined), { maxUnsentBytes: 100_000 });
      const socket = await request(server.url);
      const block = Buffer.alloc(130 * 5_000, frame(PING, 'x'.repeat(124)));
      socket.on('close', () => {});
      while (!socket.destroyed && (await server.sockets()) > 0) {
        await Promise.race([
          new Promise((sent) => socket.write(block, sent)),
          until(async () => (await server.sockets()) === 0),
        ]);
      }
      socket.destroy();
    },
    60_000,
  );

  test('5.1 and the event loop runs in between', async () => {
    let received: Socket | undefined;
    const server = await served((_request, { socket }) => {
      received = socket as Socket;
      return accept(echo, undefined);
    });
    const client = await RawClient.connect(server.url);
    let sent = false;
    client.socket.write(Buffer.alloc(6_000_000, frame(PING)), () => {
      sent = true;
    });
    let most = 0;
    for (let before = 0; !sent; ) {
      await turns(1);
      const { bytesRead } = received as Socket;
      most = Math.max(most, bytesRead - before);
      before = bytesRead;
    }
    expect(most, 'bytes that were read in one turn').toBeLessThan(300_000);
    client.cut();
  }, 60_000);
});

test('5.1 the queue of a stuck handler is limited by its inflated size', async () => {
  const { handler, reasons } = handlerOf({ handleIn: () => never });
  const server = await served(() => accept(handler, undefined, { compress: true }), { maxHeldBytes: 4_000_000 });
  const client = await RawClient.connect(server.url, {
    extraHeaders: ['Sec-WebSocket-Extensions: permessage-deflate'],
  });
  expect(client.answer).toMatch(/permessage-deflate/);
  const deflated = deflateRawSync(Buffer.alloc(1_000_000), { finishFlush: 2 }).subarray(0, -4);
  client.send(Buffer.concat(Array.from({ length: 20 }, () => frame(BINARY, deflated, { rsv: 4 }))));
  expect(await client.untilClose()).toEqual([[], 1013]);
  expect(reasons).toEqual([]); // the handler is still stuck
});

test('6.3 a million posts at once do not starve other connections', async () => {
  const COUNT = 1_000_000;
  let handled = 0;
  let mailbox: WebSock.Mailbox<number> | undefined;
  const { handler } = handlerOf({
    init: (_arg, given) => {
      mailbox = given;
      return { type: 'ok', state: 0 };
    },
    handleInfo: (info) => {
      if (info === handled) handled += 1;
      return { type: 'ok', state: 0 };
    },
  });
  const server = await served(({ url }) => accept(url.endsWith('/echo') ? echo : handler, undefined));
  const busy = await Client.connect(server.url);
  const other = await Client.connect(`${server.url}/echo`);
  for (let info = 0; info < COUNT; info++) mailbox?.post(info);
  other.text('my turn?');
  expect(await other.next()).toEqual({ text: 'my turn?' });
  expect(handled).toBeLessThan(COUNT);
  await until(() => handled === COUNT);
  busy.cut();
  other.cut();
}, 60_000);

describe('a shutdown', () => {
  test('ends the connections of its own server only', async () => {
    const first = await serve(() => accept(echo, undefined), { port: 0, hostname: '127.0.0.1' });
    const second = await serve(() => accept(echo, undefined), { port: 0, hostname: '127.0.0.1' });
    const [there, here] = [await Client.connect(first.url), await Client.connect(second.url)];
    const closed = there.closed();
    await first.shutdown();
    expect(await closed).toEqual({ close: 1001, reason: '' });
    here.text('still here');
    expect(await here.next()).toEqual({ text: 'still here' });
    await second.shutdown();
  });

  test('1.6 refuses handshakes with 503, also one whose route is pending', async () => {
    let decide = (_decision: unknown) => {};
    let stuck = () => {};
    const { handler } = handlerOf({
      handleIn: () =>
        new Promise((resolve) => {
          stuck = () => resolve({ type: 'ok', state: 0 });
        }),
    });
    const server = await served(({ url }) => {
      if (url.endsWith('/stuck')) return accept(handler, undefined);
      return new Promise((resolve) => {
        decide = resolve as typeof decide;
      });
    });
    const holding = await Client.connect(`${server.url}/stuck`); // keeps the shutdown from being over
    holding.text('stuck');
    const waiting = request(server.url);
    await until(() => decide.length === 1 && stuck.length === 0 && decide.name !== 'decide');
    const shutdown = server.shutdown();
    decide(accept(echo, undefined));
    const refused = await waiting;
    expect(String(await new Promise((answer) => refused.once('data', answer)))).toMatch(/^HTTP\/1.1 503 /);
    await expect(Client.connect(server.url)).rejects.toThrow('503');
    stuck();
    await shutdown;
    refused.destroy();
  });
});

describe('4.4 reporting cannot fail', () => {
  const hostile = new Proxy(new Error('hostile'), {
    get() {
      throw new Error('must not be inspected');
    },
    getPrototypeOf() {
      throw new Error('must not be inspected');
    },
  });
  const reporters: [string, (() => unknown) | undefined][] = [
    ['the default', undefined],
    [
      'an onError that throws',
      () => {
        throw hostile;
      },
    ],
    ['an onError that rejects', () => Promise.reject(hostile)],
  ];
  test.each(reporters)('%s', async (_title, onError) => {
    vi.spyOn(console, 'error').mockImplementation((...values) => {
      for (const value of values) String(value); // as inspection does
    });
    const { handler, reasons } = handlerOf({
      handleIn() {
        throw hostile;
      },
      terminate: (reason) => {
        reasons.push(reason);
        throw hostile;
      },
    });
    const server = await served(() => accept(handler, undefined), { onError });
    const client = await Client.connect(server.url);
    client.text('throw');
    expect(await client.closed()).toEqual({ close: 1011, reason: '' });
    expect(reasons).toMatchObject([{ type: 'error', code: 1011 }]);
    await turns(5);
    vi.restoreAllMocks();
  });
});

describe('4.4 a handler whose callbacks cannot be read does not end the process', () => {
  const names = ['init', 'handleIn', 'handleInfo', 'handleControl', 'terminate'] as const;
  test.each(names)('%s', async (name) => {
    const uncaught: unknown[] = [];
    const catcher = (error: unknown) => uncaught.push(error);
    process.on('uncaughtException', catcher);
    for (let good = 0; good < 6; good++) {
      const handler: Record<string, unknown> = { ...echo };
      const callback = { ...echo, handleControl: echo.handleInfo, terminate: () => {} }[name];
      let reads = 0;
      Object.defineProperty(handler, name, {
        get() {
          if (reads++ < good) return callback;
          throw new Error('cannot be read');
        },
      });
      const server = await served(() => accept(handler as unknown as typeof echo, undefined));
      const client = await RawClient.connect(server.url);
      if (client.status !== 101) expect(client.status).toBe(500);
      else {
        client.send(frame(TEXT, 'x'), frame(PING), closeFrame(1000));
        const [, code] = await client.untilClose();
        expect([1000, 1011]).toContain(code);
      }
      client.cut();
      await until(async () => (await server.sockets()) === 0);
      expect(server.errors.length).toBeLessThanOrEqual(1);
      if (reads > good) expect(server.errors).toHaveLength(1);
      await server.shutdown();
    }
    process.off('uncaughtException', catcher);
    expect(uncaught).toEqual([]);
  });
});

describe('1.5 the handshake is checked strictly', () => {
  const without = (name: string) => HANDSHAKE.filter((line) => !line.startsWith(name));
  test.each([
    ['version 8', ['Sec-WebSocket-Version: 8'], 426],
    ['version 13.0', ['Sec-WebSocket-Version: 13.0'], 426],
    ['version 0xd', ['Sec-WebSocket-Version: 0xd'], 426],
    ['a key of 15 bytes', ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j'], 400],
    ['a key with bits to spare', ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR=='], 400],
  ])('%s', async (_title, lines, status) => {
    const name = (lines[0] as string).split(':')[0] as string;
    const server = await served(() => accept(echo, undefined));
    const client = await RawClient.connect(server.url, { headers: [...without(name), ...lines] });
    expect(client.status).toBe(status);
    if (status === 426) expect(client.answer).toMatch(/^sec-websocket-version: 13\r$/im);
    client.cut();
  });

  test.each([
    ['chat', 'chat', 'chat'],
    ['Chat, other', 'chat', undefined],
    ['chatter', 'chat', undefined],
    ['other, chat', 'chat', 'chat'],
    ['chat', undefined, undefined],
  ])('of subprotocols, %s is answered for %s with %s', async (offered, protocol, answered) => {
    const server = await served(() => accept(echo, undefined, { protocol }));
    const client = await RawClient.connect(server.url, { extraHeaders: [`Sec-WebSocket-Protocol: ${offered}`] });
    expect(client.status).toBe(101);
    expect(/^sec-websocket-protocol: (.*)\r$/im.exec(client.answer)?.[1]).toBe(answered);
    client.cut();
  });

  test('the headers of the options are in the answer', async () => {
    const headers = { 'Set-Cookie': ['a=1', 'b=2'], 'X-One': 'é' };
    const server = await served(() => accept(echo, undefined, { headers }));
    const client = await RawClient.connect(server.url);
    expect(client.answer).toContain('\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-One: é\r\n');
    client.send(frame(TEXT, 'é…'));
    expect(await client.next()).toEqual({ opcode: TEXT, payload: Buffer.from('é…') });
    client.cut();
  });
});

test('2.3 a message with too many fragments closes with 1008', async () => {
  const { handler, reasons } = handlerOf();
  const server = await served(() => accept(handler, undefined));
  const client = await RawClient.connect(server.url);
  const fragments = Buffer.alloc(7 * 16_384, frame(0, 'x', { fin: false }));
  client.send(frame(TEXT, '', { fin: false }), fragments, frame(0));
  expect(await client.untilClose()).toEqual([[], 1008]);
  await until(() => reasons.length > 0);
  expect(reasons).toMatchObject([{ type: 'error', code: 1008, reason: '' }]);
});

test('2.3 a message of small fragments does not keep the packets that they came in', async () => {
  const COUNT = 1_000;
  const received: unknown[] = [];
  const { handler } = handlerOf({
    handleIn: ({ data }: WebSock.DataFrame) => {
      received.push(data);
      return { type: 'ok', state: 0 };
    },
  });
  const server = await served(() => accept(handler, undefined));
  const client = await RawClient.connect(server.url);
  const before = await bytesHeld();
  const pong = frame(PONG, 'x'.repeat(119));
  // As large as Node's read buffer: one byte of the message must not keep all of it in memory.
  const packet = Buffer.concat([frame(0, 'b', { fin: false }), Buffer.alloc(524 * pong.length, pong)]);
  for (const opcode of [TEXT, BINARY]) {
    client.send(frame(opcode, 'a', { fin: false }));
    for (let sent = 0; sent < COUNT; sent++) await new Promise((done) => client.socket.write(packet, done));
    client.send(frame(PING));
    expect(await client.next()).toMatchObject({ opcode: PONG }); // all has been read
    await until(async () => (await bytesHeld()) - before < 10_000_000);
    client.send(frame(0, 'c'));
  }
  await until(() => received.length === 2);
  const whole = `a${'b'.repeat(COUNT)}c`;
  expect(received).toEqual([whole, new Uint8Array(Buffer.from(whole))]);
  client.cut();
}, 60_000);

test('2.3 the fragments of a message are freed after it', async () => {
  const lengths: number[] = [];
  const { handler } = handlerOf({
    handleIn: ({ data }: WebSock.DataFrame) => {
      lengths.push(data.length);
      return { type: 'ok', state: 0 };
    },
  });
  const server = await served(() => accept(handler, undefined));
  const client = await RawClient.connect(server.url);
  const first = frame(BINARY, Buffer.alloc(4_000_000), { fin: false });
  const before = await bytesHeld();
  client.send(first, frame(PING));
  expect(await client.next()).toMatchObject({ opcode: PONG }); // it has been read
  client.send(frame(0));
  await until(() => lengths.length > 0);
  expect(lengths).toEqual([4_000_000]);
  await until(async () => (await bytesHeld()) - before < 1_000_000);
  client.cut();
});

test('2.3 a frame in too many pieces closes with 1008', async () => {
  const { handler } = handlerOf();
  const server = await served(() => accept(handler, undefined));
  const client = await RawClient.connect(server.url);
  client.socket.setNoDelay(true);
  const large = frame(BINARY, new Uint8Array(60_000));
  const [received] = await Promise.all([
    client.untilClose(),
    (async () => {
      for (let at = 0; at < large.length - 1 && client.socket.writable; at++) {
        await new Promise((sent) => client.socket.write(large.subarray(at, at + 1), sent));
        await turns(1);
      }
    })(),
  ]);
  expect(received).toEqual([[], 1008]);
}, 60_000);

test('a second upgrade of a socket throws, and writes nothing into the WebSocket', async () => {
  const { upgrade, shutdown } = createAdapter();
  const { http, url } = await served(() => undefined);
  http.removeAllListeners('upgrade');
  const thrown: unknown[] = [];
  http.on('upgrade', (request, socket, head) => {
    upgrade({ request, socket, head }, echo, undefined);
    for (const handler of [echo, undefined]) {
      try {
        upgrade({ request, socket, head }, handler as typeof echo, undefined);
      } catch (error) {
        thrown.push((error as Error).message);
      }
    }
  });
  const client = await RawClient.connect(url, { earlyBytes: frame(TEXT, 'once') });
  expect(await client.next()).toEqual({ opcode: TEXT, payload: Buffer.from('once') });
  client.send(closeFrame(1000));
  expect(await client.next()).toMatchObject({ opcode: CLOSE });
  const message = 'upgrade: this request has been answered already; call upgrade once for each request';
  expect(thrown).toEqual([message, message]);
  await shutdown();
});

describe('3.6 each part of a result is read once, so that what was checked is sent', () => {
  const text = (data: string) => ({ opcode: 'text', data });
  const changing = (first: unknown, then: unknown) => {
    let reads = 0;
    return () => (reads++ === 0 ? first : then);
  };
  const results: [string, () => unknown][] = [
    [
      'a list with an iterator of its own',
      () =>
        Object.assign([text('checked')], {
          *[Symbol.iterator]() {
            yield text('checked');
            yield { opcode: 'nonsense', data: 1 };
          },
        }),
    ],
    [
      'a message whose data changes',
      () => Object.defineProperty({ opcode: 'text' }, 'data', { get: changing('checked', 1) }),
    ],
    [
      'a message whose opcode changes',
      () => Object.defineProperty({ data: 'checked' }, 'opcode', { get: changing('text', 'nonsense') }),
    ],
    ['a list whose entries change', () => Object.defineProperty([], '0', { get: changing(text('checked'), null) })],
  ];
  test.each(results)('%s', async (_title, messages) => {
    const { handler } = handlerOf({ handleIn: () => ({ type: 'push', messages: messages(), state: 0 }) });
    const server = await served(() => accept(handler, undefined));
    const client = await Client.connect(server.url);
    client.text('go');
    expect(await client.next()).toEqual({ text: 'checked' });
    client.close();
    expect(await client.next()).toEqual({ close: 1005, reason: '' });
    expect(server.errors).toEqual([]);
  });
});

describe('4.3 after a close frame of a client that keeps its socket open', () => {
  test('terminate does not wait for the socket, and posts are ignored', async () => {
    const infos: unknown[] = [];
    let mailbox: WebSock.Mailbox<unknown> | undefined;
    const { handler, reasons } = handlerOf({
      init: (_arg, given) => {
        mailbox = given;
        return { type: 'ok', state: 0 };
      },
      handleInfo: (info) => {
        infos.push(info);
        return { type: 'ok', state: 0 };
      },
      terminate: (reason) => {
        mailbox?.post('too late');
        reasons.push(reason);
      },
    });
    const server = await served(() => accept(handler, undefined), { closeTimeout: 60_000 });
    const client = await request(server.url);
    client.write(closeFrame(4321, 'bye'));
    await until(() => reasons.length > 0);
    expect(reasons).toEqual([{ type: 'remote', code: 4321, reason: 'bye' }]);
    mailbox?.post('later');
    await turns(5);
    expect(infos).toEqual([]);
    expect(await server.sockets()).toBe(1);
    client.destroy();
  });

  test('4.5 its socket is dropped after a time limit', async () => {
    const server = await served(() => accept(echo, undefined));
    const client = await request(server.url);
    client.write(closeFrame(1000));
    await turns(5);
    await until(async () => (await server.sockets()) === 0);
    client.destroy();
  });

  test('3.7 a stop after the end discards the queued frames', async () => {
    const handled: string[] = [];
    let resolve = () => {};
    const { handler, reasons } = handlerOf({
      handleIn: ({ data }: { data: string }) => {
        handled.push(data);
        return new Promise((resolved) => {
          resolve = () => resolved({ type: 'stop', reason: 'restart', state: 0 });
        });
      },
    });
    const server = await served(() => accept(handler, undefined));
    const client = await RawClient.connect(server.url);
    client.send(frame(TEXT, 'first'), frame(TEXT, 'second'), closeFrame(1000));
    await until(() => handled.length > 0);
    resolve();
    await until(() => reasons.length > 0);
    expect(handled).toEqual(['first']);
    expect(reasons).toMatchObject([{ type: 'remote', code: 1000 }]);
  });
});

describe('4.6 the heartbeat', () => {
  test('pings a silent client once, at half of idleTimeout, and closes at its end', async () => {
    const { handler, reasons } = handlerOf();
    const server = await served(() => accept(handler, undefined, { idleTimeout: 400 }));
    const client = await RawClient.connect(server.url);
    expect(await client.next()).toEqual({ opcode: PING, payload: Buffer.alloc(0) });
    expect(await client.untilClose()).toEqual([[], 1001]);
    expect(reasons).toEqual([{ type: 'timeout', code: 1001, reason: '' }]);
  });

  test('keeps a client that answers', async () => {
    const server = await served(() => accept(echo, undefined, { idleTimeout: 200 }));
    const client = await Client.connect(server.url);
    for (let count = 0; count < 4; count++) expect(await client.next()).toEqual({ ping: '' });
    client.text('still here');
    expect(await client.next()).toEqual({ text: 'still here' });
    client.cut();
  });

  test('is left out with heartbeat: false', async () => {
    const server = await served(() => accept(echo, undefined, { idleTimeout: 200, heartbeat: false }));
    const client = await Client.connect(server.url);
    expect(await client.closed()).toEqual({ close: 1001, reason: '' });
  });
});
