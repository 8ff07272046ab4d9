// 3. Results

import type { Received } from '../client.ts';
import type { Instruction } from '../probe.ts';
import { CLOSE, closeFrame, frame, TEXT } from '../raw-client.ts';
import { forEachCallback, type Need, push, type RuleTest, stop, text } from '../rule.ts';
import { settledWithin, type Trace } from '../server-under-test.ts';

const instruct = (instruction: object) => frame(TEXT, JSON.stringify(instruction));

/** The callbacks that received another state than the one that was last returned. */
const wrongStates = ({ events }: Trace) => events.filter(({ sameState }) => sameState === false);

const LOOK = 300;

const sending: readonly RuleTest[] = [
  ...forEachCallback({
    rule: '3.1',
    title: (callback) => `ok from ${callback} replaces the state, and sends nothing`,
    async run(t, trigger) {
      const probe = await trigger(t, { result: { type: 'ok' } });
      probe.instruct(push(text('fence')));
      await t.receives(probe.client, { text: 'fence' });
      t.equal(wrongStates(await probe.trace()), [], 'the callbacks that received another state');
    },
  }),

  ...(
    [
      ['a text message', [text('héllo 🎉')], [{ text: 'héllo 🎉' }]],
      ['an empty text message', [text('')], [{ text: '' }]],
      ['a binary message', [{ opcode: 'binary', hex: '00ff' }], [{ binary: '00ff' }]],
      ['a ping without data', [{ opcode: 'ping' }], [{ ping: '' }], 'sendsControlFrames'],
      ['a ping with text', [{ opcode: 'ping', data: 'hi' }], [{ ping: 'hi' }], 'sendsControlFrames'],
      ['a pong with bytes', [{ opcode: 'pong', hex: '6869' }], [{ pong: 'hi' }], 'sendsControlFrames'],
      [
        'a number of messages, in order',
        [text('a'), { opcode: 'binary', hex: '01' }, text('b')],
        [{ text: 'a' }, { binary: '01' }, { text: 'b' }],
      ],
      [
        'a control frame and a text message',
        [{ opcode: 'pong' }, text('a')],
        [{ pong: '' }, { text: 'a' }],
        'sendsControlFrames',
      ],
      ['a message of 70 000 bytes', [{ opcode: 'text', long: 70_000 }], [{ text: 'x'.repeat(70_000) }]],
    ] as [string, unknown[], Received[], ...Need[]][]
  ).flatMap(([what, messages, received, ...needs]) =>
    forEachCallback({
      rule: '3.2',
      title: (callback) => `push from ${callback} sends ${what}`,
      needs,
      async run(t, trigger) {
        const probe = await trigger(t, push(...messages));
        await t.receives(probe.client, ...received);
      },
    }),
  ),
  {
    rule: '3.2',
    title: 'push sends one message that is not in a list',
    async run(t) {
      const probe = await t.open();
      probe.instruct({ result: { type: 'push', messages: text('one') } });
      await t.receives(probe.client, { text: 'one' });
    },
  },
  ...[125, 126, 127, 65_535, 65_536, 1_000_000].map(
    (long): RuleTest => ({
      rule: '3.2',
      title: `push sends a message of ${long} bytes`,
      async run(t) {
        const probe = await t.open();
        probe.instruct(push({ opcode: 'text', long }, text('next')));
        await t.receives(probe.client, { text: 'x'.repeat(long) }, { text: 'next' });
      },
    }),
  ),
  ...(['ArrayBuffer', 'DataView', 'Uint16Array', 'offset', 'shared'] as const).map(
    (as): RuleTest => ({
      rule: '3.2',
      title: `push sends the bytes of a binary message, whatever holds them: ${as}`,
      async run(t) {
        const probe = await t.open();
        probe.instruct(push({ opcode: 'binary', hex: '01020304', as }, { opcode: 'binary', hex: '', as }));
        await t.receives(probe.client, { binary: '01020304' }, { binary: '' });
      },
    }),
  ),
  ...(['ArrayBuffer', 'DataView', 'offset'] as const).map(
    (as): RuleTest => ({
      rule: '3.2',
      title: `push sends the bytes of a ping, whatever holds them: ${as}`,
      needs: ['sendsControlFrames'],
      async run(t) {
        const probe = await t.open();
        probe.instruct(push({ opcode: 'ping', hex: '6869', as }, { opcode: 'pong', hex: '61'.repeat(125), as }));
        await t.receives(probe.client, { ping: 'hi' }, { pong: 'a'.repeat(125) });
      },
    }),
  ),
  {
    rule: '3.2',
    title: 'push sends its messages before the next callback begins',
    async run(t) {
      const probe = await t.open();
      probe.instruct({ post: [push(text('second'))], result: { type: 'push', messages: [text('first')] } });
      await t.receives(probe.client, { text: 'first' }, { text: 'second' });
    },
  },
  ...(['push', 'reply'] as const).map(
    (type): RuleTest => ({
      rule: type === 'push' ? '3.2' : '3.3',
      title: `${type} replaces the state`,
      async run(t) {
        const probe = await t.open();
        probe.instruct({ result: { type, messages: [text('a')] } });
        probe.instruct({ wait: 1, result: { type, messages: [] } });
        probe.instruct(push(text('fence')));
        await t.receives(probe.client, { text: 'a' }, { text: 'fence' });
        probe.client.close();
        const trace = await probe.untilTerminated();
        t.equal(wrongStates(trace), [], 'the callbacks that received another state');
        t.equal(trace.started.length, 5, 'the number of callbacks');
      },
    }),
  ),
  ...forEachCallback({
    rule: '3.3',
    title: (callback) => `reply from ${callback} is push, whatever its status`,
    async run(t, trigger) {
      const probe = await trigger(t, {
        result: { type: 'reply', status: { any: 'thing' }, messages: [text('a'), text('b')] },
      });
      await t.receives(probe.client, { text: 'a' }, { text: 'b' });
      probe.instruct(push(text('alive')));
      await t.receives(probe.client, { text: 'alive' });
    },
  }),
  ...[{}, { status: null }, { status: 'error' }, { status: 500 }].map(
    (status): RuleTest => ({
      rule: '3.3',
      title: `reply ${'status' in status ? `with the status ${JSON.stringify(status.status)}` : 'without a status'} is push`,
      async run(t) {
        const probe = await t.open();
        probe.instruct({ result: { type: 'reply', ...status, messages: text('a') } });
        probe.instruct(push(text('alive')));
        await t.receives(probe.client, { text: 'a' }, { text: 'alive' });
      },
    }),
  ),
];

