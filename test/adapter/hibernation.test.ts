// Connections whose Durable Object hibernates, on workerd, with real evictions. Titles begin with the rule.

import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import { closeFrame, frame, RawClient, TEXT } from '../../tck/src/raw-client.ts';
import { type Host, launch } from '../toolkit/host.ts';

let server: Host;
/** Its class extends `DurableObject`; that of the other does not. */
let derived: Host;

beforeAll(async () => {
  const start = (name: string) => {
    const file = resolve(`test/adapter/${name}.application.ts`);
    return launch('cloudflare', ['test/toolkit/hosts/cloudflare.ts', file, file], { EVICTION: 'yes' });
  };
  [server, derived] = await Promise.all([start('hibernation'), start('hibernation-derived')]);
});
afterAll(async () => {
  await Promise.all([server?.stop(), derived?.stop()]);
});

/** How often an object has been constructed. */
const constructions = (object: string, of = server) => of.reports().split(`constructed ${object}\n`).length - 1;

/** workerd evicts an object that has been idle for 10 seconds. */
const untilEvicted = () => new Promise((evicted) => setTimeout(evicted, 11_500));

const connect = (path: string, protocols: string[] = [], to = server) =>
  Client.connect(`${to.url}/${path}`, { protocols });

/** Once its client has spoken, workerd ends a socket soon after the close frames, with or without this package. */
async function connectAndSpeak(path: string): Promise<Client> {
  const client = await connect(path);
  await client.next();
  client.text('one');
  await client.next();
  return client;
}

/** What a request for `post` answers. */
interface Posted {
  readonly posted: number;
  readonly all: number;
  readonly restored: readonly string[];
}

const ask = async <Answer = Posted>(path: string, from = server) =>
  (await (await fetch(`${from.url.replace('ws:', 'http:')}/${path}`)).json()) as Answer;

const reported = (text: string) => vi.waitFor(() => expect(server.reports()).toContain(text), { timeout: 5_000 });

/** How often a text has been reported. */
const count = (text: string) => server.reports().split(text).length - 1;

