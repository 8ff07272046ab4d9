import { BINARY, CLOSE, CONTINUATION, closeFrame, frame, PING, TEXT } from '../raw-client.ts';
import type { Need } from '../test-context.ts';
import { type RuleCase, testsOf, violates } from './common.ts';

export default testsOf('4.3l', [
  ...(
    [
      ['a frame without a mask', [frame(TEXT, 'x', { masked: false })], ['rejectsUnmaskedFrames']],
      ['a frame with the first reserved bit', [frame(TEXT, 'x', { rsv: 4 })]],
      ['a frame with the second reserved bit', [frame(TEXT, 'x', { rsv: 2 })]],
      ['a frame with the third reserved bit', [frame(BINARY, 'x', { rsv: 1 })]],
      ['an unknown opcode', [frame(3, 'x')]],
      ['the unknown opcode 7', [frame(7, 'x')]],
      ['an unknown control opcode', [frame(11, 'x')]],
      ['a continuation without a message', [frame(CONTINUATION, 'x')]],
      [
        'a continuation of a complete message',
        [frame(TEXT, 'a', { fin: false }), frame(CONTINUATION, 'b'), frame(CONTINUATION, 'c')],
      ],
      ['a message in the middle of another', [frame(TEXT, 'a', { fin: false }), frame(TEXT, 'b')]],
      ['a fragmented ping', [frame(PING, 'x', { fin: false })]],
      ['a ping of 126 bytes', [frame(PING, 'x'.repeat(126))], ['rejectsLongControlFrames', 'sendsProtocolErrorCodes']],
      [
        'a close frame of 126 bytes',
        [closeFrame(1000, 'x'.repeat(124))],
        ['rejectsLongControlFrames', 'sendsProtocolErrorCodes'],
      ],
      ['a close frame of one byte', [frame(CLOSE, 'x')], ['rejectsShortCloseFrames', 'sendsProtocolErrorCodes']],
    ] as [string, Buffer[], Need[]?][]
  ).map(
    ([what, frames, needs = ['sendsProtocolErrorCodes']]): RuleCase => ({
      title: `${what} closes with 1002, and terminate receives an error`,
      needs,
      run: (t) => violates(t, 1002, frames),
    }),
  ),
  {
    title: 'after a violation of the protocol terminate receives an error, whatever code the platform sends',
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
    title: 'a continuation with the bit for compression closes with 1002',
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
