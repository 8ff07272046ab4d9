// The observer, the connection in the context of `onError`, and the number of connections.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cannot, Capability, ClosedConnection, Refusal } from '@websock/adapter';
import { cannot as bun } from '@websock/adapter/bun';
import { cannot as workerd } from '@websock/adapter/cloudflare';
import { cannot as crossws } from '@websock/adapter/crossws';
import { cannot as deno } from '@websock/adapter/deno';
import { accept, attach, createAdapter, cannot as node } from '@websock/adapter/node';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { echo } from '../../examples/echo/echo.ts';
import { Client } from '../../tck/src/client.ts';
import { CONTINUATION, closeFrame, frame, RawClient, TEXT } from '../../tck/src/raw-client.ts';
import { type Host, host, launch, platforms } from '../toolkit/host.ts';
import { endServers, served } from './node-server.ts';

const FILE = 'test/adapter/observer.application.ts';
const cannots = { node, bun, deno, cloudflare: workerd };

const servers: [name: string, cannot: Cannot, start: () => Promise<Host>][] = [
  ...platforms.map((platform): (typeof servers)[number] => [platform, cannots[platform], () => host(platform, FILE)]),
  ['crossws', crossws, () => launch('node', ['test/toolkit/hosts/crossws.ts', `${process.cwd()}/${FILE}`])],
];

interface Ending {
  readonly what: string;
  readonly options?: object;
  /** Makes the connection end. */
  end(client: RawClient): void;
  readonly needs?: readonly Capability[];
  /** Only where the server has not this capability. */
  readonly unless?: Capability;
}

/** Sends a text to the handler. */
const say = (text: string) => (client: RawClient) => client.send(frame(TEXT, text));

/** The ways to end, by row of the table in rule 4.3. */
const endings: { readonly [Rule in ClosedConnection['rule']]: readonly Ending[] } = {
  '4.3a': [{ what: 'a stop', end: say('stop') }],
  '4.3b': [{ what: 'a restart', end: say('restart') }],
  '4.3c': [{ what: 'a stop with an error', end: say('error') }],
  '4.3d': [
    { what: 'a throw', end: say('throw') },
    { what: 'an invalid result', end: say('invalid') },
    { what: 'an invalid mailbox.stop', end: say('invalid mailbox.stop') },
  ],
  '4.3e': [{ what: "the client's close frame", end: (client) => client.send(closeFrame(4000)) }],
  '4.3f': [{ what: 'a forbidden code', end: (client) => client.send(closeFrame(2000)) }],
  '4.3g': [
    { what: 'the end of the socket', end: (client) => client.socket.end() },
    { what: 'a reset', end: (client) => client.socket.resetAndDestroy() },
  ],
  '4.3h': [
    {
      what: 'text that is not UTF-8',
      end: (client) => client.send(frame(TEXT, Uint8Array.of(0xff))),
      needs: ['validatesUtf8'],
    },
  ],
  '4.3i': [
    {
      what: 'data that cannot be inflated',
      options: { compress: true },
      end: (client) => client.send(frame(TEXT, Buffer.from('ffffffffffffffff', 'hex'), { rsv: 4 })),
      needs: ['compresses', 'sendsInflationErrorCode'],
    },
  ],
  '4.3j': [{ what: 'a large message', options: { maxMessageSize: 10 }, end: say('more than ten bytes') }],
  '4.3k': [
    {
      what: 'too many fragments',
      end: (client) => {
        const fragments = Array(20_000).fill(frame(CONTINUATION, 'x', { fin: false }));
        client.send(frame(TEXT, 'x', { fin: false }), ...fragments);
      },
      needs: ['idleCountsFragments'], // elsewhere the platform assembles them, without such a limit
    },
  ],
  '4.3l': [{ what: 'reserved bits', end: (client) => client.send(frame(TEXT, 'x', { rsv: 1 })) }],
  '4.3m': [
    {
      what: 'more messages than may be queued',
      end: (client) => client.send(frame(TEXT, 'stuck'), ...Array(200).fill(frame(TEXT, 'x'))),
      unless: 'pausesReading',
    },
  ],
  '4.3n': [{ what: 'an idle client', options: { idleTimeout: 200, heartbeat: false }, end: () => {} }],
  '4.3o': [], // it ends the server: a test of its own
  '4.3p': [
    {
      what: 'a client that does not read',
      end: (client) => {
        client.send(frame(TEXT, 'pour'));
        client.socket.pause();
      },
      needs: ['knowsBacklog', 'dropsSockets'],
    },
  ],
  '4.3q': [{ what: 'mailbox.stop', end: say('mailbox.stop') }],
};

