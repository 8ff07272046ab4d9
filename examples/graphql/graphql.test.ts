// GraphQL with the client of graphql-ws; a plain client sends what that client never sends.

import { type ClientOptions, createClient, type Client as GraphQL } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Client } from '../../tck/src/client.ts';
import { type Host, host, platforms } from '../../test/toolkit/host.ts';

const PROTOCOL = 'graphql-transport-ws';
const INIT = JSON.stringify({ type: 'connection_init', payload: { token: 'c-token' } });
const ACK = { text: '{"type":"connection_ack"}' };
const subscribe = (id: string, query: string) => JSON.stringify({ id, type: 'subscribe', payload: { query } });

/** Polls until `probe` returns `value`. */
const until = <T>(probe: () => T | Promise<T>, value: T) =>
  expect.poll(probe, { timeout: 10_000, interval: 10 }).toEqual(value);

/** Subscribes; `heard` collects the results. */
function listen(client: GraphQL, query: string) {
  const heard: unknown[] = [];
  const cancel = client.subscribe(
    { query },
    {
      next: ({ data }) => heard.push(...Object.values(data as object)),
      error: (error) => heard.push({ error }),
      complete: () => heard.push('complete'),
    },
  );
  return { heard, cancel };
}

/** The result of a query or mutation; rejects with the close event if the connection is closed. */
async function ask(client: GraphQL, query: string) {
  for await (const result of client.iterate({ query })) return result.data ?? result.errors;
  throw new Error('completed without a result');
}

const listeners = async (client: GraphQL) => (await ask(client, '{ listeners }')) as unknown;

