// Responses of routes that a platform cannot send, on the servers that `serve` starts: 500, and a report.

import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { RawClient } from '../../tck/src/raw-client.ts';
import { type Host, launch, type Platform } from '../toolkit/host.ts';

const FILE = 'test/adapter/responses.application.ts';

describe.each(['bun', 'deno'] satisfies Platform[])('on %s', (platform) => {
  let server: Host;
  let http: string;

  beforeAll(async () => {
    server = await launch(platform, [FILE]);
    http = server.url.replace('ws:', 'http:');
  });
  afterAll(async () => {
    expect(await server?.stop(), 'the exit code of the server').toBe(0);
    expect(server.reports()).not.toMatch(/^(uncaught|unhandled)/m);
  });

  const reportsOf = (callback: string) =>
    [...server.reports().matchAll(/^\{"callback":"(\w+)","error":"(.*)"\}$/gm)].flatMap(([, of, error]) =>
      of === callback ? [error as string] : [],
    );

  test('a text keeps its length and its type', async () => {
    const text = await fetch(`${http}/text`);
    expect([text.status, await text.text()]).toEqual([200, 'fine']);
    expect(text.headers.get('Content-Length')).toBe('4');
    expect(text.headers.get('Content-Type')?.toLowerCase()).toBe('text/plain;charset=utf-8');
    const html = await fetch(`${http}/html`);
    expect([html.headers.get('Content-Type'), await html.text()]).toEqual(['text/html', '<p>']);
    expect([html.headers.get('X-Latin'), html.headers.get('X-Tab')]).toEqual(['\xe9', 'a\tb']);
    expect((await fetch(`${http}/empty`)).status).toBe(204);
  });

  test('a stream arrives complete', async () => {
    const response = await fetch(`${http}/chunks`);
    expect([response.status, await response.text()]).toEqual([200, 'fine']);
  });

  test.each([
    [
      '/control',
      'TypeError: the route returned a Response with a control character in the header \\"x-id\\"; remove it',
    ],
    [
      '/delete',
      'TypeError: the route returned a Response with a control character in the header \\"x-id\\"; remove it',
    ],
    [
      '/locked',
      'TypeError: the route returned a Response whose body is locked by a reader; release it, or return a new one',
    ],
    [
      '/read',
      'TypeError: the route returned a Response whose body has already been read; return a new one for each request',
    ],
    ['/start', 'Error: start failed'],
    ['/error', 'Error: errored'],
    ['/pull', 'Error: pull failed'],
    ['/read-on-demand', 'Error: pull failed on demand'],
    ['/second', 'Error: the second chunk failed'],
    ['/number', 'TypeError: the body of a Response has a chunk that is 5; enqueue bytes, as a Uint8Array'],
  ])('%s is answered with 500, and reported once', async (path, error) => {
    const before = reportsOf('route').length;
    const response = await fetch(http + path);
    expect([response.status, await response.text()]).toEqual([500, 'Internal Server Error\n']);
    const reports = reportsOf('route').slice(before);
    expect(reports.map((report) => report.replace('X-Id', 'x-id'))).toEqual([error]);
  });

  test('a body that fails after its first bytes is reported once, and the response is aborted', async () => {
    const response = await fetch(`${http}/late`);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    await vi.waitUntil(() => reportsOf('route').includes('Error: the body failed late'));
    expect(reportsOf('route').filter((error) => error.includes('late'))).toHaveLength(1);
  });

  test('a body that waits for its first chunk does not delay the headers, and is cancelled when the client leaves', async () => {
    const controller = new AbortController();
    const before = reportsOf('route').length;
    const paths = platform === 'bun' ? ['/events'] : ['/events', '/silent']; // Bun sends no headers before the first chunk
    for (const path of paths) expect((await fetch(http + path, { signal: controller.signal })).status).toBe(200);
    controller.abort();
    await vi.waitUntil(() => server.reports().includes('cancelled'));
    expect(reportsOf('route').length).toBe(before);
  });

  test('a handler whose property cannot be read ends its own connection, and no source reaches the client', async () => {
    const client = await RawClient.connect(`${server.url}/unreadable`);
    expect([101, 500]).toContain(client.status);
    expect(client.answer).not.toMatch(/cannot be read|application\.ts/);
    client.cut();
    const other = await RawClient.connect(`${server.url}/echo`);
    expect(other.status).toBe(101);
    other.cut();
  });
});

describe.each(['bun', 'deno'] satisfies Platform[])(
  'after a shutdown on %s, the process ends by itself',
  (platform) => {
    test.each(['/events', '/silent', '/echo'])('with a client of %s that stays', async (path) => {
      const server = await launch(platform, [FILE], { ENDS_BY_ITSELF: '1' });
      const { port } = new URL(server.url);
      const client = path === '/echo' ? (await RawClient.connect(`${server.url}/echo`)).socket : connect(Number(port));
      client.on('error', () => {});
      if (path !== '/echo') {
        client.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
        await new Promise((resolve) => client.once('data', resolve));
      }
      client.allowHalfOpen = true;
      client.removeAllListeners('end');
      expect(await server.stop()).toBe(0);
      expect(server.reports()).not.toMatch(/Uncaught|^error/m);
      client.destroy();
    });
  },
);
