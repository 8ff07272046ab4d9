// What the reference servers say of a handler that is wrong: to whoever calls `upgrade`, to `terminate`, and on
// standard error. The rules themselves are tested in test/tck.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WebSock } from '@websock/spec';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { shutdown, type UpgradeRequest, upgrade } from '../../adapter/src/node.ts';
import { Client } from '../../tck/src/client.ts';

const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  await shutdown();
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

/** What the server reports instead of sending it to the client. */
function reports(): unknown[][] {
  return vi.spyOn(console, 'error').mockImplementation(() => {}).mock.calls;
}

/** A handler with other callbacks in it, and the reason that its terminate is told. */
function handlerOf(callbacks: object): { handler: WebSock<undefined>; told: Promise<WebSock.CloseReason> } {
  let tell: (reason: WebSock.CloseReason) => void = () => {};
  const told = new Promise<WebSock.CloseReason>((settle) => {
    tell = settle;
  });
  const handler: WebSock<undefined> = {
    init: () => ({ type: 'ok', state: undefined }),
    handleIn: () => ({ type: 'ok', state: undefined }),
    handleInfo: () => ({ type: 'ok', state: undefined }),
    terminate: (reason) => tell(reason),
    ...callbacks,
  };
  return { handler, told };
}

/** Listens on a free port. */
async function serve(onUpgrade: (request: UpgradeRequest) => void): Promise<string> {
  const server = createServer();
  server.on('upgrade', (request, socket, head) => onUpgrade({ request, socket, head }));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  stops.push(() => new Promise((stopped) => server.close(stopped)));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const boom = new Error('boom');
const failing: [string, () => unknown][] = [
  [
    'throws',
    () => {
      throw boom;
    },
  ],
  ['rejects', () => Promise.reject(boom)],
];

describe('what a callback throws is reported with its name, and told to terminate', () => {
  test.each(failing)('handleIn %s', async (_title, handleIn) => {
    const reported = reports();
    const { handler, told } = handlerOf({ handleIn });
    const client = await Client.connect(await serve((request) => upgrade(request, handler, undefined)));
    client.text('fail');
    expect(await client.closed()).toEqual({ close: 1011, reason: '' });
    expect(await told).toEqual({ type: 'error', error: boom });
    expect(reported).toEqual([['WebSock: handleIn failed:', boom]]);
  });

  test.each(failing)('init %s', async (_title, init) => {
    const reported = reports();
    const { handler } = handlerOf({ init });
    const client = await Client.connect(await serve((request) => upgrade(request, handler, undefined)));
    expect(await client.closed()).toEqual({ close: 1011, reason: '' });
    expect(reported).toEqual([['WebSock: init failed:', boom]]);
  });

  test.each(failing)('terminate %s', async (_title, terminate) => {
    const reported = reports();
    const { handler } = handlerOf({ terminate });
    const client = await Client.connect(await serve((request) => upgrade(request, handler, undefined)));
    client.close();
    await client.closed();
    await vi.waitUntil(() => reported.length > 0);
    expect(reported).toEqual([['WebSock: terminate failed:', boom]]);
  });
});

describe('a handler or an option that is not one is refused at the upgrade, with its name', () => {
  class Chat {}
  const { handler: right } = handlerOf({});
  test.each<[string, unknown, unknown, string]>([
    ['no object', undefined, {}, 'the handler is undefined; give an object with init, handleIn and handleInfo'],
    ['a class', Chat, {}, 'the handler is a class or function; give an instance, such as "new Chat()"'],
    ['a missing callback', { init: () => {} }, {}, "the handler's handleIn is missing; it must be a function"],
    [
      'a callback that is none',
      { ...right, terminate: 'bye' },
      {},
      "the handler's terminate is 'bye'; it must be a function",
    ],
    [
      'a negative timeout',
      right,
      { timeout: -1 },
      'the option "timeout" is -1; it must be a number of milliseconds above 0 (Infinity for never)',
    ],
    [
      'a size of NaN',
      right,
      { maxFrameSize: Number.NaN },
      'the option "maxFrameSize" is NaN; it must be a number of bytes above 0',
    ],
    ['a flag that is none', right, { compress: 'yes' }, 'the option "compress" is \'yes\'; it must be true or false'],
    [
      'a subprotocol that cannot be one',
      right,
      { protocol: 'my chat' },
      'the option "protocol" is \'my chat\'; it must be the name of a subprotocol',
    ],
    [
      'an unknown option',
      right,
      { timout: 1 },
      'there is no option "timout"; the options are timeout, compress, maxFrameSize, validateUtf8, protocol',
    ],
  ])('%s', async (_title, handler, options, message) => {
    let thrown: unknown;
    const url = await serve((upgradeRequest) => {
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
  test.each<[string, unknown, string]>([
    ['a string', 'ok', "'ok', which is no result; return an object with a type and a state (rule 3.6)"],
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
    const { handler, told } = handlerOf({ handleIn: () => result });
    const client = await Client.connect(await serve((request) => upgrade(request, handler, undefined)));
    client.text('go');
    expect(await client.closed()).toEqual({ close: 1011, reason: '' });
    const reason = (await told) as { error: Error };
    expect(reason.error.message).toBe(`handleIn returned ${message}`);
  });
});
