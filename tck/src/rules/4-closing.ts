// 4. Closing

import type { RouteOptions } from '../probe.ts';
import { BINARY, CLOSE, CONTINUATION, closeFrame, frame, PING, PONG, type RawClient, TEXT } from '../raw-client.ts';
import { forEachCallback, type Need, push, type RuleTest, stop, type TestContext, text } from '../rule.ts';
import { type ProbeConnection, pause, settledWithin, type Trace } from '../server-under-test.ts';

const instruct = (instruction: object) => frame(TEXT, JSON.stringify(instruction));

const wrongStates = ({ events }: Trace) => events.filter(({ sameState }) => sameState === false);

const LOOK = 300;

/** More than the platforms' own limits, and less than a test waits. */
const ENOUGH = 10_000;

const terminating: readonly RuleTest[] = [
  ...(
    [
      ['a stop', (probe: ProbeConnection) => probe.instruct(stop())],
      ['a throw', (probe: ProbeConnection) => probe.instruct({ throw: 'no' })],
      ['a rejection', (probe: ProbeConnection) => probe.instruct({ throw: 'no', wait: 1 })],
      ['the client closes', (probe: ProbeConnection) => probe.client.close(1000)],
      ['the connection drops', (probe: ProbeConnection) => probe.client.cut()],
    ] as [string, (probe: ProbeConnection) => void][]
  ).map(
    ([what, end]): RuleTest => ({
      rule: '4.1',
      title: `terminate is called once, with the last state, after ${what}`,
      async run(t) {
        const probe = await t.open();
        probe.client.text('one');
        await probe.untilStarted('handleIn');
        end(probe);
        await probe.untilTerminated();
        await t.server.quiet();
        const trace = await probe.trace();
        t.equal(trace.calls('terminate').length, 1, 'the calls of terminate');
        t.equal(trace.started.at(-1), 'terminate', 'the last callback');
        t.equal(wrongStates(trace), [], 'the callbacks that received another state');
      },
    }),
  ),
  {
    rule: '4.1',
    title: 'terminate is called after a stop from init',
    async run(t) {
      const probe = await t.open({ on: { init: stop() } });
      await t.closes(probe.client, 1000);
      t.started(await probe.untilTerminated(), 'init', 'terminate');
    },
  },
  ...(
    [
      ['the client closes', closeFrame(4000)],
      ['the client violates the protocol', frame(3, 'x')],
      ['the client cuts the connection', undefined],
    ] as const
  ).flatMap(([what, end]) =>
    (['init', 'handleIn', 'handleInfo'] as const).map(
      (callback): RuleTest => ({
        rule: '4.1',
        title: `terminate waits for a pending ${callback} when ${what}`,
        needs: callback === 'init' ? ['keepsEarlyFrames'] : [],
        async run(t) {
          // In one packet with what the callback is called for, so that the end has arrived though reading stops.
          const behind = end ?? Buffer.alloc(0);
          const on = callback === 'init' ? { init: { gate: true } as const } : {};
          const client = await t.raw({ on }, callback === 'init' ? { behind } : {});
          if (callback === 'handleIn') client.send(instruct({ gate: true }), behind);
          if (callback === 'handleInfo') await t.server.post(client.id, [{ gate: true }]);
          await t.server.untilStarted(client.id, callback);
          if (callback === 'handleInfo') client.send(behind);
          if (!end) client.cut();
          await client.within(LOOK);
          await t.server.quiet();
          const pending = callback === 'init' ? (['init'] as const) : (['init', callback] as const);
          t.started(await t.server.trace(client.id), ...pending);
          await t.server.release(client.id);
          const trace = await t.server.untilTerminated(client.id);
          t.started(trace, ...pending, 'terminate');
          t.equal(trace.overlaps, [], 'the callbacks that began too early');
          t.equal(wrongStates(trace), [], 'the callbacks that received another state');
        },
      }),
    ),
  ),
  ...(
    [
      ['throws', {}],
      ['rejects', { wait: 1 }],
    ] as const
  ).map(
    ([what, more]): RuleTest => ({
      rule: '4.1',
      title: `when the third message of a packet ${what}, terminate receives the state of the second`,
      async run(t) {
        const client = await t.raw();
        client.send(frame(TEXT, 'one'), frame(TEXT, 'two'), instruct({ throw: 'three', ...more }));
        const trace = await t.server.untilTerminated(client.id);
        t.started(trace, 'init', 'handleIn', 'handleIn', 'handleIn', 'terminate');
        t.equal(wrongStates(trace), [], 'the callbacks that received another state');
      },
    }),
  ),
  {
    rule: '4.1',
    title: 'terminate is called once, though a stop is followed by a throw and a close frame',
    async run(t) {
      const client = await t.raw();
      client.send(instruct(stop()), instruct({ throw: 'never called' }), closeFrame(4000));
      await t.server.untilTerminated(client.id);
      client.cut();
      await t.server.quiet();
      const trace = await t.server.trace(client.id);
      t.started(trace, 'init', 'handleIn', 'terminate');
    },
  },
];

const CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014];

