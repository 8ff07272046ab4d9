// Behavior specific to Deno: its own idle timeout and pings, and sockets that only a shutdown of the server can close.

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { CLOSE, frame, RawClient, TEXT } from '../../tck/src/raw-client.ts';
import { type Host, host, launch } from '../toolkit/host.ts';

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
