// The chat and its page in a real browser, on each platform that can run server.ts.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Cannot } from '@websock/adapter';
import * as bun from '@websock/adapter/bun';
import * as deno from '@websock/adapter/deno';
import * as node from '@websock/adapter/node';
import type { Browser, Page, WebSocket } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import { launchBrowser, noBrowser, PATIENCE, START } from '../../test/toolkit/browser.ts';
import { type Host, launch } from '../../test/toolkit/host.ts';
import { freePort, suspend } from '../../test/toolkit/programs.ts';

let browser: Browser;

beforeAll(async () => {
  if (noBrowser !== undefined) return;
  browser = await launchBrowser();
}, START);

afterAll(() => browser?.close());

/** Pages to reuse: a new one takes most of a second. */
const idle: Page[] = [];

/** A person with the chat's page. */
class Visitor {
  /** The browser's errors for refused connections. */
  readonly refusals: string[] = [];
  /** Uncaught errors of the page. */
  readonly errors: Error[] = [];
  #socket: WebSocket | undefined;

  private constructor(
    readonly page: Page,
    readonly hasClock: boolean,
  ) {
    page.setDefaultTimeout(PATIENCE);
    page.on('pageerror', (error) => this.errors.push(error));
    page.on('websocket', (socket) => {
      this.#socket = socket;
      socket.on('socketerror', (error) => this.refusals.push(error));
    });
  }

  /** `withClock` gives the page a clock that can be advanced. */
  static async open(url: string, { withClock = false } = {}): Promise<Visitor> {
    const page = (withClock ? undefined : idle.pop()) ?? (await browser.newPage());
    const visitor = new Visitor(page, withClock);
    visitors.push(visitor);
    if (withClock) await page.clock.install();
    await page.goto(url);
    return visitor;
  }

  /** Opens the chat's page, and enters the room of this test. */
  static async enter(name: string, options?: { withClock: boolean }): Promise<Visitor> {
    const visitor = await Visitor.open(server.url, options);
    await visitor.page.getByLabel('Your name').fill(name);
    await visitor.page.getByLabel('Room').fill(room);
    await visitor.page.getByRole('button', { name: 'Enter' }).click();
    await visitor.sees('Connected');
    return visitor;
  }

  /** Leaves the page. Throws if the page had an uncaught error. */
  async finish(): Promise<void> {
    this.page.removeAllListeners();
    if (this.hasClock) await this.page.close();
    else {
      await this.page.goto('about:blank');
      idle.push(this.page);
    }
    expect(this.errors).toEqual([]);
  }

  async say(text: string): Promise<void> {
    await this.page.getByLabel('Message', { exact: true }).fill(text);
    await this.page.keyboard.press('Enter');
  }

  press(name: string): Promise<void> {
    return this.page.getByRole('button', { name }).click();
  }

  /** Waits for a state of the connection. */
  sees(state: string): Promise<void> {
    return this.page.getByRole('status').getByText(state, { exact: true }).waitFor();
  }

  /** Waits for a line from `from`; if that is empty, from the server. */
  hears(from: string, text: string): Promise<void> {
    const lines = this.page.getByRole('log').getByRole('listitem');
    const linesOfSender = from === '' ? lines : lines.filter({ has: this.page.getByText(from, { exact: true }) });
    return linesOfSender.and(lines.filter({ hasText: text })).waitFor();
  }

  /** Waits until the members of the room are these, in any order. */
  async meets(...names: string[]): Promise<void> {
    const people = this.page.getByRole('complementary').locator('bdi');
    await vi.waitFor(async () => expect((await people.allTextContents()).sort()).toEqual(names), PATIENCE);
  }

