// The board, with real clients, its database in a file, and its page in a real browser.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import { launchBrowser, noBrowser, PATIENCE, START } from '../../test/toolkit/browser.ts';
import { emptyFolder } from '../../test/toolkit/package.ts';
import { execute, freePort, node24 } from '../../test/toolkit/programs.ts';
import type { FromClient, FromServer, Note } from './protocol.ts';

const folder = emptyFolder();
afterAll(() => rmSync(folder, { recursive: true }));

let server: ChildProcess;
let port: number;
let errors: string;

async function start(): Promise<void> {
  const env = { ...process.env, PORT: String(port), DATABASE: join(folder, 'board.db'), ADMIN_TOKEN: 'sesame' };
  server = spawn(node24, ['--no-warnings', '--import', 'tsx', 'server.ts'], {
    cwd: import.meta.dirname,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  errors = '';
  server.stderr?.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  for await (const _url of createInterface({ input: server.stdout as NodeJS.ReadableStream })) return;
  throw new Error(`the server has not started: ${errors}`);
}

async function stop(): Promise<void> {
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(errors).toBe('');
}

beforeAll(async () => {
  port = await freePort();
  await start();
});
afterAll(stop);

const url = (path: string) => `http://127.0.0.1:${port}${path}`;

/** Logs in; returns the cookie. */
async function logIn(name: string): Promise<string> {
  const response = await fetch(url('/login'), {
    method: 'POST',
    body: new URLSearchParams({ name }),
    redirect: 'manual',
  });
  expect(response.status).toBe(303);
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
}

const clients: Client[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.cut();
});

/** Connects; returns the client and the notes of the board. */
async function enter(cookie: string): Promise<[Client, readonly Note[]]> {
  const client = await Client.connect(url('/notes').replace('http', 'ws'), { headers: { cookie } });
  clients.push(client);
  const message = await next(client);
  return [client, message.type === 'all' ? message.notes : expect.fail()];
}

const send = (client: Client, message: FromClient) => client.text(JSON.stringify(message));
async function next(client: Client): Promise<FromServer> {
  const received = await client.next();
  return 'text' in received ? JSON.parse(received.text) : expect.fail(JSON.stringify(received));
}

const asAdmin = { authorization: 'Bearer sesame' };
const metrics = async () => (await fetch(url('/metrics'), { headers: asAdmin })).text();
const refusal = (headers: Record<string, string>) =>
  Client.connect(url('/notes').replace('http', 'ws'), { headers }).then(
    (client) => {
      clients.push(client);
      return 'accepted';
    },
    (error: Error) => /\d+$/.exec(error.message)?.[0],
  );

test('notes are shared, and survive a restart with the sessions; the clients are asked to come back (1012)', async () => {
  const [alice, bob] = [await logIn('Alice'), await logIn('Bob')];
  const [first] = await enter(alice);
  const [second] = await enter(bob);
  const note = { id: randomUUID(), text: 'Milk 🥛', x: 0.1, y: 0.2 };
  send(first, { type: 'put', ...note });
  for (const client of [first, second]) {
    expect(await next(client)).toEqual({ type: 'put', note: { ...note, author: 'Alice' } });
  }
  send(second, { type: 'put', ...note, text: 'Oat milk', x: 0.5 });
  const changed = { ...note, author: 'Alice', text: 'Oat milk', x: 0.5 };
  for (const client of [first, second]) expect(await next(client)).toEqual({ type: 'put', note: changed });

  const silent = connect(port, '127.0.0.1'); // as browsers open, for requests to come
  await once(silent, 'connect');
  await stop();
  for (const client of [first, second]) {
    expect(await client.closed()).toEqual({ close: 1012, reason: 'back in a moment' });
  }
  await start();
  const [back, notes] = await enter(alice);
  expect(notes).toContainEqual(changed);
  send(back, { type: 'remove', id: note.id });
  expect(await next(back)).toEqual({ type: 'remove', id: note.id });
  const [, left] = await enter(bob);
  expect(left).not.toContainEqual(changed);
});

/** Changes the notes behind the server's back. */
async function inDatabase(sql: string): Promise<void> {
  const code = `new (require('node:sqlite').DatabaseSync)('board.db').exec(${JSON.stringify(sql)})`;
  expect((await execute(node24, ['--no-warnings', '-e', code], folder)).output).toBe('');
}

test('the board has at most 500 notes, which can still be changed', async () => {
  await inDatabase(`delete from notes; insert into notes
    with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 500)
    select format('00000000-0000-4000-8000-%012d', n), 'filler', '', 0, 0 from numbers`);
  const id = '00000000-0000-4000-8000-000000000500';
  const [client, notes] = await enter(await logIn('Alice'));
  expect(notes).toHaveLength(500);
  const place = { text: 'new', x: 0, y: 1 };
  send(client, { type: 'put', id: randomUUID(), ...place });
  expect(await next(client)).toEqual({ type: 'full' });
  send(client, { type: 'put', id, ...place });
  expect(await next(client)).toEqual({ type: 'put', note: { id, author: 'filler', ...place } });
  send(client, { type: 'remove', id });
  send(client, { type: 'put', id: randomUUID(), ...place });
  expect(await next(client)).toMatchObject({ type: 'remove' });
  expect(await next(client)).toMatchObject({ type: 'put' });
  await inDatabase('delete from notes');
});

test('only people who have logged in, from our own page, on at most five connections', async () => {
  expect(await refusal({})).toBe('401');
  expect(await refusal({ cookie: `session=${randomUUID()}` })).toBe('401');
  const cookie = await logIn('Carol');
  for (const origin of ['https://evil.example', 'null', url('').replace('127.0.0.1', 'localhost')]) {
    expect(await refusal({ cookie, origin })).toBe('403');
  }
  expect(await refusal({ cookie, origin: url('') })).toBe('accepted');
  for (let count = 0; count < 4; count++) await enter(cookie);
  expect(await refusal({ cookie })).toBe('429');
  expect(await refusal({ cookie: await logIn('Carol') })).toBe('429');
  await enter(await logIn('Dave'));
  expect(await metrics()).toMatch(/^board_refused_total\{status="429"\} 2$/m);

  for (const name of ['', 'x'.repeat(21), '<b>']) {
    expect((await fetch(url('/login'), { method: 'POST', body: new URLSearchParams({ name }) })).status).toBe(400);
  }
  expect((await fetch(url('/login'), { method: 'POST' })).status).toBe(400);
});

test('a client that sends too fast waits; one that sends something else than notes is closed', async () => {
  const cookie = await logIn('Eve');
  const [client] = await enter(cookie);
  for (let count = 0; count < 36; count++) send(client, { type: 'remove', id: randomUUID() });
  const sentAt = performance.now();
  for (let count = 0; count < 36; count++) expect(await next(client)).toMatchObject({ type: 'remove' });
  expect(performance.now() - sentAt).toBeGreaterThan(400); // 30 at once, then 10 a second
  client.text('{"type":"put","id":"1","text":"","x":0,"y":0}');
  expect(await client.closed()).toEqual({ close: 1008, reason: '' });

  const [large] = await enter(cookie);
  send(large, { type: 'put', id: randomUUID(), text: 'x'.repeat(5_000), x: 0, y: 0 });
  expect(await large.closed()).toMatchObject({ close: 1009 });
});

test('an administrator throws a user out, and sees metrics; others do neither', async () => {
  const [cookie, other] = [await logIn('Mallory'), await logIn('Mallory')];
  const [first] = await enter(cookie);
  const [second] = await enter(other);
  const [bystander] = await enter(await logIn('Bob'));
  const open = Number(/^board_connections (\d+)$/m.exec(await metrics())?.[1]);
  for (const headers of [{}, { authorization: 'Bearer guess' }, { cookie }]) {
    expect((await fetch(url('/users/Mallory'), { method: 'DELETE', headers })).status).toBe(401);
    expect((await fetch(url('/metrics'), { headers })).status).toBe(401);
  }
  const throwOut = async () => (await fetch(url('/users/Mallory'), { method: 'DELETE', headers: asAdmin })).json();
  expect(await throwOut()).toEqual({ connections: 2 });
  expect(await throwOut()).toEqual({ connections: 0 });
  for (const client of [first, second]) expect(await client.closed()).toEqual({ close: 4001, reason: 'thrown out' });
  for (const session of [cookie, other]) expect(await refusal({ cookie: session })).toBe('401');
  send(bystander, { type: 'remove', id: randomUUID() });
  expect(await next(bystander)).toMatchObject({ type: 'remove' });
  await vi.waitFor(async () => expect(await metrics()).toContain(`\nboard_connections ${open - 2}\n`), PATIENCE);
  expect(await metrics()).toMatch(/^board_closed_total\{rule="4.3q"\} 2$/m);
  expect(await metrics()).toMatch(/^board_callback_seconds_count\{callback="handleIn"\} [1-9]/m);
});

describe.skipIf(noBrowser !== undefined)(`in a browser${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  }, START);
  afterAll(() => browser?.close());

  const pageErrors: Error[] = [];

  /** Opens the page as a new visitor, and logs in. */
  async function visit(name: string): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on('pageerror', (error) => pageErrors.push(error));
    await page.goto(url('/'));
    await page.getByLabel('Your name').fill(name);
    await page.getByRole('button', { name: 'Enter' }).click();
    await page.locator('#board:not([inert])').waitFor();
    return page;
  }

  test('notes are written, moved and removed, as text and never as markup; who is thrown out sees the login', async () => {
    const [alice, bob] = [await visit('Alice'), await visit('Bob')];
    const [mine, theirs] = [alice, bob].map((page) => page.locator('article', { hasText: 'Alice' }));
    if (!mine || !theirs) return expect.fail();
    const before = await mine.count();
    await alice.locator('#board').dblclick({ position: { x: 600, y: 300 } });
    const markup = `<img src="x" onerror="document.title = 'taken over'">`;
    await mine.nth(before).getByRole('textbox').fill(markup);
    await alice.locator('#board').click({ position: { x: 900, y: 600 } });
    const shown = theirs.nth(before);
    await vi.waitFor(async () => expect(await shown.getByRole('textbox').inputValue()).toBe(markup), PATIENCE);

    const { x: from = 0 } = (await shown.boundingBox()) ?? {};
    await mine.nth(before).locator('b').hover();
    await alice.mouse.down();
    await alice.mouse.move(300, 200);
    await alice.mouse.up();
    await vi.waitFor(async () => expect((await shown.boundingBox())?.x).toBeLessThan(from - 100), PATIENCE);

    await stop();
    await alice.locator('#board[inert]').waitFor();
    await start();
    for (const page of [alice, bob]) await page.locator('#board:not([inert])').waitFor();
    await shown.getByRole('button', { name: 'Remove' }).click();
    await vi.waitFor(async () => expect(await mine.count()).toBe(before), PATIENCE);

    await fetch(url('/users/Bob'), { method: 'DELETE', headers: asAdmin });
    await bob.getByLabel('Your name').waitFor();
    expect(await alice.getByLabel('Your name').isVisible()).toBe(false);
    for (const page of [alice, bob]) expect(await page.title()).toBe('Board');
    expect(pageErrors).toEqual([]);
  });
});
