// What the bindings do about their platforms' peculiarities. The rules themselves are tested in test/lifecycle.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { Client } from '../lifecycle/client.ts';
import { limits as bun } from './bun.ts';
import { limits as deno } from './deno.ts';
import { type Host, host, type Platform, platforms } from './host.ts';
import type { Limits } from './limits.ts';
import { limits as workerd } from './workerd.ts';
import { limits as ws } from './ws.ts';

const limits: Record<Platform, Limits> = { ws, bun, deno, workerd };

const hosts = new Map<Platform, Promise<Host>>();

const serve = (platform: Platform) => {
  const started = hosts.get(platform) ?? host(platform, 'test/servers/platforms.application.ts');
  hosts.set(platform, started);
  return started;
};

afterAll(async () => {
  await Promise.all(Array.from(hosts.values(), async (started) => (await started).stop()));
}, 30_000);

/** How the connection of a name has ended on a server. */
async function ending(url: string, name: string): Promise<unknown> {
  const client = await Client.connect(url);
  try {
    for (;;) {
      client.text('endings');
      const { text } = (await client.next()) as { text: string };
      const found = JSON.parse(text).find(([ended]: [string]) => ended === name);
      if (found) return found.slice(1);
      await new Promise((settle) => setTimeout(settle, 20));
    }
  } finally {
    client.close();
  }
}

describe.each(platforms)('on %s', (platform) => {
  test('3.2 messages of every kind are sent; control frames are left out where the platform has none', async () => {
    const { url } = await serve(platform);
    const client = await Client.connect(`${url}/messages`);
    client.text('messages');
    const control = limits[platform]['control frames out'] ? [] : [{ ping: 'ping' }, { pong: '\x01' }];
    const expected = [...control, { binary: '0203' }, { binary: '070707' }, { text: 'half a pair: \ufffd' }];
    for (const message of expected) expect(await client.next()).toEqual(message);
    client.close();
  });

  test('4.3 each connection has a largest message of its own, counted in bytes and over all fragments', async () => {
    const { url } = await serve(platform);
    const large = await Client.connect(`${url}/large?maxFrameSize=3000`);
    large.text('é'.repeat(1500));
    expect(await large.next()).toEqual({ text: 'ok' });
    large.close();
    const small = await Client.connect(`${url}/small?maxFrameSize=2000`);
    small.socket.send('é'.repeat(600), { fin: false });
    small.socket.send('é'.repeat(401));
    expect(await small.closed()).toMatchObject({ close: 1009 });
    expect(await ending(url, 'small')).toEqual(['error', expect.any(String)]);
  });

  test('5.1 a flood into a callback that is pending is held back, or closes the connection', async () => {
    const { url } = await serve(platform);
    const client = await Client.connect(`${url}/flood`);
    client.text('hang');
    const most = 100_000_000;
    let sent = 0;
    const bytes = Buffer.alloc(100_000);
    while (sent < most && client.inbox.length === 0 && client.socket.bufferedAmount < 10_000_000) {
      client.socket.send(bytes);
      sent += bytes.length;
      await new Promise((settle) => setTimeout(settle, 1));
    }
    if (limits[platform].pause) {
      // Deno drops the connection when the client sends more behind its close frame.
      expect([1013, 1006]).toContain(((await client.next()) as { close: number }).close);
    } else {
      expect(client.inbox).toEqual([]);
      expect(sent).toBeLessThan(most);
      client.cut();
    }
  });
});

test('4.3 workerd: a close code that may not be sent is not echoed', async () => {
  const { url } = await serve('workerd');
  const { hostname, port } = new URL(url);
  const head = [
    'GET /code HTTP/1.1',
    `Host: ${hostname}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  const socket = connect(Number(port), hostname);
  const close = Buffer.of(0x88, 0x82, 0, 0, 0, 0, 999 >> 8, 999 & 0xff);
  socket.write(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), close]));
  const chunks: Buffer[] = await socket.toArray();
  expect(Buffer.concat(chunks).subarray(-4)).toEqual(Buffer.of(0x88, 2, 1002 >> 8, 1002 & 0xff));
  expect(await ending(url, 'code')).toEqual(['error', expect.stringContaining('999')]);
});

test.concurrent.each(platforms)(
  '4.5 on %s, a shutdown does not wait for a callback that never settles',
  async (platform) => {
    const server = await host(platform, 'test/servers/platforms.application.ts');
    const client = await Client.connect(server.url);
    client.text('hang');
    await new Promise((settle) => setTimeout(settle, 200));
    expect(await server.stop()).toBe(0);
    expect(await client.closed()).toEqual({ close: 1001, reason: '' });
    expect(server.reports()).toBe('');
  },
);

test.each(platforms)('on %s, the host ends when the one who started it dies', async (platform) => {
  const start = "require('./test/servers/host.ts').host(...process.argv.slice(1)).then(({ url }) => console.log(url))";
  const args = ['--require', 'tsx/cjs', '--eval', start, platform, 'test/servers/platforms.application.ts'];
  const starter = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [url] = (await once(starter.stdout.setEncoding('utf8'), 'data')) as [string];
  const client = await Client.connect(url.trim());
  starter.kill('SIGKILL');
  expect(await client.closed()).toEqual({ close: 1001, reason: '' });
  await vi.waitUntil(
    () =>
      Client.connect(url.trim()).then(
        () => false,
        () => true,
      ),
    { timeout: 10_000 },
  );
});