const codes: readonly RuleTest[] = [
  ...[...CODES, 3000, 3999, 4000, 4999].map(
    (code): RuleTest => ({
      rule: '4.2',
      title: `a handler may send ${code}, with a reason`,
      async run(t) {
        const client = await t.raw();
        client.send(instruct(stop({ close: { code, reason: 'why ☕' } })));
        const close = await client.closing();
        t.equal(close, { before: [], code, reason: 'why ☕' }, 'the close frame');
        const { reason } = await t.server.untilTerminated(client.id);
        t.equal(reason, { type: 'normal', code, reason: 'why ☕' }, 'the reason that terminate received');
      },
    }),
  ),
  ...[0, 999, 1004, 1005, 1006, 1010, 1015, 1016, 2999, 5000, -1, 1000.5, 3000.5, 70_000].map(
    (code): RuleTest => ({
      rule: '4.2',
      title: `${code} is an error: it closes with 1011`,
      async run(t) {
        const client = await t.raw();
        client.send(instruct(stop({ close: { code, reason: 'no' }, messages: [text('must not be sent')] })));
        await t.closesRaw(client, 1011);
        client.cut();
        t.matches((await t.server.untilTerminated(client.id)).reason, { type: 'error', code: 1011, reason: '' });
      },
    }),
  ),
  ...(
    [
      ['of 123 bytes is sent whole', 'x'.repeat(123), 'x'.repeat(123)],
      ['of 124 bytes is cut', 'x'.repeat(124), 'x'.repeat(123)],
      ['of more is cut', 'x'.repeat(500), 'x'.repeat(123)],
      ...[0, 1, 2].map((lead) => {
        const room = Math.floor((123 - lead) / 3);
        return [
          `is cut at a character of three bytes, after ${lead}`,
          `${'x'.repeat(lead)}${'☕'.repeat(42)}`,
          `${'x'.repeat(lead)}${'☕'.repeat(room)}`,
        ];
      }),
      ...[0, 1, 2, 3].map((lead) => {
        const room = Math.floor((123 - lead) / 4);
        return [
          `is cut at a character of four bytes, after ${lead}`,
          `${'x'.repeat(lead)}${'🎉'.repeat(40)}`,
          `${'x'.repeat(lead)}${'🎉'.repeat(room)}`,
        ];
      }),
      ...[119, 120, 121, 122].map((lead) => [
        `is cut before a character of four bytes, after ${lead}`,
        `${'x'.repeat(lead)}🎉y`,
        lead === 119 ? `${'x'.repeat(lead)}🎉` : 'x'.repeat(lead),
      ]),
    ] as [string, string, string][]
  ).map(
    ([what, reason, cut]): RuleTest => ({
      rule: '4.2',
      title: `a close reason ${what}`,
      async run(t) {
        const probe = await t.open();
        probe.instruct(stop({ close: { code: 4000, reason } }));
        await t.closes(probe.client, 4000, cut);
        const received = (await probe.untilTerminated()).reason;
        t.equal(received, { type: 'normal', code: 4000, reason: cut }, 'the reason that terminate received');
      },
    }),
  ),
  ...(
    [
      ['thrown', { throw: 'secret' }],
      ['rejected with', { throw: 'secret', wait: 1 }],
      ['given for a stop', stop({ reason: { error: 'secret' } })],
    ] as const
  ).map(
    ([what, instruction]): RuleTest => ({
      rule: '4.2',
      title: `the text of an error that is ${what} does not go on the wire`,
      async run(t) {
        const client = await t.raw();
        client.send(instruct(instruction));
        t.equal(await client.closing(), { before: [], code: 1011, reason: '' }, 'the close frame');
        t.equal((await client.within(50)) ?? { end: true }, { end: true }, 'what follows it');
      },
    }),
  ),
];

const stops: readonly RuleTest[] = [
  ...(
    [
      ['4.3a', "'normal'", { reason: 'normal' }, 1000, { type: 'normal' }],
      ['4.3a', 'without a reason', {}, 1000, { type: 'normal' }],
      ['4.3b', "'restart'", { reason: 'restart' }, 1012, { type: 'normal' }],
      ['4.3c', '{ error }', { reason: { error: 'broken' } }, 1011, { type: 'error', error: 'broken' }],
    ] as const
  ).flatMap(([rule, what, more, code, reason]) =>
    forEachCallback({
      rule,
      title: (callback) => `stop ${what} from ${callback} sends ${code}, and terminate receives ${reason.type}`,
      async run(t, trigger) {
        const probe = await trigger(t, stop(more));
        await t.closes(probe.client, code);
        const received = (await probe.untilTerminated()).reason;
        t.equal(received, { ...reason, code, reason: '' }, 'the reason that terminate received');
      },
    }),
  ),
  ...(
    [
      ['4.3a', "'normal'", { reason: 'normal' }, { type: 'normal' }],
      ['4.3b', "'restart'", { reason: 'restart' }, { type: 'normal' }],
      ['4.3c', '{ error }', { reason: { error: 'x' } }, { type: 'error', error: 'x' }],
    ] as const
  ).flatMap(([rule, what, more, reason]) =>
    forEachCallback({
      rule,
      title: (callback) => `stop ${what} with a close from ${callback} sends that, after its messages`,
      async run(t, trigger) {
        const probe = await trigger(t, stop({ ...more, close: { code: 4001, reason: 'y' }, messages: text('z') }));
        await t.receives(probe.client, { text: 'z' }, { close: 4001, reason: 'y' });
        const received = (await probe.untilTerminated()).reason;
        t.equal(received, { ...reason, code: 4001, reason: 'y' }, 'the reason that terminate received');
      },
    }),
  ),
  ...(
    [
      ['throw', {}],
      ['rejection', { wait: 1 }],
    ] as const
  ).flatMap(([what, more]) =>
    forEachCallback({
      rule: '4.3d',
      title: (callback) => `a ${what} in ${callback} sends 1011`,
      async run(t, trigger, callback) {
        const probe = await trigger(t, { throw: 'broken', ...more });
        await t.closes(probe.client, 1011);
        if (callback === 'init') return;
        const received = (await probe.untilTerminated()).reason;
        t.equal(received, { type: 'error', error: 'Error: broken', code: 1011, reason: '' });
      },
    }),
  ),
  {
    rule: '4.3d',
    title: 'an invalid result sends 1011, and terminate receives an error',
    async run(t) {
      const probe = await t.open();
      probe.instruct({ raw: { type: 'none' } });
      await t.closes(probe.client, 1011);
      t.matches((await probe.untilTerminated()).reason, { type: 'error', code: 1011, reason: '' });
    },
  },
];

