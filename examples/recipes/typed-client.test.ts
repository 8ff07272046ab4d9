// typed-client.ts in a real browser, bundled.

import { accept, type Serving, serve } from '@websock/adapter/node';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { launchBrowser, noBrowser, PATIENCE, START } from '../../test/toolkit/browser.ts';
import { counter } from './typed.ts';
import type { connectTyped } from './typed-client.ts';

/** For the compiler only: it refuses messages that the schema refuses. */
export function sendTyped({ send }: ReturnType<typeof connectTyped>): void {
  send({ type: 'add', amount: 1 });
  // @ts-expect-error: the amount is a number
  send({ type: 'add', amount: '1' });
  // @ts-expect-error: there is no such type
  send({ type: 'subtract' });
}

describe.skipIf(noBrowser !== undefined)(`typed-client.ts${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  let browser: Browser;
  let server: Serving;
  let script: string;

  beforeAll(async () => {
    const stdin = { contents: "export { connectTyped } from './typed-client.ts'", resolveDir: import.meta.dirname };
    const { outputFiles } = await build({ stdin, bundle: true, format: 'iife', globalName: 'client', write: false });
    script = outputFiles[0]?.text ?? '';
    const html = { headers: { 'content-type': 'text/html' } };
    server = await serve(
      (request) =>
        new URL(request.url).pathname === '/counter'
          ? accept(counter)
          : new Response(`<!doctype html><link rel="icon" href="data:,"><script>${script}</script>`, html),
      { port: 0, hostname: '127.0.0.1' },
    );
    browser = await launchBrowser();
  }, START);
  afterAll(async () => {
    await browser?.close();
    await server?.shutdown();
  });

  test('the page sends and receives; its script contains no schemas', async () => {
    expect(script).toContain('WebSocket');
    expect(script.length).toBeLessThan(5_000);
    const page = await browser.newPage();
    await page.goto(server.url.replace('ws:', 'http:'));
    await page.evaluate(`
      window.totals = [];
      connection = client.connectTyped('${server.url}/counter', {
        onMessage: ({ total }) => totals.push(total),
        onState: (isOpen) => {
          if (!isOpen) return;
          connection.send({ type: 'add', amount: 2 });
          connection.send({ type: 'add', amount: 3 });
          connection.send({ type: 'reset' });
        },
        onEnd: (code) => totals.push('ended: ' + code),
      });
      undefined`);
    await vi.waitFor(async () => expect(await page.evaluate('totals')).toEqual([2, 5, 0]), PATIENCE);
    await page.evaluate("connection.send({ type: 'subtract' })"); // the server does not trust the types of its clients
    await vi.waitFor(async () => expect(await page.evaluate('totals')).toEqual([2, 5, 0, 'ended: 1008']), PATIENCE);
  });
});
