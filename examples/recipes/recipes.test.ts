// Runs the recipes of README.md and adapter/README.md, with real servers and real clients.

import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { cpSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect as connectTo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { context, metrics, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { accept } from '@websock/adapter';
import { type AdapterOptions, attach, type NodePlatform, type Route, type Serving, serve } from '@websock/adapter/node';
import { connect } from '@websock/adapter/testing';
import type { WebSock } from '@websock/spec';
import { run } from '@websock/tck';
import { route as probeOf } from '@websock/tck/probe';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Client } from '../../tck/src/client.ts';
import { CLOSE, closeFrame, TEXT } from '../../tck/src/raw-client.ts';
import { Http2Client } from '../../test/adapter/http2-server.ts';
import { type Certificate, createCertificateIn, noOpenssl } from '../../test/toolkit/certificate.ts';
import { root } from '../../test/toolkit/compilers.ts';
import { emptyFolder } from '../../test/toolkit/package.ts';
import { echo } from '../echo/echo.ts';
import { booking } from './ask.ts';
import { route } from './authorise.ts';
import { connections, open } from './connection.ts';
import { route as limited } from './limited.ts';
import { observer as counting, route as withMetrics } from './metrics.ts';
import { route as behindProxy } from './proxied.ts';
import { member } from './room.ts';
import { route as bySubprotocol } from './subprotocol.ts';
import { terminal } from './terminal.ts';
import { isOnline, listed, throwOut } from './throw-out.ts';
import type { FromClient } from './typed.ts';
import { wsLike } from './ws-like.ts';

const alice = { headers: { cookie: 'theme=dark; session=abc123' } };

let server: Serving | undefined;
async function serving(route: Route<NodePlatform>, options: AdapterOptions & { port?: number } = {}): Promise<string> {
  server = await serve(route, { port: 0, hostname: '127.0.0.1', ...options });
  return server.url;
}
afterEach(async () => {
  await server?.shutdown();
  server = undefined;
});

/** The status and the text of a refused upgrade. */
async function refused(url: string, headers: Record<string, string> = {}): Promise<[number, string]> {
  const socket = new WebSocket(url, { headers });
  socket.on('error', () => {});
  const [, response] = await once(socket, 'unexpected-response');
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += part;
  return [response.statusCode, text];
}

test('typed and limited: totals of a typed handler, and a 429 for the sixth connection of an address', async () => {
  const url = await serving(limited);
  const clients = await Promise.all(Array.from({ length: 5 }, () => Client.connect(url)));
  expect(await refused(url)).toEqual([429, 'Too Many Requests\n']);
  clients[0]?.text(JSON.stringify({ type: 'add', amount: 2 } satisfies FromClient));
  expect(await clients[0]?.next()).toEqual({ text: '{"type":"total","total":2}' });
  clients[0]?.text('{"type":"add","amount":"2"}');
  expect(await clients[0]?.closed()).toEqual({ close: 1008, reason: '' });
  await vi.waitFor(async () => clients.push(await Client.connect(url)));
  for (const client of clients) client.close();
});

describe('authorise', () => {
  test('with a cookie, or with a token', async () => {
    const url = await serving(route);
    for (const headers of [alice.headers, { authorization: 'Bearer abc123' }]) {
      const client = await Client.connect(url, { headers: { ...headers, origin: 'https://app.example' } });
      expect(await client.next()).toEqual({ text: '* alice is here' });
      client.cut();
    }
    expect(await refused(url)).toEqual([401, 'who are you?\n']);
    expect(await refused(url, { cookie: 'session=stolen' })).toEqual([401, 'who are you?\n']);
  });

  test('not from a page of another site, whatever cookies its browser has', async () => {
    const url = await serving(route);
    const origin = 'https://evil.example';
    expect(await refused(url, { ...alice.headers, origin })).toEqual([403, 'not from that page\n']);
  });
});

test('a member that reads too slowly misses lines, and does not delay others', async () => {
  const url = await serving((request) => accept(member, new URL(request.url).pathname.slice(1)));
  const slow = await Client.connect(`${url}/slow`);
  const fast = await Client.connect(`${url}/fast`);
  expect(await fast.next()).toEqual({ text: '* fast is here' });
  slow.socket.pause();
  const last = 3_000;
  const line = (number: number) => `${number} ${'.'.repeat(10_000)}`;
  for (let number = 1; number <= last; number++) fast.text(line(number));
  for (let number = 1; number <= last; number++) expect(await fast.next()).toEqual({ text: `fast: ${line(number)}` });

  slow.socket.resume();
  const numbers: number[] = [];
  while (numbers.at(-1) !== last) {
    const number = /^fast: (\d+)/.exec(((await slow.next()) as { text: string }).text)?.[1];
    if (number !== undefined) numbers.push(Number(number));
  }
  expect(numbers.length).toBeLessThan(last);
  expect(numbers.length).toBeGreaterThanOrEqual(1_000);
  expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
  slow.cut();
  fast.cut();
});

// Programs run from a copy of this folder, in which an import selects the platform.
const copy = emptyFolder();
cpSync(import.meta.dirname, join(copy, 'recipes'), { recursive: true });
writeFileSync(join(copy, 'package.json'), '{ "type": "module" }');
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
afterAll(() => rmSync(copy, { recursive: true }));

const recipe = (name: string) => readFileSync(join(copy, 'recipes', `${name}.ts`), 'utf8');

const bin = join(root, 'node_modules/.bin');
const platforms: [name: string, adapter: string, command: string[]][] = [
  ['Node.js', 'node', [process.execPath, '--import', 'tsx']],
  ['Bun', 'bun', [join(bin, 'bun')]],
  ['Deno', 'deno', [join(bin, 'deno'), 'run', '--allow-all', '--no-lock']],
];

/** Runs a program; returns its process and URL. */
async function program(file: string, [name = '', ...parameters]: readonly string[], env: Record<string, string>) {
  const child = spawn(name, [...parameters, file], {
    cwd: copy,
    env: { ...process.env, DENO_NO_UPDATE_CHECK: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /:(\d+)/.exec(line)?.[1];
    if (port !== undefined) return { child, url: `ws://127.0.0.1:${port}` };
  }
  throw new Error(`${name} ${file} ended, and printed no URL`);
}

/** The rest of a program's standard error, and its exit code. */
async function end(child: ChildProcess): Promise<[string, number | null]> {
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  const [code] = await once(child, 'close');
  return [errors, code];
}

test.each(platforms)(
  'a deploy drains the server, which has reported errors, and the process ends by itself, on %s',
  async (_name, adapter, command) => {
    const file = join(copy, 'recipes', `deploy-${adapter}.ts`);
    writeFileSync(file, recipe('deploy').replace('adapter/node', `adapter/${adapter}`));
    const { child, url } = await program(file, command, { PORT: '0' });
    const ended = end(child);
    expect(await refused(url, { cookie: 'session=broken' })).toEqual([500, 'Internal Server Error\n']);
    const client = await Client.connect(url, alice);
    expect(await client.next()).toEqual({ text: '* alice is here' });
    child.kill('SIGTERM');
    expect(await client.closed()).toEqual({ close: 1001, reason: '' });
    const report = JSON.stringify({ callback: 'route', error: 'Error: the database does not answer' });
    expect(await ended).toEqual([`${report}\n`, 0]);
  },
);

test.each(platforms)(
  'an unhandled rejection ends the process and a caught one does not, as the README says, on %s',
  async (_name, adapter, command) => {
    const file = join(copy, `floating-${adapter}.ts`);
    writeFileSync(
      file,
      `import { accept, serve } from '@websock/adapter/${adapter}';
      const work = async () => { throw new Error('an unhandled rejection'); };
      const handler = {
        init: () => ({ type: 'ok', state: undefined }),
        handleIn(frame) {
          void (frame.data === 'caught' ? work().catch(() => {}) : work());
          return { type: 'push', messages: frame, state: undefined };
        },
        handleInfo: () => ({ type: 'ok', state: undefined }),
      };
      console.log((await serve(() => accept(handler), { port: 0 })).url);`,
    );
    const { child, url } = await program(file, command, {});
    const ended = end(child);
    const client = await Client.connect(url);
    for (let time = 1; time <= 2; time++) {
      client.text('caught');
      expect(await client.next()).toEqual({ text: 'caught' });
      await new Promise((settle) => setTimeout(settle, 100)); // long enough for the process to end
    }
    client.text('lost');
    const [errors, code] = await ended;
    expect(errors).toContain('an unhandled rejection');
    expect(code).toBe(1);
  },
);

test('the newest subprotocol that both sides support is chosen', async () => {
  const url = await serving(bySubprotocol);
  const client = await Client.connect(url, { protocols: ['chat.v1', 'chat.v2', 'chat.v3'] });
  expect(client.socket.protocol).toBe('chat.v2');
  client.cut();
  expect(await refused(url)).toEqual([400, 'offer one of chat.v2, chat.v1\n']);
});

describe('OpenTelemetry', () => {
  const spans = new InMemorySpanExporter();
  const numbers = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: numbers, exportIntervalMillis: 3_600_000 });
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager());
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  });
  afterAll(async () => {
    await reader.shutdown();
    for (const api of [context, trace, metrics]) api.disable();
  });

  /** The values of a metric, by the value of its attribute. */
  const valuesOf = (name: string) => {
    const found = numbers
      .getMetrics()
      .at(-1)
      ?.scopeMetrics[0]?.metrics.find(({ descriptor }) => descriptor.name === name);
    return Object.fromEntries(
      (found?.dataPoints ?? []).map(({ attributes, value }) => [
        Object.values(attributes).join(),
        typeof value === 'number' ? value : value.count,
      ]),
    );
  };

  test('a span for each callback, above those of what it calls; metrics of connections and callbacks', async () => {
    const { observer, traced } = await import('./opentelemetry.ts');
    const onError = vi.fn();
    const left = vi.fn();
    class Picky implements WebSock<number> {
      init = () => ({ type: 'ok', state: 0 }) as const;
      async handleIn(frame: WebSock.DataFrame, state: number): Promise<WebSock.Push<number>> {
        await wait(5);
        trace.getTracer('database').startSpan('query').end();
        if (frame.data === 'bad') throw new Error('not that');
        return { type: 'push', messages: frame, state: state + 1 };
      }
      handleInfo(_info: unknown, state: number): WebSock.Ok<number> {
        return { type: 'ok', state };
      }
      terminate(_reason: WebSock.CloseReason, state: number) {
        left(state);
      }
    }
    const handler = traced(new Picky());
    const url = await serving(
      (request) =>
        new URL(request.url).pathname === '/secret' ? new Response(null, { status: 403 }) : accept(handler),
      { onError, observer },
    );
    expect(await refused(`${url}/secret`)).toEqual([403, '']);
    const staying = await Client.connect(url);
    const client = await Client.connect(url);
    client.text('good');
    expect(await client.next()).toEqual({ text: 'good' });
    client.text('bad');
    expect(await client.closed()).toEqual({ close: 1011, reason: '' });
    await vi.waitFor(async () => {
      await reader.forceFlush();
      expect(valuesOf('websocket.open')).toEqual({ '': 1 });
    });
    expect(valuesOf('websocket.refused')).toEqual({ 403: 1 });
    expect(valuesOf('websocket.closed')).toEqual({ '4.3d': 1 });
    expect(valuesOf('websocket.callback.duration')).toEqual({ init: 2, handleIn: 2, terminate: 1 });

    const finished = spans.getFinishedSpans();
    const nameOf = (id: string | undefined) => finished.find((span) => span.spanContext().spanId === id)?.name;
    expect(
      finished.map(({ name, status, parentSpanContext }) => [name, nameOf(parentSpanContext?.spanId), status]),
    ).toEqual([
      ['init', undefined, { code: SpanStatusCode.UNSET }],
      ['init', undefined, { code: SpanStatusCode.UNSET }],
      ['query', 'handleIn', { code: SpanStatusCode.UNSET }],
      ['handleIn', undefined, { code: SpanStatusCode.UNSET }],
      ['query', 'handleIn', { code: SpanStatusCode.UNSET }],
      ['handleIn', undefined, { code: SpanStatusCode.ERROR, message: 'Error: not that' }],
    ]);
    expect(left).toHaveBeenCalledExactlyOnceWith(1);
    expect(onError).toHaveBeenCalledExactlyOnceWith(
      new Error('not that'),
      expect.objectContaining({ callback: 'handleIn' }),
    );
    staying.close();
  });
});