const byClient: readonly RuleTest[] = [
  ...(
    [
      [1000, 'done', 1000],
      [1001, '', 1001],
      [1002, '', 1002],
      [1003, '', 1003],
      [1007, '', 1007],
      [1008, '', 1008],
      [1009, '', 1009],
      [1010, 'extension', 1010],
      [1011, '', 1011],
      [1012, '', 1012],
      [1013, '', 1013],
      [1014, '', 1014, 'reportsRemote1014'],
      [3000, 'lib', 3000],
      [3999, '', 3999],
      [4000, 'ü', 4000],
      [4999, 'é'.repeat(61), 4999],
      [undefined, '', 1005],
    ] as [number | undefined, string, number, Need?][]
  ).map(
    ([code, reason, received, need]): RuleTest => ({
      rule: '4.3e',
      title: `the client's close frame with ${code ?? 'no code'} is echoed, and terminate receives remote ${received}`,
      needs: need ? [need] : [],
      async run(t) {
        const client = await t.raw();
        client.send(code === undefined ? frame(CLOSE) : closeFrame(code, reason));
        await t.closesRaw(client, received);
        t.equal((await t.server.untilTerminated(client.id)).reason, { type: 'remote', code: received, reason });
      },
    }),
  ),
  {
    rule: '4.3e',
    title: 'terminate does not wait for a client that sends its close frame and keeps the connection',
    needs: ['seesCloseFrames'],
    async run(t) {
      const client = await t.raw({}, { halfOpen: true });
      const start = performance.now();
      client.send(closeFrame(4000, 'bye'));
      const trace = await t.server.untilTerminated(client.id);
      t.equal(trace.reason, { type: 'remote', code: 4000, reason: 'bye' });
      const ms = performance.now() - start;
      t.check(ms < 2_000, 'terminate when the close frame arrives', `terminate after ${Math.round(ms)} ms`);
    },
  },
  ...[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1999, 2000, 2999, 5000, 65_535].map(
    (code): RuleTest => ({
      rule: '4.3f',
      title: `the client's close frame with ${code} sends 1002, and terminate receives an error`,
      async run(t) {
        const client = await t.raw();
        client.send(closeFrame(code, 'no'));
        const { before, ...close } = await client.closing();
        if (t.server.cannot.sendsProtocolErrorCodes === undefined)
          t.equal([before, close.code], [[], 1002], 'the code');
        t.matches((await t.server.untilTerminated(client.id)).reason, { type: 'error', code: 1002, reason: '' });
      },
    }),
  ),
  ...(
    [
      ['is cut', [], (client: RawClient) => client.cut()],
      ['ends', [], (client: RawClient) => client.socket.end()],
      ['ends inside a message', [frame(TEXT, 'half', { fin: false })], (client: RawClient) => client.socket.end()],
      ['ends inside a frame', [frame(TEXT, 'whole').subarray(0, 7)], (client: RawClient) => client.socket.end()],
      ['is reset', [], (client: RawClient) => client.socket.resetAndDestroy()],
    ] as [string, Buffer[], (client: RawClient) => void][]
  ).map(
    ([what, frames, end]): RuleTest => ({
      rule: '4.3g',
      title: `a connection that ${what} without a close frame is reported as remote, 1006`,
      async run(t) {
        const client = await t.raw();
        await t.server.untilStarted(client.id, 'init');
        client.send(...frames);
        end(client);
        const trace = await t.server.untilTerminated(client.id);
        t.equal(trace.reason, { type: 'remote', code: 1006, reason: '' });
        t.started(trace, 'init', 'terminate');
      },
    }),
  ),
];

const utf8: readonly Need[] = ['validatesUtf8', 'sendsProtocolErrorCodes'];
const MAX = 1_000;

