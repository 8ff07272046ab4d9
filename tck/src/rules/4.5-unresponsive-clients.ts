import { TEXT } from '../raw-client.ts';
import { pause } from '../server-under-test.ts';
import { DROP_LIMITS, instructionFrame, type RuleCase, stop, testsOf, untilDropped } from './common.ts';

const ends: [what: string, frames: Buffer[]][] = [
  ['a stop', [instructionFrame(stop())]],
  ['a throw', [instructionFrame({ throw: 'no' })]],
];

export default testsOf('4.5', [
  {
    title: 'terminate does not wait for a client that never answers the close frame',
    async run(t) {
      const client = await t.raw({}, { halfOpen: true });
      client.send(instructionFrame(stop()));
      t.equal((await t.server.untilTerminated(client.id)).reason, { type: 'normal', code: 1000, reason: '' });
    },
  },
  ...DROP_LIMITS.flatMap(({ title, ms, slow, should }) => [
    ...ends.map(
      ([what, frames]): RuleCase => ({
        title: `a client that does not answer the close frame of ${what}, but keeps sending, ${title}`,
        needs: ['dropsSockets'],
        slow,
        should,
        timed: true,
        async run(t) {
          const client = await t.raw({}, { halfOpen: true });
          client.send(...frames);
          await client.closing();
          await untilDropped(client, Math.min(ms, t.server.patience * 6));
        },
      }),
    ),
    {
      title: `a client that does not read its last messages, but keeps sending, ${title}`,
      needs: ['dropsSockets'],
      slow,
      should,
      timed: true,
      async run(t) {
        const client = await t.raw({}, { halfOpen: true });
        client.socket.pause();
        const messages = Array.from({ length: 24 }, () => ({ opcode: 'text', long: 1_000_000 }));
        client.send(instructionFrame(stop({ messages })));
        await t.server.untilStarted(client.id, 'handleIn');
        await untilDropped(client, Math.min(ms, t.server.patience * 6));
      },
    } satisfies RuleCase,
  ]),
  {
    title: 'a client that reads its last messages slowly gets all of them, and the close frame',
    async run(t) {
      const client = await t.raw();
      const messages = Array.from({ length: 12 }, () => ({ opcode: 'text', long: 1_000_000 }));
      client.send(instructionFrame(stop({ messages })));
      await t.server.untilStarted(client.id, 'handleIn');
      for (let count = 0; count < 12; count++) {
        client.socket.pause();
        await pause(40);
        client.socket.resume();
        await t.receivesFrames(client, { opcode: TEXT });
      }
      await t.closesRaw(client, 1000);
    },
  },
  {
    title:
      'a shutdown does not wait for callbacks that never settle, and does not call terminate while they are pending',
    needs: ['shutdown'],
    async run(t) {
      const { started, other } = await t.start();
      for (const callback of ['init', 'handleIn', 'handleInfo', 'terminate'] as const) {
        const on = { terminate: { throw: 'too late' }, [callback]: { forever: true } };
        const probe = await t.openAt(other, { on });
        await probe.untilStarted('init');
        if (callback === 'handleIn') probe.client.text('stuck');
        else if (callback === 'handleInfo') await probe.post('stuck');
        await probe.untilStarted(callback === 'terminate' ? 'init' : callback);
      }
      const silent = await t.connectRaw(other.probeUrl().url, { halfOpen: true }); // never answers the close frame
      await t.shutdownSettles(started.shutdown());
      t.check(!started.reports().includes('too late'), 'no terminate beside a pending callback', started.reports());
      silent.cut();
    },
  },
]);
