// Independent servers: several in one process, and two Durable Objects. Titles begin with the rule.

import { once } from 'node:events';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import { frame, RawClient, TEXT } from '../../tck/src/raw-client.ts';
import { type Host, launch } from '../toolkit/host.ts';
import { exchange, UPGRADE } from './node-server.ts';

describe.each(['node', 'bun', 'deno'] as const)('three servers on %s', (platform) => {
  let running: Host;
  let second: string;

  beforeAll(async () => {
    running = await launch(platform, ['test/adapter/servers.application.ts', platform]);
    second = await ask('/second');
  });
  afterAll(async () => {
    expect(await running?.stop()).toBe(0);
    expect(running.reports()).not.toMatch(/^(uncaught|unhandled)/m);
  });

  const http = (url: string, init?: RequestInit) => fetch(url.replace('ws:', 'http:'), init);
  /** Sends a request to the first server. */
  const ask = async (path: string) => (await http(running.url + path)).text();

  test('the second argument of a route is that of the platform', async () => {
    expect(await (await http(`${second}/platform`)).json()).toEqual(['address']);
  });

  test('a server shows the number of its connections', async () => {
    const clients = await Promise.all(['/echo', '/echo'].map((path) => Client.connect(running.url + path)));
    await vi.waitFor(async () => expect(await ask('/connections')).toBe('2'));
    for (const client of clients) client.close();
    await vi.waitFor(async () => expect(await ask('/connections')).toBe('0'));
  });

  test('1.5 requests that are not upgrades are answered', async () => {
    expect((await http(`${second}/nothing`)).status).toBe(404);
    expect((await http(`${second}/echo`)).status).toBeGreaterThanOrEqual(400);
    expect((await http(`${second}/echo`, { method: 'POST', body: 'x' })).status).toBe(405);
  });

  test('the 404 of an upgrade says that the route returned nothing', async () => {
    const answer = await exchange(second, ['GET /nothing HTTP/1.1', ...UPGRADE]);
    expect(answer).toMatch(/^HTTP.1.1 404 /);
    const why = 'Not Found: the route returned neither accept(handler, arg) nor a Response for this request\n';
    expect(answer).toContain(`\r\n\r\n${why}`);
  });

  test.each(['HEAD /answer', 'GET /answer?status=204', 'GET /answer?status=304'])('%s has no body', async (request) => {
    for (const headers of [UPGRADE, UPGRADE.slice(0, 1)]) {
      const answer = await exchange(second, [`${request} HTTP/1.1`, ...headers]);
      expect(answer).toMatch(/^HTTP.1.1 [23]/);
      expect(answer).toMatch(/\r\n\r\n$/);
      expect(answer.split('\r\n\r\n')).toHaveLength(2);
      if (!request.startsWith('HEAD')) expect(answer).not.toMatch(/content-length/i); // RFC 9110 §8.6
    }
  });

  test('an upgrade to another protocol is answered like any other request', async () => {
    const h2c = ['Host: localhost', 'Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAMAAABk'];
    expect(await exchange(second, ['GET /answer HTTP/1.1', ...h2c])).toMatch(/^HTTP.1.1 200 .*\r\nGET: \n/s);
    expect(await exchange(second, ['GET /echo HTTP/1.1', ...h2c])).toMatch(/^HTTP.1.1 426 /);
    // with its whole body, or refused
    const posted = await exchange(second, ['POST /answer HTTP/1.1', ...h2c, 'Content-Length: 5'], 'hello');
    expect(posted).toMatch(/^HTTP.1.1 (200 .*\r\nPOST: hello\n|400 )/s);
    const stray = await exchange(second, ['POST /answer HTTP/1.1', ...h2c.slice(0, 2), 'Content-Length: 5'], 'hello');
    expect(stray).toMatch(/^HTTP.1.1 200 .*POST: hello/s);
  });

  test.each(['a b', 'a/b?c', 'a@b', 'a:99999999', ''])(
    '1.5 an invalid Host (%s) is answered with 400',
    async (host) => {
      expect(await statusFor(second, host)).toBe(400);
      expect(running.reports()).not.toContain('URL');
    },
  );

  test('a route that throws is answered with 500 and reported, even if the reporter throws', async () => {
    expect((await http(`${second}/throw`)).status).toBe(500);
    expect(JSON.parse(await ask('/errors'))).toEqual(['route: Error: no route']);
  });

  test('a Response that is an error is answered with 500 and reported', async () => {
    const before = JSON.parse(await ask('/errors')).length;
    expect((await http(`${second}/error`)).status).toBe(500);
    expect(await exchange(second, ['GET /error HTTP/1.1', ...UPGRADE])).toMatch(/^HTTP.1.1 500 /);
    const why =
      'route: TypeError: the route returned Response.error(), which cannot be sent; return a Response with a status';
    expect(JSON.parse(await ask('/errors')).slice(before)).toEqual([why, why]);
  });

  test('a port in use is an error of serve', async () => {
    const { message, code, cause } = JSON.parse(await ask('/taken'));
    expect(message).toBe(
      `serve: cannot listen on 127.0.0.1, port ${new URL(second).port}: ` +
        'another program listens there; end it, or pass another port (0 for a free one)',
    );
    expect(code).toBe('EADDRINUSE');
    expect(cause).toMatch(/in use/);
  });

  test('1.3 a reset at any moment of a handshake, or while a route is pending, harms no other connection', async () => {
    await resetOften(`${second}/later`);
    const client = await Client.connect(`${second}/echo`);
    client.text('still here?');
    expect(await client.next()).toEqual({ text: 'still here?' });
    client.close();
  });

  test('4.5 a shutdown without connections waits for pending routes, for a limited time, then answers 503', async () => {
    const third = await ask('/third');
    const never = exchange(third, ['GET /never HTTP/1.1', ...UPGRADE]);
    const request = exchange(third, ['GET /request HTTP/1.1', 'Host: localhost']);
    await vi.waitUntil(async () => (await ask('/pending')).includes('third'));
    const over = ask('/shutdown-third');
    const start = performance.now();
    await ask('/settle?what=third');
    expect(await request).toMatch(/^HTTP.1.1 200 .*in time/s);
    expect(await never).toMatch(/^HTTP.1.1 503 /);
    expect(performance.now() - start).toBeGreaterThan(900);
    await over;
    expect(performance.now() - start).toBeLessThan(5_000);
    await expect(Client.connect(third)).rejects.toThrow('ECONNREFUSED');
  });

  test('1.6 a shutdown ends one server, refuses requests whose route is pending, and does not affect the other server', async () => {
    const other = await Client.connect(`${running.url}/echo`);
    const client = await Client.connect(`${second}/stuck`);
    client.text('hold the shutdown up');
    const pending = RawClient.connect(`${second}/wait`);
    await vi.waitUntil(async () => /"handler","route"/.test(await ask('/pending')));

    const over = ask('/shutdown?timeout=30000');
    expect(await client.closed()).toEqual({ close: 1001, reason: '' });
    expect((await http(`${second}/echo`)).status).toBe(503);
    expect((await RawClient.connect(`${second}/echo`)).status).toBe(503);
    await ask('/settle?what=route');
    expect((await pending).status).toBe(503);
    await ask('/settle?what=handler');
    await over;
    await expect(Client.connect(`${second}/echo`)).rejects.toThrow('ECONNREFUSED');

    other.text('still here?');
    expect(await other.next()).toEqual({ text: 'still here?' });
    other.close();
  });
});

