// @websock/adapter/testing: a handler without a socket, with the servers' connection code.

import { runInNewContext } from 'node:vm';
import { connect } from '@websock/adapter/testing';
import type { WebSock } from '@websock/spec';
import { describe, expect, test, vi } from 'vitest';
import { chat, createRooms } from '../../examples/chat/chat.ts';
import { echo, handlerOf } from './node-server.ts';

test('a conversation with a handler, from init to terminate', async () => {
  const seen: unknown[] = [];
  const counter: WebSock<number, string, { from: number }> = {
    init: ({ from }) => ({ type: 'push', messages: { opcode: 'text', data: `from ${from}` }, state: from }),
    handleIn: (frame, count) => ({ type: 'push', messages: [frame, { opcode: 'ping' }], state: count + 1 }),
    handleInfo: async (info, count) => ({ type: 'push', messages: { opcode: 'text', data: info }, state: count + 10 }),
    handleControl: (frame, count) => {
      seen.push(frame);
      return { type: 'ok', state: count + 100 };
    },
    terminate: (reason, count) => {
      seen.push(reason, count);
    },
  };
  const { text, binary, ping, pong, post, close, next, closed, errors } = connect(counter, { from: 5 });
  expect(await next()).toEqual({ opcode: 'text', data: 'from 5' });
  text('hello');
  expect(await next()).toEqual({ opcode: 'text', data: 'hello' });
  expect(await next()).toEqual({ opcode: 'ping' });
  binary(Uint8Array.of(1, 2).buffer);
  expect(await next()).toEqual({ opcode: 'binary', data: Uint8Array.of(1, 2) });
  expect(await next()).toEqual({ opcode: 'ping' });
  post('posted');
  expect(await next()).toEqual({ opcode: 'text', data: 'posted' });
  ping('p');
  expect(await next()).toEqual({ opcode: 'pong', data: Uint8Array.of(112) });
  pong();
  close(4000, 'bye');
  expect(await next()).toEqual({ type: 'close', code: 4000, reason: 'bye' });
  expect(await closed).toEqual({ type: 'remote', code: 4000, reason: 'bye' });
  expect(seen).toEqual([
    { opcode: 'ping', data: Uint8Array.of(112) },
    { opcode: 'pong', data: new Uint8Array() },
    { type: 'remote', code: 4000, reason: 'bye' },
    217,
  ]);
  expect(errors).toEqual([]);
});

test('a client of the chat example receives the message of another', async () => {
  const handler = chat(createRooms());
  const alice = connect(handler, { name: 'alice', room: 'kitchen' });
  const bob = connect(handler, { name: 'bob', room: 'kitchen' });
  alice.text('hello');
  const heard: unknown[] = [];
  while (!JSON.stringify(heard).includes('hello')) heard.push(await bob.next());
  alice.drop();
  bob.close();
  expect(await alice.closed).toEqual({ type: 'remote', code: 1006, reason: '' });
  expect(await bob.closed).toEqual({ type: 'remote', code: 1005, reason: '' });
});

describe('next', () => {
  test('waits for the next message, and rejects once the connection has ended', async () => {
    const client = connect(echo, undefined);
    const pending = client.next();
    client.text('late');
    expect(await pending).toEqual({ opcode: 'text', data: 'late' });
    const never = client.next();
    client.drop();
    await expect(never).rejects.toThrow('next: the connection has ended, and nothing is left to receive');
    await expect(client.next()).rejects.toThrow('nothing is left to receive');
  });

  test('the property type distinguishes a close frame from a message', async () => {
    const { handler } = handlerOf({ handleIn: (frame) => ({ type: 'stop', messages: frame, state: 0 }) });
    const { text, next } = connect(handler, undefined);
    text('last');
    const seen: (string | number)[] = [];
    while (seen.length < 2) {
      const received = await next();
      if (received.type === 'close') seen.push(received.code);
      else if (received.opcode === 'text') seen.push(received.data.toUpperCase());
    }
    expect(seen).toEqual(['LAST', 1000]);
  });

  test('resolves with the close frame after the messages of a stop', async () => {
    const { handler } = handlerOf({
      handleIn: (frame) => ({ type: 'stop', messages: frame, close: { code: 4001, reason: 'done' }, state: 0 }),
    });
    const client = connect(handler, undefined);
    client.text('last');
    expect(await client.next()).toEqual({ opcode: 'text', data: 'last' });
    expect(await client.next()).toEqual({ type: 'close', code: 4001, reason: 'done' });
    expect(await client.closed).toEqual({ type: 'normal', code: 4001, reason: 'done' });
    client.text('too late');
    client.ping();
    client.close();
    await expect(client.next()).rejects.toThrow('nothing is left to receive');
  });
});