test('Prometheus reads counts of connections, messages and callbacks, with a token only', async () => {
  vi.stubEnv('METRICS_TOKEN', 'sesame');
  const slow = { ...echo, init: () => wait(30, { type: 'ok', state: undefined } as const) };
  const url = await serving(
    (request, platform) => (new URL(request.url).pathname === '/slow' ? accept(slow) : withMetrics(request, platform)),
    { observer: counting },
  );
  const get = (headers: Record<string, string> = {}) => fetch(`${url.replace('ws', 'http')}/metrics`, { headers });
  const scrape = async () => (await get({ authorization: 'Bearer sesame' })).text();

  expect(await refused(url)).toEqual([401, 'who are you?\n']);
  const client = await Client.connect(url, alice);
  expect(await client.next()).toEqual({ text: '* alice is here' });
  client.text('Ümläute');
  expect(await client.next()).toEqual({ text: 'alice: Ümläute' });
  expect((await scrape()).split('\n')).toEqual(
    expect.arrayContaining([
      'websocket_open 1',
      'websocket_opened_total 1',
      'websocket_refused_total{status="401"} 1',
      'websocket_callback_seconds_count{callback="handleIn"} 1',
      'websocket_callback_seconds_count{callback="handleInfo"} 2',
    ]),
  );
  client.close();
  (await Client.connect(`${url}/slow`)).close();
  await vi.waitFor(async () => expect(await scrape()).toContain('\nwebsocket_open 0\n'));
  expect((await scrape()).split('\n')).toEqual(
    expect.arrayContaining([
      'websocket_closed_total{rule="4.3e"} 2',
      'websocket_callback_seconds_bucket{le="0.025",callback="init"} 1',
      'websocket_callback_seconds_bucket{le="10",callback="init"} 2',
      'websocket_messages_total{direction="received",opcode="text"} 1',
      'websocket_bytes_total{direction="received",opcode="text"} 9',
      'websocket_messages_total{direction="sent",opcode="text"} 2',
      'websocket_bytes_total{direction="sent",opcode="text"} 31',
    ]),
  );
  expect((await get({ authorization: 'Bearer sesame' })).headers.get('content-type')).toContain('text/plain');

  for (const headers of [{}, { authorization: 'Bearer wrong' }]) expect((await get(headers)).status).toBe(401);
  vi.stubEnv('METRICS_TOKEN', undefined);
  for (const token of ['', 'undefined']) expect((await get({ authorization: `Bearer ${token}` })).status).toBe(401);
  vi.unstubAllEnvs();
});

