import { closeFrame, frame, TEXT } from '../raw-client.ts';
import { type RuleCase, testsOf } from './common.ts';

export default testsOf('1.4', [
  ...(
    [
      ['throws', { throw: 'no' }],
      ['rejects', { throw: 'no', wait: 10 }],
      ['returns nothing', { nothing: true }],
      ['returns null', { raw: null }],
      ['returns an invalid result', { raw: { type: 'ok' } }],
      ['fulfils its promise with an invalid result', { raw: { type: 'push', state: 1 }, wait: 1 }],
    ] as const
  ).map(
    ([what, init]): RuleCase => ({
      title: `if init ${what}, the connection closes with 1011, and terminate is not called`,
      async run(t) {
        const probe = await t.open({ on: { init }, handler: {} });
        await t.closes(probe.client, 1011);
        await t.server.quiet();
        t.started(await probe.trace(), 'init');
      },
    }),
  ),
  {
    title: 'if init throws, the frames and the close frame that came before are not passed to any callback',
    needs: ['keepsEarlyFrames'],
    async run(t) {
      const earlyBytes = Buffer.concat([frame(TEXT, 'never handled'), closeFrame(4000)]);
      const client = await t.raw({ on: { init: { gate: true, throw: 'no' } }, handler: {} }, { earlyBytes });
      await t.server.untilStarted(client.id, 'init');
      await t.server.quiet();
      await t.server.release(client.id);
      await client.closing();
      await t.server.quiet();
      t.started(await t.server.trace(client.id), 'init');
    },
  },
  {
    title: 'if init throws after the client has left, terminate is not called',
    async run(t) {
      const client = await t.raw({ on: { init: { gate: true, throw: 'too late' } }, handler: {} });
      await t.server.untilStarted(client.id, 'init');
      client.send(frame(TEXT, 'never handled'), closeFrame(4000));
      client.cut();
      await t.server.quiet();
      await t.server.release(client.id);
      await t.server.quiet();
      t.started(await t.server.trace(client.id), 'init');
      await t.reported('too late');
    },
  },
]);
