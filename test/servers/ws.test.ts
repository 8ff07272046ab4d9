// The server on `ws`, driven by real clients over loopback.

import { connect } from 'node:net';
import type { WebSock } from '@websock/spec';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Client } from '../lifecycle/client.ts';
import { listen } from './listen.ts';
import { shutdown, type UpgradeRequest, upgrade } from './ws.ts';

type Reason = WebSock.CloseReason;

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  await shutdown();
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

/** What the server reports instead of sending it to the client. */
function reports(): unknown[][] {
  return vi.spyOn(console, 'error').mockImplementation(() => {}).mock.calls;
}

/** A handler whose handleIn is given, and the reason that its terminate is told. */
function handlerOf(handleIn: WebSock<string[]>['handleIn'], rest: Partial<WebSock<string[]>> = {}) {
  let tell: (reason: Reason) => void = () => {};
  const told = new Promise<Reason>((settle) => {
    tell = settle;
  });
  const handler: WebSock<string[]> = {
    init: (arg) => ({ type: 'ok', state: arg }),
    handleIn,
    handleInfo: (_info, state) => ({ type: 'ok', state }),
    terminate: (reason) => tell(reason),
    ...rest,
  };
  return { handler, told };
}

async function serve(handler: WebSock<string[]>, options?: WebSock.ConnectionOptions): Promise<string> {
  return serveWith((request) => upgrade(request, handler, [], options));
}

async function serveWith(onUpgrade: (request: UpgradeRequest) => void): Promise<string> {
  const host = await listen(onUpgrade);
  stops.push(() => {
    host.server.closeAllConnections();
    return host.stop();
  });
  return host.url;
}

/** Sends bytes as they are, behind a valid handshake, and returns all that the server answers until it closes. */
function raw(url: string, bytes: Buffer, headers: string[] = []): Promise<Buffer> {
  return request(url, ['GET / HTTP/1.1', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', KEY, ...headers], bytes);
}

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';

function request(url: string, lines: string[], bytes: Buffer = Buffer.alloc(0)): Promise<Buffer> {
  const { hostname, port } = new URL(url);
  const head = Buffer.from(`${[...lines, `Host: ${hostname}`, 'Connection: Upgrade'].join('\r\n')}\r\n\r\n`);
  return new Promise((settle, fail) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(Buffer.concat([head, bytes])));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      if (chunk.includes(0x88)) socket.end(); // a close frame
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => settle(Buffer.concat(chunks)));
    socket.on('error', fail);
  });
}

/** The code of the close frame that ends what the server sent. */
const closeCode = (answer: Buffer) => answer.readUInt16BE(answer.lastIndexOf(0x88) + 2);

const ok: WebSock<string[]>['handleIn'] = (_frame, state) => ({ type: 'ok', state });