describe.each(servers)('on %s', (platform, cannot, start) => {
  let server: Host;

  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    await server?.stop();
  });

  type Event = { readonly [key: string]: unknown };

  /** What the application has written of this kind about one connection. */
  const events = (kind: string, of: string): Event[] =>
    [...server.reports().matchAll(/^(\w+) (\{.*\})$/gm)]
      .filter(([, event]) => event === kind)
      .map(([, , event]) => JSON.parse(event as string))
      .filter(({ name }) => name === of);

  const untilEvent = (kind: string, of: string): Promise<Event> =>
    vi.waitUntil(() => events(kind, of)[0], { timeout: 20_000, interval: 20 });

  const urlOf = (name: string, options: object = {}) =>
    `${server.url}/${name}?options=${encodeURIComponent(JSON.stringify(options))}`;

  describe.concurrent('closed names the row of rule 4.3', () => {
    const all = Object.entries(endings).flatMap(([rule, list]) => list.map((each) => ({ rule, ...each })));
    for (const { rule, what, options, end, needs = [], unless } of all) {
      test(`${rule} ${what}`, async ({ skip }) => {
        for (const need of needs) if (cannot[need] !== undefined) skip(cannot[need]);
        if (unless && cannot[unless] === undefined) skip(`the server has ${unless}`);
        const name = `${rule}-${what.replaceAll(/[^a-z]+/gi, '-')}`;
        const extraHeaders = ['Sec-WebSocket-Extensions: permessage-deflate'];
        const client = await RawClient.connect(urlOf(name, options), { extraHeaders });
        await untilEvent('opened', name);
        end(client);
        const answered = client.closing().then(() => client.send(closeFrame(1000)));
        answered.catch(() => {}); // some ends have no close frame
        const closed = await untilEvent('closed', name);
        expect(closed, JSON.stringify(closed)).toMatchObject({ rule, isSame: true });
        expect(events('closed', name), 'how often it is closed').toHaveLength(1);
        client.cut();
      }, 60_000);
    }

    test('4.3o a shutdown', async () => {
      const other = await start();
      const client = await Client.connect(`${other.url}/shutdown`);
      await Promise.all([other.stop(), client.closed()]);
      expect(other.reports()).toMatch(/^closed .*"type":"shutdown","code":1001,.*"rule":"4.3o"/m);
    }, 60_000);
  });

  test('a connection is opened, its callbacks are handled, and it is closed with what was received and sent', async () => {
    const client = await Client.connect(urlOf('counts'), { protocols: ['other', 'observed'] });
    expect(await untilEvent('opened', 'counts')).toEqual({
      name: 'counts',
      protocol: 'observed',
      isSame: false,
      isNew: true,
      isNow: true,
    });
    client.text('grüße');
    expect(await client.next()).toEqual({ text: 'grüße' });
    expect(await client.next()).toEqual({ text: 'größe' });
    client.socket.send(Uint8Array.of(1, 2, 3));
    expect(await client.next()).toEqual({ binary: '010203' });
    expect(await client.next()).toEqual({ text: 'größe' });
    client.socket.ping('now');
    client.text('post');
    client.text('wait');
    client.close();
    const none = { count: 0, bytes: 0 };
    const pings = cannot.receivesControlFrames ? none : { count: 1, bytes: 3 };
    expect(await untilEvent('closed', 'counts')).toEqual({
      name: 'counts',
      isSame: true,
      type: 'remote',
      code: 1005,
      isLong: true,
      rule: '4.3e',
      received: { text: { count: 3, bytes: 15 }, binary: { count: 1, bytes: 3 }, ping: pings, pong: none },
      sent: { text: { count: 3, bytes: 21 }, binary: { count: 1, bytes: 3 }, ping: none, pong: none },
    });
    const handled = events('handled', 'counts');
    const names = handled.map(({ callback }) => callback);
    expect(names).toEqual(['init', 'handleIn', 'handleIn', 'handleIn', ...names.slice(4, -1), 'terminate']);
    expect(handled[3], 'the callback that posted three messages').toMatchObject({ waiting: 3 });
    expect(handled.filter(({ isSlow }) => isSlow).map(({ callback }) => callback)).toEqual(['handleIn']);
  });

  test.each([
    ['refuse?token=1', 401],
    ['nothing', 404],
    ['fail', 500],
  ])('a request that is refused is observed: /%s, %i', async (path, status) => {
    const leavesIt = path === 'nothing' && platform === 'cloudflare'; // what the route declines is for the program
    await expect(Client.connect(`${server.url}/${path}`)).rejects.toThrow(String(status));
    const refused = JSON.stringify({ status, url: `/${path}` });
    if (leavesIt) expect(server.reports()).not.toContain(refused);
    else await vi.waitFor(() => expect(server.reports()).toContain(`refused ${refused}`));
  });

  test('what an observer throws, or rejects with, is reported, and affects no connection', async () => {
    const client = await Client.connect(urlOf('hostile'));
    client.text('hello');
    expect(await client.next()).toEqual({ text: 'hello' });
    client.close();
    await untilEvent('closed', 'hostile');
    for (const kind of ['opened', 'handled', 'closed']) {
      const report = JSON.stringify({ callback: 'observer', error: `Error: ${kind} fails` });
      await vi.waitFor(() => expect(server.reports()).toContain(`onError ${report}`));
    }
    expect(server.reports()).not.toMatch(/uncaught|unhandled/);
  });

  test.each([
    ['throw', 'handleIn', 'Error: thrown'],
    ['invalid mailbox.stop', 'mailbox.stop', 'TypeError: mailbox.stop'],
  ])('onError receives the connection: %s', async (text, callback, error) => {
    const name = `onError-${text.replaceAll(/[^a-z]/g, '-')}`;
    const client = await Client.connect(urlOf(name));
    client.text(text);
    await client.closed();
    const report = await untilEvent('onError', name);
    expect(report).toMatchObject({ callback, isSame: true, error: expect.stringContaining(error) });
  });
});

