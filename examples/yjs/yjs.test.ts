// Documents edited with the provider of y-websocket; a plain client sends what that provider never sends.

import * as encoding from 'lib0/encoding';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness';
import { writeUpdate } from 'y-protocols/sync';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { Client } from '../../tck/src/client.ts';
import { type Host, host, platforms } from '../../test/toolkit/host.ts';

/** Polls until `probe` returns `value`. */
const until = <T>(probe: () => T, value: T) => expect.poll(probe, { timeout: 10_000, interval: 10 }).toEqual(value);

/** A message of y-websocket: its type, then what `write` writes. */
function message(type: number, write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, type);
  write(encoder);
  return encoding.toUint8Array(encoder);
}

const syncMessage = (update: Uint8Array) => message(0, (encoder) => writeUpdate(encoder, update));
const awarenessMessage = (update: Uint8Array) => message(1, (encoder) => encoding.writeVarUint8Array(encoder, update));

/** The update that inserts `text` into an empty document. */
function edit(text: string): Uint8Array {
  const doc = new Y.Doc();
  doc.getText().insert(0, text);
  return Y.encodeStateAsUpdate(doc);
}

/** Two consecutive messages that announce the presence of an editor. */
function presence(name: string): [Uint8Array, Uint8Array] {
  const awareness = new Awareness(new Y.Doc());
  const show = () => {
    awareness.setLocalState({ name });
    return awarenessMessage(encodeAwarenessUpdate(awareness, [awareness.clientID]));
  };
  const messages: [Uint8Array, Uint8Array] = [show(), show()];
  awareness.destroy();
  return messages;
}

/** A document that is edited through a provider. */
class Editor {
  readonly doc = new Y.Doc();
  readonly text = this.doc.getText();
  readonly provider: WebsocketProvider;
  /** All changes of the connection's state. */
  readonly changes: unknown[] = [];

  constructor(url: string, document: string, name: string) {
    this.provider = new WebsocketProvider(url, document, this.doc, {
      params: { token: `${name[0]}-token` },
      WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
      disableBc: true, // the providers of one process would find each other without a server
    });
    this.provider.awareness.setLocalStateField('name', name);
    this.provider.on('status', ({ status }) => this.changes.push(status));
    this.provider.on('closed', ({ code, reason }) => this.changes.push({ code, reason }));
  }

  /** The names of all editors that are present. */
  get present(): string[] {
    return Array.from(this.provider.awareness.getStates().values(), ({ name }) => String(name)).sort();
  }

  /** Cuts the connection without a close frame; resolves when the provider has noticed. */
  async cut(): Promise<void> {
    const cut = new Promise((settle) => this.provider.once('connection-close', settle));
    (this.provider.ws as unknown as WebSocket).terminate();
    await cut;
  }

  destroy(): void {
    this.provider.destroy();
    this.doc.destroy();
  }
}

