// The rules, one by one, on a server that is known by its URL. Titles begin with the rule.
//
// `npm run lifecycle` runs this file on the reference servers, or on the server at WEBSOCK_URL, which hosts the probe.

import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import type { Limit } from '../../tck/src/capabilities.ts';
import { Client, type Received } from '../../tck/src/client.ts';
import { brief, type Callback, type Instruction, type Seen } from '../../tck/src/probe.ts';
import { BINARY, CLOSE, closeFrame, frame, PING, PONG, RawClient, TEXT } from '../../tck/src/raw-client.ts';
import { type Asked, type Connected, pause, Server } from '../../tck/src/server-under-test.ts';
import { type Host, host, platforms } from '../toolkit/host.ts';

const given = process.env['WEBSOCK_URL'];

describe.each(given ? [given] : platforms)('%s', { concurrent: true }, (name) => {
  let running: Host | undefined;
  let server: Server;

  beforeAll(async () => {
    running = given ? undefined : await host(name as (typeof platforms)[number], 'test/tck/application.ts');
    server = given
      ? await Server.at(given, {
          shutdown: 'a server that is known by its URL cannot be shut down from here',
          reports: 'what a server that is known by its URL reports cannot be seen from here',
        })
      : await Server.at((running as Host).url);
  }, 30_000); // longer than the patience of `Server.at`, which says more
  afterAll(async () => {
    await server?.leave();
    const code = await running?.stop();
    if (running) expect(code, 'the exit code of the server').toBe(0);
  });

  /** A test that a server which cannot do one of `limits` skips, for its reason. */
  const rule = (title: string, run: (skip: TestContext['skip']) => Promise<unknown>, ...limits: Limit[]) => {
    test(title, async ({ skip }: TestContext) => {
      const reason = limits.map((what) => server.limits[what]).find((limit) => limit !== undefined);
      if (reason !== undefined) skip(reason);
      await run(skip);
    });
  };

  const open = (asked?: Asked): Promise<Connected> => server.open(asked);

  /** A raw client, behind whose handshake nothing has been sent unless told. */
  const raw = async (asked: Asked = {}, behind?: Buffer): Promise<RawClient & { id: string }> => {
    const { id, url } = server.ask(asked);
    return Object.assign(await RawClient.connect(url, behind ? { behind } : {}), { id });
  };

  /** Waits for the server to report an error of this text, once. What it reports is seen only if it runs here. */
  const reported = async (error: string) => {
    if (!running) return;
    const times = () => (running?.reports().split(error).length ?? 0) - 1;
    for (let waited = 0; times() === 0 && waited < 5_000; waited += 20) await pause(20);
    await pause(20);
    expect(times(), `how often "${error}" is reported`).toBe(1);
  };

  const text = (data: string) => ({ opcode: 'text', data });
  const push = (...messages: unknown[]): Instruction => ({ result: { type: 'push', messages } });
  const stop = (more: object = {}): Instruction => ({ result: { type: 'stop', reason: 'normal', ...more } });

  /** The four callbacks that return results, each with what makes the server call it. */
  const ways: [Callback, (instruction: Instruction) => Promise<Connected>, Limit[]][] = [
    ['init', (instruction) => open({ on: { init: instruction } }), []],
    [
      'handleIn',
      async (instruction) => {
        const probe = await open();
        probe.tell(instruction);
        return probe;
      },
      [],
    ],
    [
      'handleControl',
      async (instruction) => {
        const probe = await open({ on: { handleControl: instruction } });
        probe.client.socket.pong('now');
        return probe;
      },
      ['control frames in'],
    ],
    [
      'handleInfo',
      async (instruction) => {
        const probe = await open();
        await probe.post(instruction);
        return probe;
      },
      [],
    ],
  ];

  /** Runs a test once for each callback that returns a result. */
  const forEachCallback = (
    title: (callback: Callback) => string,
    run: (make: (instruction: Instruction) => Promise<Connected>, callback: Callback) => Promise<unknown>,
    ...limits: Limit[]
  ) => {
    for (const [callback, make, more] of ways) rule(title(callback), () => run(make, callback), ...more, ...limits);
  };

  // ---- 1. Opening ----

  rule('1.1 init is called once, before anything else, with the arg of the upgrade', async () => {
    const probe = await open();
    probe.client.text('hello');
    const trace = await probe.begun('handleIn');
    expect(trace.begun).toEqual(['init', 'handleIn']);
    expect(trace.calls('init')).toEqual([{ id: probe.id }]);
  });

  rule('1.1 init is called when the handshake is complete: what it pushes comes behind it', async () => {
    const client = await raw({ on: { init: push(text('first')) } });
    expect(client.status).toBe(101);
    expect(await client.next()).toMatchObject({ opcode: TEXT, payload: Buffer.from('first') });
    client.cut();
  });

  rule('1.2 what arrives while init is pending waits, and is handled in order', async () => {
    const probe = await open({ on: { init: { gate: true } } });
    for (const data of ['one', 'two', 'three']) probe.client.text(data);
    await pause(50);
    expect((await probe.trace()).begun).toEqual(['init']);
    await probe.release();
    const trace = await probe.begun('handleIn', 3);
    expect(trace.calls('handleIn')).toEqual([{ text: 'one' }, { text: 'two' }, { text: 'three' }]);
  });

  rule('1.2 infos that are posted while init is pending wait as well', async () => {
    const probe = await open({ on: { init: { gate: true } } });
    await probe.begun('init');
    await probe.post('one', 'two');
    await probe.release();
    expect((await probe.begun('handleInfo', 2)).calls('handleInfo')).toEqual([{ info: 'one' }, { info: 'two' }]);
  });

  rule('1.3 frames in the packet of the handshake are not lost', async () => {
    const client = await raw({}, Buffer.concat([frame(TEXT, 'early'), frame(BINARY, Buffer.of(1, 2))]));
    const trace = await server.traceOnce(client.id, (seen) => seen.calls('handleIn').length === 2);
    expect(trace.calls('handleIn')).toEqual([{ text: 'early' }, { binary: '0102' }]);
    client.cut();
  });

  rule('1.3 frames in the packet of the handshake wait for a slow init', async () => {
    const client = await raw({ on: { init: { wait: 100 } } }, frame(TEXT, 'early'));
    const trace = await server.traceOnce(client.id, (seen) => seen.calls('handleIn').length === 1);
    expect(trace.begun).toEqual(['init', 'handleIn']);
    client.cut();
  });

  for (const [what, init] of [
    ['throws', { throw: 'no' }],
    ['rejects', { throw: 'no', wait: 10 }],
    ['returns nothing', { raw: undefined, wait: 0 }],
    ['returns what is not a result', { raw: { type: 'ok' } }],
  ] as const) {
    rule(`1.4 if init ${what}, the connection closes with 1011, and terminate is not called`, async () => {
      // `undefined` is lost in JSON, and null is no result either
      const probe = await open({
        on: { init: 'raw' in init && init.raw === undefined ? { ...init, raw: null } : init },
      });
      expect(await probe.client.closed()).toEqual({ close: 1011, reason: '' });
      await pause(50);
      expect((await probe.trace()).begun).toEqual(['init']);
    });
  }

  const VERSION = 'Sec-WebSocket-Version: 13';
  const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  const UPGRADE = 'Upgrade: websocket';
  const CONNECTION = 'Connection: Upgrade';
  for (const [what, method, headers, ...limits] of [
    ['with another method', 'POST', [UPGRADE, CONNECTION, VERSION, KEY]],
    ['to another protocol', 'GET', ['Upgrade: h2c', CONNECTION, VERSION, KEY]],
    ['without a key', 'GET', [UPGRADE, CONNECTION, VERSION]],
    ['with a key that is none', 'GET', [UPGRADE, CONNECTION, VERSION, 'Sec-WebSocket-Key: short']],
    ['of another version', 'GET', [UPGRADE, CONNECTION, 'Sec-WebSocket-Version: 7', KEY]],
    ['without a version', 'GET', [UPGRADE, CONNECTION, KEY]],
    ['of HTTP/1.0', 'GET', [UPGRADE, CONNECTION, VERSION, KEY], 'refuse HTTP/1.0'],
  ] as [string, string, string[], ...Limit[]][]) {
    rule(
      `1.5 a request ${what} is refused with 4xx, and reaches no callback`,
      async () => {
        const { id, url } = server.ask();
        const { pathname, search } = new URL(url);
        const version = what === 'of HTTP/1.0' ? 'HTTP/1.0' : 'HTTP/1.1';
        const client = await RawClient.connect(url, { request: `${method} ${pathname}${search} ${version}`, headers });
        expect(client.status).toBeGreaterThanOrEqual(400);
        expect(client.status).toBeLessThan(500);
        client.cut();
        expect((await server.trace(id)).seen).toEqual([]);
      },
      ...limits,
    );
  }

  rule('1.5 a request that names the protocol in another case is a valid one', async () => {
    const { url } = server.ask();
    const headers = ['upgrade: WebSocket', 'connection: keep-alive, upgrade', VERSION, KEY];
    const client = await RawClient.connect(url, { headers });
    expect(client.status).toBe(101);
    client.cut();
  });

  for (const [what, offered, protocol, answered] of [
    ['is answered if the client offered it', 'a, b', 'b', 'b'],
    ['is answered if the client offered it without spaces', 'a,b', 'b', 'b'],
    ['is not answered if the client did not offer it', 'a', 'b', ''],
    ['is not answered if the client offers none', undefined, 'b', ''],
    ['is not answered unless the application asks', 'a, b', undefined, ''],
  ] as const) {
    rule(`1.5 the subprotocol ${what}`, async () => {
      const { url } = server.ask(protocol ? { options: { protocol } } : {});
      const client = await RawClient.connect(url, offered ? { more: [`Sec-WebSocket-Protocol: ${offered}`] } : {});
      expect(client.status).toBe(101);
      expect(/^sec-websocket-protocol: *(.*?)\r$/im.exec(client.answer)?.[1] ?? '').toBe(answered);
      client.cut();
    });
  }

  // ---- 2. Callbacks ----

  forEachCallback(
    (callback) => `2.1 nothing begins while ${callback} is pending`,
    async (make, callback) => {
      const probe = await make({ gate: true });
      await probe.begun(callback);
      probe.client.text('waits');
      await probe.post('waits too');
      await pause(50);
      const before = await probe.trace();
      expect(before.begun.at(-1)).toBe(callback);
      await probe.release();
      const trace = await server.traceOnce(probe.id, (seen) => seen.begun.length >= before.begun.length + 2);
      expect(overlaps(trace.seen)).toEqual([]);
      probe.client.cut();
    },
  );

  rule('2.1 a callback whose result is a thenable is waited for', async () => {
    const probe = await open();
    probe.tell({ thenable: true, result: { type: 'push', messages: [text('then')] } });
    probe.tell(push(text('next')));
    expect(await probe.client.next()).toEqual({ text: 'then' });
    expect(await probe.client.next()).toEqual({ text: 'next' });
    expect(overlaps((await probe.trace()).seen)).toEqual([]);
  });

  rule('2.1 terminate does not begin while a callback is pending', async () => {
    const probe = await open();
    probe.tell({ gate: true });
    await probe.begun('handleIn');
    probe.client.cut();
    await pause(50);
    expect((await probe.trace()).begun).toEqual(['init', 'handleIn']);
    await probe.release();
    const trace = await probe.ended();
    expect(trace.begun).toEqual(['init', 'handleIn', 'terminate']);
    expect(overlaps(trace.seen)).toEqual([]);
  });

  rule('2.2 events are handled in the order in which they arrived', async () => {
    const probe = await open();
    probe.tell({ gate: true });
    await probe.begun('handleIn');
    await probe.post('info one');
    await probe.post('info two');
    await probe.release();
    await probe.begun('handleInfo', 2);
    const sent = Array.from({ length: 50 }, (_, index) => `frame ${index}`);
    for (const data of sent) probe.client.text(data);
    const trace = await probe.begun('handleIn', 51);
    expect(trace.calls('handleInfo')).toEqual([{ info: 'info one' }, { info: 'info two' }]);
    expect(trace.calls('handleIn').slice(1)).toEqual(sent.map((data) => ({ text: data })));
  });

  rule("2.2 frames that came before the client's close frame are handled before terminate", async () => {
    const probe = await open({ on: { handleIn: { wait: 20 } } });
    for (const data of ['one', 'two', 'three']) probe.client.text(data);
    probe.client.close(1000);
    const trace = await probe.ended();
    expect(trace.begun).toEqual(['init', 'handleIn', 'handleIn', 'handleIn', 'terminate']);
    expect(trace.reason).toEqual({ type: 'remote', code: 1000, reason: '' });
  });

  rule('2.2 frames and a close frame in one packet, while a callback is pending', async () => {
    const client = await raw({ on: { handleIn: { wait: 20 } } });
    client.send(frame(TEXT, 'one'), frame(TEXT, 'two'), closeFrame(4000, 'bye'));
    const trace = await server.ended(client.id);
    expect(trace.calls('handleIn')).toEqual([{ text: 'one' }, { text: 'two' }]);
    expect(trace.reason).toEqual({ type: 'remote', code: 4000, reason: 'bye' });
  });

  rule('2.2 infos that still wait when the connection ends are dropped', async () => {
    const probe = await open();
    probe.tell({ gate: true });
    await probe.begun('handleIn');
    await probe.post('late', 'later');
    probe.tell(stop()); // so that the end is sure to come before the infos' turn has passed
    probe.client.cut();
    await pause(50);
    await probe.release();
    const trace = await probe.ended();
    expect(trace.begun.filter((callback) => callback === 'terminate')).toHaveLength(1);
    // a server that stops reading learns of the cut when it reads again: an info may have had its turn by then, but
    // never after terminate
    expect(trace.begun.at(-1)).toBe('terminate');
  });

  rule('2.2 after a stop, what still waits is dropped', async () => {
    const probe = await open({ on: { init: { gate: true, result: { type: 'stop', reason: 'normal' } } } });
    await probe.begun('init');
    probe.client.text('late');
    await probe.post('late');
    await probe.release();
    expect((await probe.ended()).begun).toEqual(['init', 'terminate']);
  });

  for (const [what, frames, seen] of [
    ['a text message', [frame(TEXT, 'héllo ☕ 🎉')], { text: 'héllo ☕ 🎉' }],
    ['an empty text message', [frame(TEXT)], { text: '' }],
    ['a text message with a byte order mark and a NUL', [frame(TEXT, '\uFEFFa\0b')], { text: '\uFEFFa\0b' }],
    ['a binary message', [frame(BINARY, Buffer.of(0, 255, 128))], { binary: '00ff80' }],
    ['an empty binary message', [frame(BINARY)], { binary: '' }],
    [
      'a text message in fragments, cut inside a character',
      [
        frame(TEXT, Buffer.from('☕').subarray(0, 1), { fin: false }),
        frame(0, Buffer.from('☕').subarray(1), { fin: false }),
        frame(0, '!'),
      ],
      { text: '☕!' },
    ],
    [
      'a binary message in fragments, some of them empty',
      [
        frame(BINARY, Buffer.of(1), { fin: false }),
        frame(0, '', { fin: false }),
        frame(0, Buffer.of(2), { fin: false }),
        frame(0),
      ],
      { binary: '0102' },
    ],
    [
      'a message with pings and pongs between its fragments',
      [frame(TEXT, 'a', { fin: false }), frame(PING, 'p'), frame(0, 'b', { fin: false }), frame(PONG), frame(0, 'c')],
      { text: 'abc' },
    ],
  ] as [string, Buffer[], Seen['given']][]) {
    rule(`2.3 ${what} comes whole`, async () => {
      const client = await raw();
      client.send(...frames);
      const trace = await server.traceOnce(client.id, (all) => all.calls('handleIn').length > 0);
      expect(trace.calls('handleIn')).toEqual([seen]);
      client.cut();
    });
  }

  rule('2.3 a message that comes byte by byte is whole', async () => {
    const client = await raw();
    for (const byte of frame(TEXT, 'slow')) {
      client.send(Buffer.of(byte));
      await pause(2);
    }
    const trace = await server.traceOnce(client.id, (all) => all.calls('handleIn').length > 0);
    expect(trace.calls('handleIn')).toEqual([{ text: 'slow' }]);
    client.cut();
  });

  for (const length of [125, 126, 127, 65_535, 65_536, 1_000_000]) {
    rule(`2.3 a message of ${length} bytes comes whole`, async () => {
      const probe = await open();
      probe.client.text('x'.repeat(length));
      expect((await probe.begun('handleIn')).calls('handleIn')).toEqual([{ text: brief('x'.repeat(length)) }]);
      probe.client.cut();
    });
  }

  rule(
    '2.3 a compressed message comes whole, and compressed ones are sent',
    async () => {
      const probe = await open({ options: { compress: true }, client: { perMessageDeflate: { threshold: 0 } } });
      expect(probe.client.socket.extensions).toContain('permessage-deflate');
      const long = 'abc'.repeat(10_000);
      probe.client.text(long);
      probe.client.socket.send(Buffer.alloc(20_000, 7));
      const trace = await probe.begun('handleIn', 2);
      expect(trace.calls('handleIn')).toEqual([{ text: brief(long) }, { binary: brief(Buffer.alloc(20_000, 7)) }]);
      probe.tell(push(text(long), text('short')));
      expect(await probe.client.next()).toEqual({ text: long });
      expect(await probe.client.next()).toEqual({ text: 'short' });
      probe.client.cut();
    },
    'compress: true',
  );

  rule('2.3 nothing is compressed unless the application asks', async () => {
    const probe = await open({ client: { perMessageDeflate: true } });
    expect(probe.client.socket.extensions).toBe('');
    probe.client.cut();
  });

  rule('2.4 the state is the very value that was last returned', async () => {
    const probe = await open({ on: { init: { wait: 1 } } });
    probe.client.text('one');
    await probe.post('two');
    probe.tell({ wait: 1 });
    await probe.begun('handleIn', 2);
    await probe.begun('handleInfo');
    probe.client.close();
    const trace = await probe.ended();
    expect(trace.begun).toHaveLength(5);
    expect(trace.seen.filter(({ event, sameState }) => event === 'begin' && !sameState)).toEqual([]);
  });

  rule('2.5 callbacks are called as methods of the handler', async () => {
    const probe = await open();
    probe.client.text('one');
    probe.client.socket.ping();
    await probe.post('two');
    await probe.begun('handleIn');
    await probe.begun('handleInfo');
    probe.client.close();
    const trace = await probe.ended();
    expect(trace.begun).toEqual(expect.arrayContaining(['init', 'handleIn', 'handleInfo', 'terminate']));
    expect(trace.seen.filter(({ event, sameThis }) => event === 'begin' && !sameThis)).toEqual([]);
  });

  rule(
    '2.6 one handler serves many connections at once, and one that is stuck does not hold up the others',
    async () => {
      const probes = await Promise.all(Array.from({ length: 20 }, () => open()));
      for (const probe of probes) probe.tell({ gate: true });
      for (const probe of probes) await probe.begun('handleIn');
      for (const [index, probe] of [...probes.entries()].reverse()) {
        await probe.release();
        probe.tell(push(text(`mine ${index}`)));
        expect(await probe.client.next()).toEqual({ text: `mine ${index}` });
      }
      for (const probe of probes) probe.client.close();
      for (const probe of probes) expect((await probe.ended()).calls('terminate')).toHaveLength(1);
    },
  );

  rule('2.7 bytes belong to the handler: they are neither written to nor reused', async () => {
    const client = await raw();
    const messages = Array.from({ length: 200 }, (_, index) => Buffer.alloc(1 + (index % 50), index));
    for (const message of messages) client.send(frame(BINARY, message));
    await server.traceOnce(client.id, (all) => all.calls('handleIn').length === messages.length);
    expect(await server.command({ kept: client.id })).toEqual(messages.map((message) => message.toString('hex')));
    client.cut();
  });

  rule('2.7 a handler that writes to its bytes harms no others', async () => {
    const client = await raw({ on: { handleIn: { overwrite: true } } });
    client.send(...Array.from({ length: 20 }, () => frame(BINARY, Buffer.of(1, 2, 3))));
    const trace = await server.traceOnce(client.id, (all) => all.calls('handleIn').length === 20);
    expect(new Set(trace.calls('handleIn').map((seen) => JSON.stringify(seen)))).toEqual(
      new Set(['{"binary":"010203"}']),
    );
    client.cut();
  });

  rule(
    '2.7 with validateUtf8 off, malformed bytes come as U+FFFD',
    async () => {
      const client = await raw({ options: { validateUtf8: false } });
      client.send(frame(TEXT, Buffer.of(0x61, 0xff, 0x62)));
      const trace = await server.traceOnce(client.id, (all) => all.calls('handleIn').length > 0);
      expect(trace.calls('handleIn')).toEqual([{ text: 'a\uFFFDb' }]);
      client.cut();
    },
    'validateUtf8: false',
  );

  rule('2.8 a ping is answered with its data, whatever the handler does', async () => {
    const client = await raw();
    client.send(frame(PING, 'beat'));
    expect(await client.next()).toMatchObject({ opcode: PONG, payload: Buffer.from('beat') });
    client.send(frame(PING));
    expect(await client.next()).toMatchObject({ opcode: PONG, payload: Buffer.alloc(0) });
    client.cut();
  });

  rule(
    '2.8 handleControl is given pings and pongs, and a ping has been answered before',
    async () => {
      const client = await raw({ on: { handleControl: push(text('seen')) } });
      client.send(frame(PING, 'hi'), frame(PONG));
      const order = [await client.next(), await client.next(), await client.next()];
      expect(order.map((received) => ('opcode' in received ? received.opcode : 'end'))).toEqual([PONG, TEXT, TEXT]);
      const trace = await server.trace(client.id);
      expect(trace.calls('handleControl')).toEqual([{ ping: '6869' }, { pong: '' }]);
      client.cut();
    },
    'control frames in',
  );

  rule('2.8 close frames reach no handler', async () => {
    const probe = await open();
    probe.client.close(4000, 'bye');
    expect((await probe.ended()).begun).toEqual(['init', 'terminate']);
  });

  rule('2.9 handleInfo is given each posted info once', async () => {
    const probe = await open();
    const infos = Array.from({ length: 100 }, (_, index) => index);
    await probe.post(...infos);
    probe.client.text('fence');
    const trace = await probe.begun('handleIn');
    expect(trace.calls('handleInfo')).toEqual(infos.map((info) => ({ info })));
    probe.client.cut();
  });

  // ---- 3. Results ----

  forEachCallback(
    (callback) => `3.1 ok from ${callback} replaces the state, and sends nothing`,
    async (make) => {
      const probe = await make({ result: { type: 'ok' } });
      probe.tell(push(text('fence')));
      expect(await probe.client.next()).toEqual({ text: 'fence' });
      expect((await probe.trace()).seen.filter(({ sameState }) => sameState === false)).toEqual([]);
      probe.client.cut();
    },
  );

  for (const [what, messages, received, ...limits] of [
    ['a text message', [text('héllo 🎉')], [{ text: 'héllo 🎉' }]],
    ['an empty text message', [text('')], [{ text: '' }]],
    ['a binary message', [{ opcode: 'binary', hex: '00ff' }], [{ binary: '00ff' }]],
    ['a ping without data', [{ opcode: 'ping' }], [{ ping: '' }], 'control frames out'],
    ['a ping with text', [{ opcode: 'ping', data: 'hi' }], [{ ping: 'hi' }], 'control frames out'],
    ['a pong with bytes', [{ opcode: 'pong', hex: '6869' }], [{ pong: 'hi' }], 'control frames out'],
    [
      'many messages, in order',
      [text('a'), { opcode: 'binary', hex: '01' }, text('b')],
      [{ text: 'a' }, { binary: '01' }, { text: 'b' }],
    ],
    [
      'a control frame and a text message',
      [{ opcode: 'pong' }, text('a')],
      [{ pong: '' }, { text: 'a' }],
      'control frames out',
    ],
    ['a message of 70 000 bytes', [{ opcode: 'text', long: 70_000 }], [{ text: 'x'.repeat(70_000) }]],
  ] as [string, unknown[], Received[], ...Limit[]][]) {
    forEachCallback(
      (callback) => `3.2 push from ${callback} sends ${what}`,
      async (make) => {
        const probe = await make(push(...messages));
        for (const expected of received) expect(await probe.client.next()).toEqual(expected);
        probe.client.cut();
      },
      ...limits,
    );
  }

  rule('3.2 push sends one message that is not in a list', async () => {
    const probe = await open();
    probe.tell({ result: { type: 'push', messages: text('one') } });
    expect(await probe.client.next()).toEqual({ text: 'one' });
  });

  rule('3.2 push sends its messages before the next callback begins', async () => {
    const probe = await open();
    probe.tell({ post: [push(text('second'))], result: { type: 'push', messages: [text('first')] } });
    expect(await probe.client.next()).toEqual({ text: 'first' });
    expect(await probe.client.next()).toEqual({ text: 'second' });
  });

  rule('3.2 what a server without control frames cannot send, it leaves out; the rest is sent', async () => {
    const probe = await open();
    probe.tell(push(text('before'), { opcode: 'ping' }, text('after')));
    expect(await probe.client.next()).toEqual({ text: 'before' });
    const next = await probe.client.next();
    if (!server.limits['control frames out']) expect(next).toEqual({ ping: '' });
    expect('ping' in next ? await probe.client.next() : next).toEqual({ text: 'after' });
  });

  forEachCallback(
    (callback) => `3.3 reply from ${callback} is push, whatever its status`,
    async (make) => {
      const probe = await make({
        result: { type: 'reply', status: { any: 'thing' }, messages: [text('a'), text('b')] },
      });
      expect(await probe.client.next()).toEqual({ text: 'a' });
      expect(await probe.client.next()).toEqual({ text: 'b' });
      probe.tell(push(text('alive')));
      expect(await probe.client.next()).toEqual({ text: 'alive' });
    },
  );

  forEachCallback(
    (callback) => `3.4 stop from ${callback} sends its messages, then the close frame, and nothing follows`,
    async (make, callback) => {
      const probe = await make(stop({ messages: [text('last'), text('words')] }));
      expect(await probe.client.next()).toEqual({ text: 'last' });
      expect(await probe.client.next()).toEqual({ text: 'words' });
      expect(await probe.client.closed()).toEqual({ close: 1000, reason: '' });
      const trace = await probe.ended();
      expect(trace.begun.slice(-2)).toEqual([callback, 'terminate']);
    },
  );

  rule('3.4 after a stop, what the client still sends reaches no callback', async () => {
    const client = await raw();
    client.send(frame(TEXT, JSON.stringify(stop())), frame(TEXT, 'late'), frame(TEXT, 'later'));
    const trace = await server.ended(client.id);
    expect(trace.begun).toEqual(['init', 'handleIn', 'terminate']);
    client.send(frame(TEXT, 'latest'));
    await pause(50);
    expect((await server.trace(client.id)).begun).toEqual(['init', 'handleIn', 'terminate']);
    client.cut();
  });

  rule('3.4 after an error, what the client still sends reaches no callback', async () => {
    const client = await raw();
    client.send(frame(TEXT, '{"throw":"no"}'), frame(TEXT, 'late'));
    expect((await server.ended(client.id)).begun).toEqual(['init', 'handleIn', 'terminate']);
    client.cut();
  });

  for (const type of ['push', 'reply', 'stop']) {
    rule(`3.5 ${type} with an empty list sends nothing`, async () => {
      const probe = await open();
      const more = type === 'stop' ? { reason: 'normal' } : type === 'reply' ? { status: 'ok' } : {};
      probe.tell({ result: { type, ...more, messages: [] } });
      if (type !== 'stop') probe.tell(stop());
      expect(await probe.client.closed()).toEqual({ close: 1000, reason: '' });
    });
  }

  const sent = text('must not be sent');
  for (const [what, raw] of [
    ['nothing', null],
    ['a string', 'ok'],
    ['no type', { state: 1 }],
    ['no state', { type: 'ok' }],
    ['an unknown type', { type: 'okay', messages: [sent], state: 1 }],
    ['ok with messages', { type: 'ok', messages: [sent], state: 1 }],
    ['push without messages', { type: 'push', state: 1 }],
    ['stop without a reason', { type: 'stop', messages: [sent], state: 1 }],
    ['one bad message in a list', { type: 'push', messages: [sent, { opcode: 'text', data: 1 }], state: 1 }],
    ['an unknown opcode', { type: 'push', messages: [sent, { opcode: 'close', data: '' }], state: 1 }],
    ['text without data', { type: 'push', messages: [sent, { opcode: 'text' }], state: 1 }],
    [
      'ping data over 125 bytes',
      { type: 'push', messages: [sent, { opcode: 'ping', data: 'é'.repeat(63) }], state: 1 },
    ],
    ['a close that is a number', { type: 'stop', reason: 'normal', close: 1000, messages: [sent], state: 1 }],
  ] as [string, unknown][]) {
    rule(`3.6 ${what} is an error, and none of it is sent`, async () => {
      const probe = await open();
      probe.tell({ raw });
      expect(await probe.client.closed()).toEqual({ close: 1011, reason: '' });
      const trace = await probe.ended();
      expect(trace.reason).toMatchObject({ type: 'error' });
      expect(trace.begun).toEqual(['init', 'handleIn', 'terminate']);
      expect(trace.seen.at(-2)).toMatchObject({ callback: 'terminate', sameState: true });
    });
  }

  forEachCallback(
    (callback) => `3.6 what is not a result is an error from ${callback} too`,
    async (make, callback) => {
      const probe = await make({ raw: { type: 'push', messages: [sent] }, wait: 1 });
      expect(await probe.client.closed()).toEqual({ close: 1011, reason: '' });
      if (callback !== 'init') expect((await probe.ended()).reason).toMatchObject({ type: 'error' });
    },
  );

  for (const [what, ...instructions] of [
    ['a push', { wait: 100, result: { type: 'push', messages: [text('late')] } }],
    ['a stop', { wait: 100, result: { type: 'stop', reason: { error: 'late' }, close: { code: 4000 } } }],
    ['a rejection', { wait: 100, throw: 'rejected late' }],
    ['a throw', { wait: 100 }, { throw: 'thrown late' }],
  ] as [string, ...Instruction[]][]) {
    rule(`3.7 ${what} after the end changes neither how it closed nor what terminate is told`, async () => {
      const client = await raw();
      // all in one packet, so that the end has come before the callback settles, also where reading has stopped
      const frames = instructions.map((instruction) => frame(TEXT, JSON.stringify(instruction)));
      client.send(...frames, closeFrame(4001, 'mine'));
      const trace = await server.ended(client.id);
      expect(trace.reason).toEqual({ type: 'remote', code: 4001, reason: 'mine' });
      expect(trace.seen.at(-2)).toMatchObject({ callback: 'terminate', sameState: true });
      const [before, code] = await client.untilClose();
      // a server may have answered the close frame before the callback settled, or after: its messages may come, its
      // own close code never
      expect(before.length).toBeLessThanOrEqual(1);
      expect(code).toBe(4001);
      const late = instructions.at(-1)?.throw;
      if (late) await reported(late);
    });
  }

  // ---- 4. Closing ----

  for (const [what, end] of [
    ['a stop', (probe: Connected) => probe.tell(stop())],
    ['a throw', (probe: Connected) => probe.tell({ throw: 'no' })],
    ['the client closes', (probe: Connected) => probe.client.close(1000)],
    ['the connection drops', (probe: Connected) => probe.client.cut()],
  ] as [string, (probe: Connected) => void][]) {
    rule(`4.1 terminate is called once, with the last state, after ${what}`, async () => {
      const probe = await open();
      probe.client.text('one');
      await probe.begun('handleIn');
      end(probe);
      await probe.ended();
      await pause(50);
      const trace = await probe.trace();
      expect(trace.begun.filter((callback) => callback === 'terminate')).toHaveLength(1);
      expect(trace.begun.at(-1)).toBe('terminate');
      expect(trace.seen.findLast(({ event }) => event === 'begin')).toMatchObject({ sameState: true });
    });
  }

  rule('4.1 terminate is called after a stop from init', async () => {
    const probe = await open({ on: { init: stop() } });
    expect(await probe.client.closed()).toEqual({ close: 1000, reason: '' });
    expect((await probe.ended()).begun).toEqual(['init', 'terminate']);
  });

  for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]) {
    rule(`4.2 a handler may send ${code}, with a reason`, async () => {
      const client = await raw();
      client.send(frame(TEXT, JSON.stringify(stop({ close: { code, reason: 'why ☕' } }))));
      const received = await client.next();
      expect(received).toMatchObject({ opcode: CLOSE });
      if ('payload' in received) {
        expect(received.payload.readUInt16BE()).toBe(code);
        expect(received.payload.subarray(2).toString()).toBe('why ☕');
      }
      expect((await server.ended(client.id)).reason).toEqual({ type: 'normal' });
      client.cut();
    });
  }

  for (const code of [0, 999, 1004, 1005, 1006, 1010, 1015, 1016, 2999, 5000, -1, 1000.5, 70_000]) {
    rule(`4.2 ${code} is an error: it closes with 1011`, async () => {
      const client = await raw();
      client.send(frame(TEXT, JSON.stringify(stop({ close: { code, reason: 'no' }, messages: [sent] }))));
      const [before, sentCode] = await client.untilClose();
      expect([before, sentCode]).toEqual([[], 1011]);
      client.cut();
      expect((await server.ended(client.id)).reason).toMatchObject({ type: 'error' });
    });
  }

  for (const [what, reason, cut] of [
    ['of 123 bytes is sent whole', 'x'.repeat(123), 'x'.repeat(123)],
    ['of more is cut', 'x'.repeat(500), 'x'.repeat(123)],
    ['is cut at a character', '☕'.repeat(42), '☕'.repeat(41)],
    ['is cut at a character of four bytes', `x${'🎉'.repeat(40)}`, `x${'🎉'.repeat(30)}`],
  ]) {
    rule(`4.2 a close reason ${what}`, async () => {
      const probe = await open();
      probe.tell(stop({ close: { code: 4000, reason } }));
      expect(await probe.client.closed()).toEqual({ close: 4000, reason: cut });
    });
  }

  rule('4.2 the text of an error does not go on the wire', async () => {
    const client = await raw();
    client.send(frame(TEXT, '{"throw":"secret"}'));
    const received = await client.next();
    expect('payload' in received && received.payload.toString('latin1')).not.toContain('secret');
    client.cut();
  });

  forEachCallback(
    (callback) => `4.3 stop 'normal' from ${callback} sends 1000, and terminate is told normal`,
    async (make) => {
      const probe = await make(stop());
      expect(await probe.client.closed()).toEqual({ close: 1000, reason: '' });
      expect((await probe.ended()).reason).toEqual({ type: 'normal' });
    },
  );

  forEachCallback(
    (callback) => `4.3 stop 'restart' from ${callback} sends 1012, and terminate is told normal`,
    async (make) => {
      const probe = await make(stop({ reason: 'restart' }));
      expect(await probe.client.closed()).toEqual({ close: 1012, reason: '' });
      expect((await probe.ended()).reason).toEqual({ type: 'normal' });
    },
  );

  forEachCallback(
    (callback) => `4.3 stop { error } from ${callback} sends 1011, and terminate is told the error`,
    async (make) => {
      const probe = await make(stop({ reason: { error: 'broken' } }));
      expect(await probe.client.closed()).toEqual({ close: 1011, reason: '' });
      expect((await probe.ended()).reason).toEqual({ type: 'error', error: 'broken' });
    },
  );

  forEachCallback(
    (callback) => `4.3 stop with a close from ${callback} sends that, after its messages`,
    async (make) => {
      const probe = await make(
        stop({ reason: { error: 'x' }, close: { code: 4001, reason: 'y' }, messages: text('z') }),
      );
      expect(await probe.client.next()).toEqual({ text: 'z' });
      expect(await probe.client.closed()).toEqual({ close: 4001, reason: 'y' });
    },
  );

  for (const [what, more] of [
    ['throw', {}],
    ['rejection', { wait: 1 }],
  ] as const) {
    forEachCallback(
      (callback) => `4.3 a ${what} in ${callback} sends 1011`,
      async (make, callback) => {
        const probe = await make({ throw: 'broken', ...more });
        expect(await probe.client.closed()).toEqual({ close: 1011, reason: '' });
        if (callback !== 'init') {
          expect((await probe.ended()).reason).toEqual({ type: 'error', error: 'Error: broken' });
        }
      },
    );
  }

  for (const [code, reason, told, limit] of [
    [1000, 'done', 1000],
    [1001, '', 1001],
    [3000, 'lib', 3000],
    [4999, 'é'.repeat(61), 4999],
    [1014, '', 1014, 'remote 1014'],
    [undefined, '', 1005],
  ] as [number | undefined, string, number, Limit?][]) {
    rule(
      `4.3 the client's close frame with ${code ?? 'no code'} is echoed, and told as remote ${told}`,
      async () => {
        const client = await raw();
        client.send(code === undefined ? frame(CLOSE) : closeFrame(code, reason));
        const [before, echoed] = await client.untilClose();
        expect([before, echoed]).toEqual([[], told]);
        expect((await server.ended(client.id)).reason).toEqual({ type: 'remote', code: told, reason });
        client.cut();
      },
      ...(limit ? [limit] : []),
    );
  }

  rule('4.3 a connection that drops is told as remote, 1006', async () => {
    const client = await raw();
    client.cut();
    expect((await server.ended(client.id)).reason).toEqual({ type: 'remote', code: 1006, reason: '' });
    const half = await raw();
    half.send(frame(TEXT, 'half', { fin: false }));
    half.socket.end();
    expect((await server.ended(half.id)).reason).toEqual({ type: 'remote', code: 1006, reason: '' });
    expect((await server.trace(half.id)).begun).toEqual(['init', 'terminate']);
  });

  const malformed: [string, number, Buffer[], ...Limit[]][] = [
    ['text that is not UTF-8', 1007, [frame(TEXT, Buffer.of(0xff))], 'validateUtf8: true', 'protocol error codes'],
    [
      'text that is not UTF-8, in fragments',
      1007,
      [frame(TEXT, Buffer.of(0xc3), { fin: false }), frame(0, Buffer.of(0x28))],
      'validateUtf8: true',
      'protocol error codes',
    ],
    [
      'a close reason that is not UTF-8',
      1007,
      [frame(CLOSE, Buffer.of(0x0f, 0xa0, 0xff))],
      'validateUtf8: true',
      'protocol error codes',
    ],
    ['a message over maxFrameSize', 1009, [frame(TEXT, 'x'.repeat(1001))]],
    [
      'fragments over maxFrameSize together',
      1009,
      [frame(BINARY, 'x'.repeat(600), { fin: false }), frame(0, 'x'.repeat(600))],
    ],
    ['a frame without a mask', 1002, [frame(TEXT, 'x', { masked: false })], 'refuse unmasked frames'],
    ['a reserved bit', 1002, [frame(TEXT, 'x', { rsv: 2 })], 'protocol error codes'],
    ['a compressed frame where nothing was negotiated', 1002, [frame(TEXT, 'x', { rsv: 4 })], 'protocol error codes'],
    ['an unknown opcode', 1002, [frame(3, 'x')], 'protocol error codes'],
    ['an unknown control opcode', 1002, [frame(11, 'x')], 'protocol error codes'],
    ['a continuation of nothing', 1002, [frame(0, 'x')], 'protocol error codes'],
    ['a message inside another', 1002, [frame(TEXT, 'a', { fin: false }), frame(TEXT, 'b')], 'protocol error codes'],
    ['a ping in fragments', 1002, [frame(PING, 'x', { fin: false })], 'protocol error codes'],
    ['a ping of 126 bytes', 1002, [frame(PING, 'x'.repeat(126))], 'refuse long control frames', 'protocol error codes'],
    ['a close frame of one byte', 1002, [frame(CLOSE, 'x')], 'refuse short close frames', 'protocol error codes'],
    ['a close code that a client may not send', 1002, [closeFrame(999)]],
  ];
  for (const [what, code, frames, ...limits] of malformed) {
    rule(
      `4.3 ${what} sends ${code}, and terminate is told an error`,
      async () => {
        const client = await raw({ options: { maxFrameSize: 1000 } });
        client.send(...frames);
        const [before, sentCode] = await client.untilClose();
        expect([before, sentCode]).toEqual([[], code]);
        expect((await server.ended(client.id)).reason).toMatchObject({ type: 'error' });
      },
      ...limits,
    );
  }

  rule(
    '4.3 a client that breaks the protocol is told to terminate as an error, whatever the platform sends',
    async () => {
      const client = await raw();
      client.send(frame(3, 'x'));
      expect((await server.ended(client.id)).reason).toMatchObject({ type: 'error' });
      client.cut();
    },
  );

  rule(
    '4.3 a message that inflates beyond maxFrameSize sends 1009',
    async () => {
      const probe = await open({
        options: { compress: true, maxFrameSize: 1000 },
        client: { perMessageDeflate: { threshold: 0 } },
      });
      probe.client.text('x'.repeat(100_000));
      expect(await probe.client.closed()).toMatchObject({ close: 1009 });
      expect((await probe.ended()).reason).toMatchObject({ type: 'error' });
    },
    'compress: true',
  );

  for (const [what, begin] of [
    ['before the first frame', () => {}],
    ['after a frame', (client: RawClient) => client.send(frame(TEXT, 'once'))],
  ] as [string, (client: RawClient) => void][]) {
    rule(`4.3 silence ${what} sends 1002, and terminate is told timeout`, async () => {
      const client = await raw({ options: { timeout: 300 } });
      const start = performance.now();
      begin(client);
      expect(await client.untilClose()).toEqual([[], 1002]);
      expect(performance.now() - start).toBeGreaterThan(280);
      client.cut();
      expect((await server.ended(client.id)).reason).toEqual({ type: 'timeout' });
    });
  }

  for (const [what, send, ...limits] of [
    ['a message', (client: RawClient) => client.send(frame(TEXT, 'here'))],
    ['a ping', (client: RawClient) => client.send(frame(PING)), 'timeout counts control frames'],
    ['a pong', (client: RawClient) => client.send(frame(PONG)), 'timeout counts control frames'],
    ['a part of a message', (client: RawClient) => client.send(Buffer.of(0)), 'timeout counts parts of messages'],
  ] as [string, (client: RawClient) => void, ...Limit[]][]) {
    rule(
      `4.3 ${what} resets the clock`,
      async () => {
        const timeout = 600;
        for (;;) {
          const client = await raw({ options: { timeout } });
          if (what === 'a part of a message') client.send(frame(BINARY, '', { length: 100 }));
          let longest = 0;
          let last = performance.now();
          for (let count = 0; count < 8; count++) {
            await pause(100);
            send(client);
            longest = Math.max(longest, performance.now() - last);
            last = performance.now();
          }
          const { begun } = await server.trace(client.id);
          client.cut();
          if (longest > timeout / 2) continue; // the machine was too busy for the test to say anything
          expect(begun).not.toContain('terminate');
          return;
        }
      },
      ...limits,
    );
  }

  rule('4.3 what is sent does not reset the clock', async () => {
    const client = await raw({ options: { timeout: 1000 } });
    const ticks = 40;
    const posts = (async () => {
      for (let count = 0; count < ticks; count++) {
        await server.command({ post: client.id, infos: [push(text('tick'))] });
        await pause(50);
      }
    })();
    const [before, code] = await client.untilClose();
    expect(code).toBe(1002);
    expect(before.length).toBeGreaterThan(0);
    const what = 'messages before the timeout: what is sent, and the callback that sends it, must not reset the clock';
    expect(before.length, what).toBeLessThan(ticks); // it was closed while the ticks went on
    await posts;
    client.cut();
  });

  rule(
    '4.3 the clock is paused while the server has stopped reading',
    async () => {
      const probe = await open({ options: { timeout: 1000 } });
      probe.tell({ wait: 2000, result: { type: 'push', messages: text('done') } });
      expect(await probe.client.next()).toEqual({ text: 'done' });
      await pause(200);
      probe.tell(push(text('alive')));
      expect(await probe.client.next()).toEqual({ text: 'alive' });
    },
    'pause',
  );

  rule(
    '4.3 the clock is not restarted when the server reads again',
    async () => {
      const timeout = 3000;
      const probe = await open({ options: { timeout } });
      await pause(1500);
      await probe.post({ wait: 500, result: { type: 'push', messages: text('done') } });
      expect(await probe.client.next()).toEqual({ text: 'done' });
      const start = performance.now();
      expect(await probe.client.closed()).toEqual({ close: 1002, reason: '' });
      const what = 'ms to the timeout when reading goes on; before, half of it was left';
      expect(performance.now() - start, what).toBeLessThan(timeout - 300);
    },
    'pause',
  );

  rule(
    '4.3 a server that goes down sends 1001, and terminate is told shutdown',
    async () => {
      const own = await host(name as (typeof platforms)[number], 'test/tck/application.ts');
      const there = await Server.at(own.url);
      const asked = there.ask({ on: { terminate: { throw: 'told' } } });
      const client = await Client.connect(asked.url);
      const stuck = await there.open({ on: { handleIn: { forever: true } } });
      stuck.client.text('stuck');
      await stuck.begun('handleIn');
      const stopping = own.stop();
      expect(await client.closed()).toMatchObject({ close: 1001 });
      expect(await stuck.client.closed()).toMatchObject({ close: 1001 });
      expect(await stopping).toBe(0);
      expect(own.reports()).toContain('told'); // terminate was called
    },
    'shutdown',
  );

  // ---- the rest of rule 4 ----

  for (const [what, terminate] of [
    ['throw', { throw: 'thrown in terminate' }],
    ['rejection', { throw: 'rejected in terminate', wait: 1 }],
  ] as const) {
    rule(`4.4 a ${what} in terminate harms nothing else, and is reported`, async () => {
      const other = await open();
      const probe = await open({ on: { terminate } });
      probe.client.close(1000);
      expect(await probe.client.closed()).toEqual({ close: 1000, reason: '' });
      await probe.ended();
      await pause(20);
      expect((await probe.trace()).begun).toEqual(['init', 'terminate']);
      other.tell(push(text('alive')));
      expect(await other.client.next()).toEqual({ text: 'alive' });
      await reported(terminate.throw);
    });
  }

  forEachCallback(
    (callback) => `4.4 what ${callback} throws is reported, once`,
    async (make, callback) => {
      const error = `thrown by ${callback}.`;
      await make({ throw: error });
      await reported(error);
    },
    'reports',
  );

  rule('4.5 terminate does not wait for a client that never answers the close', async () => {
    const client = await raw();
    client.send(frame(TEXT, JSON.stringify(stop())));
    expect((await server.ended(client.id)).reason).toEqual({ type: 'normal' });
    client.cut();
  });

  rule(
    '4.5 the socket of a client that never answers the close is dropped after a bound',
    async () => {
      const client = await raw();
      client.socket.removeAllListeners('end'); // does not even answer the end of the stream
      client.send(frame(TEXT, JSON.stringify(stop())));
      await client.untilClose();
      const start = performance.now();
      await client.ended();
      expect(performance.now() - start).toBeLessThan(10_000);
    },
    'drop',
  );

  // ---- 5. Flow ----

  rule(
    '5.1 while a callback is pending the server stops reading',
    async () => {
      const client = await raw();
      client.send(frame(TEXT, JSON.stringify({ gate: true })));
      await server.traceOnce(client.id, (trace) => trace.calls('handleIn').length === 1);
      // more than the buffers of both ends hold: what is left must stay with the client
      const block = frame(BINARY, Buffer.alloc(1_000_000));
      for (let count = 0; count < 60; count++) client.socket.write(block);
      // until nothing leaves any more, while the server has turns enough to read, however slow the machine is
      let left = -1;
      for (let same = 0; same < 5; same++) {
        for (let turn = 0; turn < 10; turn++) await server.trace(client.id);
        await pause(100);
        if (client.socket.writableLength !== left) same = 0;
        left = client.socket.writableLength;
      }
      expect(left).toBeGreaterThan(20_000_000);
      await server.command({ release: client.id });
      const trace = await server.traceOnce(client.id, (all) => all.calls('handleIn').length === 61);
      expect(overlaps(trace.seen)).toEqual([]);
      client.cut();
    },
    'pause',
  );

  rule(
    '5.1 a server that cannot stop reading holds a bounded number of events, then closes with 1013',
    async (skip) => {
      if (!server.limits.pause) skip('it stops reading: see the test before');
      const client = await raw();
      client.send(frame(TEXT, JSON.stringify({ gate: true })));
      await server.traceOnce(client.id, (trace) => trace.calls('handleIn').length === 1);
      for (let count = 0; count < 100; count++) client.socket.write(frame(BINARY, Buffer.alloc(1_000_000)));
      const [, code] = await client.untilClose();
      expect([1013, 0]).toContain(code); // a platform may drop the socket before the close frame has left
      await server.command({ release: client.id });
      const trace = await server.ended(client.id);
      expect(trace.reason).toMatchObject({ type: 'error' });
    },
  );

  rule('5.2 a message that was accepted is not dropped: a client that reads late gets all of it', async () => {
    const client = await raw();
    client.socket.pause();
    const count = 30;
    for (let index = 0; index < count; index++) {
      client.send(frame(TEXT, JSON.stringify(push(text(`${index}`), { opcode: 'text', long: 1_000_000 }))));
    }
    await pause(500);
    client.socket.resume();
    for (let index = 0; index < count; index++) {
      expect(await client.next()).toMatchObject({ opcode: TEXT, payload: Buffer.from(`${index}`) });
      const received = await client.next();
      expect('payload' in received && received.payload.length).toBe(1_000_000);
    }
    client.cut();
  });

  // ---- 6. Mailbox ----

  rule('6.1 post does nothing after the end, and does not throw', async () => {
    const probe = await open();
    probe.client.close();
    await probe.ended();
    expect(await probe.post('late', 'later')).toBe(2);
    await pause(50);
    expect((await probe.trace()).begun).toEqual(['init', 'terminate']);
  });

  rule('6.1 post does not throw inside terminate', async () => {
    const probe = await open({ on: { terminate: { post: ['late'] } } });
    probe.client.close();
    const trace = await probe.ended();
    await pause(50);
    expect((await probe.trace()).begun).toEqual(['init', 'terminate']);
    expect(trace.seen.map(({ event }) => event)).toContain('posted');
  });

  rule('6.2 post does not run handleInfo before it returns', async () => {
    const probe = await open();
    await probe.post('outside');
    probe.tell({ post: ['inside'] });
    const { seen } = await probe.begun('handleInfo', 2);
    for (const [index, { event }] of seen.entries()) {
      if (event === 'post') expect(seen[index + 1]?.event).toBe('posted');
    }
  });

  rule('6.3 infos arrive in the order in which they were posted', async () => {
    const probe = await open({ on: { handleInfo: { wait: 1 } } });
    const infos = Array.from({ length: 20 }, (_, index) => index);
    await probe.post(...infos.slice(0, 10));
    await probe.post(...infos.slice(10));
    const trace = await probe.begun('handleInfo', 20);
    expect(trace.calls('handleInfo')).toEqual(infos.map((info) => ({ info })));
  });

  forEachCallback(
    (callback) => `6.4 post may be called inside ${callback}`,
    async (make, callback) => {
      const probe = await make({ post: ['mine', 'too'] });
      const trace = await probe.begun('handleInfo', callback === 'handleInfo' ? 3 : 2);
      expect(trace.calls('handleInfo').slice(-2)).toEqual([{ info: 'mine' }, { info: 'too' }]);
      expect(overlaps(trace.seen)).toEqual([]);
    },
  );
});

/** Callbacks of a trace that began before the one before had settled. */
function overlaps(seen: readonly Seen[]): Seen[] {
  let pending = false;
  return seen.filter(({ event }) => {
    if (event !== 'begin' && event !== 'settle') return false;
    const wrong = event === 'begin' && pending;
    pending = event === 'begin';
    return wrong;
  });
}