const stopping: readonly RuleTest[] = [
  ...forEachCallback({
    rule: '3.4',
    title: (callback) => `stop from ${callback} sends its messages, then the close frame, and nothing follows`,
    async run(t, trigger, callback) {
      const probe = await trigger(t, stop({ messages: [text('last'), text('words')] }));
      await t.receives(probe.client, { text: 'last' }, { text: 'words' });
      await t.closes(probe.client, 1000);
      const trace = await probe.untilTerminated();
      t.equal(trace.started.slice(-2), [callback, 'terminate'], 'the last callbacks');
      t.equal(wrongStates(trace), [], 'the callbacks that received another state');
    },
  }),
  {
    rule: '3.4',
    title: 'after a stop, what the client still sends reaches no callback',
    async run(t) {
      const client = await t.raw();
      client.send(instruct(stop()), frame(TEXT, 'late'), frame(TEXT, 'later'));
      t.started(await t.server.untilTerminated(client.id), 'init', 'handleIn', 'terminate');
      client.send(frame(TEXT, 'latest'));
      await t.server.quiet();
      t.started(await t.server.trace(client.id), 'init', 'handleIn', 'terminate');
    },
  },
  {
    rule: '3.4',
    title: 'after a throw, what the client still sends reaches no callback',
    async run(t) {
      const client = await t.raw();
      client.send(frame(TEXT, '{"throw":"no"}'), frame(TEXT, 'late'));
      t.started(await t.server.untilTerminated(client.id), 'init', 'handleIn', 'terminate');
    },
  },
  ...(
    [
      ['the close frame of a stop', instruct(stop()), 1000],
      ['the close frame after a throw', instruct({ throw: 'no' }), 1011],
      ["the answer to the client's close frame", closeFrame(4000), 4000],
    ] as const
  ).map(
    ([what, sent, code]): RuleTest => ({
      rule: '3.4',
      title: `${what} does not wait for terminate`,
      async run(t) {
        const client = await t.raw({ on: { terminate: { gate: true } } });
        client.send(sent);
        await t.closesRaw(client, code);
        await t.server.untilStarted(client.id, 'terminate');
        await t.server.release(client.id);
        await t.server.untilTerminated(client.id);
      },
    }),
  ),
  {
    rule: '3.4',
    title: 'a stop sends nothing but its code where it gives no reason',
    async run(t) {
      for (const more of [{}, { close: { code: 4000 } }, { reason: { error: 'secret' } }, { reason: 'restart' }]) {
        const client = await t.raw();
        client.send(instruct(stop(more)));
        const received = await client.next('a close frame');
        t.equal('payload' in received ? received.payload.length : received, 2, `the bytes in ${JSON.stringify(more)}`);
      }
    },
  },

  ...['push', 'reply', 'stop'].map(
    (type): RuleTest => ({
      rule: '3.5',
      title: `${type} with an empty list sends nothing`,
      async run(t) {
        const probe = await t.open();
        probe.instruct({ result: { type, messages: [] } });
        if (type !== 'stop') probe.instruct(stop());
        await t.closes(probe.client, 1000);
        t.equal(wrongStates(await probe.untilTerminated()), [], 'the callbacks that received another state');
      },
    }),
  ),
];

