import { BINARY, frame, TEXT } from '../raw-client.ts';
import { push, type RuleCase, testsOf, text } from './common.ts';

export default testsOf('1.3', [
  {
    title: 'frames in the packet of the handshake request are not lost',
    needs: ['keepsEarlyFrames'],
    async run(t) {
      const earlyBytes = Buffer.concat([frame(TEXT, 'early'), frame(BINARY, Buffer.of(1, 2))]);
      const client = await t.raw({}, { earlyBytes });
      const trace = await t.server.untilStarted(client.id, 'handleIn', 2);
      t.equal(trace.calls('handleIn'), [{ text: 'early' }, { binary: '0102' }]);
    },
  },
  ...[1, 3, 7, 20].map(
    (cut): RuleCase => ({
      title: `a frame is not lost if its first ${cut} bytes come in the packet of the handshake request`,
      needs: ['keepsEarlyFrames'],
      async run(t) {
        const whole = Buffer.concat([frame(TEXT, 'in two parts'), frame(TEXT, 'next')]);
        const client = await t.raw({}, { earlyBytes: whole.subarray(0, cut) });
        await t.server.untilStarted(client.id, 'init');
        client.send(whole.subarray(cut));
        const trace = await t.server.untilStarted(client.id, 'handleIn', 2);
        t.equal(trace.calls('handleIn'), [{ text: 'in two parts' }, { text: 'next' }]);
      },
    }),
  ),
  {
    title: 'a thousand frames in the packet of the handshake request are not lost',
    needs: ['keepsEarlyFrames'],
    async run(t) {
      const sent = Array.from({ length: 1_000 }, (_, index) => `early ${index}`);
      const fence = frame(TEXT, JSON.stringify(push(text('fence'))));
      const client = await t.raw({}, { earlyBytes: Buffer.concat([...sent.map((data) => frame(TEXT, data)), fence]) });
      await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from('fence') });
      const trace = await t.server.trace(client.id);
      t.equal(
        trace.calls('handleIn').slice(0, -1),
        sent.map((data) => ({ text: data })),
      );
    },
  },
]);