describe.each(platforms)('GraphQL on %s', (platform) => {
  let server: Host;
  const clients: GraphQL[] = [];
  const plain: Client[] = [];
  /** The errors that the server reports in all tests. */
  const expectedReports: string[] = [];

  const connect = (token: string, options: Partial<ClientOptions> = {}) => {
    const client = createClient({
      url: server.url,
      webSocketImpl: WebSocket,
      connectionParams: { token },
      lazyCloseTimeout: 60_000, // one connection for all operations of a test
      retryAttempts: 0,
      ...options,
    });
    clients.push(client);
    return client;
  };
  const open = async (path = '', protocols = [PROTOCOL]) => {
    const client = await Client.connect(server.url + path, { protocols });
    plain.push(client);
    return client;
  };
  const openAcknowledged = async () => {
    const client = await open();
    client.text(INIT);
    expect(await client.next()).toEqual(ACK);
    return client;
  };

  beforeAll(async () => {
    server = await host(platform, 'examples/graphql/route.ts');
  });
  afterEach(async () => {
    for (const client of plain.splice(0)) client.cut();
    await Promise.all(clients.splice(0).map((client) => client.dispose()));
  });
  afterAll(async () => {
    expect(await server.stop()).toBe(0);
    expect(server.reports().match(/(?<=^error: |Error: ).*/gim) ?? []).toEqual(expectedReports);
    if (expectedReports.length === 0) expect(server.reports()).toBe('');
  });

  test('queries and mutations are answered concurrently on one connection', async () => {
    let opened = 0;
    const alice = connect('a-token', { on: { opened: () => opened++ } });
    const answers = await Promise.all([
      ask(alice, '{ whoami }'),
      ask(alice, 'mutation { say(text: "to nobody") }'),
      ask(alice, 'query Two { whoami, again: whoami }'),
    ]);
    expect(answers).toEqual([{ whoami: 'alice' }, { say: 0 }, { whoami: 'alice', again: 'alice' }]);
    expect(opened).toBe(1);
  });

  test('a subscription receives every result in order, until either side completes it', async () => {
    const [alice, bob] = [connect('a-token'), connect('b-token')];
    const [first, second] = [listen(alice, 'subscription { said }'), listen(bob, 'subscription { said }')];
    await until(() => listeners(alice), { listeners: 2 });
    expect(await ask(alice, 'mutation { say(text: "tea?"), again: say(text: "now") }')).toEqual({ say: 2, again: 2 });
    expect(await ask(bob, 'mutation { say(text: "yes ☕") }')).toEqual({ say: 2 });
    const said = ['alice: tea?', 'alice: now', 'bob: yes ☕'];
    await until(() => first.heard, said);
    await until(() => second.heard, said);

    first.cancel();
    await until(() => listeners(bob), { listeners: 1 });
    expect(await ask(bob, 'mutation { say(text: "still there?") }')).toEqual({ say: 1 });
    await until(() => second.heard, [...said, 'bob: still there?']);
    expect(first.heard).toEqual([...said, 'complete']);
    second.cancel();
    await until(() => listeners(bob), { listeners: 0 });

    const { heard } = listen(alice, 'subscription { countdown(from: 500) }');
    await until(() => heard.at(-1), 'complete');
    expect(heard).toEqual([...Array.from({ length: 501 }, (_, index) => 500 - index), 'complete']);
  });

  test('pings are answered', async () => {
    const pongs: unknown[] = [];
    const alice = connect('a-token', {
      keepAlive: 20,
      on: { pong: (received, payload) => pongs.push([received, payload]) },
    });
    await ask(alice, '{ whoami }');
    await until(
      () => pongs.slice(0, 2),
      [
        [true, undefined],
        [true, undefined],
      ],
    );
    const carol = await openAcknowledged();
    carol.text('{"type":"ping","payload":{"at":7}}');
    expect(await carol.next()).toEqual({ text: '{"type":"pong","payload":{"at":7}}' });
  });

  test('a client whose connection is cut during a subscription reconnects and subscribes again', async () => {
    const sockets: WebSocket[] = [];
    let reconnect = () => {};
    const gate = new Promise<void>((settle) => {
      reconnect = settle;
    });
    const alice = connect('a-token', {
      retryAttempts: 5,
      retryWait: () => gate,
      on: { opened: (socket) => sockets.push(socket as WebSocket) },
    });
    const bob = connect('b-token');
    const { heard, cancel } = listen(alice, 'subscription { said }');
    await until(() => listeners(bob), { listeners: 1 });
    await ask(bob, 'mutation { say(text: "one") }');
    await until(() => heard, ['bob: one']);

    sockets[0]?.terminate();
    await until(() => listeners(bob), { listeners: 0 });
    reconnect();
    await until(() => listeners(bob), { listeners: 1 });
    await ask(bob, 'mutation { say(text: "two") }');
    await until(() => heard, ['bob: one', 'bob: two']);
    expect(sockets).toHaveLength(2);
    cancel();
    await until(() => listeners(bob), { listeners: 0 });
  });

  describe("a client's mistake does not affect other clients:", () => {
    let bob: GraphQL;
    let bystander: ReturnType<typeof listen>;
    let closes: unknown[];

    beforeEach(async () => {
      const ends: unknown[] = [];
      bob = connect('b-token', { on: { closed: (event) => ends.push(event), error: (error) => ends.push(error) } });
      closes = ends;
      bystander = listen(bob, 'subscription { said }');
      await until(() => listeners(bob), { listeners: 1 });
    });
    afterEach(async () => {
      await until(() => listeners(bob), { listeners: 1 });
      expect(await ask(bob, 'mutation { say(text: "all is well") }')).toEqual({ say: 1 });
      await until(() => bystander.heard, ['bob: all is well']);
      expect(closes).toEqual([]);
      bystander.cancel();
      await until(() => listeners(bob), { listeners: 0 });
    });

    const said = subscribe('1', 'subscription { said }');
    test.each<[what: string, messages: (string | Uint8Array)[], close: number, reason: string]>([
      ['text that is not JSON', ['{"type":'], 4400, 'Invalid message received'],
      ['bytes', [new TextEncoder().encode('{"type":"ping"}')], 4400, 'Invalid message received'],
      ['an operation before the acknowledgement', [said], 4401, 'Unauthorized'],
      ['a second connection_init', [INIT, INIT], 4429, 'Too many initialisation requests'],
      ['an id that is in use', [INIT, said, said], 4409, 'Subscriber for 1 already exists'],
    ])('%s', async (_what, messages, close, reason) => {
      const mallory = await open();
      for (const [index, message] of messages.entries()) {
        mallory.socket.send(message);
        if (index === 0 && message === INIT) expect(await mallory.next()).toEqual(ACK);
      }
      expect(await mallory.closed()).toEqual({ close, reason });
    });

    test('messages after an invalid one are ignored', async () => {
      const mallory = await openAcknowledged();
      mallory.text('{');
      mallory.text(subscribe('1', 'mutation { say(text: "boo") }'));
      // Deno resets a connection that it closes with unread data
      const dropped = platform === 'deno' ? [{ close: 1006, reason: '' }] : [];
      expect([{ close: 4400, reason: 'Invalid message received' }, ...dropped]).toContainEqual(await mallory.closed());
    });

    test('no connection_init in time', async () => {
      const mallory = await open();
      expect(await mallory.closed()).toEqual({ close: 4408, reason: 'Connection initialisation timeout' });
    });

    test('no subprotocol, or another one', async () => {
      const mallory = await open('', []);
      expect(await mallory.closed()).toEqual({ close: 4406, reason: 'Subprotocol not acceptable' });
      // The server accepts no other subprotocol, and the client then fails the connection.
      await expect(open('', ['graphql-ws'])).rejects.toThrow();
    });

    test('a message type that only servers send', async () => {
      const mallory = await openAcknowledged();
      mallory.text('{"type":"connection_ack"}');
      expect(await mallory.closed()).toEqual({ close: 4500, reason: 'Internal server error' });
      expectedReports.push('Unexpected message of type connection_ack received');
      await until(() => server.reports().includes('type connection_ack'), true);
    });

    test('an unauthorized client', async () => {
      const answer = ask(connect('no-token'), '{ whoami }');
      await expect(answer).rejects.toMatchObject({ code: 4403, reason: 'Forbidden' });
      const mallory = await open('/?token=no-token');
      mallory.text('{"type":"connection_init"}');
      expect(await mallory.closed()).toEqual({ close: 4403, reason: 'Forbidden' });

      const carol = connect('no-token', { url: `${server.url}/?token=c-token` });
      expect(await ask(carol, '{ whoami }')).toEqual({ whoami: 'carol' });
    });

    test('a lost connection, during a subscription or a message', async () => {
      const carol = await openAcknowledged();
      carol.text(said);
      carol.text(subscribe('2', 'subscription { countdown(from: 10000) }'));
      await until(() => listeners(bob), { listeners: 2 });
      carol.cut();
      await until(() => listeners(bob), { listeners: 1 });

      const dave = await openAcknowledged();
      dave.text(said);
      await until(() => listeners(bob), { listeners: 2 });
      dave.socket.send('{"id":"2","type":"subs', { fin: false }); // half a message
      dave.cut();
      await until(() => listeners(bob), { listeners: 1 });
    });
  });

  test('clients receive 1001 when the server shuts down', async () => {
    const other = await host(platform, 'examples/graphql/route.ts');
    const closed = new Promise<unknown>((settle) => {
      const alice = connect('a-token', { url: other.url, on: { closed: settle } });
      listen(alice, 'subscription { said }');
      alice.on('connected', () => ask(alice, '{ whoami }').then(() => other.stop()));
    });
    expect(await closed).toMatchObject({ code: 1001 });
    expect(await other.stop()).toBe(0);
    expect(other.reports()).toBe('');
  });
});
