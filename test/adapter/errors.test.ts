// The errors that a developer sees: thrown by calls, passed to `onError` and `terminate`, and written to the console. The
// rules themselves are tested in test/tck.

import { once } from 'node:events';
import { createServer, IncomingMessage } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import * as bun from '@websock/adapter/bun';
import * as cloudflare from '@websock/adapter/cloudflare';
import { Connections } from '@websock/adapter/connection';
import * as deno from '@websock/adapter/deno';
import { type AdapterOptions, accept, attach, createAdapter, type Route, serve } from '@websock/adapter/node';
import type { WebSock } from '@websock/spec';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import { echo, endServers, handlerOf, served } from './node-server.ts';

afterEach(async () => {
  vi.restoreAllMocks();
  await endServers();
});

const boom = new Error('boom');
/** The `ctx` of a Durable Object, as far as it is checked. */
const ctx = {
  waitUntil() {},
  acceptWebSocket() {},
  getWebSockets: () => [],
  setWebSocketAutoResponse() {},
  blockConcurrencyWhile: async () => {},
};
const failing: [string, () => unknown][] = [
  [
    'throws',
    () => {
      throw boom;
    },
  ],
  ['rejects', () => Promise.reject(boom)],
];

describe('4.4 an error of a callback is passed to onError, with the name of the callback, and to terminate', () => {
  test.each(failing)('handleIn %s', async (_title, handleIn) => {
    const { handler, reasons } = handlerOf({ handleIn });
    const server = await served(() => accept(handler, undefined));
    const client = await Client.connect(server.url);
    client.text('fail');
    expect(await client.closed()).toEqual({ close: 1011, reason: '' });
    expect(reasons).toEqual([{ type: 'error', error: boom, code: 1011, reason: '' }]);
    expect(server.errors).toEqual([{ callback: 'handleIn', error: boom }]);
  });

  test.each(failing)('init %s', async (_title, init) => {
    const { handler, reasons } = handlerOf({ init });
    const server = await served(() => accept(handler, undefined));
    const client = await Client.connect(server.url);
    expect(await client.closed()).toEqual({ close: 1011, reason: '' });
    expect(reasons).toEqual([]);
    expect(server.errors).toEqual([{ callback: 'init', error: boom }]);
  });

  test.each(failing)('terminate %s', async (_title, terminate) => {
    const { handler } = handlerOf({ terminate });
    const server = await served(() => accept(handler, undefined));
    const client = await Client.connect(server.url);
    client.close();
    await client.closed();
    await vi.waitUntil(() => server.errors.length > 0);
    expect(server.errors).toEqual([{ callback: 'terminate', error: boom }]);
  });

  test.each(failing)('a route that %s is answered with 500', async (_title, route) => {
    const server = await served(route as Route);
    await expect(Client.connect(server.url)).rejects.toThrow('500');
    expect(server.errors).toEqual([{ callback: 'route', error: boom }]);
  });

  test('without onError, an error is written to the console', async () => {
    const written = vi.spyOn(console, 'error').mockImplementation(() => {}).mock.calls;
    const { handler } = handlerOf({ handleIn: () => Promise.reject(boom) });
    const server = await served(() => accept(handler, undefined), { onError: undefined });
    const client = await Client.connect(server.url);
    client.text('fail');
    await client.closed();
    expect(written).toEqual([['WebSock: handleIn failed:', boom]]);
  });
});