test('an error of a callback is in errors, and closes with 1011', async () => {
  const boom = new Error('boom');
  const { handler, reasons } = handlerOf({ handleIn: () => Promise.reject(boom) });
  const client = connect(handler, undefined);
  client.text('go');
  expect(await client.next()).toEqual({ type: 'close', code: 1011, reason: '' });
  expect(await client.closed).toEqual({ type: 'error', error: boom, code: 1011, reason: '' });
  expect(client.errors).toEqual([{ callback: 'handleIn', error: boom }]);
  expect(reasons).toHaveLength(1);
});

test('2.2 a message that is too large closes with 1009, after earlier messages have been handled', async () => {
  const handled: string[] = [];
  const { handler, reasons } = handlerOf({
    handleIn: async ({ data }: { data: string }) => {
      handled.push(data);
      return { type: 'ok', state: 0 };
    },
  });
  const client = connect(handler, undefined, { maxMessageSize: 3 });
  for (const text of ['one', 'two', 'more']) client.text(text);
  expect(await client.next()).toEqual({ type: 'close', code: 1009, reason: '' });
  expect(await client.closed).toMatchObject({ type: 'error', code: 1009 });
  expect(handled).toEqual(['one', 'two']);
  expect(reasons).toHaveLength(1);
});

test('after a failed init there is no state, so terminate is not called', async () => {
  const { handler, reasons } = handlerOf({ init: () => ({ type: 'nonsense' }) });
  const client = connect(handler, undefined);
  expect(await client.next()).toEqual({ type: 'close', code: 1011, reason: '' });
  expect(await client.closed).toMatchObject({ type: 'error', code: 1011 });
  expect(String(client.errors[0]?.error)).toContain('init returned');
  expect(reasons).toEqual([]);
});