describe.each(platforms)('Yjs on %s', (platform) => {
  let server: Host;
  const editors: Editor[] = [];
  const plain: Client[] = [];

  const join = async (document: string, name: string, url = server.url) => {
    const editor = new Editor(url, document, name);
    editors.push(editor);
    await until(() => editor.provider.synced, true);
    return editor;
  };
  const open = async (document: string, token = 'c-token') => {
    const client = await Client.connect(`${server.url}/${document}?token=${token}`);
    plain.push(client);
    return client;
  };

  beforeAll(async () => {
    server = await host(platform, 'examples/yjs/route.ts');
  });
  afterEach(() => {
    for (const client of plain.splice(0)) client.cut();
    for (const editor of editors.splice(0)) editor.destroy();
  });
  afterAll(async () => {
    expect(await server.stop()).toBe(0);
    expect(server.reports()).toBe('');
  });

  const equal = async (one: Editor, other: Editor) => {
    await until(() => Y.encodeStateAsUpdate(one.doc), Y.encodeStateAsUpdate(other.doc));
    expect(one.text.toString()).toBe(other.text.toString());
  };

  test('concurrent edits converge; a later client receives the document, and other documents stay unchanged', async () => {
    const [alice, bob, elsewhere] = await Promise.all([
      join('plan', 'alice'),
      join('plan', 'bob'),
      join('other', 'alice'),
    ]);
    for (let index = 0; index < 100; index++) {
      alice.text.insert(index, 'a');
      bob.text.insert(0, 'b');
    }
    bob.text.delete(0, 10);
    await until(() => alice.text.length, 190);
    await until(() => bob.text.length, 190);
    await equal(alice, bob);
    const carol = await join('plan', 'carol');
    await equal(carol, alice);
    expect(elsewhere.text.length).toBe(0);
  });

  test('a client whose connection was cut reconnects, and the documents converge', async () => {
    const [alice, bob] = await Promise.all([join('notes', 'alice'), join('notes', 'bob')]);
    alice.text.insert(0, 'before ');
    await until(() => bob.text.toString(), 'before ');
    await bob.cut();
    bob.text.insert(7, 'while away ');
    alice.text.insert(0, 'meanwhile ');
    expect(bob.changes.at(-1)).toBe('disconnected');
    await until(() => bob.text.toString(), 'meanwhile before while away ');
    await equal(alice, bob);
    bob.text.insert(0, 'afterwards ');
    await until(() => alice.text.toString(), 'afterwards meanwhile before while away ');
    expect(alice.changes).toEqual(['connected']);
    expect(bob.changes).toEqual(['connected', 'disconnected', 'connecting', 'connected']);
  });

  test('presence lists the connected clients only', async () => {
    const [alice, bob] = await Promise.all([join('team', 'alice'), join('team', 'bob')]);
    await until(() => [alice.present, bob.present], Array(2).fill(['alice', 'bob']));
    const carol = await join('team', 'carol');
    await until(() => carol.present, ['alice', 'bob', 'carol']);
    await until(() => alice.present, ['alice', 'bob', 'carol']);
    carol.provider.awareness.setLocalStateField('name', 'Carol');
    await until(() => bob.present, ['Carol', 'alice', 'bob']);

    carol.provider.shouldConnect = false; // so that it does not reconnect
    await carol.cut();
    await until(() => [alice.present, bob.present], Array(2).fill(['alice', 'bob']));
    bob.provider.disconnect();
    await until(() => alice.present, ['alice']);
    bob.provider.connect();
    await until(() => bob.provider.synced, true);
    bob.provider.awareness.setLocalState({ name: 'bob' });
    await until(() => alice.present, ['alice', 'bob']);
  });

  test('a document that all clients have closed is kept', async () => {
    const alice = await join('diary', 'alice');
    const closed = new Promise((settle) => alice.provider.ws?.addEventListener('close', settle));
    alice.text.insert(0, 'my diary');
    alice.provider.disconnect();
    await closed;
    const bob = await join('diary', 'bob');
    await until(() => bob.text.toString(), 'my diary');
    await until(() => bob.present, ['bob']);
  });

  describe("a client's mistake does not affect other clients:", () => {
    let alice: Editor;
    let bob: Editor;

    beforeEach(async () => {
      [alice, bob] = await Promise.all([join('shared', 'alice'), join('shared', 'bob')]);
      await until(() => [alice.present, bob.present], Array(2).fill(['alice', 'bob']));
    });
    afterEach(async () => {
      await until(() => [alice.present, bob.present], Array(2).fill(['alice', 'bob']));
      const before = alice.text.toString();
      alice.text.insert(alice.text.length, 'all is ');
      await until(() => bob.text.toString(), `${before}all is `);
      bob.text.insert(bob.text.length, 'well');
      await until(() => alice.text.toString(), `${before}all is well`);
      await equal(alice, bob);
      expect(before).not.toContain('mallory');
      expect([alice.changes, bob.changes]).toEqual([['connected'], ['connected']]);
    });

    const good = edit('mallory was here');
    const malformed = 'malformed message';
    const untilClosed = async ({ inbox }: Client, close: number, reason: string) => {
      await until(() => 'close' in (inbox.at(-1) ?? {}), true);
      // Deno resets a connection that it closes with unread data
      const dropped = platform === 'deno' ? [{ close: 1006, reason: '' }] : [];
      expect([{ close, reason }, ...dropped]).toContainEqual(inbox.at(-1));
    };
    test.each<[what: string, data: string | Uint8Array, close: number, reason: string]>([
      ['text', 'hello', 1003, 'binary only'],
      ['an empty message', new Uint8Array(), 4400, malformed],
      ['a truncated sync message', syncMessage(good).slice(0, 9), 4400, malformed],
      ['an invalid update', syncMessage(Uint8Array.of(1, 1, 255, 255)), 4400, malformed],
    ])('%s', async (_what, data, close, reason) => {
      const mallory = await open('shared');
      mallory.socket.send(data);
      mallory.socket.send(syncMessage(good)); // ignored
      await untilClosed(mallory, close, reason);
    });

    test('an unauthorized client', async ({ onTestFinished }) => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
      onTestFinished(() => warn.mockRestore());
      const eve = new Editor(server.url, 'shared', 'eve');
      editors.push(eve);
      const closed = { code: 4403, reason: 'permission denied' };
      await until(() => eve.changes.at(-1), closed);
      // On Deno it may see 1006 first, and reconnect.
      if (platform !== 'deno') expect(eve.changes).toEqual(['connected', 'disconnected', closed]);
      expect(warn.mock.lastCall).toEqual([expect.stringContaining('permission denied')]);
      expect([eve.text.length, eve.present]).toEqual([0, ['eve']]);

      const mallory = await open('shared', 'no-token');
      mallory.socket.send(syncMessage(good));
      await untilClosed(mallory, 4403, 'permission denied');
      expect(mallory.inbox.length).toBeLessThanOrEqual(2); // the refusal, if it arrives, and the close
    });

    test('a lost connection in the middle of a message', async () => {
      const carol = await open('shared');
      carol.socket.send(presence('carol')[0]);
      await until(() => [alice.present, bob.present], Array(2).fill(['alice', 'bob', 'carol']));
      carol.socket.send(syncMessage(good).slice(0, 9), { fin: false }); // half a message
      carol.cut();
      await until(() => [alice.present, bob.present], Array(2).fill(['alice', 'bob']));
    });
  });

  test('providers receive 1001 when the server shuts down', async () => {
    const other = await host(platform, 'examples/yjs/route.ts');
    const alice = await join('plan', 'alice', other.url);
    alice.provider.shouldConnect = false;
    const closed = new Promise<unknown>((settle) => alice.provider.once('connection-close', settle));
    expect(await other.stop()).toBe(0);
    expect(await closed).toMatchObject({ code: 1001 });
    expect(other.reports()).toBe('');
  });
});
