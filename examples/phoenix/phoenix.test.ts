// Phoenix channels with the official `phoenix` client, on every platform.

import { type Channel, Presence, type Push, Socket, type SocketConnectOption } from 'phoenix';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Host, host, platforms } from '../../test/toolkit/host.ts';

declare global {
  // A DOM type that the client's types refer to.
  interface CloseEvent extends Event {
    readonly code: number;
    readonly reason: string;
  }
}

const APPLICATION = 'examples/phoenix/route.ts';

/** Polls until the condition holds. */
const until = (condition: () => void) => vi.waitFor(condition, { timeout: 10_000, interval: 5 });

/** A client that records its opens and closes. */
class Client {
  readonly closes: [code: number, reason: string][] = [];
  readonly socket: Socket;
  opens = 0;

  constructor(url: string, token: string, options: Partial<SocketConnectOption> = {}) {
    this.socket = new Socket(`${url}/socket`, {
      transport: WebSocket as unknown as SocketConnectOption['transport'],
      params: { token },
      reconnectAfterMs: () => 10,
      rejoinAfterMs: () => 10,
      ...options,
    });
    this.socket.onOpen(() => {
      this.opens++;
    });
    this.socket.onClose(({ code, reason }) => {
      this.closes.push([code, reason]);
    });
    this.socket.connect();
  }

  /** Joins a topic, and waits for the answer. */
  async join(topic: string, params: object = { mood: 'good' }): Promise<Room> {
    const room = new Room(this.socket.channel(topic, params));
    expect(await room.joined).toMatchObject({ ok: { welcome: expect.any(String) } });
    return room;
  }

  /** Sends a message without the client's serializer. */
  raw(data: string | Uint8Array): void {
    this.#webSocket.send(data);
  }

  cut(): void {
    this.#webSocket.terminate();
  }

  get #webSocket(): WebSocket {
    return (this.socket as unknown as { conn: WebSocket }).conn;
  }
}

class Room {
  readonly log: unknown[] = [];
  readonly joins: unknown[] = [];
  readonly joined: Promise<unknown>;
  readonly #presence: Presence;

  constructor(readonly channel: Channel) {
    for (const event of ['said', 'drawn', 'echoed']) {
      channel.on(event, (payload) => {
        this.log.push([event, payload instanceof ArrayBuffer ? [...new Uint8Array(payload)] : payload]);
      });
    }
    channel.onClose(() => {
      this.log.push('closed');
    });
    channel.onError((reason) => {
      this.log.push(['error', reason]);
    });
    this.#presence = new Presence(channel);
    const join = channel.join();
    join.receive('ok', (response) => this.joins.push(response));
    this.joined = answer(join);
  }

  push(event: string, payload: object = {}): Promise<unknown> {
    return answer(this.channel.push(event, payload));
  }

  /** The users, each with the number of its joins. */
  present(): string[] {
    return this.#presence.list((user, { metas }) => `${user} ${metas.length}`).sort();
  }
}

function answer(push: Push): Promise<unknown> {
  return new Promise((settle) => {
    for (const status of ['ok', 'error', 'timeout'] as const) {
      push.receive(status, (response) =>
        settle({ [status]: response instanceof ArrayBuffer ? [...new Uint8Array(response)] : response }),
      );
    }
  });
}

/** A push in the binary V2 encoding. */
function binaryPush(sizes: number[], fields: string, payload: number[] = []) {
  return Uint8Array.from([0, ...sizes, ...new TextEncoder().encode(fields), ...payload]);
}