const sent = text('must not be sent');
const pushOf = (message: unknown) => ({ type: 'push', messages: [sent, message], state: 1 });
const stopWith = (more: object) => ({ type: 'stop', messages: [sent], state: 1, ...more });

const invalid: readonly RuleTest[] = [
  ...(
    [
      ['nothing', null],
      ['a string', 'ok'],
      ['a number', 0],
      ['true', true],
      ['a list', [{ type: 'ok', state: 1 }]],
      ['no type', { state: 1 }],
      ['the type null', { type: null, state: 1 }],
      ['no state', { type: 'ok' }],
      ['push without a state', { type: 'push', messages: [sent] }],
      ['stop without a state', { type: 'stop', messages: [sent] }],
      ['an unknown type', { type: 'okay', messages: [sent], state: 1 }],
      ['a type that every object has', { type: 'toString', state: 1 }],
      ['ok with messages', { type: 'ok', messages: [sent], state: 1 }],
      ['ok with an empty list', { type: 'ok', messages: [], state: 1 }],
      ['ok with a close', { type: 'ok', close: { code: 1000 }, state: 1 }],
      ['ok with a reason', { type: 'ok', reason: 'normal', state: 1 }],
      ['ok with a status', { type: 'ok', status: 'ok', state: 1 }],
      ['push without messages', { type: 'push', state: 1 }],
      ['push with null as messages', { type: 'push', messages: null, state: 1 }],
      ['push with a close', { type: 'push', messages: [sent], close: { code: 1000 }, state: 1 }],
      ['push with a reason', { type: 'push', messages: [sent], reason: 'normal', state: 1 }],
      ['push with a status', { type: 'push', messages: [sent], status: 'ok', state: 1 }],
      ['reply without messages', { type: 'reply', status: 'ok', state: 1 }],
      ['reply with a close', { type: 'reply', messages: [sent], close: { code: 1000 }, state: 1 }],
      ['reply with a reason', { type: 'reply', messages: [sent], reason: 'normal', state: 1 }],
      ['stop with a status', stopWith({ status: 'ok' })],
      ['stop with a code', stopWith({ code: 4000 })],
      ['stop with an error', stopWith({ error: 'broken' })],
      ['stop for an unknown reason', stopWith({ reason: 'abnormal' })],
      ['stop for an empty reason', stopWith({ reason: '' })],
      ['stop for a reason of null', stopWith({ reason: null })],
      ['stop for a reason without an error', stopWith({ reason: {} })],
      ['stop for a reason that is a list', stopWith({ reason: ['normal'] })],
      ['stop with one bad message', { type: 'stop', messages: [sent, { opcode: 'text', data: 1 }], state: 1 }],
      ['a close that is a number', stopWith({ close: 1000 })],
      ['a close of null', stopWith({ close: null })],
      ['a close without a code', stopWith({ close: { reason: 'no code' } })],
      ['a close code that is a string', stopWith({ close: { code: '1000' } })],
      ['a close reason that is a number', stopWith({ close: { code: 1000, reason: 1 } })],
      ['a close reason of null', stopWith({ close: { code: 1000, reason: null } })],
      ['text with a number', pushOf({ opcode: 'text', data: 1 })],
      ['text with null', pushOf({ opcode: 'text', data: null })],
      ['text with bytes', { result: { type: 'push', messages: [sent, { opcode: 'text', hex: '61' }] } }],
      ['text without data', pushOf({ opcode: 'text' })],
      ['binary with a string', pushOf({ opcode: 'binary', data: 'a' })],
      ['binary with a list', pushOf({ opcode: 'binary', data: [1, 2] })],
      ['binary without data', pushOf({ opcode: 'binary' })],
      ['a ping with a number', pushOf({ opcode: 'ping', data: 1 })],
      ['a ping with null', pushOf({ opcode: 'ping', data: null })],
      ['an unknown opcode', pushOf({ opcode: 'close', data: '' })],
      ['an opcode that is a number', pushOf({ opcode: 1, data: '' })],
      ['an opcode that every object has', pushOf({ opcode: 'toString', data: '' })],
      ['no opcode', pushOf({ data: 'x' })],
      ['a message that is a string', pushOf('x')],
      ['a message of null', pushOf(null)],
      ['a list in a list', pushOf([sent])],
      ['messages that are a string', { type: 'push', messages: 'x', state: 1 }],
      ['ping data of 126 bytes in 63 characters', pushOf({ opcode: 'ping', data: 'é'.repeat(63) })],
      ['pong data of 126 bytes', pushOf({ opcode: 'pong', data: 'x'.repeat(126) })],
      [
        'ping data of 126 bytes that are not a string',
        { result: { type: 'push', messages: [sent, { opcode: 'ping', hex: '00'.repeat(126) }] } },
      ],
    ] as [string, unknown][]
  ).map(
    ([what, raw]): RuleTest => ({
      rule: '3.6',
      title: `${what} is an error, and none of it is sent`,
      async run(t) {
        const probe = await t.open();
        // Bytes have no JSON: the probe makes them, and its state counts as returned, though it is not.
        const isMade = typeof raw === 'object' && raw !== null && 'result' in raw;
        probe.instruct(isMade ? (raw as Instruction) : { raw });
        await t.closes(probe.client, 1011);
        const trace = await probe.untilTerminated();
        t.matches(trace.reason, { type: 'error', code: 1011, reason: '' });
        t.started(trace, 'init', 'handleIn', 'terminate');
        if (!isMade) t.equal(wrongStates(trace), [], 'the callbacks that received another state');
      },
    }),
  ),
  ...forEachCallback({
    rule: '3.6',
    title: (callback) => `an invalid result is an error from ${callback} too, also in a promise`,
    async run(t, trigger, callback) {
      const probe = await trigger(t, { raw: { type: 'push', messages: [sent] }, wait: 1 });
      await t.closes(probe.client, 1011);
      if (callback !== 'init') t.matches((await probe.untilTerminated()).reason, { type: 'error' });
    },
  }),
  ...(
    [
      ['ping data of 125 bytes', { type: 'push', messages: [{ opcode: 'ping', data: `${'é'.repeat(62)}x` }] }],
      ['a stop without a reason', { type: 'stop', messages: [] }],
    ] as const
  ).map(
    ([what, result]): RuleTest => ({
      rule: '3.6',
      title: `${what} is valid`,
      async run(t) {
        const probe = await t.open();
        probe.instruct({ result });
        if (result.type === 'push') probe.instruct(stop());
        let received = await probe.client.next('a close');
        if ('ping' in received) received = await probe.client.next('a close');
        t.equal(received, { close: 1000, reason: '' });
      },
    }),
  ),
  ...(['push', 'stop'] as const).map(
    (type): RuleTest => ({
      rule: '3.6',
      title: `the messages of a ${type} are read once: what was checked is what is sent`,
      async run(t) {
        const probe = await t.open();
        const messages = [text('first look'), { opcode: 'binary', hex: '0102' }];
        probe.instruct({ changing: true, result: { type, messages } });
        await t.receives(probe.client, { text: 'first look' }, { binary: '0102' });
      },
    }),
  ),
];