describe('4.3 the closing table', () => {
  const stopWith = (stop: Omit<WebSock.Stop<string[]>, 'type' | 'state'>) =>
    handlerOf((_frame, state) => ({ type: 'stop', ...stop, state }));
  const boom = new Error('boom');

  test.each<[string, ReturnType<typeof handlerOf>, number, Reason]>([
    ["stop 'normal' sends 1000", stopWith({ reason: 'normal' }), 1000, { type: 'normal' }],
    ["stop 'restart' sends 1012", stopWith({ reason: 'restart' }), 1012, { type: 'normal' }],
    ['stop { error } sends 1011', stopWith({ reason: { error: boom } }), 1011, { type: 'error', error: boom }],
  ])('4.3 %s', async (_title, { handler, told }, code, reason) => {
    const client = await Client.connect(await serve(handler));
    client.text('stop');
    expect(await client.closed()).toEqual({ close: code, reason: '' });
    expect(await told).toEqual(reason);
  });

  test.each<[string, WebSock<string[]>['handleIn']]>([
    [
      'a throw',
      () => {
        throw boom;
      },
    ],
    ['a rejection', () => Promise.reject(boom)],
  ])('4.3 %s sends 1011, and its text stays here', async (_title, handleIn) => {
    const reported = reports();
    const { handler, told } = handlerOf(handleIn);
    const client = await Client.connect(await serve(handler));
    client.text('fail');
    expect(await client.closed()).toEqual({ close: 1011, reason: '' });
    expect(await told).toEqual({ type: 'error', error: boom });
    expect(reported).toEqual([['WebSock: handleIn failed:', boom]]);
  });

  test('4.3 a value that is no result sends 1011', async () => {
    reports();
    const { handler, told } = handlerOf((() => 'ok') as never);
    const client = await Client.connect(await serve(handler));
    client.text('fail');
    expect(await client.closed()).toEqual({ close: 1011, reason: '' });
    const reason = (await told) as { error: Error };
    expect(reason.error.message).toBe(
      "handleIn returned 'ok', which is no result; return an object with a type and a state (rule 3.6)",
    );
  });

  test.each<[string, number | undefined, string, Reason]>([
    ['with its code and reason', 4001, 'late', { type: 'remote', code: 4001, reason: 'late' }],
    ['as 1005 if it had none', undefined, '', { type: 'remote', code: 1005, reason: '' }],
  ])("4.3 the client's close frame is told %s", async (_title, code, text, reason) => {
    const { handler, told } = handlerOf(ok);
    const client = await Client.connect(await serve(handler));
    client.close(code, text);
    expect(await client.closed()).toEqual({ close: code ?? 1005, reason: text });
    expect(await told).toEqual(reason);
  });

  test('4.3 a connection that drops is told as remote, 1006', async () => {
    const { handler, told } = handlerOf(ok);
    const client = await Client.connect(await serve(handler));
    client.cut();
    expect(await told).toEqual({ type: 'remote', code: 1006, reason: '' });
  });

  test.each<[string, Buffer, number]>([
    ['text that is not UTF-8 sends 1007', Buffer.of(0x81, 0x81, 0, 0, 0, 0, 0xff), 1007],
    ['a message over maxFrameSize sends 1009', Buffer.of(0x82, 0xfe, 0x10, 0x00, 0, 0, 0, 0), 1009],
    ['a frame that is not masked sends 1002', Buffer.of(0x81, 0x01, 0x61), 1002],
  ])('4.3 %s', async (_title, bytes, code) => {
    const { handler, told } = handlerOf(ok);
    const answer = await raw(await serve(handler, { maxFrameSize: 1000 }), bytes);
    expect(closeCode(answer)).toBe(code);
    expect(await told).toMatchObject({ type: 'error', error: expect.any(Error) });
  });

  test('4.3 a server that goes down sends 1001', async () => {
    const { handler, told } = handlerOf(ok);
    const client = await Client.connect(await serve(handler));
    await shutdown();
    expect(await client.closed()).toEqual({ close: 1001, reason: '' });
    expect(await told).toEqual({ type: 'shutdown' });
  });

  test('4.3 silence sends 1002', async () => {
    const { handler, told } = handlerOf(ok);
    const client = await Client.connect(await serve(handler, { timeout: 50 }));
    expect(await client.closed()).toEqual({ close: 1002, reason: '' });
    expect(await told).toEqual({ type: 'timeout' });
  });

  test('4.3 the clock stands while a callback is pending', async () => {
    const { handler } = handlerOf(async (_frame, state) => {
      await new Promise((settle) => setTimeout(settle, 300));
      return { type: 'push', messages: { opcode: 'text', data: 'done' }, state };
    });
    const client = await Client.connect(await serve(handler, { timeout: 150 }));
    for (const _time of ['once', 'again']) {
      client.text('slow');
      expect(await client.next()).toEqual({ text: 'done' });
      await new Promise((settle) => setTimeout(settle, 50));
    }
  });
});

test('1.4 an init that throws leaves no state, so terminate is not called', async () => {
  const reported = reports();
  const terminate = vi.fn();
  const boom = new Error('boom');
  const init = () => {
    throw boom;
  };
  const client = await Client.connect(await serve(handlerOf(ok, { init, terminate }).handler));
  expect(await client.closed()).toEqual({ close: 1011, reason: '' });
  await shutdown();
  expect(terminate).not.toHaveBeenCalled();
  expect(reported).toEqual([['WebSock: init failed:', boom]]);
});

test('1.3 a frame in the packet of the handshake waits for a slow init', async () => {
  const { handler } = handlerOf((frame, state) => ({
    type: 'stop',
    reason: 'normal',
    messages: { opcode: 'text', data: `${frame.data} ${state}` },
    state,
  }));
  const init: WebSock<string[]>['init'] = async () => {
    await new Promise((settle) => setTimeout(settle, 100));
    return { type: 'ok', state: ['ready'] };
  };
  const answer = await raw(await serve({ ...handler, init }), Buffer.of(0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69));
  expect(answer.toString('latin1')).toContain('hi ready');
});