test('a user who is thrown out loses all connections; others stay, and the user may come back', async () => {
  const url = await serving((request) => accept(listed, new URL(request.url).pathname.slice(1)));
  const isOut = (client: Client) =>
    vi.waitFor(() => expect(client.inbox.at(-1)).toEqual({ close: 4001, reason: 'signed out' }));
  const first = await Client.connect(`${url}/alice`);
  const second = await Client.connect(`${url}/alice`);
  const left = await Client.connect(`${url}/alice`);
  left.cut();
  await vi.waitFor(() => expect(server?.connections).toBe(2));
  expect(isOnline('alice')).toBe(true);
  const bob = await Client.connect(`${url}/bob`);
  await vi.waitFor(() => expect(bob.inbox).toContainEqual({ text: '* bob is here' }));
  throwOut('alice');
  await Promise.all([isOut(first), isOut(second)]);
  expect(isOnline('alice')).toBe(false);
  throwOut('alice'); // without connections
  const back = await Client.connect(`${url}/alice`);
  back.text('again');
  await vi.waitFor(() => expect(bob.inbox).toContainEqual({ text: 'alice: again' }));
  throwOut('alice');
  await isOut(back);
  expect(bob.inbox.at(-1)).toHaveProperty('text');
  bob.close();
});

test('a client that has left during an async `init` does not stay on the list', async () => {
  const hasLeft = new EventEmitter();
  const client = connect(
    {
      ...listed,
      async init(...[user, mailbox]: Parameters<typeof listed.init>) {
        await once(hasLeft, 'left');
        return listed.init(user, mailbox);
      },
    },
    'carol',
  );
  client.drop();
  hasLeft.emit('left');
  expect(await client.closed).toMatchObject({ code: 1006 });
  expect(isOnline('carol')).toBe(false);
});