/** What a client does wrong, the row of 4.3, its code, and the frames. */
const violations: [rule: string, what: string, code: number, frames: Buffer[], needs?: readonly Need[]][] = [
  ['4.3h', 'text that is not UTF-8', 1007, [frame(TEXT, Buffer.of(0xff))], utf8],
  ['4.3h', 'text with a surrogate in UTF-8', 1007, [frame(TEXT, Buffer.of(0xed, 0xa0, 0x80))], utf8],
  ['4.3h', 'text with an overlong character', 1007, [frame(TEXT, Buffer.of(0xc0, 0xaf))], utf8],
  ['4.3h', 'text that ends inside a character', 1007, [frame(TEXT, Buffer.of(0x61, 0xe2, 0x98))], utf8],
  [
    '4.3h',
    'a long text that is not UTF-8 at its end',
    1007,
    [frame(TEXT, Buffer.concat([Buffer.alloc(300_000, 'x'), Buffer.of(0xff)]))],
    utf8,
  ],
  [
    '4.3h',
    'text that is not UTF-8, in fragments',
    1007,
    [frame(TEXT, Buffer.of(0xc3), { fin: false }), frame(CONTINUATION, Buffer.of(0x28))],
    utf8,
  ],
  ['4.3h', 'a close reason that is not UTF-8', 1007, [frame(CLOSE, Buffer.of(0x0f, 0xa0, 0xff))], utf8],
  ['4.3l', 'a frame without a mask', 1002, [frame(TEXT, 'x', { masked: false })], ['rejectsUnmaskedFrames']],
  ['4.3l', 'the first reserved bit', 1002, [frame(TEXT, 'x', { rsv: 4 })], ['sendsProtocolErrorCodes']],
  ['4.3l', 'the second reserved bit', 1002, [frame(TEXT, 'x', { rsv: 2 })], ['sendsProtocolErrorCodes']],
  ['4.3l', 'the third reserved bit', 1002, [frame(BINARY, 'x', { rsv: 1 })], ['sendsProtocolErrorCodes']],
  ['4.3l', 'an unknown opcode', 1002, [frame(3, 'x')], ['sendsProtocolErrorCodes']],
  ['4.3l', 'the unknown opcode 7', 1002, [frame(7, 'x')], ['sendsProtocolErrorCodes']],
  ['4.3l', 'an unknown control opcode', 1002, [frame(11, 'x')], ['sendsProtocolErrorCodes']],
  ['4.3l', 'a continuation of nothing', 1002, [frame(CONTINUATION, 'x')], ['sendsProtocolErrorCodes']],
  [
    '4.3l',
    'a continuation of a message that is complete',
    1002,
    [frame(TEXT, 'a', { fin: false }), frame(CONTINUATION, 'b'), frame(CONTINUATION, 'c')],
    ['sendsProtocolErrorCodes'],
  ],
  [
    '4.3l',
    'a message inside another',
    1002,
    [frame(TEXT, 'a', { fin: false }), frame(TEXT, 'b')],
    ['sendsProtocolErrorCodes'],
  ],
  ['4.3l', 'a ping in fragments', 1002, [frame(PING, 'x', { fin: false })], ['sendsProtocolErrorCodes']],
  [
    '4.3l',
    'a ping of 126 bytes',
    1002,
    [frame(PING, 'x'.repeat(126))],
    ['rejectsLongControlFrames', 'sendsProtocolErrorCodes'],
  ],
  [
    '4.3l',
    'a close frame of 126 bytes',
    1002,
    [closeFrame(1000, 'x'.repeat(124))],
    ['rejectsLongControlFrames', 'sendsProtocolErrorCodes'],
  ],
  [
    '4.3l',
    'a close frame of one byte',
    1002,
    [frame(CLOSE, 'x')],
    ['rejectsShortCloseFrames', 'sendsProtocolErrorCodes'],
  ],
];

async function violates(t: TestContext, code: number, frames: Buffer[], options: RouteOptions = {}): Promise<void> {
  const client = await t.raw({ options });
  client.send(...frames);
  await t.closesRaw(client, code);
  const trace = await t.server.untilTerminated(client.id);
  t.matches(trace.reason, { type: 'error', code, reason: '' });
}