describe.each(platforms)('phoenix on %s', (platform) => {
  let server: Host;
  const clients: Client[] = [];

  const connect = (name: 'alice' | 'bob', options?: Partial<SocketConnectOption>): Client => {
    const client = new Client(server.url, `token-of-${name}`, options);
    clients.push(client);
    return client;
  };

  beforeAll(async () => {
    server = await host(platform, APPLICATION);
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map(({ socket }) => new Promise<void>((gone) => socket.disconnect(gone))));
  });

  afterAll(async () => {
    expect(await server.stop()).toBe(0);
    expect(server.reports()).toBe('');
  });

  test('joins and pushes are answered; pushes of the channel follow the answer to a join', async () => {
    const alice = await connect('alice').join('room:replies');
    expect(alice.joins).toEqual([{ welcome: 'alice' }]);
    expect(await alice.push('say', { text: 'hello ☕' })).toEqual({ ok: {} });
    expect(await alice.push('say', { text: 1 })).toEqual({ error: { reason: 'text is missing' } });
    expect(await alice.push('echo', { deep: [1, { n: null }] })).toEqual({ ok: { deep: [1, { n: null }] } });
    expect(await alice.push('dance')).toEqual({ error: { reason: 'unknown event: dance' } });
    expect(alice.log).toEqual([
      ['said', { from: 'alice', text: 'hello ☕' }],
      ['echoed', { deep: [1, { n: null }] }],
    ]);
  });

  test('bytes are pushed, answered and broadcast as bytes', async () => {
    const alice = await connect('alice').join('room:bytes');
    const bob = await connect('bob').join('room:bytes');
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    expect(await alice.push('echo', bytes.buffer)).toEqual({ ok: [...bytes] });
    alice.channel.push('draw', bytes.buffer);
    alice.channel.push('draw', new ArrayBuffer(0));
    await until(() => expect(bob.log).toHaveLength(2));
    expect(bob.log).toEqual([
      ['drawn', [...bytes]],
      ['drawn', []],
    ]);
    await alice.push('say', { text: 'done' }); // her own drawing would have arrived before this
    await until(() => expect(alice.log).toHaveLength(2));
    expect(alice.log).toEqual([
      ['echoed', [...bytes]],
      ['said', { from: 'alice', text: 'done' }],
    ]);
  });

  test('a broadcast reaches the members of the topic, in order, and no other topic', async () => {
    const client = connect('alice');
    const alice = await client.join('room:tea');
    const elsewhere = await client.join('room:elsewhere');
    const bob = await connect('bob').join('room:tea');
    const texts = Array.from({ length: 200 }, (_, index) => `line ${index}`);
    await Promise.all(texts.map((text) => alice.push('say', { text })));
    await bob.push('say', { text: 'last' });
    const said = [...texts.map((text) => ['said', { from: 'alice', text }]), ['said', { from: 'bob', text: 'last' }]];
    await until(() => expect(alice.log).toHaveLength(201));
    await until(() => expect(bob.log).toHaveLength(201));
    expect(alice.log).toEqual(said);
    expect(bob.log).toEqual(said);
    expect(await elsewhere.push('say', { text: 'anyone?' })).toEqual({ ok: {} });
    await until(() => expect(elsewhere.log).toEqual([['said', { from: 'alice', text: 'anyone?' }]]));
  });

  test('presence follows joins, leaves and dropped connections', async () => {
    const alice = await connect('alice').join('room:presence');
    await until(() => expect(alice.present()).toEqual(['alice 1']));
    const bobs = [connect('bob'), connect('bob')] as const;
    const first = await bobs[0].join('room:presence');
    const second = await bobs[1].join('room:presence');
    for (const room of [alice, first, second]) {
      await until(() => expect(room.present()).toEqual(['alice 1', 'bob 2']));
    }
    expect(await answer(second.channel.leave())).toEqual({ ok: {} });
    for (const room of [alice, first]) await until(() => expect(room.present()).toEqual(['alice 1', 'bob 1']));
    // The connection is lost right after a push, without a close frame.
    first.channel.push('say', { text: 'I ' });
    bobs[0].cut();
    bobs[0].socket.disconnect(); // so that it does not reconnect
    await until(() => expect(alice.present()).toEqual(['alice 1']));
    expect(await alice.push('say', { text: 'bob?' })).toEqual({ ok: {} });
  });

  test('heartbeats are answered, so the client stays connected', async () => {
    let beats = 0;
    const client = connect('alice', { heartbeatIntervalMs: 100 });
    client.socket.onMessage((message) => {
      const { topic, event, payload } = message as Record<string, any>;
      if (topic === 'phoenix' && event === 'phx_reply' && payload.status === 'ok') beats++;
    });
    await until(() => expect(beats).toBeGreaterThanOrEqual(5));
    expect([client.opens, client.closes]).toEqual([1, []]);
  });

  test('after a restart (1012) every client reconnects and rejoins', async () => {
    const [alice, bob] = [connect('alice'), connect('bob')];
    const rooms = [await alice.join('room:restart'), await bob.join('room:restart')] as const;
    rooms[0].channel.push('restart', {});
    for (const room of rooms) await until(() => expect(room.joins).toHaveLength(2));
    for (const { closes, opens } of [alice, bob]) expect([opens, closes]).toEqual([2, [[1012, '']]]);
    for (const room of rooms) await until(() => expect(room.present()).toEqual(['alice 1', 'bob 1']));
    await rooms[1].push('say', { text: 'still here' });
    for (const { log } of rooms) {
      await until(() => expect(log.at(-1)).toEqual(['said', { from: 'bob', text: 'still here' }]));
    }
  });

  test.each<[string, string | Uint8Array]>([
    ['text that is not JSON', 'hello'],
    ['an empty binary message', new Uint8Array()],
    ['lengths in the header that exceed the message', binaryPush([1, 1, 9, 200], '12room:leaksay')],
  ])('a malformed message (%s) closes with 1011; the client rejoins', async (_what, data) => {
    const client = connect('alice');
    const bob = await connect('bob').join('room:malformed');
    const room = await client.join('room:malformed');
    client.raw(data);
    await until(() => expect(room.joins).toHaveLength(2));
    expect([client.opens, client.closes]).toEqual([2, [[1011, '']]]);
    await room.push('say', { text: 'sorry' });
    await until(() => expect(room.log.at(-1)).toEqual(['said', { from: 'alice', text: 'sorry' }]));
    await until(() => expect(bob.log).toEqual([['said', { from: 'alice', text: 'sorry' }]])); // and nothing else
  });

  test('an error in a channel ends only that join and is reported; the client rejoins', async () => {
    const other = await host(platform, APPLICATION);
    const client = new Client(other.url, 'token-of-alice');
    clients.push(client);
    const room = await client.join('room:faulty');
    const sound = await client.join('room:sound');
    room.channel.push('fail', {});
    await until(() => expect(room.joins).toHaveLength(2));
    expect(room.log).toEqual([['error', { reason: 'channel_crash' }]]);
    await until(() => expect(room.present()).toEqual(['alice 1']));
    expect(await sound.push('echo')).toEqual({ ok: {} });
    expect([client.opens, client.closes, sound.joins.length]).toEqual([1, [], 1]);
    client.socket.disconnect();
    expect(await other.stop()).toBe(0);
    expect(other.reports()).toMatch(/^phoenix: fail on room:faulty failed:.*an error in the channel/s);
    expect(other.reports().match(/failed/g)).toHaveLength(1);
  });

  test('a wrong token is refused with 1008, and no topic is joined', async () => {
    const client = connect('alice', { reconnectAfterMs: () => 60_000, params: { token: 'wrong' } });
    const room = new Room(client.socket.channel('room:refused', { mood: 'sly' }));
    await until(() => expect(client.closes).toEqual([[1008, 'unauthorized']]));
    expect(room.joins).toEqual([]);
  });
});
