// reconnect.js and typed-client.ts in a real browser.

import { join } from 'node:path';
import { accept, serve } from '@websock/adapter/node';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { launchBrowser, noBrowser, PATIENCE, START } from '../../test/toolkit/browser.ts';
import { type Host, launch } from '../../test/toolkit/host.ts';
import { freePort } from '../../test/toolkit/programs.ts';
import { counter } from './typed.ts';
import type { connectTyped } from './typed-client.ts';

let browser: Browser;
beforeAll(async () => {
  if (noBrowser === undefined) browser = await launchBrowser();
}, START);
afterAll(() => browser?.close());

const onBrowser = noBrowser ? ` (${noBrowser})` : '';

describe.skipIf(noBrowser !== undefined)(`reconnect.js${onBrowser}`, () => {
  let page: Page;
  let server: Host;
  let port: number;
  let attempts: number;

  async function start(): Promise<void> {
    const program = join(import.meta.dirname, 'reconnect.application.ts');
    server = await launch('node', ['test/toolkit/hosts/program.ts', program], { PORT: String(port) });
  }
  async function kill(): Promise<void> {
    server.process.kill('SIGKILL');
    await server.stop();
  }

  beforeAll(async () => {
    port = await freePort();
    await start();
  }, START);
  afterAll(async () => {
    expect(await server.stop()).toBe(0);
  });

  beforeEach(async () => {
    page = await browser.newPage();
    attempts = 0;
    page.on('websocket', () => attempts++);
    await page.context().addCookies([{ name: 'session', value: 'valid', url: `http://127.0.0.1:${port}` }]);
  });
  afterEach(async () => {
    await page.close();
  });

  /** Opens the page, and waits until it is connected. */
  async function open(query = ''): Promise<void> {
    await page.goto(`http://127.0.0.1:${port}/${query}`);
    await sees('open');
  }
  const events = (): Promise<string[]> => page.evaluate('events');
  /** Waits until these are the first events of the page. */
  const sees = (...first: string[]) =>
    vi.waitFor(async () => expect((await events()).slice(0, first.length)).toEqual(first), PATIENCE);
  const send = (data: string) => page.evaluate(`connection.send('${data}')`);

  test('the page sends, and receives', async () => {
    await open();
    await send('hello');
    await sees('open', 'hello');
  });

  test('a killed server comes back, and so does the page; what it sends meanwhile is an error', async () => {
    await open();
    await kill();
    await sees('open', 'lost');
    await expect(send('hello')).rejects.toThrow('not sent: the connection is not open');
    await vi.waitFor(() => expect(attempts).toBeGreaterThan(1), PATIENCE); // failed attempts do not end it
    await start();
    await vi.waitFor(async () => expect((await events()).at(-1)).toBe('open'), PATIENCE);
    await send('hello again');
    await vi.waitFor(async () => expect((await events()).at(-1)).toBe('hello again'), PATIENCE);
  });

  test('the page comes back after a shutdown (1001)', async () => {
    await open();
    expect(await server.stop()).toBe(0);
    await start();
    await vi.waitFor(
      async () => expect((await events()).filter((event) => event === 'open')).toHaveLength(2),
      PATIENCE,
    );
  });

  test('the page comes back after 1002, 1012 and 1013', async () => {
    await open();
    for (const code of [1002, 1012, 1013]) {
      await page.reload();
      await sees('open');
      await send(String(code));
      await sees('open', 'lost', 'open');
    }
  });

  test('the page comes back after an idle timeout, as a laptop does that has slept', async () => {
    await open('?idle=200');
    await sees('open', 'lost', 'open', 'lost', 'open');
  });

  test('the page stays away after other codes', async () => {
    await open();
    for (const code of [1000, 1008, 1011, 4000]) {
      await page.reload();
      await sees('open');
      await send(String(code));
      await sees('open', 'lost', `ended: ${code}`);
    }
    await staysAway();
  });

  test('the page stops when its session has expired', async () => {
    await open();
    await page.context().clearCookies();
    await send('1012');
    await sees('open', 'lost', 'lost', 'ended: 401');
    expect(attempts).toBe(2);
    await staysAway();
  });

  test('close ends it, while connected', async () => {
    await open();
    await page.evaluate('connection.close()');
    await staysAway();
    expect(await events()).toEqual(['open']);
  });

  test('close ends it, while disconnected', async () => {
    await open();
    await kill();
    await sees('open', 'lost');
    await page.evaluate('connection.close()');
    const [before, attemptsBefore] = [await events(), attempts];
    await start();
    await staysAway();
    expect(attempts).toBe(attemptsBefore);
    expect(await events()).toEqual(before);
  });

  /** Resolves after twice the longest delay of a first attempt, if there was none. */
  async function staysAway(): Promise<void> {
    const before = attempts;
    await new Promise((settle) => setTimeout(settle, 2_000));
    expect(attempts).toBe(before);
  }
});

/** For the compiler only: it refuses messages that the schema refuses. */
export function sendTyped({ send }: ReturnType<typeof connectTyped>): void {
  send({ type: 'add', amount: 1 });
  // @ts-expect-error: the amount is a number
  send({ type: 'add', amount: '1' });
  // @ts-expect-error: there is no such type
  send({ type: 'subtract' });
}

test.skipIf(noBrowser !== undefined)(
  `typed-client.ts sends and receives, and contains no schemas${onBrowser}`,
  async () => {
    const stdin = { contents: "export { connectTyped } from './typed-client.ts'", resolveDir: import.meta.dirname };
    const { outputFiles } = await build({ stdin, bundle: true, format: 'iife', globalName: 'client', write: false });
    const script = outputFiles[0]?.text ?? '';
    expect(script).toContain('WebSocket');
    expect(script.length).toBeLessThan(5_000);
    const html = `<!doctype html><link rel="icon" href="data:,"><script>${script}</script>`;
    const server = await serve(
      ({ headers }) =>
        headers.has('upgrade') ? accept(counter) : new Response(html, { headers: { 'content-type': 'text/html' } }),
      { port: 0, hostname: '127.0.0.1' },
    );
    const page = await browser.newPage();
    try {
      await page.goto(server.url.replace('ws:', 'http:'));
      await page.evaluate(`
      window.received = [];
      connection = client.connectTyped('${server.url}', {
        onMessage: ({ total }) => received.push(total),
        onState: (isOpen) => {
          if (!isOpen) return;
          connection.send({ type: 'add', amount: 2 });
          connection.send({ type: 'add', amount: 3 });
          connection.send({ type: 'reset' });
          connection.send({ type: 'subtract' }); // the server does not rely on the types of its clients
        },
        onEnd: (code) => received.push('ended: ' + code),
      });
      undefined`);
      await vi.waitFor(async () => expect(await page.evaluate('received')).toEqual([2, 5, 0, 'ended: 1008']), PATIENCE);
    } finally {
      await page.close();
      await server.shutdown();
    }
  },
);