const faults: readonly RuleTest[] = [
  ...violations.map(
    ([rule, what, code, frames, needs = []]): RuleTest => ({
      rule,
      title: `${what} sends ${code}, and terminate receives an error`,
      needs,
      run: (t) => violates(t, code, frames),
    }),
  ),
  {
    rule: '4.3l',
    title: 'a violation of the protocol reaches terminate as an error, whatever the platform sends',
    async run(t) {
      const client = await t.raw();
      client.send(frame(TEXT, 'before'), frame(3, 'x'));
      const trace = await t.server.untilTerminated(client.id);
      const code = t.server.cannot.sendsProtocolErrorCodes === undefined ? { code: 1002 } : {};
      t.matches(trace.reason, { type: 'error', ...code, reason: '' });
      t.started(trace, 'init', 'handleIn', 'terminate');
    },
  },
  {
    rule: '4.3l',
    title: 'a compressed frame in the middle of a message is a violation',
    needs: ['compresses', 'sendsProtocolErrorCodes'],
    async run(t) {
      const client = await t.raw(
        { options: { compress: true } },
        { more: ['Sec-WebSocket-Extensions: permessage-deflate'] },
      );
      t.check(client.header('sec-websocket-extensions').length === 1, 'permessage-deflate', client.answer);
      client.send(frame(TEXT, 'a', { fin: false }), frame(CONTINUATION, 'b', { rsv: 4 }));
      await t.closesRaw(client, 1002);
    },
  },
  {
    rule: '4.3i',
    title: 'data that cannot be inflated sends 1007, and terminate receives an error',
    needs: ['compresses', 'sendsProtocolErrorCodes', 'sendsInflationErrorCode'],
    async run(t) {
      const client = await t.raw(
        { options: { compress: true } },
        { more: ['Sec-WebSocket-Extensions: permessage-deflate'] },
      );
      client.send(frame(TEXT, Buffer.from('ffffffffffffffff', 'hex'), { rsv: 4 }));
      await t.closesRaw(client, 1007);
      const trace = await t.server.untilTerminated(client.id);
      t.matches(trace.reason, { type: 'error', code: 1007, reason: '' });
      t.started(trace, 'init', 'terminate');
    },
  },

  ...(
    [
      ['a text message', [frame(TEXT, 'x'.repeat(MAX + 1))]],
      ['a binary message', [frame(BINARY, 'x'.repeat(MAX + 1))]],
      ['a text message of fewer characters', [frame(TEXT, 'é'.repeat(MAX / 2 + 1))]],
      ['fragments together', [frame(BINARY, 'x'.repeat(600), { fin: false }), frame(CONTINUATION, 'x'.repeat(600))]],
    ] as [string, Buffer[]][]
  ).map(
    ([what, frames]): RuleTest => ({
      rule: '4.3j',
      title: `${what} over maxMessageSize: sends 1009, and terminate receives an error`,
      run: (t) => violates(t, 1009, frames, { maxMessageSize: MAX }),
    }),
  ),
  ...(
    [
      ['a text message', [frame(TEXT, 'x'.repeat(MAX))]],
      ['a binary message', [frame(BINARY, 'x'.repeat(MAX))]],
      ['a text message of fewer characters', [frame(TEXT, 'é'.repeat(MAX / 2))]],
      ['fragments together', [frame(BINARY, 'x'.repeat(600), { fin: false }), frame(CONTINUATION, 'x'.repeat(400))]],
      ['two messages after each other', [frame(TEXT, 'x'.repeat(MAX)), frame(TEXT, 'x'.repeat(MAX))]],
    ] as [string, Buffer[]][]
  ).map(
    ([what, frames]): RuleTest => ({
      rule: '4.3j',
      title: `${what} of exactly maxMessageSize: accepted`,
      async run(t) {
        const client = await t.raw({ options: { maxMessageSize: MAX } });
        client.send(...frames, instruct(push(text('accepted'))));
        await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from('accepted') });
      },
    }),
  ),
  {
    rule: '4.3j',
    title: 'a message that inflates beyond maxMessageSize sends 1009',
    needs: ['compresses'],
    async run(t) {
      const options = { compress: true, maxMessageSize: MAX };
      const probe = await t.open({ options, client: { perMessageDeflate: { threshold: 0 } } });
      probe.client.text('x'.repeat(100_000));
      t.matches(await probe.client.closed(), { close: 1009 });
      t.matches((await probe.untilTerminated()).reason, { type: 'error', code: 1009, reason: '' });
    },
  },
  {
    rule: '4.3j',
    title: 'a message that inflates to exactly maxMessageSize is accepted',
    needs: ['compresses'],
    async run(t) {
      const options = { compress: true, maxMessageSize: MAX };
      const probe = await t.open({ options, client: { perMessageDeflate: { threshold: 0 } } });
      probe.client.text('x'.repeat(MAX));
      probe.instruct(push(text('accepted')));
      await t.receives(probe.client, { text: 'accepted' });
    },
  },
  ...(
    [
      [10_000_000, 'accepted'],
      [10_000_001, 'refused'],
    ] as const
  ).map(
    ([size, what]): RuleTest => ({
      rule: '4.3j',
      title: `by default a message of ${size} bytes is ${what}`,
      async run(t) {
        const client = await t.raw();
        client.send(frame(BINARY, Buffer.alloc(size)));
        if (what === 'refused') return t.closesRaw(client, 1009);
        const trace = await t.server.untilStarted(client.id, 'handleIn');
        return t.equal(trace.calls('handleIn'), [{ binary: `${size}: ${'00'.repeat(10)}…${'00'.repeat(10)}` }]);
      },
    }),
  ),
  {
    rule: '4.3k',
    title: 'a message of a million fragments comes whole, or is closed with 1008',
    async run(t) {
      const client = await t.raw();
      const block = Buffer.concat(Array.from({ length: 10_000 }, () => frame(CONTINUATION, 'x', { fin: false })));
      client.send(frame(TEXT, 'x', { fin: false }));
      const answer = client.within(60_000);
      let over = false;
      void answer.then(() => {
        over = true;
      });
      for (let count = 0; count < 100 && !over; count++) {
        await new Promise((written) => client.socket.write(block, written));
      }
      client.send(frame(CONTINUATION, 'y'), instruct(push(text('whole'))));
      const received = await answer;
      if (received && 'opcode' in received && received.opcode === TEXT) {
        t.equal(received.payload.toString(), 'whole');
        const [first] = (await t.server.trace(client.id)).calls('handleIn');
        t.equal(first, { text: `1000002: ${'x'.repeat(10)}…${'x'.repeat(9)}y` });
        return;
      }
      const code = received && 'opcode' in received && received.opcode === CLOSE && received.payload.readUInt16BE();
      t.equal(code, 1008, 'the code');
      t.matches((await t.server.untilTerminated(client.id)).reason, { type: 'error', code: 1008, reason: '' });
    },
  },
];