test('a library of `ws` sockets sends, closes, and sees messages and the end', async () => {
  const ended = new EventEmitter();
  const library = wsLike((socket, path: string) => {
    socket.send(path);
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (`${data}` === 'quit') socket.close(4000, 'bye');
      else socket.send(isBinary ? Uint8Array.from(data) : `${data}`);
    });
    socket.on('close', (code, reason) => ended.emit('end', [socket.readyState, code, `${reason}`]));
  });
  const url = await serving((request) => accept(library, new URL(request.url).pathname));
  const client = await Client.connect(`${url}/kitchen`);
  expect(await client.next()).toEqual({ text: '/kitchen' });
  client.text('hello');
  expect(await client.next()).toEqual({ text: 'hello' });
  client.socket.send(Buffer.from([1, 2]));
  expect(await client.next()).toMatchObject({ binary: expect.anything() });
  const end = once(ended, 'end');
  client.text('quit');
  expect(await client.closed()).toEqual({ close: 4000, reason: 'bye' });
  expect(await end).toEqual([[3, 4000, 'bye']]);
});

test('the output of a program, and its input', async () => {
  const client = await Client.connect(await serving(() => accept(terminal, 'seq 3; read line; echo "$line"')));
  let output = '';
  client.socket.on('message', (data) => {
    output += data;
  });
  await vi.waitFor(() => expect(output).toBe('1\n2\n3\n'), 30_000);
  client.text('the end\n');
  await once(client.socket, 'close');
  expect(output).toBe('1\n2\n3\nthe end\n');
});

