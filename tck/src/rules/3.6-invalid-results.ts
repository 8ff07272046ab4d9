import type { Instruction } from '../probe-protocol.ts';
import { forEachCallback, type RuleCase, stop, testsOf, text } from './common.ts';

const sent = text('must not be sent');

const pushOf = (message: unknown) => ({ type: 'push', messages: [sent, message], state: 1 });

const stopWith = (more: object) => ({ type: 'stop', messages: [sent], state: 1, ...more });

export default testsOf('3.6', [
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
    ([what, raw]): RuleCase => ({
      title: `${what} is an invalid result, and no part of it is sent`,
      async run(t) {
        const probe = await t.open();
        // JSON has no bytes: the probe creates them with `result`, and records a state, although the result is invalid.
        const isMade = typeof raw === 'object' && raw !== null && 'result' in raw;
        probe.instruct(isMade ? (raw as Instruction) : { raw });
        await t.closes(probe.client, 1011);
        const trace = await probe.untilTerminated();
        t.matches(trace.reason, { type: 'error', code: 1011, reason: '' });
        t.started(trace, 'init', 'handleIn', 'terminate');
        if (!isMade) t.keepsState(trace);
      },
    }),
  ),
  ...forEachCallback({
    title: (callback) => `an invalid result that ${callback} returns in a promise closes with 1011`,
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
    ([what, result]): RuleCase => ({
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
    (type): RuleCase => ({
      title: `the messages of a ${type} are read once: those that were checked are sent`,
      async run(t) {
        const probe = await t.open();
        const messages = [text('first look'), { opcode: 'binary', hex: '0102' }];
        probe.instruct({ changing: true, result: { type, messages } });
        await t.receives(probe.client, { text: 'first look' }, { binary: '0102' });
      },
    }),
  ),
]);