describe('a call with an invalid handler or option throws an error that names it', () => {
  class Chat {}
  const { handler: right } = handlerOf({});
  const cases: [string, unknown, unknown, string][] = [
    ['no handler', undefined, {}, 'the handler is undefined; pass an object with init, handleIn and handleInfo'],
    ['a class', Chat, {}, 'the handler is a class or function; pass an instance, such as "new Chat()"'],
    ['a missing callback', { init: () => {} }, {}, "the handler's handleIn is missing; it must be a function"],
    [
      'a callback that is a string',
      { ...right, terminate: 'bye' },
      {},
      "the handler's terminate is 'bye'; it must be a function",
    ],
    [
      'a negative idleTimeout',
      right,
      { idleTimeout: -1 },
      'the option "idleTimeout" is -1; it must be a number of milliseconds, at least 1 (Infinity for never)',
    ],
    [
      'an idleTimeout of half a millisecond',
      right,
      { idleTimeout: 0.5 },
      'the option "idleTimeout" is 0.5; it must be',
    ],
    [
      'a maxMessageSize of NaN',
      right,
      { maxMessageSize: Number.NaN },
      'the option "maxMessageSize" is NaN; it must be a whole number of bytes, at least 1',
    ],
    [
      'a maxMessageSize of half a byte',
      right,
      { maxMessageSize: 0.5 },
      'the option "maxMessageSize" is 0.5; it must be a whole number of bytes, at least 1',
    ],
    ['a string for compress', right, { compress: 'yes' }, 'the option "compress" is \'yes\'; it must be true or false'],
    [
      'a heartbeat in milliseconds',
      right,
      { heartbeat: 30_000 },
      'the option "heartbeat" is 30000; it must be true or',
    ],
    [
      'an invalid subprotocol',
      right,
      { protocol: 'my chat' },
      'the option "protocol" is \'my chat\'; it must be the name of a subprotocol',
    ],
    [
      'an unknown option',
      right,
      { timeout: 1 },
      'there is no option "timeout"; the options are idleTimeout, heartbeat, compress, maxMessageSize, validateUtf8, ' +
        'protocol, headers',
    ],
    [
      'an option of the server',
      right,
      { closeTimeout: 1 },
      'there is no option "closeTimeout" here; pass it for all connections, to serve, attach, createFetch, toHooks or ' +
        'createAdapter',
    ],
    ['a number in place of the options', right, 60_000, 'the options are 60000; pass an object'],
    [
      'a header of the handshake',
      right,
      { headers: { upgrade: 'h2c' } },
      'the header "upgrade" is reserved for the handshake; leave it out (rule 1.5)',
    ],
    [
      'the header of the subprotocol',
      right,
      { headers: { 'Sec-WebSocket-Protocol': 'chat' } },
      'the header "Sec-WebSocket-Protocol" is reserved for the handshake; use the option "protocol" (rule 1.5)',
    ],
    [
      'a Content-Length header',
      right,
      { headers: { 'content-length': '0' } },
      'the header "content-length" is reserved for the handshake; leave it out (rule 1.5)',
    ],
    [
      'a line break in a header',
      right,
      { headers: { 'Set-Cookie': ['a=1', 'b=2\r\nX: 1'] } },
      'the header "Set-Cookie" is \'b=2\\r\\nX: 1\'; it must be a string, or a list of strings, without control characters or',
    ],
    ['an invalid header name', right, { headers: { 'a b': '' } }, '\'a b\' in the option "headers" is not a valid'],
    [
      'a Headers object',
      right,
      { headers: new Headers() },
      "the option \"headers\" is an instance of Headers; it must be an object, such as { 'Set-Cookie': 'a=1' }",
    ],
  ];

  test.each(cases)('accept: %s', (_title, handler, options, message) => {
    const call = () => accept(handler as WebSock<undefined>, undefined, options as WebSock.ConnectionOptions);
    expect(call).toThrow(TypeError);
    expect(call).toThrow(`accept: ${message}`);
  });

  test.each(cases)('upgrade: %s; the client receives a 500', async (_title, handler, options, message) => {
    const { upgrade } = createAdapter();
    const { http, url } = await served(() => undefined);
    http.removeAllListeners('upgrade');
    const thrown = once(http, 'thrown');
    http.on('upgrade', (request, socket, head) => {
      try {
        upgrade({ request, socket, head }, handler as typeof echo, undefined, options as WebSock.ConnectionOptions);
      } catch (error) {
        http.emit('thrown', error);
      }
    });
    await expect(Client.connect(url)).rejects.toThrow('500');
    const [error] = await thrown;
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain(`upgrade: ${message}`);
  });
});

