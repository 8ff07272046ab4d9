import { BINARY, CLOSE, CONTINUATION, closeFrame, frame, PING, TEXT } from '../raw-client.ts';
import type { Need } from '../test-context.ts';
import { type RuleCase, testsOf, violates } from './common.ts';

export default testsOf('4.3l', [
  ...(
    [
      ['a frame without a mask', [frame(TEXT, 'x', { masked: false })], ['rejectsUnmaskedFrames']],
      ['the first reserved bit', [frame(TEXT, 'x', { rsv: 4 })]],
      ['the second reserved bit', [frame(TEXT, 'x', { rsv: 2 })]],
      ['the third reserved bit', [frame(BINARY, 'x', { rsv: 1 })]],
      ['an unknown opcode', [frame(3, 'x')]],
      ['the unknown opcode 7', [frame(7, 'x')]],
      ['an unknown control opcode', [frame(11, 'x')]],
      ['a continuation of nothing', [frame(CONTINUATION, 'x')]],
      [
        'a continuation of a message that is complete',

        [frame(TEXT, 'a', { fin: false }), frame(CONTINUATION, 'b'), frame(CONTINUATION, 'c')],
      ],
      [
        'a message inside another',

        [frame(TEXT, 'a', { fin: false }), frame(TEXT, 'b')],
      ],
      ['a ping in fragments', [frame(PING, 'x', { fin: false })]],
      [
        'a ping of 126 bytes',

        [frame(PING, 'x'.repeat(126))],
        ['rejectsLongControlFrames', 'sendsProtocolErrorCodes'],
      ],
      [
        'a close frame of 126 bytes',

        [closeFrame(1000, 'x'.repeat(124))],
        ['rejectsLongControlFrames', 'sendsProtocolErrorCodes'],
      ],
      [
        'a close frame of one byte',

        [frame(CLOSE, 'x')],
        ['rejectsShortCloseFrames', 'sendsProtocolErrorCodes'],
      ],
    ] as [string, Buffer[], Need[]?][]
  ).map(
    ([what, frames, needs = ['sendsProtocolErrorCodes']]): RuleCase => ({
      title: `${what} sends 1002, and terminate receives an error`,
      needs,
      run: (t) => violates(t, 1002, frames),
    }),
  ),
  {
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
    title: 'a compressed frame in the middle of a message is a violation',
    needs: ['compresses', 'sendsProtocolErrorCodes'],
    async run(t) {
      const client = await t.raw(
        { options: { compress: true } },
        { extraHeaders: ['Sec-WebSocket-Extensions: permessage-deflate'] },
      );
      t.check(client.header('sec-websocket-extensions').length === 1, 'permessage-deflate', client.answer);
      client.send(frame(TEXT, 'a', { fin: false }), frame(CONTINUATION, 'b', { rsv: 4 }));
      await t.closesRaw(client, 1002);
    },
  },
]);