test('a program waits for a client that does not read', async () => {
  const marker = join(copy, 'ended');
  const url = await serving(() => accept(terminal, `seq 10000000; touch ${marker}`)); // 79 MB
  const client = await Client.connect(url);
  let received = 0;
  client.socket.on('message', (data: Buffer) => {
    received += data.length;
  });
  client.socket.pause();
  await new Promise((settle) => setTimeout(settle, 2_000)); // long enough for the program to end
  expect(existsSync(marker)).toBe(false);
  client.socket.resume();
  await vi.waitFor(() => expect(received).toBe(78_888_897), 30_000);
  client.cut();
});

test('a client that writes more than a program reads, or after its end, ends its own connection only', async () => {
  const url = await serving((request) => accept(terminal, decodeURIComponent(new URL(request.url).search.slice(1))));
  const greedy = await Client.connect(`${url}/?sleep%2060`);
  for (let sent = 0; sent < 2_000_000; sent += 100_000) greedy.text('x'.repeat(100_000));
  expect(await greedy.closed()).toEqual({ close: 1013, reason: '' });
  const late = await Client.connect(`${url}/?exec%20sleep%200.2%20%3C%26-`); // its input is closed at once
  for (let count = 0; count < 20; count++) late.text('x'.repeat(1_000));
  expect(await late.closed()).toEqual({ close: 1000, reason: '' });
});

test('a question and its answer', async () => {
  const client = await Client.connect(await serving(() => accept(booking)));
  expect(await client.next()).toEqual({ text: 'your name?' });
  client.text('alice');
  expect(await client.next()).toEqual({ text: 'which day?' });
  client.text('Monday');
  expect(await client.next()).toEqual({ text: 'booked for alice on Monday' });
  expect(await client.closed()).toEqual({ close: 1000, reason: '' });
});