test('attach and createAdapter show the number of their connections', async () => {
  const http = createServer();
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
  const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const program = createAdapter();
  const attached = attach(http, ({ url }) => (url.endsWith('/attached') ? accept(echo) : undefined));
  http.on('upgrade', (request, socket, head) => {
    if (request.url === '/program') program.upgrade({ request, socket, head }, echo, undefined);
  });
  const one = await Client.connect(`${url}/attached`);
  const two = await Client.connect(`${url}/program`);
  const three = await Client.connect(`${url}/program`);
  await vi.waitFor(() => expect([attached.connections, program.connections]).toEqual([1, 2]));
  for (const client of [one, two, three]) client.close();
  await vi.waitFor(() => expect([attached.connections, program.connections]).toEqual([0, 0]));
  await Promise.all([attached.shutdown(), program.shutdown()]);
  http.close();
});

test('the status of a refusal is the one that was sent: 500 if the body of the response fails', async () => {
  const refusals: Refusal[] = [];
  const body = () => new ReadableStream({ pull: (controller) => controller.error(new Error('no body')) });
  const { url } = await served(() => new Response(body(), { status: 401 }), {
    observer: { refused: (refusal) => refusals.push(refusal) },
  });
  await expect(Client.connect(url)).rejects.toThrow('500');
  await vi.waitFor(() => expect(refusals).toEqual([{ status: 500, url: '/' }]));
  await endServers();
});