const idle: readonly RuleTest[] = [
  ...(
    [
      ['before the first frame', () => {}],
      ['after a frame', (client: RawClient) => client.send(frame(TEXT, 'once'))],
    ] as [string, (client: RawClient) => void][]
  ).map(
    ([what, begin]): RuleTest => ({
      rule: '4.3n',
      timed: true,
      title: `silence ${what} sends 1002, and terminate receives timeout`,
      needs: ['sendsTimeoutCode'],
      async run(t) {
        const start = performance.now();
        const client = await t.raw({ options: { idleTimeout: 300, heartbeat: false } });
        begin(client);
        await t.closesRaw(client, 1002);
        const ms = performance.now() - start;
        t.check(ms > 280, 'the close after 300 ms', `a close after ${Math.round(ms)} ms`);
        const { reason } = await t.server.untilTerminated(client.id);
        t.equal(reason, { type: 'timeout', code: 1002, reason: '' });
      },
    }),
  ),
  ...(
    [
      ['a message', (client: RawClient) => client.send(frame(TEXT, 'here'))],
      ['a ping', (client: RawClient) => client.send(frame(PING)), 'idleCountsControlFrames'],
      ['a pong', (client: RawClient) => client.send(frame(PONG)), 'idleCountsControlFrames'],
      ['a part of a message', (client: RawClient) => client.send(Buffer.of(0)), 'idleCountsFragments'],
      [
        'a fragment',
        (client: RawClient) => client.send(frame(CONTINUATION, '', { fin: false })),
        'idleCountsFragments',
      ],
    ] as [string, (client: RawClient) => void, Need?][]
  ).map(
    ([what, send, need]): RuleTest => ({
      rule: '4.3n',
      timed: true,
      title: `${what} restarts the clock`,
      needs: need ? [need] : [],
      async run(t) {
        const client = await t.raw({ options: { idleTimeout: 600, heartbeat: false } });
        if (what === 'a part of a message') client.send(frame(BINARY, '', { length: 100 }));
        if (what === 'a fragment') client.send(frame(BINARY, '', { fin: false }));
        for (let count = 0; count < 8; count++) {
          await pause(100);
          send(client);
        }
        const { started } = await t.server.trace(client.id);
        t.check(!started.includes('terminate'), 'an open connection', started);
      },
    }),
  ),
  ...(
    [
      ['a text message', text('tick'), TEXT],
      ['a ping', { opcode: 'ping' }, PING, 'sendsControlFrames'],
    ] as [string, unknown, number, Need?][]
  ).map(
    ([what, message, opcode, need]): RuleTest => ({
      rule: '4.3n',
      timed: true,
      title: `${what} that the server sends does not restart the clock`,
      needs: ['sendsTimeoutCode', ...(need ? [need] : [])],
      async run(t) {
        const client = await t.raw({ options: { idleTimeout: 2_000, heartbeat: false } });
        let open = true;
        const ticks = 100;
        let sent = 0;
        const posts = (async () => {
          for (; open && sent < ticks; sent++) {
            await t.server.command({ post: client.id, infos: [push(message)] });
            await pause(50);
          }
        })().catch(() => {});
        const { before, code } = await client.closing();
        open = false;
        t.equal(code, 1002, 'the code');
        t.check(
          before.some((each) => 'opcode' in each && each.opcode === opcode),
          `${what} before the timeout`,
          before,
        );
        t.check(sent < ticks, `the timeout before ${ticks} messages were sent`, `${sent} messages`);
        await posts;
      },
    }),
  ),
  ...forEachCallback({
    rule: '4.3n',
    timed: true,
    title: (callback) => `the clock is paused while ${callback} is pending, and the server has stopped reading`,
    needs: ['pausesReading'],
    async run(t, trigger) {
      const options = { idleTimeout: 1_000, heartbeat: false };
      const probe = await trigger(t, { wait: 2_500, result: { type: 'push', messages: text('done') } }, { options });
      probe.instruct(push(text('alive'))); // so that something has come when the server reads again
      await t.receives(probe.client, { text: 'done' }, { text: 'alive' });
    },
  }),
  {
    rule: '4.3n',
    timed: true,
    title: 'the clock is not restarted when the server reads again',
    needs: ['pausesReading', 'sendsTimeoutCode'],
    async run(t) {
      const idleTimeout = 3_000;
      const probe = await t.open({ options: { idleTimeout, heartbeat: false } });
      await pause(1_500);
      await probe.post({ wait: 500, result: { type: 'push', messages: text('done') } });
      await t.receives(probe.client, { text: 'done' });
      const start = performance.now();
      await t.closes(probe.client, 1002);
      const ms = performance.now() - start;
      t.check(ms < idleTimeout - 300, 'the timeout after half of the time, which was left', `${Math.round(ms)} ms`);
    },
  },
  ...(['Infinity', 3_000_000_000] as const).map(
    (idleTimeout): RuleTest => ({
      rule: '4.3n',
      timed: true,
      title: `with an idleTimeout of ${idleTimeout} a connection stays open`,
      async run(t) {
        const client = await t.raw({ options: { idleTimeout, heartbeat: false } });
        await t.server.untilStarted(client.id, 'init');
        t.equal(await client.within(300), undefined, 'what comes from the server');
        t.started(await t.server.trace(client.id), 'init');
      },
    }),
  ),
  {
    rule: '4.3n',
    timed: true,
    title: 'by default the clock is of 60 seconds',
    needs: ['idleTimeoutByDefault', 'sendsTimeoutCode'],
    slow: true,
    async run(t) {
      const start = performance.now();
      const client = await t.raw({ options: { heartbeat: false } }, { patience: 70_000 });
      await t.closesRaw(client, 1002);
      const ms = performance.now() - start;
      t.check(ms > 59_000, 'the close after 60 000 ms', `a close after ${Math.round(ms)} ms`);
    },
  },

  {
    rule: '4.3o',
    title: 'a shutdown sends 1001 to every client, and calls terminate',
    needs: ['shutdown'],
    async run(t) {
      const { started, there } = await t.start();
      const probes = [1, 2, 3].map((count) => t.openAt(there, { on: { terminate: { throw: `terminated ${count}` } } }));
      for (const probe of await Promise.all(probes)) await probe.untilStarted('init');
      const down = started.shutdown();
      for (const probe of probes) await t.closes((await probe).client, 1001);
      await settledWithin(6 * t.server.patience, down, 'the end of the shutdown');
      for (const count of [1, 2, 3]) await t.reported(`terminated ${count}`, started.reports);
    },
  },
  {
    rule: '4.3o',
    title: 'at a shutdown terminate receives shutdown, 1001',
    needs: ['shutdown'],
    async run(t) {
      const { started, there } = await t.start();
      // What holds the server long enough to look at a trace: a callback that is pending.
      const stuck = await t.openAt(there, { on: { init: { gate: true } } });
      await stuck.untilStarted('init');
      const probe = await t.openAt(there, { on: { terminate: { tell: true } } });
      await probe.untilStarted('init');
      const down = started.shutdown();
      await t.closes(probe.client, 1001);
      await settledWithin(6 * t.server.patience, down, 'the end of the shutdown');
      const told = '{"type":"shutdown","code":1001,"reason":""} with the last state';
      await t.reported(`terminate received ${told}`, started.reports);
    },
  },
];