/** Instructions that settle late, with the code that each closes with, and the reason that terminate then receives. */
const late: readonly [what: string, own: object | undefined, instruction: Instruction][] = [
  ['a push', undefined, push(text('late'))],
  [
    'a stop',
    { type: 'error', error: 'late', code: 4000, reason: '' },
    stop({ reason: { error: 'late' }, close: { code: 4000 } }),
  ],
  ["a stop 'normal'", { type: 'normal', code: 1000, reason: '' }, stop()],
  ['a rejection', { type: 'error', error: 'Error: rejected late', code: 1011, reason: '' }, { throw: 'rejected late' }],
  ['an invalid result', { type: 'error', code: 1011, reason: '' }, { raw: { type: 'okay' } }],
];

/** What `closing` returns, for a frame that has been read already. */
function closeIn({ opcode, payload }: { readonly opcode: number; readonly payload: Buffer }) {
  return { before: [], code: opcode === CLOSE ? payload.readUInt16BE() : ('no close frame' as const) };
}

const afterTheEnd: readonly RuleTest[] = [
  ...late.map(
    ([what, own, instruction]): RuleTest => ({
      rule: '3.7',
      title: `${what} after the client's close frame changes neither how it closed nor what terminate receives`,
      needs: ['seesCloseFrames'],
      async run(t) {
        const client = await t.raw();
        client.send(instruct({ gate: true, ...instruction }), closeFrame(4001, 'mine'));
        await t.server.untilStarted(client.id, 'handleIn');
        // A server that has stopped reading has not read the close frame yet: then the callback's own end is the first.
        const answer = await client.within(LOOK);
        await t.server.release(client.id);
        const trace = await t.server.untilTerminated(client.id);
        t.started(trace, 'init', 'handleIn', 'terminate');
        if (what !== 'a rejection' && what !== 'an invalid result') {
          t.equal(wrongStates(trace), [], 'the callbacks that received another state');
        }
        const { before, code } = answer && 'payload' in answer ? closeIn(answer) : await client.closing();
        const remote = { type: 'remote', code: 4001, reason: 'mine' };
        const isRemote = answer !== undefined || own === undefined || code === 4001;
        t.matches(trace.reason, isRemote ? remote : own, 'the reason that terminate received');
        t.equal(code, isRemote ? 4001 : (own as { code: number }).code, 'the code on the wire');
        t.check(before.length <= (isRemote && own ? 0 : 1), 'no message of the callback', before);
        t.equal((await client.within(50)) ?? { end: true }, { end: true }, 'what follows the close frame');
        if (instruction.throw) await t.reported(instruction.throw);
      },
    }),
  ),
  ...late.map(
    ([what, , instruction]): RuleTest => ({
      rule: '3.7',
      title: `${what} after the connection is gone leaves nothing but its state`,
      async run(t) {
        const client = await t.raw();
        const error = instruction.throw && { throw: 'rejected after the drop' };
        client.send(instruct({ gate: true, ...instruction, ...error }));
        await t.server.untilStarted(client.id, 'handleIn');
        client.cut();
        await t.server.quiet();
        await t.server.release(client.id);
        const trace = await t.server.untilTerminated(client.id);
        t.started(trace, 'init', 'handleIn', 'terminate');
        if (error) await t.reported(error.throw);
      },
    }),
  ),
  ...(
    [
      ['a push', push(text('late'))],
      ['a stop', stop({ close: { code: 4000 }, messages: text('late') })],
      ['a throw', { throw: 'thrown after the shutdown' }],
    ] as const
  ).map(
    ([what, instruction]): RuleTest => ({
      rule: '3.7',
      title: `${what} after a shutdown has begun sends nothing, and terminate receives shutdown`,
      needs: ['shutdown'],
      async run(t) {
        const { started, there } = await t.start();
        const { id, url } = there.probeUrl({ on: { terminate: { tell: true } } });
        const client = await t.connectRaw(url, { halfOpen: true });
        client.send(instruct({ wait: 5_000, ...instruction })); // still pending when the shutdown begins
        await there.untilStarted(id, 'handleIn');
        const down = started.shutdown();
        t.equal((await client.closing()).code, 1001, 'the code');
        const told = '{"type":"shutdown","code":1001,"reason":""} with the last state';
        await t.reported(`terminate received ${told}`, started.reports);
        t.equal((await client.within(50)) ?? { end: true }, { end: true }, 'what follows the close frame');
        client.cut();
        await settledWithin(6 * t.server.patience, down, 'the end of the shutdown');
      },
    }),
  ),
  {
    rule: '3.7',
    title: 'what terminate receives, and what the client receives, are of the same end',
    needs: ['seesCloseFrames'],
    async run(t) {
      const ends: [object, object][] = [];
      for (let count = 0; count < 20; count++) {
        const client = await t.raw();
        client.send(instruct({ wait: count % 5, ...stop({ close: { code: 4002 } }) }), closeFrame(4001, ''));
        const { code } = await client.closing();
        const { reason } = await t.server.untilTerminated(client.id);
        ends.push([
          { code },
          { ...(reason as object), expected: code === 4001 ? 'remote' : code === 4002 ? 'normal' : '' },
        ]);
      }
      for (const [wire, reason] of ends) {
        const { type, code, expected } = reason as { type: string; code: number; expected: string };
        t.equal([type, { code }], [expected, wire], 'the reason that terminate received');
      }
    },
  },
  {
    rule: '3.7',
    title: 'a throw of the next message, after the end, changes nothing either',
    needs: ['seesCloseFrames'],
    async run(t) {
      const client = await t.raw();
      client.send(instruct({ wait: 50 }), instruct({ throw: 'thrown late' }), closeFrame(4001, 'mine'));
      const trace = await t.server.untilTerminated(client.id);
      const { code } = await client.closing();
      const { type } = trace.reason as { type: string };
      t.equal([type, code], code === 4001 ? ['remote', 4001] : ['error', 1011], 'the reason, and the code on the wire');
      t.equal(wrongStates(trace), [], 'the callbacks that received another state');
      await t.reported('thrown late');
    },
  },
];

export const results: readonly RuleTest[] = [...sending, ...stopping, ...invalid, ...afterTheEnd];