describe('a call with an invalid limit, route or server throws an error that names it', () => {
  const route = () => undefined;
  const server = createServer();
  test.each<[string, () => unknown, string]>([
    [
      'an unknown limit',
      () => createAdapter({ closetimeout: 1 } as AdapterOptions),
      'createAdapter: there is no option "cl',
    ],
    [
      'a limit that is a string',
      () => attach(server, route, { stallTimeout: '10s' as never }),
      'attach: the option "stallTimeout" is \'10s\'; it must be a number of milliseconds, at least 1',
    ],
    [
      'a limit of half a message',
      () => new Connections({ maxHeldMessages: 0.5 }),
      'new Connections: the option "maxHeldMessages" is 0.5; it must be a whole number of messages, at least 1',
    ],
    [
      'a limit of no posted messages',
      () => new Connections({ maxHeldInfos: 0 }),
      'new Connections: the option "maxHeldInfos" is 0; it must be a whole number of posted messages, at least 1',
    ],
    [
      'an observer that is a function',
      () => createAdapter({ observer: (() => {}) as never }),
      'createAdapter: the option "observer" is a function; it must be an object with one or more of the functions refused, opened, handled and closed',
    ],
    [
      'an observer without a known function',
      () => createAdapter({ observer: { close: () => {} } as never }),
      'createAdapter: the option "observer" has none of its functions; it must be an object with one or more of the functions refused, opened, handled and closed',
    ],
    [
      'an observer with a value that is not a function',
      () => createAdapter({ observer: { closed: 5 as never } }),
      'createAdapter: observer.closed is 5; it must be a function',
    ],
    [
      'hibernation without the ctx of a Durable Object',
      () => cloudflare.createHibernation(undefined as never, () => undefined, { handlers: { echo } }),
      'createHibernation: the context is undefined; pass the ctx of the Durable Object, which its constructor receives',
    ],
    [
      'hibernation without handlers',
      () => cloudflare.createHibernation(ctx, () => undefined, { handlers: {} }),
      'createHibernation: the option "handlers" is an object; it must be an object with the handlers that the route accepts',
    ],
    [
      'hibernation of what is no handler',
      () => cloudflare.createHibernation(ctx, () => undefined, { handlers: { echo: {} as never } }),
      "createHibernation: handlers.echo: the handler's init is missing; it must be a function",
    ],
    [
      'hibernation with save alone',
      () =>
        cloudflare.createHibernation(ctx, () => undefined, {
          handlers: { echo: { handler: echo, save: () => 1 } as never },
        }),
      'createHibernation: handlers.echo has only one of save and restore; give both, or none to save the state itself',
    ],
    [
      'an automatic response that is a text',
      () => cloudflare.createHibernation(ctx, () => undefined, { handlers: { echo }, autoResponse: 'pong' as never }),
      "createHibernation: the option \"autoResponse\" is 'pong'; it must be { request, response }, two texts, such as 'ping' and 'pong'",
    ],
    [
      'an onError that is an object',
      () => createAdapter({ onError: console as never }),
      'createAdapter: the option "onError" is an instance of Console; it must be a function',
    ],
    [
      'a port in place of the server',
      () => attach(8080 as never, route),
      'attach: the server is 8080, which emits no upgrades; pass what createServer() of node:http or node:https returned',
    ],
    [
      'a handler in place of the route',
      () => attach(server, echo as never),
      'attach: the route is an object; pass a function (request) => accept(handler, arg)',
    ],
    [
      'a handler in place of the route, for serve',
      () => serve(echo as never),
      'serve: the route is an object; pass a function',
    ],
    [
      'a port that is a string',
      () => serve(route, { port: '8080' as never }),
      'serve: the option "port" is \'8080\'; it must be a whole number from 0 to 65535',
    ],
    [
      'an unknown option of serve',
      () => serve(route, { host: 'localhost' } as never),
      'serve: there is no option "host"; the options are port, hostname, onError, observer, routeTimeout',
    ],
    [
      'an option of a connection',
      () => serve(route, { idleTimeout: 1_000 } as never),
      'serve: there is no option "idleTimeout" here; pass it for each connection, to accept(handler, arg, { idleTimeout })',
    ],
    [
      'a port in place of the options',
      () => serve(route, 8099 as never),
      'serve: the options are 8099; pass an object',
    ],
    [
      'a hostname that is a number',
      () => serve(route, { hostname: 1 as never }),
      'serve: the option "hostname" is 1; it must be a name or an address',
    ],
    [
      'an unknown option of shutdown',
      () => new Connections().shutdown({ timeOut: 1 } as never),
      'shutdown: there is no option "timeOut"; the options are timeout, spread',
    ],
    [
      'a shutdown with an infinite spread',
      () => new Connections().shutdown({ spread: Number.POSITIVE_INFINITY }),
      'shutdown: the option "spread" is Infinity; it must be a finite number of milliseconds',
    ],
  ])('%s', async (_title, call, message) => {
    await expect((async () => call())()).rejects.toThrow(message);
  });

  const request = new Request('http://host/');
  test.each<[string, () => unknown, string]>([
    [
      'on Node.js, an IncomingMessage',
      () => createAdapter().upgrade(new IncomingMessage(new Socket()) as never, echo, undefined),
      'upgrade: the first argument is an instance of IncomingMessage; pass { request, socket, head }, the arguments',
    ],
    [
      'on Node.js, no head',
      () => createAdapter().upgrade({ request: {}, socket: new Socket() } as never, echo, undefined),
      'upgrade: the first argument is an object; pass { request, socket, head }',
    ],
    [
      'on Bun, a Request',
      () => bun.createAdapter().upgrade(request as never, echo, undefined),
      'upgrade: the first argument is an instance of Request; pass { request, server }, the parameters of fetch',
    ],
    [
      'on Bun, no server',
      () => bun.createAdapter().upgrade({ request } as never, echo, undefined),
      'upgrade: the first argument is an object; pass { request, server }, the parameters of fetch',
    ],
    [
      'on Bun, no server for fetch',
      () => bun.createFetch(() => undefined).fetch(request, undefined as never),
      'fetch: the server is undefined; pass the second argument of the fetch of Bun.serve',
    ],
    [
      'on Deno, an object with a Request',
      () => deno.createAdapter().upgrade({ request } as never, echo, undefined),
      'upgrade: the first argument is an object; pass the Request',
    ],
    [
      'on Cloudflare, nothing',
      () => cloudflare.createAdapter().upgrade(undefined as never, echo, undefined),
      'upgrade: the first argument is undefined; pass the Request',
    ],
  ])('an invalid first argument: %s', (_title, call, message) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
  });

  test.each<[string, () => unknown]>([
    ['Bun', () => bun.serve(route)],
    ['Deno', () => deno.serve(route)],
  ])('the entry of %s on Node.js', async (platform, call) => {
    await expect(call()).rejects.toThrow(
      `serve: @websock/adapter/${platform.toLowerCase()} needs ${platform}; on Node.js, import @websock/adapter/node`,
    );
  });

  test('a port that another server listens on', async () => {
    const { http } = await served(route);
    const { port } = http.address() as AddressInfo;
    await expect(serve(route, { port, hostname: '127.0.0.1' })).rejects.toThrow(
      `serve: cannot listen on 127.0.0.1, port ${port}: another program listens there; end it, or pass another port`,
    );
  });

  test('an invalid result of a route', async () => {
    const server = await served(() => echo as never);
    await expect(Client.connect(server.url)).rejects.toThrow('500');
    expect(server.errors).toMatchObject([{ callback: 'route' }]);
    expect(String(server.errors[0]?.error)).toBe(
      'TypeError: the route returned an object; return accept(handler, arg), a Response, or undefined for 404',
    );
  });
});