describe('two Durable Objects on workerd', () => {
  let running: Host;

  beforeAll(async () => {
    const [application, worker] = [1, 2].map(() => resolve('test/adapter/objects.application.ts')) as [string, string];
    running = await launch('cloudflare', ['test/toolkit/hosts/cloudflare.ts', application, worker]);
  });
  afterAll(async () => {
    expect(await running?.stop()).toBe(0);
    expect(running.reports()).not.toMatch(/^(uncaught|unhandled)/m);
  });

  const http = (path: string) => fetch(running.url.replace('ws:', 'http:') + path);

  test('the second argument of a route has the further arguments of fetch', async () => {
    expect(await (await http('/a/platform')).json()).toEqual(['function', 'function']);
  });

  test('createFetch shows the number of its connections', async () => {
    const count = async () => (await fetch(`${running.url.replace('ws:', 'http:')}/a/connections`)).text();
    const client = await Client.connect(`${running.url}/a/echo`);
    await vi.waitFor(async () => expect(await count()).toBe('1'));
    client.close();
    await vi.waitFor(async () => expect(await count()).toBe('0'));
  });

  test('a request that the route does not handle is left to the Durable Object', async () => {
    expect(await (await http('/a/nothing')).text()).toBe('not mine');
    expect((await http('/a/echo')).status).toBeGreaterThanOrEqual(400);
  });

  test('1.3 a reset at any moment of a handshake, or while a route is pending, harms no other connection', async () => {
    await resetOften(`${running.url}/b/later`);
    const client = await Client.connect(`${running.url}/b/echo`);
    client.text('still here?');
    expect(await client.next()).toEqual({ text: 'still here?' });
    client.close();
  });

  test('4.4 an asynchronous terminate completes outside a Durable Object, too', async () => {
    const client = await Client.connect(`${running.url}/plain`);
    client.close(1000);
    expect(await client.closed()).toEqual({ close: 1000, reason: '' });
    await vi.waitUntil(() => running.reports().includes('terminate is done'), 10_000);
  });

  test('1.6 a shutdown ends the connections of one Durable Object, and does not affect the other', async () => {
    const a = await Client.connect(`${running.url}/a/echo`);
    const b = await Client.connect(`${running.url}/b/echo`);
    expect((await http('/a/shutdown')).status).toBe(200);
    expect(await a.closed()).toEqual({ close: 1001, reason: '' });
    expect((await RawClient.connect(`${running.url}/a/echo`)).status).toBe(503);
    b.text('still here?');
    expect(await b.next()).toEqual({ text: 'still here?' });
    b.close();
  });

  test('4.3 a close frame of more than 125 bytes is answered with 1002', async () => {
    const client = await RawClient.connect(`${running.url}/b/echo`);
    client.send(frame(8, Buffer.concat([Buffer.of(0x03, 0xe8), Buffer.alloc(124, 'x')])));
    expect((await client.untilClose())[1]).toBe(1002);
  });

  test('1.3 frames in the packet of the handshake are kept', async () => {
    const client = await RawClient.connect(`${running.url}/b/echo`, { earlyBytes: frame(TEXT, 'early') });
    expect(await client.next()).toMatchObject({ payload: Buffer.from('early') });
    client.cut();
  });
});

/** The status of the response to a request with this Host. */
async function statusFor(url: string, host: string): Promise<number> {
  const answer = await exchange(url, ['GET /echo HTTP/1.1', `Host: ${host}`, 'Connection: close']);
  return Number(/^HTTP.1.1 (\d+)/.exec(answer)?.[1]);
}

/** Resets a hundred connections, each a little later: from before the request is complete until after the response. */
async function resetOften(url: string): Promise<void> {
  const { hostname, port, pathname } = new URL(url);
  const head = [`GET ${pathname} HTTP/1.1`, ...UPGRADE].join('\r\n');
  await Promise.all(
    Array.from({ length: 100 }, async (_, moment) => {
      const socket = connect(Number(port), hostname);
      await once(socket, 'connect');
      socket.on('error', () => {});
      socket.write(head.slice(0, moment < 20 ? moment * 10 : undefined));
      if (moment >= 20) socket.write('\r\n\r\n');
      if (moment % 2) socket.write(frame(TEXT, 'early'));
      await new Promise((resolve) => setTimeout(resolve, moment / 4));
      socket.resetAndDestroy();
    }),
  );
}
