// WebSockets over HTTP/2 on Node.js, with clients that others have written: a browser, and a proxy.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer, type Http2Server, type SecureServerOptions } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accept, type NodePlatform, type Route } from '@websock/adapter/node';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import { launchBrowser, noBrowser, START } from '../toolkit/browser.ts';
import { createCertificateIn, noOpenssl } from '../toolkit/certificate.ts';
import { freePort, missing } from '../toolkit/programs.ts';
import { endServers, Http2Client, SETTINGS, type Served, served, UNTIL } from './http2-server.ts';
import { handlerOf } from './node-server.ts';

const { handler: greeter, reasons } = handlerOf({
  init: () => ({ type: 'push', messages: { opcode: 'text', data: 'welcome' }, state: 0 }),
  handleIn: (frame) => ({ type: 'push', messages: frame, state: 0 }),
});

/** The versions of HTTP of the requests that a route has received. */
const versions: string[] = [];
const route: Route<NodePlatform> = (request, { request: { httpVersion } }) => {
  versions.push(httpVersion);
  const { pathname } = new URL(request.url);
  if (pathname === '/no') return new Response('not here', { status: 403 });
  return accept(greeter, 0, {
    compress: pathname === '/compressed',
    protocol: 'chat',
    headers: { 'X-Server': 'here' },
  });
};

const folder = mkdtempSync(join(tmpdir(), 'websock-http2-'));
afterAll(() => rmSync(folder, { recursive: true }));

afterEach(async () => {
  await endServers();
  versions.length = 0;
  reasons.length = 0;
});

/** A server with a certificate of its own, which also serves a page. */
async function servedOverTls(options: SecureServerOptions): Promise<Served> {
  const secure = { ...options, ...createCertificateIn(folder), allowHTTP1: true };
  const server = createSecureServer(secure, (_request, response) => response.end('the site'));
  return served(route, {}, server as unknown as Http2Server);
}

test.skipIf(noOpenssl)('over TLS, HTTP/1.1 and HTTP/2 reach the same route', async () => {
  const urls: string[] = [];
  const server = await servedOverTls(SETTINGS);
  server.attach((request) => {
    urls.push(request.url);
    return undefined;
  });
  const client = await Client.connect(`wss://127.0.0.1:${server.port}/one`, { rejectUnauthorized: false });
  expect(await client.next()).toEqual({ text: 'welcome' });
  const session = await server.connect({ rejectUnauthorized: false }, 'https');
  const stream = Http2Client.request(session, '/two', { ':scheme': 'https' });
  await stream.next(1, 'welcome');
  expect(versions).toEqual(['1.1', '2.0']);
  expect(urls).toEqual(['/one', '/two'].map((path) => `https://127.0.0.1:${server.port}${path}`));

  // CONNECT over HTTP/1.1, which no listener handles: Node.js closes the socket.
  const { connect } = await import('node:tls');
  const socket = connect({
    port: server.port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  });
  socket.on('error', () => {}).write('CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n\r\n');
  await once(socket.resume(), 'close');
  client.cut();
});

