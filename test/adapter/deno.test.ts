// Behavior specific to Deno: its own idle timeout and pings, and sockets that only a shutdown of the server can close.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import { CLOSE, frame, RawClient, TEXT } from '../../tck/src/raw-client.ts';
import { createCertificateIn, noOpenssl } from '../toolkit/certificate.ts';
import { type Host, host, launch } from '../toolkit/host.ts';

const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

const FILE = 'test/adapter/platforms.application.ts';
const WITHOUT_STALLS = { ADAPTER_OPTIONS: '{"stallTimeout":60000,"closeTimeout":500}' };

let running: Host;

beforeAll(async () => {
  running = await host('deno', FILE, WITHOUT_STALLS);
});
afterAll(async () => {
  expect(await running?.stop()).toBe(0);
  expect(running.reports()).not.toMatch(/^(uncaught|unhandled)/m);
});

const url = (path: string, options: object) => `${running.url}${path}options=${JSON.stringify(options)}`;

test("4.6 after Deno's own idle timeout, terminate receives timeout with 1001", async () => {
  const client = await RawClient.connect(url('/sink?', { idleTimeout: 400 }));
  expect((await client.untilClose())[1]).toBe(1001);
  await vi.waitUntil(() => running.reports().includes('/sink ended: {"type":"timeout","code":1001,"reason":""}'));
});

test("4.6 after Deno's own idle timeout, terminate is called although data is buffered for a client that does not read", async () => {
  // After the ping, which would be buffered too.
  const client = await RawClient.connect(url('/pour?count=30&after=750&', { idleTimeout: 1_000 }));
  client.socket.pause();
  const end = '/pour ended: {"type":"timeout","code":1001,"reason":""}';
  await vi.waitUntil(() => running.reports().includes(end), 20_000);
  client.cut();
});

test('4.6 without a heartbeat, no ping is sent, and the adapter closes with its own code', async () => {
  const client = await RawClient.connect(url('/echo?', { idleTimeout: 400, heartbeat: false }));
  expect(await client.next()).toMatchObject({ opcode: CLOSE, payload: Buffer.of(0x03, 0xe9) }); // 1001
  await vi.waitUntil(() => running.reports().includes('/echo ended: {"type":"timeout","code":1001,"reason":""}'));
  client.cut();
});

test('4.5 a shutdown settles although clients neither read nor answer', async () => {
  const own = await host('deno', FILE, { ADAPTER_OPTIONS: '{"stallTimeout":500,"closeTimeout":500}' });
  const unread = await RawClient.connect(`${own.url}/pour?count=30`);
  unread.send(frame(TEXT, 'go'));
  unread.socket.pause();
  const silent = await RawClient.connect(`${own.url}/sink`);
  silent.socket.allowHalfOpen = true;
  silent.socket.removeAllListeners('end');
  expect(await own.stop()).toBe(0);
  expect(own.reports()).not.toMatch(/^(uncaught|unhandled)/m);
  unread.cut();
  silent.cut();
});

test('createFetch and createAdapter serve connections of a server of your own', async () => {
  const own = await launch('deno', ['test/adapter/deno.application.ts']);
  for (const path of ['/fetch', '/adapter']) {
    const client = await RawClient.connect(own.url + path, { earlyBytes: frame(TEXT, 'early') });
    expect(await client.next()).toMatchObject({ payload: Buffer.from('early') });
    client.cut();
  }
  const response = await fetch(`${own.url.replace('ws:', 'http:')}/nothing`);
  expect([response.status, await response.text()]).toEqual([404, 'not mine']);
  expect(await own.stop()).toBe(0);
});

test('3.4 a client that closes after the last message of a stop receives the code of the stop', async () => {
  for (const [count, size] of [
    [1, 3],
    [5, 1_000_000],
  ] as const) {
    const client = await Client.connect(`${running.url}/pour-and-stop?count=${count}&size=${size}&close=4001`);
    client.socket.on('message', () => --left === 0 && client.socket.close(1000));
    let left: number = count;
    client.text('go');
    for (let message = 0; message < count; message++) await client.next();
    expect(await client.closed()).toEqual({ close: 4001, reason: '' });
  }
  const ends = [...running.reports().matchAll(/^\/pour-and-stop ended: (.*)$/gm)].map(([, end]) => end);
  expect(ends).toEqual(Array(2).fill('{"type":"normal","code":4001,"reason":""}'));
});

test('1.6 a shutdown waits for a connection that was accepted before it and opens after it', async () => {
  const own = await launch('deno', ['test/adapter/deno.application.ts']);
  // It answers no close frame, so a shutdown that waits for it takes a second.
  const client = await RawClient.connect(`${own.url}/shutdown`);
  client.socket.allowHalfOpen = true;
  expect((await client.untilClose())[1]).toBe(1001);
  expect(own.reports()).not.toContain('shut down');
  client.cut();
  await vi.waitUntil(() => own.reports().includes('shut down'));
  expect(await own.stop()).toBe(0);
});

test.skipIf(noOpenssl)(
  '4.3g over TLS, a client that disappears is remote with 1006; a protocol error stays an error',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'websock-tls-'));
    const { cert } = createCertificateIn(folder);
    const own = await launch('deno', ['test/adapter/deno.application.ts'], { TLS: folder });
    const open = async () => {
      const socket = tls.connect({ port: Number(new URL(own.url).port), ca: cert, host: '127.0.0.1' });
      socket.on('error', () => {});
      const header = ['GET /fetch HTTP/1.1', 'Host: localhost', ...UPGRADE, '', ''];
      socket.write(header.join('\r\n'));
      await once(socket, 'data');
      return socket;
    };
    (await open()).destroy();
    (await open()).end();
    (await open()).write(frame(0x3, 'reserved opcode'));
    const ends = () => [...own.reports().matchAll(/^ended: (.*)$/gm)].map(([, end]) => end);
    await vi.waitUntil(() => ends().length === 3);
    expect(ends().sort()).toEqual(['error 1006', 'remote 1006', 'remote 1006']);
    expect(await own.stop()).toBe(0);
    rmSync(folder, { recursive: true });
  },
);
