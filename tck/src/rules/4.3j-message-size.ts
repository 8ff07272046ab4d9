import { BINARY, CONTINUATION, frame, TEXT } from '../raw-client.ts';
import { instructionFrame, push, type RuleCase, testsOf, text, violates } from './common.ts';

const MAX = 1_000;

export default testsOf('4.3j', [
  ...(
    [
      ['a text message', [frame(TEXT, 'x'.repeat(MAX + 1))]],
      ['a binary message', [frame(BINARY, 'x'.repeat(MAX + 1))]],
      ['a text message in characters of two bytes', [frame(TEXT, 'é'.repeat(MAX / 2 + 1))]],
      ['a fragmented message', [frame(BINARY, 'x'.repeat(600), { fin: false }), frame(CONTINUATION, 'x'.repeat(600))]],
    ] as [string, Buffer[]][]
  ).map(
    ([what, frames]): RuleCase => ({
      title: `${what} of more than maxMessageSize closes with 1009, and terminate receives an error`,
      run: (t) => violates(t, 1009, frames, { maxMessageSize: MAX }),
    }),
  ),
  ...(
    [
      ['a text message', [frame(TEXT, 'x'.repeat(MAX))]],
      ['a binary message', [frame(BINARY, 'x'.repeat(MAX))]],
      ['a text message in characters of two bytes', [frame(TEXT, 'é'.repeat(MAX / 2))]],
      ['a fragmented message', [frame(BINARY, 'x'.repeat(600), { fin: false }), frame(CONTINUATION, 'x'.repeat(400))]],
      ['each of two messages', [frame(TEXT, 'x'.repeat(MAX)), frame(TEXT, 'x'.repeat(MAX))]],
    ] as [string, Buffer[]][]
  ).map(
    ([what, frames]): RuleCase => ({
      title: `${what} of exactly maxMessageSize is accepted`,
      async run(t) {
        const client = await t.raw({ options: { maxMessageSize: MAX } });
        client.send(...frames, instructionFrame(push(text('accepted'))));
        await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from('accepted') });
      },
    }),
  ),
  {
    title: 'a message that inflates to more than maxMessageSize closes with 1009',
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
      [10_000_001, 'rejected'],
    ] as const
  ).map(
    ([size, what]): RuleCase => ({
      title: `by default a message of ${size} bytes is ${what}`,
      async run(t) {
        const client = await t.raw();
        client.send(frame(BINARY, Buffer.alloc(size)));
        if (what === 'rejected') return t.closesRaw(client, 1009);
        const trace = await t.server.untilStarted(client.id, 'handleIn');
        return t.equal(trace.calls('handleIn'), [{ binary: `${size}: ${'00'.repeat(10)}…${'00'.repeat(10)}` }]);
      },
    }),
  ),
  {
    title: 'a message of 65 MiB is accepted if maxMessageSize allows it',
    needs: ['largeMessages'],
    alone: true,
    async run(t) {
      const client = await t.raw({ options: { maxMessageSize: 100_000_000 } });
      const size = 65 * 2 ** 20;
      client.send(frame(TEXT, Buffer.alloc(size, 'x')));
      const trace = await t.server.untilStarted(client.id, 'handleIn');
      t.equal(trace.calls('handleIn'), [{ text: `${size}: ${'x'.repeat(10)}…${'x'.repeat(10)}` }]);
    },
  },
]);