test('a server of your own passes the kit', async () => {
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  sockets.on('connection', (socket, { url = '' }) => {
    const service = probeOf(url, {});
    if (service) open(socket, service.handler, service.arg, service.options);
  });
  await once(sockets, 'listening');
  const reports = vi.spyOn(console, 'error').mockImplementation(() => {}); // the errors that the probe throws
  const report = await run(`ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`, {
    rules: ['2.1', '2.4', '3.2', '6'],
    cannot: { seesCloseFrames: 'ws shows them once the socket has closed' },
  });
  expect(report.outcomes.length).toBeGreaterThan(10);
  expect(report.outcomes.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  await connections.shutdown();
  expect(connections.size).toBe(0);
  reports.mockRestore();
  sockets.close();
});

// ---- Frameworks ----

async function speaksToAlice(url: string): Promise<Client> {
  expect(await refused(url)).toEqual([401, 'who are you?\n']);
  const client = await Client.connect(url, alice);
  expect(await client.next()).toEqual({ text: '* alice is here' });
  return client;
}

const healthOf = async (url: string) => (await fetch(`${url.replace('ws', 'http')}/health`)).text();

test('Express', async () => {
  const { server, shutdown } = await import('./express.ts');
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = await speaksToAlice(url);
  expect(await healthOf(url)).toBe('ok');
  await Promise.all([shutdown(), client.closed()]);
  await new Promise((closed) => server.close(closed));
});

test('Fastify', async () => {
  const { app } = await import('./fastify.ts');
  const url = (await app.listen({ port: 0, host: '127.0.0.1' })).replace('http', 'ws');
  const client = await speaksToAlice(url);
  expect(await healthOf(url)).toBe('ok');
  await app.close();
  expect(await client.closed()).toEqual({ close: 1001, reason: '' });
});

test.each(platforms.slice(1))('Hono on %s', async (_name, adapter, command) => {
  const file = join(copy, 'recipes', `hono-${adapter}.ts`);
  const onDeno = recipe('hono')
    .replace('type BunServer, ', '')
    .replace('<{ Bindings: BunServer }>', '')
    .replace(', websocket', '')
    .replace('adapter/bun', 'adapter/deno')
    .replace(
      /export default.*/,
      'Deno.serve({ port: 0, onListen: ({ port }) => console.log(":" + port) }, app.fetch);',
    );
  writeFileSync(file, adapter === 'deno' ? onDeno : recipe('hono'));
  const { child, url } = await program(file, command, { PORT: '0' });
  try {
    const client = await speaksToAlice(`${url}/chat`);
    expect(await healthOf(url)).toBe('ok');
    client.cut();
  } finally {
    child.kill('SIGKILL');
  }
});

test('behind a proxy', async () => {
  const url = await serving(behindProxy);
  const proxy = createServer().on('upgrade', (request, socket, head) => {
    const upstream = connectTo(Number(new URL(url).port), '127.0.0.1');
    const said = request.headers['x-forwarded-for'];
    const headers = { ...request.headers, 'x-forwarded-for': `${said ? `${said}, ` : ''}127.0.0.1` };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    upstream.write(`GET ${request.url} HTTP/1.1\r\n${lines.join('')}\r\n`);
    upstream.write(head);
    socket.pipe(upstream).pipe(socket);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const client = await Client.connect(`ws://127.0.0.1:${(proxy.address() as AddressInfo).port}`, {
    headers: { 'x-forwarded-for': '203.0.113.1' }, // forged
  });
  expect(await client.next()).toEqual({ text: '* 127.0.0.1 is here' });
  expect(await refused(url)).toEqual([403, 'only through the proxy\n']);
  client.close();
  await client.closed();
  proxy.close();
});

describe.skipIf(noOpenssl)(`TLS${noOpenssl ? ` (${noOpenssl})` : ''}`, () => {
  const folder = emptyFolder();
  let certificate: Certificate;
  beforeAll(() => {
    certificate = createCertificateIn(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('of node:https', async () => {
    const secure = createSecureServer(certificate);
    const sockets = attach(secure, (request) => (request.url.startsWith('https:') ? accept(echo) : undefined));
    await once(secure.listen(0, '127.0.0.1'), 'listening');
    const client = await Client.connect(`wss://localhost:${(secure.address() as AddressInfo).port}`, {
      ca: certificate.cert,
    });
    client.text('hello');
    expect(await client.next()).toEqual({ text: 'hello' });
    await Promise.all([sockets.shutdown(), client.closed()]);
    await new Promise((closed) => secure.close(closed));
  });

  test('of node:http2', async () => {
    vi.stubEnv('TLS_KEY', join(folder, 'key.pem'));
    vi.stubEnv('TLS_CERT', join(folder, 'cert.pem'));
    const { server, stop } = await import('./http2.ts');
    vi.unstubAllEnvs();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const ca = certificate.cert;
    const session = connectHttp2(`https://localhost:${port}`, { ca });
    await once(session, 'remoteSettings');
    const headers = { cookie: 'session=abc123', ':authority': `localhost:${port}` };
    const stream = Http2Client.request(session, '/', { ':scheme': 'https', ...headers });
    await stream.next(TEXT, '* alice is here');
    const client = await Client.connect(`wss://localhost:${port}`, { ...alice, ca });
    await stream.next(TEXT, '* alice is here');
    expect(await client.next()).toEqual({ text: '* alice is here' });
    const stopped = stop();
    await stream.next(CLOSE, Buffer.of(3, 233));
    stream.stream.end(closeFrame(1001));
    expect(await client.closed()).toEqual({ close: 1001, reason: '' });
    await stopped;
    expect(session.closed).toBe(true);
  });
});