describe('advance', () => {
  test('a silent client is pinged after half of idleTimeout, and closed after all of it', async () => {
    const client = connect(echo, undefined);
    await client.advance(29_999);
    client.text('still here');
    expect(await client.next()).toEqual({ opcode: 'text', data: 'still here' });
    await client.advance(30_000);
    expect(await client.next()).toEqual({ opcode: 'ping', data: new Uint8Array() });
    await client.advance(29_999);
    const next = client.next();
    await client.advance(1);
    expect(await next).toEqual({ type: 'close', code: 1001, reason: '' });
    expect(await client.closed).toEqual({ type: 'timeout', code: 1001, reason: '' });
  });

  test('a client that answers the heartbeat stays connected for hours', async () => {
    const client = connect(echo, undefined);
    for (let half = 0; half < 240; half++) {
      await client.advance(30_000);
      expect(await client.next()).toMatchObject({ opcode: 'ping' });
      client.pong();
    }
    client.drop();
  });

  test('yields to the event loop before, between and after the timers', async () => {
    const order: string[] = [];
    const { handler } = handlerOf({
      handleIn: async () => {
        await new Promise((resolve) => setImmediate(resolve)); // the clock stands still meanwhile
        order.push('before');
        return { type: 'ok', state: 0 };
      },
      terminate: () => void setImmediate(() => order.push('after')),
    });
    const client = connect(handler, undefined, { idleTimeout: 100 });
    client.text('go');
    const answer = async (pings: number) => {
      for (; pings > 0; pings--) {
        const { opcode } = await client.next();
        setImmediate(() => {
          order.push(opcode as string);
          client.pong();
        });
      }
    };
    const answers = answer(2);
    await client.advance(250); // pings at 50, 100 and 150; the last is not answered
    await answers;
    expect(order).toEqual(['before', 'ping', 'ping', 'after']);
    expect(await client.closed).toEqual({ type: 'timeout', code: 1001, reason: '' });
  });

  test('the clock stands still while a callback is pending', async () => {
    let settle = () => {};
    const { handler } = handlerOf({
      handleIn: () =>
        new Promise((resolve) => {
          settle = () => resolve({ type: 'ok', state: 0 });
        }),
    });
    const client = connect(handler, undefined, { idleTimeout: 100, heartbeat: false });
    client.text('go');
    await client.advance(1_000);
    settle();
    await client.advance(99);
    const next = client.next();
    await client.advance(1);
    expect(await next).toEqual({ type: 'close', code: 1001, reason: '' });
  });

  test('works under fake timers', async () => {
    vi.useFakeTimers();
    const client = connect(echo, undefined, { idleTimeout: 100, heartbeat: false });
    await client.advance(100);
    expect(await client.next()).toEqual({ type: 'close', code: 1001, reason: '' });
    vi.useRealTimers();
  });

  test('with an infinite idleTimeout, the connection never times out', async () => {
    const client = connect(echo, undefined, { idleTimeout: Number.POSITIVE_INFINITY });
    await client.advance(1e12);
    client.text('still here');
    expect(await client.next()).toEqual({ opcode: 'text', data: 'still here' });
  });
});

describe('an invalid argument is an error that names it', () => {
  test.each<[string, () => unknown, string]>([
    ['a handler', () => connect({} as never), "connect: the handler's init is missing; it must be a function"],
    ['an option', () => connect(echo, undefined, { idleTimeout: 0 }), 'connect: the option "idleTimeout" is 0'],
    ['a text', () => connect(echo, undefined).text(1 as never), 'text: the data is 1; pass a string'],
    [
      'binary data',
      () => connect(echo, undefined).binary('x' as never),
      "binary: the data is 'x'; pass an ArrayBuffer",
    ],
    ['ping data', () => connect(echo, undefined).ping('x'.repeat(126)), 'ping: the data has 126 bytes; at most 125'],
    ['a close code', () => connect(echo, undefined).close(1006), 'close: the code is 1006; a client may send'],
    ['a time', () => connect(echo, undefined).advance(-1), 'advance: the time is -1; pass a number of milliseconds'],
  ])('%s', async (_title, call, message) => {
    await expect((async () => call())()).rejects.toThrow(message);
  });
});

test.each<[string, unknown, boolean]>([
  ['an ArrayBuffer of another realm', runInNewContext('Uint8Array.of(7).buffer'), true],
  ['an object that only inherits from ArrayBuffer', Object.create(ArrayBuffer.prototype), false],
])('binary data is checked for being an ArrayBuffer, not for its class: %s', async (_title, data, isValid) => {
  const { handler } = handlerOf({ handleIn: () => ({ type: 'push', messages: { opcode: 'binary', data }, state: 0 }) });
  const { text, next } = connect(handler, undefined);
  text('send');
  expect(await next()).toMatchObject(isValid ? { opcode: 'binary' } : { type: 'close', code: 1011 });
});

test('a thenable that is a function is awaited', async () => {
  const result = { type: 'push', messages: { opcode: 'text', data: 'done' }, state: 0 };
  // biome-ignore lint/suspicious/noThenProperty: the subject of the test
  const thenable = Object.assign(() => {}, { then: (resolve: (value: unknown) => void) => resolve(result) });
  const { text, next } = connect(handlerOf({ handleIn: () => thenable }).handler, undefined);
  text('wait');
  expect(await next()).toEqual({ opcode: 'text', data: 'done' });
});