  /** The next message that the page receives. */
  async nextMessage(): Promise<string | undefined> {
    return (await this.#socket?.waitForEvent('framereceived'))?.payload.toString();
  }

  /** The events of the connection that the page shows, oldest first, without times. */
  async events(): Promise<string[]> {
    const items = this.page.locator('#events li');
    return (await items.evaluateAll((items) => items.map((item: any) => item.lastChild.data))).reverse();
  }
}

/** The end of a connection that a script has opened. */
interface Outcome {
  readonly opened: boolean;
  readonly code: number;
  readonly reason: string;
}

/** Opens a connection to `host` from a page, runs `act` once it is open, and waits until it is closed. */
function connectFrom({ page }: Visitor, host: string, act: string): Promise<Outcome> {
  return page.evaluate(`new Promise((resolve) => {
    const socket = new WebSocket('ws://${host}/chat?room=hall&name=Mallory');
    let opened = false;
    socket.onopen = () => {
      opened = true;
      ${act}
    };
    socket.onclose = ({ code, reason }) => resolve({ opened, code, reason });
  })`);
}

let server: Host;
let room: string;
let rooms = 0;
const visitors: Visitor[] = [];

describe.each([
  ['node', node.cannot],
  ['bun', bun.cannot],
  ['deno', deno.cannot],
] as const)('the chat in a browser, on %s', (platform, cannot: Cannot) => {
  beforeEach(({ skip }) => {
    skip(noBrowser !== undefined, noBrowser);
    room = `kitchen ${++rooms}`;
  });

  let port: number;
  const start = async () => {
    server = await launch(platform, ['test/toolkit/hosts/program.ts', join(import.meta.dirname, 'server.ts')], {
      PORT: String(port),
    });
  };

  beforeAll(async () => {
    if (noBrowser !== undefined) return;
    port = await freePort();
    await start();
  }, START);

  afterEach(async () => {
    for (const visitor of visitors.splice(0)) await visitor.finish();
  });

  afterAll(async () => {
    if (noBrowser === undefined) expect(await server.stop()).toBe(0);
  });

  test('both pages show the members and all lines', async () => {
    const alice = await Visitor.enter('Alice');
    await alice.meets('Alice');
    const bob = await Visitor.enter('Bob');
    for (const visitor of [alice, bob]) await visitor.meets('Alice', 'Bob');
    await alice.say('tea? ☕');
    await bob.say('مرحبا');
    for (const visitor of [alice, bob]) {
      await visitor.hears('Alice', 'tea? ☕');
      await visitor.hears('Bob', 'مرحبا');
    }
    await bob.page.goto('about:blank');
    await alice.hears('', 'Bob has left');
    await alice.meets('Alice');
  });

  test('lines are shown as text, never as markup', async () => {
    const [alice, bob] = [await Visitor.enter('Alice'), await Visitor.enter('Bob')];
    const markup = `<img src="x" onerror="document.title = 'taken over'">`;
    await alice.say(markup);
    await alice.say('that was it');
    for (const { page } of [alice, bob]) {
      await page.getByText('that was it').waitFor();
      await page.getByRole('log').getByText(markup, { exact: true }).waitFor();
      expect(await page.getByRole('log').locator('img').count()).toBe(0);
      expect(await page.title()).toBe(`${room} · Chat`);
    }
  });

  test('the browser and the server negotiate a subprotocol and compression', async () => {
    const alice = await Visitor.enter('Alice');
    const compression = cannot.compresses === undefined ? 'permessage-deflate' : 'no compression';
    expect(await alice.events()).toEqual([expect.stringContaining(`Connected: chat.json, ${compression}`)]);
    const long = 'tea '.repeat(250).trim(); // long enough to be compressed, in both directions
    await alice.say(long);
    await alice.hears('Alice', long);
  });

  test('a client without the subprotocol receives plain text in the same room', async () => {
    const alice = await Visitor.enter('Alice');
    const entrance = `ws://127.0.0.1:${port}/chat?room=${encodeURIComponent(room)}&name=Terry`;
    const terminal = await Client.connect(entrance, { perMessageDeflate: false });
    await alice.meets('Alice', 'Terry');
    terminal.text('tea? ☕');
    await alice.hears('Terry', 'tea? ☕');
    expect([await terminal.next(), await terminal.next()]).toEqual([
      { text: '* Terry is here' },
      { text: 'Terry: tea? ☕' },
    ]);
    terminal.close();
    await alice.hears('', 'Terry has left');
    for (const name of ['', '* Terry', 'Terry: x', 'x'.repeat(33), 'Ter\nry']) {
      const url = `ws://127.0.0.1:${port}/chat?room=hall&name=${encodeURIComponent(name)}`;
      await expect(Client.connect(url)).rejects.toThrow('400');
    }
  });

  test('both pages reconnect after a restart (1012)', async () => {
    const [alice, bob] = [await Visitor.enter('Alice'), await Visitor.enter('Bob')];
    expect(await server.stop()).toBe(0);
    for (const visitor of [alice, bob]) {
      await visitor.sees('Not connected'); // the immediate attempt came too early
      expect((await visitor.events()).slice(1, 5)).toEqual([
        'Closed: 1012, back in a moment',
        'Reconnecting',
        'Closed: 1006',
        expect.stringMatching(/^Reconnecting in \d\.\d s$/),
      ]);
    }
    await start();
    for (const visitor of [alice, bob]) {
      await visitor.sees('Connected');
      await visitor.meets('Alice', 'Bob');
    }
    await bob.say('here again');
    for (const visitor of [alice, bob]) await visitor.hears('Bob', 'here again');
  });

  test('the page notices a server that does not answer', async () => {
    const alice = await Visitor.enter('Alice', { withClock: true });
    const { clock } = alice.page;
    await alice.meets('Alice');
    const answer = alice.nextMessage();
    await clock.fastForward(45_000); // the page asks whether the server still answers
    expect(await answer).toBe('{"names":["Alice"]}');
    await clock.fastForward(10_000);
    await alice.say('still here');
    await alice.hears('Alice', 'still here');
    expect(await alice.events()).toHaveLength(1);

    await suspend(server.process);
    try {
      await alice.say('and now?');
      await clock.fastForward(45_000);
      await clock.fastForward(10_000);
      await alice.page.getByText('Closed: 1006, the server has fallen silent').waitFor({ state: 'attached' });
      await alice.hears('', 'May not have been delivered: and now?');
    } finally {
      server.process.kill('SIGCONT');
    }
    await alice.sees('Connected');
  });

  test('close codes and reasons arrive in both directions', async () => {
    const alice = await Visitor.enter('Alice');
    const connect = (act: string) => connectFrom(alice, `127.0.0.1:${port}`, act);
    const logged = (line: string) => vi.waitFor(() => expect(server.reports().split('\n')).toContain(line), PATIENCE);
    expect(await connect('socket.send(new Uint8Array(1))')).toEqual({ opened: true, code: 1003, reason: 'text only' });
    expect(await connect('socket.send("x".repeat(5_000))')).toMatchObject({ opened: true, code: 1009 });
    expect(await connect('socket.close(4001, "moved ☕")')).toMatchObject({ opened: true, code: 4001 });
    await logged('Mallory has left hall: remote, 4001 "moved ☕"');

    await alice.press('Leave');
    await logged(`Alice has left ${room}: remote, 1000 "bye"`);
    await alice.page.getByRole('alert').getByText('You have left the room.').waitFor();
    await alice.press('Enter');
    await alice.sees('Connected');
    await alice.say('/quit');
    await logged(`Alice has left ${room}: normal, 1000`);
    await alice.page.getByRole('alert').getByText('You have left the room.').waitFor();
  });

  test('a page of another origin is refused', async () => {
    const other = createServer(({ url }, response) => {
      if (url === '/sandboxed') response.setHeader('content-security-policy', 'sandbox allow-scripts');
      response.setHeader('content-type', 'text/html').end('<!doctype html>');
    });
    await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
    const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const ours = `127.0.0.1:${port}`;
    const foreign: [page: string, host: string][] = [
      [elsewhere, ours],
      [`${elsewhere}/sandboxed`, ours], // its origin is null
      [`http://foreign.localhost:${port}`, `foreign.localhost:${port}`], // a foreign name that resolves to our address
    ];
    try {
      for (const [page, host] of foreign) {
        const visitor = await Visitor.open(page);
        expect(await connectFrom(visitor, host, 'socket.close(4000)')).toEqual({
          opened: false,
          code: 1006,
          reason: '',
        });
        expect(visitor.refusals).toEqual([expect.stringContaining('403')]);
        await visitor.finish();
        visitors.pop();
      }
    } finally {
      other.close();
    }
    const visitor = await Visitor.open(`http://localhost:${port}`);
    expect(await connectFrom(visitor, `localhost:${port}`, 'socket.close(4000)')).toMatchObject({ code: 4000 });
  });
});