test.each([
  ['synchronous', (result: unknown) => result],
  ['asynchronous', async (result: unknown) => result],
])('a result of a route that cannot be inspected is answered with 500: %s', async (_title, route) => {
  const hostile = new Proxy(
    {},
    {
      has() {
        throw boom;
      },
    },
  );
  const server = await served(() => route(hostile) as never);
  await expect(Client.connect(server.url)).rejects.toThrow('500');
  expect(server.errors).toEqual([{ callback: 'route', error: boom }]);
});

describe('3.6 an invalid result is an error that describes the problem, and no part of it is sent', () => {
  const text = { opcode: 'text', data: 'sent?' };
  test.each<[string, unknown, string]>([
    ['a string', 'ok', "'ok', which is not a result; return an object with a type and a state (rule 3.6)"],
    ['undefined', undefined, 'undefined, which is not a result; return an object with a type and a state (rule 3.6)'],
    ['no state', { type: 'ok' }, "'ok' without a state; every result has one (rule 3.6)"],
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
      "'push' with close, which would be ignored; return 'stop' to close the connection (rule 3.6)",
    ],
    [
      'push with a status',
      { type: 'push', messages: text, status: 1, state: 1 },
      "'push' with status, which would be ignored; leave it out, or return 'reply' (rule 3.6)",
    ],
    [
      'an invalid message in a list',
      { type: 'push', messages: [text, { opcode: 'text', data: Buffer.of(1) }], state: 1 },
      "'push' with a message (number 2) of opcode 'text' whose data is an instance of Buffer, not a string (rule 3.6)",
    ],
    [
      'an unknown opcode',
      { type: 'push', messages: { opcode: 'txt', data: '' }, state: 1 },
      "'push' with a message (number 1) of opcode 'txt'; the opcodes are 'text', 'binary', 'ping' and 'pong' (rule 3.6)",
    ],
    [
      'ping data of more than 125 bytes',
      { type: 'push', messages: [text, { opcode: 'ping', data: 'é'.repeat(63) }], state: 1 },
      "'push' with a message (number 2) of opcode 'ping' with 126 bytes of data; at most 125 are allowed (rule 3.6)",
    ],
    [
      'an unknown stop reason',
      { type: 'stop', reason: 'done', messages: text, state: 1 },
      "'stop' with the reason 'done'; the reasons are 'normal', 'restart' and { error } (rule 4.3)",
    ],
    [
      'a code outside close',
      { type: 'stop', code: 4000, messages: text, state: 1 },
      "'stop' with code, which would be ignored; write it as close: { code } (rule 3.6)",
    ],
    [
      'an error outside reason',
      { type: 'stop', error: new Error('why'), messages: text, state: 1 },
      "'stop' with error, which would be ignored; write it as reason: { error } (rule 3.6)",
    ],
    [
      'a close code that a server may not send',
      { type: 'stop', messages: text, close: { code: 1005 }, state: 1 },
      "'stop' with the close code 1005; a server may send 1000-1003, 1007-1009, 1011-1014 and 3000-4999 (rule 4.2)",
    ],
    [
      'a close that is a number',
      { type: 'stop', messages: text, close: 1000, state: 1 },
      "'stop' with a close that is 1000; it must be { code, reason } (rule 4.2)",
    ],
    [
      'a message without an opcode',
      { type: 'push', messages: Proxy.revocable({}, {}), state: 1 },
      "'push' with a message (number 1) of opcode undefined; the opcodes are 'text', 'binary', 'ping' and 'pong' (rule 3.6)",
    ],
  ])('3.6 %s', async (_title, result, message) => {
    const { handler, reasons } = handlerOf({ handleIn: () => result });
    const server = await served(() => accept(handler, undefined));
    const client = await Client.connect(server.url);
    client.text('go');
    expect(await client.closed()).toEqual({ close: 1011, reason: '' });
    expect(reasons).toMatchObject([{ type: 'error', code: 1011 }]);
    expect((reasons[0] as { error: Error }).error.message).toBe(`handleIn returned ${message}`);
  });

  test('3.6 a result that is a revoked proxy closes with 1011, too', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const { handler, reasons } = handlerOf({ handleIn: () => proxy });
    const server = await served(() => accept(handler, undefined));
    const client = await Client.connect(server.url);
    client.text('go');
    expect(await client.closed()).toEqual({ close: 1011, reason: '' });
    expect(reasons).toMatchObject([{ type: 'error', code: 1011 }]);
  });
});