const reporting: readonly RuleTest[] = [
  ...(
    [
      ['throw', { throw: 'thrown in terminate' }],
      ['rejection', { throw: 'rejected in terminate', wait: 1 }],
    ] as const
  ).map(
    ([what, terminate]): RuleTest => ({
      rule: '4.4',
      title: `a ${what} in terminate harms nothing else, and is reported`,
      async run(t) {
        const other = await t.open();
        const probe = await t.open({ on: { terminate } });
        probe.client.close(1000);
        await t.closes(probe.client, 1000);
        await probe.untilTerminated();
        await t.server.quiet(20);
        t.started(await probe.trace(), 'init', 'terminate');
        other.instruct(push(text('alive')));
        await t.receives(other.client, { text: 'alive' });
        await t.reported(terminate.throw);
      },
    }),
  ),
  ...(
    [
      ['throws', {}],
      ['rejects with', { wait: 1 }],
    ] as const
  ).flatMap(([what, more]) =>
    forEachCallback({
      rule: '4.4',
      title: (callback) => `what ${callback} ${what} is reported, once`,
      needs: ['reports'],
      async run(t, trigger, callback) {
        const error = `${callback} ${what} this.`;
        await trigger(t, { throw: error, ...more });
        await t.reported(error);
      },
    }),
  ),
  {
    rule: '4.4',
    title: 'a throw on one connection leaves the others alone',
    async run(t) {
      const other = await t.open();
      for (const instruction of [{ throw: 'one' }, { throw: 'two', wait: 1 }, { raw: 'three' }]) {
        const probe = await t.open();
        probe.instruct(instruction);
        await t.closes(probe.client, 1011);
      }
      other.instruct(push(text('alive')));
      await t.receives(other.client, { text: 'alive' });
    },
  },
];

/** Sends pings until the connection is gone: only a socket that is closed refuses them. */
async function untilDropped(client: RawClient, ms: number): Promise<void> {
  // Time is counted in beats, which are late where the machine is busy: the server is late then, too.
  let beats = 0;
  let give: (error: Error) => void = () => {};
  const patience = new Promise<never>((_settle, fail) => {
    give = fail;
  });
  const beat = setInterval(() => {
    client.socket.write(frame(PING, 'still here'));
    beats += 1;
    if (beats * 100 > ms + 1_000) {
      give(new Error(`awaited that the server drops the client, but it still held the connection after ${ms} ms`));
    }
  }, 100);
  try {
    await Promise.race([client.ended(10 * ms), patience]);
  } finally {
    clearInterval(beat);
  }
}

const ends: [what: string, frames: Buffer[]][] = [
  ['a stop', [instruct(stop())]],
  ['a throw', [instruct({ throw: 'no' })]],
];

