import { abbreviate } from '../probe-protocol.ts';
import { BINARY, CONTINUATION, frame, PING, PONG, TEXT } from '../raw-client.ts';
import { push, type RuleCase, testsOf } from './common.ts';

export default testsOf('2.7', [
  {
    title: 'a byte order mark is not removed',
    async run(t) {
      const client = await t.raw();
      client.send(
        frame(TEXT, '\uFEFFa'),
        frame(TEXT, '\uFEFF', { fin: false }),
        frame(CONTINUATION, 'b\uFEFF'),
        frame(TEXT, '\uFEFF'),
      );
      const trace = await t.server.untilStarted(client.id, 'handleIn', 3);
      t.equal(trace.calls('handleIn'), [{ text: '\uFEFFa' }, { text: '\uFEFFb\uFEFF' }, { text: '\uFEFF' }]);
    },
  },
  ...(
    [
      ['of small messages', Array.from({ length: 200 }, (_, index) => Buffer.alloc(1 + (index % 50), index)), {}],
      ['of large messages', [1, 2, 3, 4].map((fill) => Buffer.alloc(150_000, fill)), {}],
      ['of fragmented messages', [1, 2, 3, 4, 5].map((fill) => Buffer.alloc(3_000, fill)), { parts: 3 }],
    ] as [string, Buffer[], { parts?: number }][]
  ).map(
    ([what, sent, { parts = 1 }]): RuleCase => ({
      title: `the bytes ${what} belong to the handler: they are neither modified nor reused`,
      async run(t) {
        const client = await t.raw();
        for (const message of sent) {
          const size = Math.ceil(message.length / parts);
          for (let part = 0; part < parts; part++) {
            const opcode = part === 0 ? BINARY : CONTINUATION;
            client.send(frame(opcode, message.subarray(part * size, (part + 1) * size), { fin: part === parts - 1 }));
          }
        }
        await t.server.untilStarted(client.id, 'handleIn', sent.length);
        client.send(...sent.map((message) => frame(TEXT, 'z'.repeat(message.length))));
        await t.server.untilStarted(client.id, 'handleIn', 2 * sent.length);
        const kept = (await t.server.command({ kept: client.id })) as string[];
        t.equal(
          kept.map((hex) => abbreviate(Buffer.from(hex, 'hex'))),
          sent.map((message) => abbreviate(message)),
          'the bytes, afterwards',
        );
        t.check(
          kept.every((hex, index) => hex === sent[index]?.toString('hex')),
          'the same bytes afterwards',
          'others',
        );
      },
    }),
  ),
  {
    title: 'the bytes of compressed messages belong to the handler: they are neither modified nor reused',
    needs: ['compresses'],
    async run(t) {
      const probe = await t.open({ options: { compress: true }, client: { perMessageDeflate: { threshold: 0 } } });
      const sent = [1, 2, 3, 4].map((fill) => Buffer.alloc(20_000, fill));
      for (const message of sent) probe.client.socket.send(message);
      await probe.untilStarted('handleIn', sent.length);
      t.equal(
        await t.server.command({ kept: probe.id }),
        sent.map((message) => message.toString('hex')),
      );
    },
  },
  {
    title: 'the bytes of control frames belong to the handler: they are neither modified nor reused',
    needs: ['receivesControlFrames'],
    async run(t) {
      const client = await t.raw();
      const sent = Array.from({ length: 40 }, (_, index) => Buffer.alloc(1 + 3 * index, index));
      client.send(...sent.map((data, index) => frame(index % 2 === 0 ? PING : PONG, data)));
      await t.server.untilStarted(client.id, 'handleControl', sent.length);
      t.equal(
        await t.server.command({ kept: client.id }),
        sent.map((data) => data.toString('hex')),
      );
    },
  },
  ...(
    [
      ['of the same packet', true],
      ['of later packets', false],
    ] as const
  ).map(
    ([what, together]): RuleCase => ({
      title: `if a handler overwrites the bytes of a message, the other messages ${what} are unaffected`,
      needs: ['overwritesFrames'],
      async run(t) {
        const client = await t.raw({ on: { handleIn: { overwrite: true } } });
        const frames = Array.from({ length: 20 }, () => frame(BINARY, Buffer.of(1, 2, 3)));
        if (together) client.send(...frames);
        else {
          for (const [index, each] of frames.entries()) {
            client.send(each);
            await t.server.untilStarted(client.id, 'handleIn', index + 1);
          }
        }
        const trace = await t.server.untilStarted(client.id, 'handleIn', 20);
        t.equal(trace.calls('handleIn'), Array(20).fill({ binary: '010203' }));
      },
    }),
  ),
  {
    title: 'if a handler overwrites the data of a ping, the pong and the next ping are unaffected',
    needs: ['receivesControlFrames', 'overwritesFrames'],
    async run(t) {
      const client = await t.raw({ on: { handleControl: { overwrite: true } } });
      client.send(frame(PING, 'one'), frame(PING, 'two'));
      await t.receivesFrames(
        client,
        { opcode: PONG, payload: Buffer.from('one') },
        { opcode: PONG, payload: Buffer.from('two') },
      );
      const trace = await t.server.untilStarted(client.id, 'handleControl', 2);
      t.equal(trace.calls('handleControl'), [{ ping: '6f6e65' }, { ping: '74776f' }]);
    },
  },
  ...([false, true] as const).map(
    (compress): RuleCase => ({
      title: `bytes that a handler has returned are not modified${compress ? ' by compression' : ''}`,
      needs: compress ? ['compresses'] : [],
      async run(t) {
        const probe = await t.open(
          compress ? { options: { compress }, client: { perMessageDeflate: { threshold: 0 } } } : {},
        );
        const hex = '0102030405060708'.repeat(300);
        probe.instruct(push({ opcode: 'binary', hex }, { opcode: 'binary', hex, as: 'ArrayBuffer' }));
        await t.receives(probe.client, { binary: hex }, { binary: hex });
        t.equal(await t.server.command({ returned: probe.id }), [hex, hex], 'the bytes, afterwards');
      },
    }),
  ),
  ...(
    [
      ['in a single frame', [frame(TEXT, Buffer.of(0x61, 0xff, 0x62))], 'a\uFFFDb'],
      [
        'at the end of a long message',
        [frame(TEXT, Buffer.concat([Buffer.alloc(900, 'x'), Buffer.of(0xff)]))],
        `${'x'.repeat(900)}\uFFFD`,
      ],
      [
        'in the message as a whole, not in each fragment',
        [
          frame(TEXT, Buffer.of(0x61, 0xe2), { fin: false }),
          frame(CONTINUATION, Buffer.of(0x98), { fin: false }),
          frame(CONTINUATION, Buffer.of(0x95, 0xc3)),
        ],
        'a☕\uFFFD',
      ],
    ] as [string, Buffer[], string][]
  ).map(
    ([what, frames, received]): RuleCase => ({
      title: `with validateUtf8: false, malformed bytes are decoded to U+FFFD ${what}`,
      needs: ['canSkipUtf8Validation'],
      async run(t) {
        const client = await t.raw({ options: { validateUtf8: false } });
        client.send(...frames);
        const trace = await t.server.untilStarted(client.id, 'handleIn');
        t.equal(trace.calls('handleIn'), [{ text: received }]);
      },
    }),
  ),
]);
