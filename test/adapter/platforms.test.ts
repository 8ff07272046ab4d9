// What the bindings do about their platforms' peculiarities, and how long the hosts live. The rules themselves are
// tested in test/tck.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { limits as bun } from '../../adapter/src/bun.ts';
import { limits as workerd } from '../../adapter/src/cloudflare.ts';
import { limits as deno } from '../../adapter/src/deno.ts';
import { limits as ws } from '../../adapter/src/node.ts';
import type { Limits } from '../../tck/src/capabilities.ts';
import { Client } from '../../tck/src/client.ts';
import { host, type Platform, platforms } from '../toolkit/host.ts';

const limits: Record<Platform, Limits> = { node: ws, bun, deno, cloudflare: workerd };

test.each(platforms)('on %s, data of every kind is sent as what it is', async (platform) => {
  const server = await host(platform, 'test/adapter/platforms.application.ts');
  const client = await Client.connect(server.url);
  client.text('send');
  const control = limits[platform]['control frames out'] ? [] : [{ ping: 'ping' }, { pong: '\x01' }];
  const expected = [...control, { binary: '0203' }, { binary: '070707' }, { text: 'half a pair: \ufffd' }];
  for (const message of expected) expect(await client.next()).toEqual(message);
  client.close();
  expect(await server.stop()).toBe(0);
});

test.each(platforms)('on %s, the host ends when the one who started it dies', async (platform) => {
  const start = "require('./test/toolkit/host.ts').host(...process.argv.slice(1)).then(({ url }) => console.log(url))";
  const args = ['--require', 'tsx/cjs', '--eval', start, platform, 'test/adapter/platforms.application.ts'];
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
