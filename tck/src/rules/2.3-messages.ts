import type { TraceEvent } from '../probe-protocol.ts';
import { abbreviate } from '../probe-protocol.ts';
import { BINARY, CONTINUATION, frame, maskedFrame, PING, PONG, TEXT } from '../raw-client.ts';
import { instructionFrame, push, type RuleCase, testsOf, text } from './common.ts';

export default testsOf('2.3', [
  ...(
    [
      ['a text message', [frame(TEXT, 'héllo ☕ 🎉')], { text: 'héllo ☕ 🎉' }],
      ['an empty text message', [frame(TEXT)], { text: '' }],
      ['a text message with a NUL', [frame(TEXT, 'a\0b')], { text: 'a\0b' }],
      ['a binary message', [frame(BINARY, Buffer.of(0, 255, 128))], { binary: '00ff80' }],
      ['an empty binary message', [frame(BINARY)], { binary: '' }],
      [
        'a masked message',
        [maskedFrame(TEXT, 'masked', [1, 2, 3, 250]), maskedFrame(TEXT, '', [9, 9, 9, 9])],
        { text: 'masked' },
        { text: '' },
      ],
      [
        'a text message whose fragments divide a character',
        [
          frame(TEXT, Buffer.from('☕').subarray(0, 1), { fin: false }),
          frame(CONTINUATION, Buffer.from('☕').subarray(1), { fin: false }),
          frame(CONTINUATION, '!'),
        ],
        { text: '☕!' },
      ],
      [
        'a binary message with empty fragments',
        [
          frame(BINARY, Buffer.of(1), { fin: false }),
          frame(CONTINUATION, '', { fin: false }),
          frame(CONTINUATION, Buffer.of(2), { fin: false }),
          frame(CONTINUATION),
        ],
        { binary: '0102' },
      ],
      [
        'a message with pings and pongs between its fragments',
        [
          frame(TEXT, 'a', { fin: false }),
          frame(PING, 'p'),
          frame(CONTINUATION, 'b', { fin: false }),
          frame(PONG),
          frame(CONTINUATION, 'c'),
        ],
        { text: 'abc' },
      ],
      [
        'each of two fragmented messages',
        [
          frame(TEXT, 'a', { fin: false }),
          frame(CONTINUATION, 'b'),
          frame(BINARY, 'c', { fin: false }),
          frame(CONTINUATION, 'd'),
        ],
        { text: 'ab' },
        { binary: '6364' },
      ],
    ] as [string, Buffer[], ...TraceEvent['given'][]][]
  ).map(
    ([what, frames, ...received]): RuleCase => ({
      title: `${what} is passed whole`,
      async run(t) {
        const client = await t.raw();
        client.send(...frames);
        const trace = await t.server.untilStarted(client.id, 'handleIn', received.length);
        t.equal(trace.calls('handleIn'), received);
      },
    }),
  ),
  {
    title: 'a message that comes byte by byte is passed whole',
    async run(t) {
      const client = await t.raw();
      for (const byte of frame(TEXT, 'slow')) {
        client.send(Buffer.of(byte));
        await t.server.command({ trace: '' });
      }
      const trace = await t.server.untilStarted(client.id, 'handleIn');
      t.equal(trace.calls('handleIn'), [{ text: 'slow' }]);
    },
  },
  ...[125, 126, 127, 65_535, 65_536, 1_000_000].map(
    (length): RuleCase => ({
      title: `a message of ${length} bytes is passed whole`,
      async run(t) {
        const probe = await t.open();
        probe.client.text('x'.repeat(length));
        const trace = await probe.untilStarted('handleIn');
        t.equal(trace.calls('handleIn'), [{ text: abbreviate('x'.repeat(length)) }]);
      },
    }),
  ),
  {
    title: '5 000 messages in one write are all passed, in order',
    async run(t) {
      const client = await t.raw();
      const sent = Array.from({ length: 5_000 }, (_, index) => `${index}`);
      client.send(...sent.map((data) => frame(TEXT, data)), instructionFrame(push(text('fence'))));
      await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from('fence') });
      const trace = await t.server.trace(client.id);
      t.equal(
        trace.calls('handleIn').slice(0, -1),
        sent.map((data) => ({ text: data })),
      );
    },
  },
  {
    title: 'a message of 100 fragments is passed whole',
    async run(t) {
      const client = await t.raw();
      const first = frame(TEXT, 'a', { fin: false });
      const others = Array.from({ length: 98 }, () => frame(CONTINUATION, 'b', { fin: false }));
      client.send(first, ...others, frame(CONTINUATION, 'c'));
      const trace = await t.server.untilStarted(client.id, 'handleIn');
      t.equal(trace.calls('handleIn'), [{ text: `a${'b'.repeat(98)}c` }]);
    },
  },
  {
    title: 'compressed messages are passed whole, and sent',
    needs: ['compresses'],
    async run(t) {
      const probe = await t.open({ options: { compress: true }, client: { perMessageDeflate: { threshold: 0 } } });
      t.check(
        probe.client.socket.extensions.includes('permessage-deflate'),
        'permessage-deflate',
        probe.client.socket.extensions,
      );
      const long = 'abc'.repeat(10_000);
      probe.client.text(long);
      probe.client.socket.send(Buffer.alloc(20_000, 7));
      probe.client.text('');
      const trace = await probe.untilStarted('handleIn', 3);
      t.equal(trace.calls('handleIn'), [
        { text: abbreviate(long) },
        { binary: abbreviate(Buffer.alloc(20_000, 7)) },
        { text: '' },
      ]);
      probe.instruct(push(text(long), text('short'), text('')));
      await t.receives(probe.client, { text: long }, { text: 'short' }, { text: '' });
    },
  },
  {
    title: 'fragmented compressed messages and uncompressed ones are passed whole',
    needs: ['compresses'],
    async run(t) {
      const probe = await t.open({ options: { compress: true }, client: { perMessageDeflate: { threshold: 0 } } });
      const { socket } = probe.client;
      for (let round = 0; round < 3; round++) {
        for (const fin of [false, false, true]) socket.send('abc'.repeat(1_000), { fin });
        socket.send('plain', { compress: false });
      }
      const trace = await probe.untilStarted('handleIn', 6);
      const round = [{ text: abbreviate('abc'.repeat(3_000)) }, { text: 'plain' }];
      t.equal(trace.calls('handleIn'), [...round, ...round, ...round]);
    },
  },
  {
    title: 'nothing is compressed unless the application enables it',
    async run(t) {
      const probe = await t.open({ client: { perMessageDeflate: true } });
      t.equal(probe.client.socket.extensions, '', 'the extensions');
    },
  },
  {
    title: 'nothing is compressed unless the client offers it',
    async run(t) {
      const client = await t.raw({ options: { compress: true } });
      t.equal(client.header('sec-websocket-extensions'), [], 'Sec-WebSocket-Extensions');
      client.send(instructionFrame(push({ opcode: 'text', long: 5_000 })));
      await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.alloc(5_000, 'x') });
    },
  },
]);