describe('1.5 a request that is no valid upgrade reaches no callback, and the process lives', () => {
  test.each<[string, string[], string]>([
    ['another method', ['POST / HTTP/1.1', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', KEY], '405'],
    ['another protocol', ['GET / HTTP/1.1', 'Upgrade: h2c', 'Sec-WebSocket-Version: 13', KEY], '400'],
    ['no key', ['GET / HTTP/1.1', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'], '400'],
    ['another version', ['GET / HTTP/1.1', 'Upgrade: websocket', 'Sec-WebSocket-Version: 99', KEY], '400'],
  ])('1.5 %s', async (_title, lines, status) => {
    const init = vi.fn();
    const url = await serve(handlerOf(ok, { init }).handler);
    expect((await request(url, lines)).toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(init).not.toHaveBeenCalled();
  });
});

describe('1.5 the subprotocol', () => {
  test.each<[string, string[], string | undefined, string]>([
    ['is answered if the client offered it', ['a', 'b'], 'b', 'b'],
    ['is not answered if the client did not', ['a'], 'b', ''],
    ['is not answered unless the application asks', ['a'], undefined, ''],
  ])('1.5 %s', async (_title, offered, protocol, answered) => {
    const { handler } = handlerOf(ok);
    const url = await serve(handler, { protocol });
    // `ws` clients, like browsers, may give up when nothing that they offered is answered: so look at the answer itself
    const answer = await raw(url, Buffer.of(0x88, 0x80, 0, 0, 0, 0), [`Sec-WebSocket-Protocol: ${offered.join(', ')}`]);
    expect(/^Sec-WebSocket-Protocol: (.*)\r$/im.exec(answer.toString('latin1'))?.[1] ?? '').toBe(answered);
  });
});

test('compress: messages are compressed only if the application asks and the client can', async () => {
  const url = await serve(handlerOf(ok).handler);
  const compressing = await serve(handlerOf(ok).handler, { compress: true });
  expect((await Client.connect(url)).socket.extensions).toBe('');
  expect((await Client.connect(compressing)).socket.extensions).toBe('permessage-deflate');
  expect((await Client.connect(compressing, { perMessageDeflate: false })).socket.extensions).toBe('');
});

test('2.7 with validateUtf8 off, malformed bytes come as U+FFFD', async () => {
  const { handler } = handlerOf((frame, state) => ({
    type: 'stop',
    reason: 'normal',
    close: { code: 4000, reason: `${frame.opcode} ${frame.data}` },
    state,
  }));
  const bytes = Buffer.of(0x81, 0x83, 0, 0, 0, 0, 0x61, 0xff, 0x62);
  const answer = await raw(await serve(handler, { validateUtf8: false }), bytes);
  expect(answer.toString()).toContain('text a\uFFFDb');
});

describe('a handler or an option that is not one is refused at the upgrade, with its name', () => {
  class Chat {}
  test.each<[string, unknown, unknown, string]>([
    ['no object', undefined, {}, 'the handler is undefined; give an object with init, handleIn and handleInfo'],
    ['a class', Chat, {}, 'the handler is a class or function; give an instance, such as "new Chat()"'],
    ['a missing callback', { init: ok }, {}, "the handler's handleIn is missing; it must be a function"],
    [
      'a callback that is none',
      { ...handlerOf(ok).handler, terminate: 'bye' },
      {},
      "the handler's terminate is 'bye'; it must be a function",
    ],
    [
      'a negative timeout',
      handlerOf(ok).handler,
      { timeout: -1 },
      'the option "timeout" is -1; it must be a number of milliseconds above 0 (Infinity for never)',
    ],
    [
      'a size of NaN',
      handlerOf(ok).handler,
      { maxFrameSize: Number.NaN },
      'the option "maxFrameSize" is NaN; it must be a number of bytes above 0',
    ],
    [
      'a flag that is none',
      handlerOf(ok).handler,
      { compress: 'yes' },
      'the option "compress" is \'yes\'; it must be true or false',
    ],
    [
      'a subprotocol that cannot be one',
      handlerOf(ok).handler,
      { protocol: 'my chat' },
      'the option "protocol" is \'my chat\'; it must be the name of a subprotocol',
    ],
    [
      'an unknown option',
      handlerOf(ok).handler,
      { timout: 1 },
      'there is no option "timout"; the options are timeout, compress, maxFrameSize, validateUtf8, protocol',
    ],
  ])('%s', async (_title, handler, options, message) => {
    let thrown: unknown;
    const url = await serveWith((upgradeRequest) => {
      try {
        upgrade(upgradeRequest, handler as WebSock<undefined>, undefined, options as WebSock.ConnectionOptions);
      } catch (error) {
        thrown = error;
      }
    });
    await expect(Client.connect(url)).rejects.toThrow('500');
    expect(thrown).toBeInstanceOf(TypeError);
    expect((thrown as Error).message).toContain(`upgrade: ${message}`);
  });
});

describe('3.6 what is not a result is an error that says what is wrong, and none of it is sent', () => {
  const text = { opcode: 'text', data: 'sent?' };
  test.each<[string, object, string]>([
    ['no state', { type: 'ok' }, "'ok' without a state; every result carries the next one (rule 3.6)"],
    [
      'an unknown type',
      { type: 'okay', state: 1 },
      "a result of type 'okay'; the types are 'ok', 'push', 'reply' and 'stop' (rule 3.6)",
    ],
    [
      'ok with messages',
      { type: 'ok', messages: text, state: 1 },
      "'ok' with messages, which would be ignored; return 'push' to send them (rule 3.6)",
    ],
    [
      'push without messages',
      { type: 'push', state: 1 },
      "'push' without messages; to send none, return 'ok' or an empty list (rule 3.6)",
    ],
    [
      'push with a close',
      { type: 'push', messages: text, close: { code: 1000 }, state: 1 },
      "'push' with close, which would be ignored; leave it out, or return another type (rule 3.6)",
    ],
    [
      'one bad message in a list',
      { type: 'push', messages: [text, { opcode: 'text', data: Buffer.of(1) }], state: 1 },
      "'push' with a message (number 2) of opcode 'text' whose data is an object of Buffer, not a string (rule 3.6)",
    ],
    [
      'an unknown opcode',
      { type: 'push', messages: { opcode: 'txt', data: '' }, state: 1 },
      "'push' with a message (number 1) of opcode 'txt'; the opcodes are 'text', 'binary', 'ping' and 'pong' (rule 3.6)",
    ],
    [
      'ping data over 125 bytes',
      { type: 'push', messages: [text, { opcode: 'ping', data: 'é'.repeat(63) }], state: 1 },
      "'push' with a message (number 2) of opcode 'ping' with 126 bytes of data; 125 is the most (rule 3.6)",
    ],
    [
      'an unknown stop reason',
      { type: 'stop', reason: 'done', messages: text, state: 1 },
      "'stop' with the reason 'done'; the reasons are 'normal', 'restart' and { error } (rule 4.3)",
    ],
    [
      'a close code that may not be sent',
      { type: 'stop', reason: 'normal', messages: text, close: { code: 1005 }, state: 1 },
      "'stop' with the close code 1005; a server may send 1000-1003, 1007-1009, 1011-1014 and 3000-4999 (rule 4.2)",
    ],
    [
      'a close that is a number',
      { type: 'stop', reason: 'normal', close: 1000, state: 1 },
      "'stop' with a close that is 1000; it must be { code, reason } (rule 4.2)",
    ],
  ])('3.6 %s', async (_title, result, message) => {
    reports();
    const { handler, told } = handlerOf((() => result) as never);
    const client = await Client.connect(await serve(handler));
    client.text('go');
    expect(await client.closed()).toEqual({ close: 1011, reason: '' });
    const reason = (await told) as { error: Error };
    expect(reason.error.message).toBe(`handleIn returned ${message}`);
  });
});

test('4.2 a close reason is cut at a character that still fits 123 bytes', async () => {
  const { handler } = handlerOf((_frame, state) => ({
    type: 'stop',
    reason: 'normal',
    close: { code: 4000, reason: '☕'.repeat(50) },
    state,
  }));
  const client = await Client.connect(await serve(handler));
  client.text('go');
  expect(await client.closed()).toEqual({ close: 4000, reason: '☕'.repeat(41) });
});
