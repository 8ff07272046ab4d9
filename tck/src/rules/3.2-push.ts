import type { Received } from '../client.ts';
import type { Need } from '../test-context.ts';
import { forEachCallback, push, type RuleCase, replacesState, testsOf, text } from './common.ts';

export default testsOf('3.2', [
  ...(
    [
      ['a text message', [text('héllo 🎉')], [{ text: 'héllo 🎉' }]],
      ['an empty text message', [text('')], [{ text: '' }]],
      ['a binary message', [{ opcode: 'binary', hex: '00ff' }], [{ binary: '00ff' }]],
      ['a ping without data', [{ opcode: 'ping' }], [{ ping: '' }], 'sendsControlFrames'],
      ['a ping with text', [{ opcode: 'ping', data: 'hi' }], [{ ping: 'hi' }], 'sendsControlFrames'],
      ['a pong with bytes', [{ opcode: 'pong', hex: '6869' }], [{ pong: 'hi' }], 'sendsControlFrames'],
      [
        'several messages, in order',
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
      title: (callback) => `push from ${callback} sends ${what}`,
      needs,
      async run(t, trigger) {
        const probe = await trigger(t, push(...messages));
        await t.receives(probe.client, ...received);
      },
    }),
  ),
  {
    title: 'push sends a single message that is not in a list',
    async run(t) {
      const probe = await t.open();
      probe.instruct({ result: { type: 'push', messages: text('one') } });
      await t.receives(probe.client, { text: 'one' });
    },
  },
  ...[125, 126, 127, 65_535, 65_536, 1_000_000].map(
    (long): RuleCase => ({
      title: `push sends a message of ${long} bytes`,
      async run(t) {
        const probe = await t.open();
        probe.instruct(push({ opcode: 'text', long }, text('next')));
        await t.receives(probe.client, { text: 'x'.repeat(long) }, { text: 'next' });
      },
    }),
  ),
  ...(['ArrayBuffer', 'DataView', 'Uint16Array', 'offset', 'shared'] as const).map(
    (as): RuleCase => ({
      title: `push sends the bytes of a binary message in the form ${as}`,
      async run(t) {
        const probe = await t.open();
        probe.instruct(push({ opcode: 'binary', hex: '01020304', as }, { opcode: 'binary', hex: '', as }));
        await t.receives(probe.client, { binary: '01020304' }, { binary: '' });
      },
    }),
  ),
  ...(['ArrayBuffer', 'DataView', 'offset'] as const).map(
    (as): RuleCase => ({
      title: `push sends the bytes of a ping or pong in the form ${as}`,
      needs: ['sendsControlFrames'],
      async run(t) {
        const probe = await t.open();
        probe.instruct(push({ opcode: 'ping', hex: '6869', as }, { opcode: 'pong', hex: '61'.repeat(125), as }));
        await t.receives(probe.client, { ping: 'hi' }, { pong: 'a'.repeat(125) });
      },
    }),
  ),
  {
    title: 'push sends its messages before the next callback is called',
    async run(t) {
      const probe = await t.open();
      probe.instruct({ post: [push(text('second'))], result: { type: 'push', messages: [text('first')] } });
      await t.receives(probe.client, { text: 'first' }, { text: 'second' });
    },
  },
  replacesState('push'),
]);