const noPage = noBrowser ?? noOpenssl;
describe.skipIf(noPage)(`a browser${noPage ? ` (${noPage})` : ''}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  }, START);
  afterAll(() => browser?.close());

  /** A page of the server. */
  async function open(server: Served): Promise<Page> {
    const page = await browser.newPage({ ignoreHTTPSErrors: true });
    await page.goto(`https://127.0.0.1:${server.port}/`);
    return page;
  }

  /** Connects in the page, and sends messages; returns what happened. */
  const talk = (page: Page, path: string, messages: string[]) =>
    page.evaluate(
      ([path, messages]) =>
        new Promise((resolve) => {
          const socket = new WebSocket(path, ['other', 'chat']);
          const events: unknown[] = [];
          socket.onmessage = ({ data }) => {
            events.push(data);
            if (messages.length > 0) socket.send(messages.shift() as string);
            else socket.close(4000, 'bye');
          };
          socket.onclose = ({ code, reason, wasClean }) => {
            events.push({ code, reason, wasClean, protocol: socket.protocol, extensions: socket.extensions });
            resolve(events);
          };
        }),
      [path, messages] as const,
    );

  test('uses the session of its page for all its WebSockets', async () => {
    const server = await servedOverTls(SETTINGS);
    const page = await open(server);
    const large = 'x'.repeat(3_000_000);
    const closed = { code: 4000, reason: 'bye', wasClean: true, protocol: 'chat' };
    expect(await talk(page, '/', ['hello', large])).toEqual(['welcome', 'hello', large, { ...closed, extensions: '' }]);
    const [one, two] = await Promise.all([talk(page, '/compressed', [large, 'hello']), talk(page, '/no', [])]);
    expect(one).toEqual(['welcome', large, 'hello', { ...closed, extensions: 'permessage-deflate' }]);
    expect(two).toEqual([{ code: 1006, reason: '', wasClean: false, protocol: '', extensions: '' }]);
    expect(versions).toEqual(['2.0', '2.0', '2.0']);
    expect(server.sessions).toHaveLength(1);
    await vi.waitFor(() => expect(server.streams.size).toBe(0), UNTIL);
    expect(reasons).toEqual(Array(2).fill({ type: 'remote', code: 4000, reason: 'bye' }));
    expect(server.errors).toEqual([]);
    await page.close();
  });

  test('receives 1001 when the server shuts down; it resets the stream of a page that is left', async () => {
    const server = await servedOverTls(SETTINGS);
    const connect = `new Promise((resolve) => {
      socket = new WebSocket('wss://' + location.host, 'chat');
      socket.onmessage = resolve;
      ended = new Promise((resolve) => { socket.onclose = ({ code, wasClean }) => resolve([code, wasClean]); });
    }).then(() => {})`;
    const [leaves, stays] = [await open(server), await open(server)];
    for (const page of [leaves, stays]) await page.evaluate(connect);
    await leaves.goto('about:blank');
    await vi.waitFor(() => expect(reasons).toEqual([{ type: 'remote', code: 1006, reason: '' }]), UNTIL);
    const over = server.shutdowns[0]?.();
    expect(await stays.evaluate('ended')).toEqual([1001, true]);
    await over;
    expect(versions).toEqual(['2.0', '2.0']);
    await Promise.all([leaves.close(), stays.close()]);
  });

  test('uses HTTP/1.1 if the server does not announce WebSockets over HTTP/2', async () => {
    const server = await servedOverTls({});
    const page = await open(server);
    expect(await talk(page, '/', ['hello'])).toMatchObject(['welcome', 'hello', { code: 4000 }]);
    expect(versions).toEqual(['1.1']);
    expect(server.sessions).toHaveLength(1);
    await page.close();
  });
});

const noProxy = missing('haproxy', '"apt-get install haproxy"');
describe.skipIf(noProxy)(`haproxy, which gets HTTP/1.1 and forwards HTTP/2${noProxy ? ` (${noProxy})` : ''}`, () => {
  let proxy: ChildProcess | undefined;
  afterEach(async () => {
    if (proxy?.exitCode !== null) return;
    proxy.kill('SIGKILL');
    await once(proxy, 'close');
  });

  async function startProxy({ port }: Served): Promise<string> {
    const listens = await freePort();
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(
      file,
      `defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
frontend clients
  bind 127.0.0.1:${listens}
  default_backend servers
backend servers
  server one 127.0.0.1:${port} proto h2 ws h2
`,
    );
    proxy = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' });
    const url = `ws://127.0.0.1:${listens}`;
    await vi.waitFor(() => fetch(url.replace('ws', 'http')), UNTIL);
    return url;
  }

  test('messages, subprotocol, headers, compression and close codes arrive', async () => {
    const server = await served(route);
    server.http.on('request', (_request, response) => response.end('the site'));
    const url = await startProxy(server);
    for (const path of ['/', '/compressed']) {
      const client = await Client.connect(`${url}${path}`, { protocols: ['other', 'chat'], headers: { 'X-Two': 'a' } });
      expect(client.socket.protocol).toBe('chat');
      expect(client.socket.extensions).toBe(path === '/' ? '' : 'permessage-deflate');
      expect(await client.next()).toEqual({ text: 'welcome' });
      client.text('x'.repeat(1_000_000));
      expect(await client.next()).toEqual({ text: 'x'.repeat(1_000_000) });
      client.socket.close(4000, 'bye');
      expect(await client.closed()).toEqual({ close: 4000, reason: 'bye' });
    }
    expect(versions).toEqual(['2.0', '2.0']);
    await vi.waitFor(() => expect(server.streams.size).toBe(0), UNTIL);
    expect(reasons).toEqual(Array(2).fill({ type: 'remote', code: 4000, reason: 'bye' }));
  });

  test('so do a refusal, the loss of a client, and a shutdown', async () => {
    const server = await served(route);
    server.http.on('request', (_request, response) => response.end('the site'));
    const url = await startProxy(server);
    await expect(Client.connect(`${url}/no`)).rejects.toThrow('403');
    const [lost, stays] = [await Client.connect(url), await Client.connect(url)];
    for (const client of [lost, stays]) expect(await client.next()).toEqual({ text: 'welcome' });
    lost.cut();
    await vi.waitFor(() => expect(reasons).toEqual([{ type: 'remote', code: 1006, reason: '' }]), UNTIL);
    const over = server.shutdowns[0]?.();
    expect(await stays.closed()).toEqual({ close: 1001, reason: '' });
    await over;
    expect(server.errors).toEqual([]);
  });
});