const bounds: readonly RuleTest[] = [
  {
    rule: '4.5',
    title: 'terminate does not wait for a client that never answers the close',
    async run(t) {
      const client = await t.raw({}, { halfOpen: true });
      client.send(instruct(stop()));
      t.equal((await t.server.untilTerminated(client.id)).reason, { type: 'normal', code: 1000, reason: '' });
    },
  },
  ...(
    [
      ['is dropped', 60_000, true, false],
      ['is dropped within 10 seconds', ENOUGH, false, true],
    ] as const
  ).flatMap(([title, ms, slow, should]) => [
    ...ends.map(
      ([what, frames]): RuleTest => ({
        rule: '4.5',
        title: `a client that does not answer the close frame of ${what}, but goes on sending, ${title}`,
        needs: ['dropsSockets'],
        slow,
        should,
        timed: true,
        async run(t) {
          const client = await t.raw({}, { halfOpen: true });
          client.send(...frames);
          await client.closing();
          await untilDropped(client, Math.min(ms, t.server.patience * 6));
        },
      }),
    ),
    {
      rule: '4.5',
      title: `a client that does not read what waits for it after the end, but goes on sending, ${title}`,
      needs: ['dropsSockets'],
      slow,
      should,
      timed: true,
      async run(t) {
        const client = await t.raw({}, { halfOpen: true });
        client.socket.pause();
        const messages = Array.from({ length: 24 }, () => ({ opcode: 'text', long: 1_000_000 }));
        client.send(instruct(stop({ messages })));
        await t.server.untilStarted(client.id, 'handleIn');
        await untilDropped(client, Math.min(ms, t.server.patience * 6));
      },
    } satisfies RuleTest,
  ]),
  {
    rule: '4.5',
    title: 'a client that reads slowly what waits for it after the end gets all of it, and the close frame',
    async run(t) {
      const client = await t.raw();
      const messages = Array.from({ length: 12 }, () => ({ opcode: 'text', long: 1_000_000 }));
      client.send(instruct(stop({ messages })));
      await t.server.untilStarted(client.id, 'handleIn');
      for (let count = 0; count < 12; count++) {
        client.socket.pause();
        await pause(40);
        client.socket.resume();
        await t.receivesFrames(client, { opcode: TEXT });
      }
      await t.closesRaw(client, 1000);
    },
  },
  {
    rule: '4.5',
    title: 'a shutdown does not wait for callbacks that never settle, nor call terminate beside them',
    needs: ['shutdown'],
    async run(t) {
      const { started, there } = await t.start();
      for (const callback of ['init', 'handleIn', 'handleInfo', 'terminate'] as const) {
        const on = { terminate: { throw: 'too late' }, [callback]: { forever: true } };
        const probe = await t.openAt(there, { on });
        await probe.untilStarted('init');
        if (callback === 'handleIn') probe.client.text('stuck');
        else if (callback === 'handleInfo') await probe.post('stuck');
        await probe.untilStarted(callback === 'terminate' ? 'init' : callback);
      }
      const silent = await t.connectRaw(there.probeUrl().url, { halfOpen: true }); // never answers the close
      await settledWithin(6 * t.server.patience, started.shutdown(), 'the end of the shutdown');
      t.check(!started.reports().includes('too late'), 'no terminate beside a pending callback', started.reports());
      silent.cut();
    },
  },
];

const heartbeat: readonly RuleTest[] = [
  {
    rule: '4.6',
    timed: true,
    title: 'a silent client is pinged once at half of idleTimeout, and closed when it has passed',
    needs: ['pingsByItself', 'sendsTimeoutCode'],
    should: true,
    async run(t) {
      const start = performance.now();
      const client = await t.raw({ options: { idleTimeout: 1_000 } });
      await t.receivesFrames(client, { opcode: PING });
      const ms = performance.now() - start;
      t.check(ms > 400, 'a ping after 500 ms', `a ping after ${Math.round(ms)} ms`);
      await t.closesRaw(client, 1002);
      t.equal((await t.server.untilTerminated(client.id)).reason, { type: 'timeout', code: 1002, reason: '' });
    },
  },
  {
    rule: '4.6',
    timed: true,
    title: 'a client that answers pings stays, and is pinged again',
    needs: ['pingsByItself'],
    should: true,
    async run(t) {
      const client = await t.raw({ options: { idleTimeout: 2_000 } });
      const received: unknown[] = [];
      for (let count = 0; count < 4; count++) {
        const ping = await client.next('a ping');
        received.push('opcode' in ping ? ping.opcode : ping);
        if ('payload' in ping) client.send(frame(PONG, ping.payload));
      }
      t.equal(received, [PING, PING, PING, PING], 'what came from the server');
    },
  },
  {
    rule: '4.6',
    timed: true,
    title: 'a client of a browser, which answers pings by itself, stays though it only listens',
    async run(t) {
      const probe = await t.open({
        options: t.server.cannot.idleTimeoutByDefault === undefined ? { idleTimeout: 1_200 } : {},
      });
      await pause(3_000);
      probe.instruct(push(text('alive')));
      let received = await probe.client.next('alive');
      while ('ping' in received) received = await probe.client.next('alive');
      t.equal(received, { text: 'alive' });
    },
  },
  {
    rule: '4.6',
    timed: true,
    title: 'with heartbeat off nobody is pinged',
    async run(t) {
      const client = await t.raw({ options: { idleTimeout: 700, heartbeat: false } });
      const { before } = await client.closing();
      t.equal(before, [], 'what comes before the end');
    },
  },
  {
    rule: '4.6',
    timed: true,
    title: 'nobody is pinged while the clock is paused',
    needs: ['pausesReading', 'pingsByItself'],
    async run(t) {
      const client = await t.raw({ options: { idleTimeout: 1_000 } });
      client.send(instruct({ wait: 2_000, result: { type: 'push', messages: text('done') } }));
      await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from('done') });
    },
  },
];

export const closing: readonly RuleTest[] = [
  ...terminating,
  ...codes,
  ...stops,
  ...byClient,
  ...faults,
  ...idle,
  ...reporting,
  ...bounds,
  ...heartbeat,
];