describe.concurrent('hibernation', { timeout: 60_000 }, () => {
  test('7.3 after waking, the next callback receives the saved state, and init is not called again', async () => {
    const client = await connect('waking/counter?name=ann', ['counted']);
    expect(await client.next()).toEqual({ text: 'init ann' });
    for (const [text, answer] of [
      ['one', 'ann 1'],
      ['in place', 'ann 2'],
      ['later', 'ann 3'],
    ]) {
      client.text(text as string);
      expect(await client.next()).toEqual({ text: answer });
    }
    await untilEvicted();
    client.text('four');
    expect(await client.next()).toEqual({ text: 'ann 4' });
    await vi.waitFor(() => expect(constructions('waking')).toBe(2));
    client.close(4003);
    expect(await client.closed()).toMatchObject({ close: 4003 });
    await reported('terminated ann remote 4003 4');
    const [, id] = /closed (\S+) counted 4\.3e remote/.exec(server.reports()) ?? [];
    expect(count(`opened ${id}`), 'how often it was opened').toBe(1);
  });

  test('7.3 two hundred connections that were suspended receive what is posted to their mailboxes', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `member-${index}`);
    const clients = await Promise.all(names.map((name) => connect(`crowd/counter?name=${name}`)));
    for (const [index, client] of clients.entries()) {
      expect(await client.next()).toEqual({ text: `init ${names[index]}` });
      client.text('one');
      expect(await client.next()).toEqual({ text: `${names[index]} 1` });
    }
    await untilEvicted();
    const { posted, all, restored } = await ask('crowd/post?info=hello');
    expect([posted, all, restored.length]).toEqual([200, 200, 200]);
    for (const [index, client] of clients.entries()) {
      expect(await client.next()).toEqual({ text: `info hello ${names[index]} 1 0` });
      client.close();
    }
    await vi.waitFor(() => expect(constructions('crowd')).toBe(2));
    await vi.waitFor(() => expect(count('terminated member-')).toBe(200), { timeout: 10_000 });
    expect((await ask('crowd/post?info=late')).all).toBe(0);
  });

  test('7.3 an alarm wakes an object, whether its class extends DurableObject or not', async () => {
    const wakeByAlarm = async (at: Host) => {
      const client = await connect('alarm/counter?name=ann', [], at);
      const member = await connect('alarm/member?name=bob', [], at);
      await client.next();
      client.text('one');
      expect(await client.next()).toEqual({ text: 'ann 1' });
      await ask('alarm/alarm?ms=12500', at);
      await untilEvicted();
      expect(await client.next('what the alarm posts')).toEqual({ text: 'info alarm ann 1 0' });
      expect(await member.next('what the alarm publishes')).toEqual({ text: 'alarm, bob; 0 more' });
      await vi.waitFor(() => expect(constructions('alarm', at)).toBe(2));
      client.text('two');
      expect(await client.next()).toEqual({ text: 'ann 2' });
      for (const each of [client, member]) each.close();
    };
    await Promise.all([server, derived].map(wakeByAlarm));
  });

  test('members who subscribe again in restore receive, once, what is published after waking', async () => {
    const names = ['ann', 'bob'];
    const members = await Promise.all(names.map((name) => connect(`room/member?name=${name}`)));
    for (const [index, member] of members.entries()) {
      member.text('who am I?');
      expect(await member.next()).toEqual({ text: `I am ${names[index]}` });
    }
    await untilEvicted();
    expect((await ask<string[]>('room/publish')).sort(), 'who is present').toEqual(names);
    for (const [index, member] of members.entries()) {
      for (const line of ['first', 'second', 'third']) {
        expect(await member.next()).toEqual({ text: expect.stringContaining(`${line}, ${names[index]};`) });
      }
      member.text('who am I?');
      expect(await member.next()).toEqual({ text: `I am ${names[index]}` });
    }
    await vi.waitFor(() => expect(constructions('room')).toBe(2));
    members[0]?.close(4006);
    await reported('aborted ann 4006');
    expect(await ask<string[]>('room/publish')).toEqual(['bob']);
    members[1]?.close();
  });

  test('6.7 6.8 mailboxes of woken connections have waiting and signal', async () => {
    const member = await connect('waiting/member?name=cyd');
    member.text('who am I?');
    await member.next();
    await untilEvicted();
    expect(await ask<number[]>('waiting/waiting')).toEqual([2]);
    expect(await member.next()).toEqual({ text: 'one, cyd; 1 more' });
    expect(await member.next()).toEqual({ text: 'two, cyd; 0 more' });
    expect(count('aborted cyd')).toBe(0);
    member.close(4007);
    await reported('aborted cyd 4007');
    expect([constructions('waiting'), count('aborted cyd')]).toEqual([2, 1]);
  });

  test('7.1 the object stays in memory while a callback is pending, whatever it waits for', async () => {
    const client = await connect('gated/counter?name=gated');
    await client.next();
    client.text('gate');
    client.text('next');
    await untilEvicted();
    await ask('gated/release?name=gated');
    expect([await client.next(), await client.next()]).toEqual([{ text: 'gated 1' }, { text: 'gated 2' }]);
    expect(constructions('gated')).toBe(1);
    await untilEvicted();
    client.text('three');
    expect(await client.next()).toEqual({ text: 'gated 3' });
    await vi.waitFor(() => expect(constructions('gated'), 'once nothing is pending').toBe(2));
    client.close();
  });

  test('a timer or request that a handler leaves pending keeps the object awake', async () => {
    const awake = ['setTimeout', 'setInterval', 'fetch', 'presence over a broker'];
    const texts = [...awake, 'presence', 'nothing'];
    const object = (text: string) => `pending-${text.replaceAll(' ', '-')}`;
    const clients = await Promise.all(texts.map((text) => connect(`${object(text)}/pending`)));
    const say = async (text: string, index: number) => {
      clients[index]?.text(text);
      expect(await clients[index]?.next()).toEqual({ text });
    };
    await Promise.all(texts.map(say));
    await untilEvicted();
    await Promise.all(texts.map((_, index) => say('nothing', index)));
    await vi.waitFor(() => {
      const counts = texts.map((text) => [text, constructions(object(text))]);
      expect(counts).toEqual(texts.map((text) => [text, awake.includes(text) ? 1 : 2]));
    });
    for (const client of clients) client.close();
  });

  test('wrapped handlers go on: json and limitMessages, with what they count', async () => {
    const [typed, limited, twice] = await Promise.all(
      ['typed', 'limited', 'limitedTwice'].map((what) => connect(`wrapped/${what}`)),
    );
    await limited?.next();
    for (const amount of [1, 2]) {
      typed?.text(`{"add":${amount}}`);
      twice?.text(`{"add":${amount}}`);
      limited?.text('one more');
      expect(await limited?.next()).toEqual({ text: `limited ${amount}` });
      for (const each of [typed, twice])
        expect(await each?.next()).toEqual({ text: `{"total":${amount === 1 ? 1 : 3}}` });
    }
    await untilEvicted();
    typed?.text('{"add":4}');
    expect(await typed?.next()).toEqual({ text: '{"total":7}' });
    twice?.text('{"add":4}');
    expect(await twice?.next()).toEqual({ text: '{"total":7}' });
    limited?.text('one more');
    expect(await limited?.next()).toEqual({ text: 'limited 3' });
    await vi.waitFor(() => expect(constructions('wrapped')).toBe(2));
    for (const each of [limited, twice]) {
      each?.text('{"add":8}');
      expect(await each?.closed()).toEqual({ close: 1008, reason: '' });
    }
    typed?.close();
  });

  test('a deploy drops all sockets without terminate; the new object has none of them', async () => {
    const clients = await Promise.all(['ann', 'bob'].map((name) => connect(`deployed/counter?name=deployed-${name}`)));
    for (const client of clients) await client.next();
    await fetch(`${server.url.replace('ws:', 'http:')}/deployed/deploy`);
    for (const client of clients) expect(await client.closed()).toEqual({ close: 1006, reason: '' });
    expect(await ask('deployed/post?info=late')).toEqual({ posted: 0, all: 0, restored: [] });
    const client = await connect('deployed/counter?name=deployed-ann');
    expect(await client.next()).toEqual({ text: 'init deployed-ann' });
    expect(await ask('deployed/post?info=hello')).toMatchObject({ posted: 1, all: 1 });
    expect(await client.next()).toEqual({ text: 'info hello deployed-ann 0 0' });
    expect([constructions('deployed'), count('terminated deployed')]).toEqual([2, 0]);
    client.close();
  });

  test('7.2 a state that can be cloned is saved as it is, with its maps and bytes', async () => {
    const client = await connect('plain/plain');
    client.text('a 100');
    expect(await client.next()).toEqual({ text: 'before: ' });
    await untilEvicted();
    client.text('b 200');
    expect(await client.next()).toEqual({ text: 'before: a=100' });
    client.text('c 0');
    expect(await client.next()).toEqual({ text: 'before: a=100,b=200' });
    await vi.waitFor(() => expect(constructions('plain')).toBe(2));
    client.close();
  });

  test.each([
    ['function', 'has a function'],
    ['large 20000', 'is too large'],
  ])('7.2 a state that %s is an invalid result: nothing is sent, 1011', async (text) => {
    const client = await connect(`invalid-${text.length}/plain`);
    client.text(text);
    expect(await client.closed()).toEqual({ close: 1011, reason: '' });
    await reported('onError handleIn true TypeError: the state of the handler "plain" cannot be saved: ');
  });

  test('4.1 a client that leaves while its connection is suspended has one terminate, with the saved state', async () => {
    const [closing, lost] = await Promise.all(
      ['closing', 'lost'].map((name) => connect(`left-${name}/counter?name=${name}`)),
    );
    for (const client of [closing, lost]) {
      await client?.next();
      client?.text('one');
      await client?.next();
    }
    await untilEvicted();
    closing?.close(4005);
    expect(await closing?.closed()).toMatchObject({ close: 4005 });
    lost?.cut();
    await reported('terminated closing remote 4005 1');
    await reported('terminated lost remote 1006 1');
    expect([constructions('left-closing'), constructions('left-lost')]).toEqual([2, 2]);
    expect([count('terminated closing'), count('terminated lost')]).toEqual([1, 1]);
  });

  test('6.6 a connection that was suspended can be stopped by its mailbox', async () => {
    const client = await connectAndSpeak('stopped/counter?name=stopped');
    await untilEvicted();
    await fetch(`${server.url.replace('ws:', 'http:')}/stopped/stop-all`);
    expect(await client.closed()).toEqual({ close: 4002, reason: '' });
    await reported('terminated stopped normal 4002 1');
  });

  test('4.1 after the end, nothing goes on with a connection whose client stays', async () => {
    const client = await RawClient.connect(`${server.url}/ended/counter?name=ended`, { halfOpen: true });
    await client.next('init');
    client.send(frame(TEXT, 'stop'));
    expect((await client.closing()).code).toBe(4000);
    await reported('terminated ended normal 4000 0');
    await untilEvicted();
    client.send(frame(TEXT, 'still there?'));
    expect(await ask('ended/post?info=late')).toMatchObject({ posted: 0 });
    client.send(closeFrame(4000));
    await vi.waitFor(() => expect(constructions('ended')).toBe(2));
    client.cut();
    expect(await ask('ended/post?info=later')).toMatchObject({ all: 0 });
    expect(count('terminated ended')).toBe(1);
  });

  test('7.3 if restore throws, the connection closes with 1011, and terminate is not called', async () => {
    const client = await connect('unrestorable/counter?name=unrestorable');
    await client.next();
    await untilEvicted();
    client.text('hello?');
    expect(await client.closed()).toEqual({ close: 1011, reason: '' });
    await reported('onError restore true Error: cannot be restored');
    expect(count('terminated unrestorable')).toBe(0);
  });

  test('an automatic response wakes nothing', async () => {
    const client = await connect('asleep/plain');
    await untilEvicted();
    client.text('are you there?');
    expect(await client.next()).toEqual({ text: 'yes' });
    expect(constructions('asleep')).toBe(1);
    client.close();
  });

  test('4.3j maxMessageSize applies after waking, too', async () => {
    const client = await connect('small/small');
    client.text('a 1');
    await client.next();
    await untilEvicted();
    client.text('more than ten bytes');
    expect(await client.closed()).toEqual({ close: 1009, reason: '' });
  });

  test('4.3o a shutdown closes connections that were suspended', async () => {
    const client = await connectAndSpeak('shutdown/counter?name=shut');
    await untilEvicted();
    const over = fetch(`${server.url.replace('ws:', 'http:')}/shutdown/shutdown`);
    expect(await client.closed()).toEqual({ close: 1001, reason: '' });
    await over;
    await reported('terminated shut shutdown 1001 1');
    await expect(connect('shutdown/counter')).rejects.toThrow('503');
  });

  test.each([
    [
      'unnamed',
      'the route accepted a handler that is not in the option "handlers" of createHibernation; name it there (limitConnections does not work here)',
    ],
    [
      'counter?idleTimeout=1000',
      'the option "idleTimeout" is 1000, but a timer would keep the object awake; leave it out',
    ],
  ])('a request for /%s is answered with 500, and reported', async (path, error) => {
    await expect(connect(`refused/${path}`)).rejects.toThrow('500');
    await reported(`onError route false TypeError: ${error}`);
  });
});
