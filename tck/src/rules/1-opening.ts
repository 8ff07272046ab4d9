// 1. Opening

import { BINARY, closeFrame, frame, TEXT } from '../raw-client.ts';
import { push, type RuleTest, text } from '../rule.ts';
import { settledWithin } from '../server-under-test.ts';

const VERSION = 'Sec-WebSocket-Version: 13';
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const UPGRADE = 'Upgrade: websocket';
const CONNECTION = 'Connection: Upgrade';

export const opening: readonly RuleTest[] = [
  {
    rule: '1.1',
    title: 'init is called once, before anything else, with the arg of the upgrade',
    async run(t) {
      const probe = await t.open();
      probe.client.text('hello');
      const trace = await probe.untilStarted('handleIn');
      t.started(trace, 'init', 'handleIn');
      t.equal(trace.calls('init'), [{ id: probe.id }], 'what init received');
      t.matches(trace.events[0], { sameValue: true }, 'whether init received the arg itself, not a copy');
    },
  },
  {
    rule: '1.1',
    title: 'init is called when the handshake is complete: what it pushes follows the handshake',
    async run(t) {
      const client = await t.raw({ on: { init: push(text('first')) } });
      t.equal(client.status, 101, 'the status');
      await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from('first') });
    },
  },
  {
    rule: '1.1',
    title: 'the mailbox of init is that of its own connection',
    async run(t) {
      const [one, two] = [await t.open(), await t.open()];
      await two.post('for two');
      await one.post('for one');
      t.equal((await one.untilStarted('handleInfo')).calls('handleInfo'), [{ info: 'for one' }]);
      t.equal((await two.untilStarted('handleInfo')).calls('handleInfo'), [{ info: 'for two' }]);
    },
  },
  {
    rule: '1.2',
    title: 'what arrives while init is pending waits, and is handled in order',
    async run(t) {
      const probe = await t.open({ on: { init: { gate: true } } });
      for (const data of ['one', 'two', 'three']) probe.client.text(data);
      await probe.untilStarted('init');
      await t.server.quiet();
      t.started(await probe.trace(), 'init');
      await probe.release();
      const trace = await probe.untilStarted('handleIn', 3);
      t.equal(trace.calls('handleIn'), [{ text: 'one' }, { text: 'two' }, { text: 'three' }]);
    },
  },
  {
    rule: '1.2',
    title: 'infos that are posted while init is pending wait as well',
    async run(t) {
      const probe = await t.open({ on: { init: { gate: true } } });
      await probe.post('one', 'two');
      await t.server.quiet();
      t.started(await probe.trace(), 'init');
      await probe.release();
      t.equal((await probe.untilStarted('handleInfo', 2)).calls('handleInfo'), [{ info: 'one' }, { info: 'two' }]);
    },
  },
  {
    rule: '1.2',
    title: 'a close frame that arrives while init is pending waits for it: terminate follows init',
    async run(t) {
      const client = await t.raw({ on: { init: { gate: true } } });
      client.send(frame(TEXT, 'first'), closeFrame(4000, 'bye'));
      await t.server.untilStarted(client.id, 'init');
      await t.server.quiet();
      t.started(await t.server.trace(client.id), 'init');
      await t.server.release(client.id);
      const trace = await t.server.untilTerminated(client.id);
      t.started(trace, 'init', 'handleIn', 'terminate');
      t.equal(trace.reason, { type: 'remote', code: 4000, reason: 'bye' });
    },
  },
  {
    rule: '1.3',
    title: 'frames in the packet of the handshake are not lost',
    needs: ['keepsEarlyFrames'],
    async run(t) {
      const behind = Buffer.concat([frame(TEXT, 'early'), frame(BINARY, Buffer.of(1, 2))]);
      const client = await t.raw({}, { behind });
      const trace = await t.server.untilStarted(client.id, 'handleIn', 2);
      t.equal(trace.calls('handleIn'), [{ text: 'early' }, { binary: '0102' }]);
    },
  },
  {
    rule: '1.2',
    title: 'frames in the packet of the handshake wait for a slow init',
    needs: ['keepsEarlyFrames'],
    async run(t) {
      const client = await t.raw({ on: { init: { gate: true } } }, { behind: frame(TEXT, 'early') });
      await t.server.untilStarted(client.id, 'init');
      await t.server.quiet();
      t.started(await t.server.trace(client.id), 'init');
      await t.server.release(client.id);
      t.started(await t.server.untilStarted(client.id, 'handleIn'), 'init', 'handleIn');
    },
  },
  ...[1, 3, 7, 20].map(
    (cut): RuleTest => ({
      rule: '1.3',
      title: `a frame of which the first ${cut} bytes come in the packet of the handshake is not lost`,
      needs: ['keepsEarlyFrames'],
      async run(t) {
        const whole = Buffer.concat([frame(TEXT, 'in two parts'), frame(TEXT, 'next')]);
        const client = await t.raw({}, { behind: whole.subarray(0, cut) });
        await t.server.untilStarted(client.id, 'init');
        client.send(whole.subarray(cut));
        const trace = await t.server.untilStarted(client.id, 'handleIn', 2);
        t.equal(trace.calls('handleIn'), [{ text: 'in two parts' }, { text: 'next' }]);
      },
    }),
  ),
  {
    rule: '1.3',
    title: 'a thousand frames in the packet of the handshake are not lost',
    needs: ['keepsEarlyFrames'],
    async run(t) {
      const sent = Array.from({ length: 1_000 }, (_, index) => `early ${index}`);
      const fence = frame(TEXT, JSON.stringify(push(text('fence'))));
      const client = await t.raw({}, { behind: Buffer.concat([...sent.map((data) => frame(TEXT, data)), fence]) });
      await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from('fence') });
      const trace = await t.server.trace(client.id);
      t.equal(
        trace.calls('handleIn').slice(0, -1),
        sent.map((data) => ({ text: data })),
      );
    },
  },

  ...(
    [
      ['throws', { throw: 'no' }],
      ['rejects', { throw: 'no', wait: 10 }],
      ['returns nothing', { nothing: true }],
      ['returns null', { raw: null }],
      ['returns an invalid result', { raw: { type: 'ok' } }],
      ['fulfils its promise with an invalid result', { raw: { type: 'push', state: 1 }, wait: 1 }],
    ] as const
  ).map(
    ([what, init]): RuleTest => ({
      rule: '1.4',
      title: `if init ${what}, the connection closes with 1011, and terminate is not called`,
      async run(t) {
        const probe = await t.open({ on: { init }, handler: {} });
        await t.closes(probe.client, 1011);
        await t.server.quiet();
        t.started(await probe.trace(), 'init');
      },
    }),
  ),
  {
    rule: '1.4',
    title: 'frames and a close frame that came before init throws reach no callback',
    needs: ['keepsEarlyFrames'],
    async run(t) {
      const behind = Buffer.concat([frame(TEXT, 'never handled'), closeFrame(4000)]);
      const client = await t.raw({ on: { init: { gate: true, throw: 'no' } }, handler: {} }, { behind });
      await t.server.untilStarted(client.id, 'init');
      await t.server.quiet();
      await t.server.release(client.id);
      await client.closing();
      await t.server.quiet();
      t.started(await t.server.trace(client.id), 'init');
    },
  },
  {
    rule: '1.4',
    title: 'if the client is gone when init throws, terminate is not called either',
    async run(t) {
      const client = await t.raw({ on: { init: { gate: true, throw: 'too late' } }, handler: {} });
      await t.server.untilStarted(client.id, 'init');
      client.send(frame(TEXT, 'never handled'), closeFrame(4000));
      client.cut();
      await t.server.quiet();
      await t.server.release(client.id);
      await t.server.quiet();
      t.started(await t.server.trace(client.id), 'init');
      await t.reported('too late');
    },
  },

  ...(
    [
      ['with another method', 'POST', [UPGRADE, CONNECTION, VERSION, KEY]],
      ['to another protocol', 'GET', ['Upgrade: h2c', CONNECTION, VERSION, KEY]],
      ['without Connection: Upgrade', 'GET', [UPGRADE, VERSION, KEY]],
      ['without a key', 'GET', [UPGRADE, CONNECTION, VERSION]],
      ['with a key that is not base64', 'GET', [UPGRADE, CONNECTION, VERSION, 'Sec-WebSocket-Key: short']],
      ['with a key of 15 bytes', 'GET', [UPGRADE, CONNECTION, VERSION, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j']],
      ['with a key of 17 bytes', 'GET', [UPGRADE, CONNECTION, VERSION, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=']],
      ['with a key of 32 bytes', 'GET', [UPGRADE, CONNECTION, VERSION, `Sec-WebSocket-Key: ${'A'.repeat(43)}=`]],
      ['of version 7', 'GET', [UPGRADE, CONNECTION, 'Sec-WebSocket-Version: 7', KEY]],
      ['of version 8', 'GET', [UPGRADE, CONNECTION, 'Sec-WebSocket-Version: 8', KEY]],
      ['of version 130', 'GET', [UPGRADE, CONNECTION, 'Sec-WebSocket-Version: 130', KEY]],
      ['of version 13.0', 'GET', [UPGRADE, CONNECTION, 'Sec-WebSocket-Version: 13.0', KEY]],
      ['without a version', 'GET', [UPGRADE, CONNECTION, KEY]],
      ['of HTTP/1.0', 'GET', [UPGRADE, CONNECTION, VERSION, KEY], 'rejectsHttp10'],
    ] as [string, string, string[], 'rejectsHttp10'?][]
  ).map(
    ([what, method, headers, need]): RuleTest => ({
      rule: '1.5',
      title: `a request ${what} is refused with 4xx, and reaches no callback`,
      needs: need ? [need] : [],
      async run(t) {
        const { id, url } = t.server.probeUrl();
        const { pathname, search } = new URL(url);
        const version = need ? 'HTTP/1.0' : 'HTTP/1.1';
        const request = `${method} ${pathname}${search} ${version}`;
        const client = await t.connectRaw(url, { request, headers });
        t.check(client.status >= 400 && client.status < 500, 'a status of 4xx', client.status);
        t.equal((await t.server.trace(id)).events, [], 'the trace');
      },
    }),
  ),
  {
    rule: '1.5',
    title: 'a request that names the protocol in another case is valid',
    async run(t) {
      const { url } = t.server.probeUrl();
      const headers = ['upgrade: WebSocket', 'connection: keep-alive, upgrade', VERSION, KEY];
      t.equal((await t.connectRaw(url, { headers })).status, 101, 'the status');
    },
  },
  {
    rule: '1.5',
    title: 'the handshake is answered with the proof that RFC 6455 §4.2.2 asks for',
    async run(t) {
      const client = await t.raw();
      t.equal(client.header('sec-websocket-accept'), ['s3pPLMBiTxaQ9kYGzzhZRbK+xOo='], 'Sec-WebSocket-Accept');
    },
  },
  ...(
    [
      ['is answered if the client offered it', 'a, b', 'b', ['b']],
      ['is answered if the client offered it without spaces', 'a,b', 'b', ['b']],
      ['is answered if the client offered nothing else', 'b', 'b', ['b']],
      ['is not answered if the client did not offer it', 'a', 'b', []],
      ['is not answered if it is only a part of one that the client offered', 'abc, xb, bx', 'b', []],
      ['is not answered if the client offered it in another case', 'B', 'b', []],
      ['is not answered if the client offers none', undefined, 'b', []],
      ['is not answered unless the application asks', 'a, b', undefined, []],
    ] as const
  ).map(
    ([what, offered, protocol, answered]): RuleTest => ({
      rule: '1.5',
      title: `the subprotocol ${what}`,
      async run(t) {
        const { url } = t.server.probeUrl(protocol ? { options: { protocol } } : {});
        const client = await t.connectRaw(url, offered ? { more: [`Sec-WebSocket-Protocol: ${offered}`] } : {});
        t.equal(client.status, 101, 'the status');
        t.equal(client.header('sec-websocket-protocol'), answered, 'Sec-WebSocket-Protocol');
      },
    }),
  ),
  {
    rule: '1.5',
    title: 'the headers that the application asks for are sent with the 101 response',
    needs: ['setsHeaders'],
    async run(t) {
      const headers = { 'X-Probe': 'here', 'Set-Cookie': ['a=1', 'b=2; Path=/'] };
      const client = await t.raw({ options: { headers } });
      t.equal(client.status, 101, 'the status');
      t.equal(client.header('x-probe'), ['here'], 'X-Probe');
      t.equal(client.header('set-cookie'), ['a=1', 'b=2; Path=/'], 'Set-Cookie');
      await t.server.untilStarted(client.id, 'init');
    },
  },
  ...(
    [
      ['whose name is not a token', 'X Probe', 'x'],
      ['whose name is empty', '', 'x'],
      ['Upgrade', 'Upgrade', 'h2c'],
      ['connection', 'connection', 'close'],
      ['Content-Length', 'Content-Length', '5'],
      ['transfer-encoding', 'transfer-encoding', 'chunked'],
      ['Sec-WebSocket-Accept', 'Sec-WebSocket-Accept', 'x'],
      ['sec-websocket-protocol', 'sec-websocket-protocol', 'x'],
      ['with a line break', 'X-Probe', 'x\r\nX-Other: y'],
      ['with a tab', 'X-Probe', 'x\ty'],
      ['with a delete character', 'X-Probe', 'x\x7f'],
      ['with a character above U+00FF', 'X-Probe', '☕'],
    ] as const
  ).map(
    ([what, name, value]): RuleTest => ({
      rule: '1.5',
      title: `a header ${what} is an error: the upgrade throws, and none of the headers is sent`,
      needs: ['setsHeaders'],
      async run(t) {
        const { id, url } = t.server.probeUrl({ options: { headers: { 'X-Good': 'good', [name]: [value] } } });
        const client = await t.connectRaw(url);
        t.check(client.status !== 101, 'a status other than 101', client.status);
        t.equal([client.header('x-good'), client.header('x-other')], [[], []], 'the headers');
        t.equal((await t.server.trace(id)).events, [], 'the trace');
      },
    }),
  ),

  {
    rule: '1.6',
    title: 'once a shutdown has begun, new upgrades are refused with 503',
    needs: ['shutdown'],
    async run(t) {
      const { started, there } = await t.start();
      const stuck = await t.openAt(there, { on: { handleIn: { forever: true } } });
      stuck.client.text('stuck');
      await stuck.untilStarted('handleIn');
      const { url } = there.probeUrl();
      const down = started.shutdown();
      t.matches(await stuck.client.closed(), { close: 1001 }, 'how the shutdown begins');
      const client = await t.connectRaw(url);
      t.equal(client.status, 503, 'the status');
      await settledWithin(6 * t.server.patience, down, 'the end of the shutdown');
    },
  },
];
