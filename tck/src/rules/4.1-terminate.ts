import { closeFrame, frame, TEXT } from '../raw-client.ts';
import type { ProbeConnection } from '../server-under-test.ts';
import { ANSWER_WAIT, instructionFrame, type RuleCase, stop, testsOf } from './common.ts';

export default testsOf('4.1', [
  ...(
    [
      ['a stop', (probe: ProbeConnection) => probe.instruct(stop())],
      ['a throw', (probe: ProbeConnection) => probe.instruct({ throw: 'no' })],
      ['a rejection', (probe: ProbeConnection) => probe.instruct({ throw: 'no', wait: 1 })],
      ['a close by the client', (probe: ProbeConnection) => probe.client.close(1000)],
      ['the loss of the connection', (probe: ProbeConnection) => probe.client.cut()],
    ] as [string, (probe: ProbeConnection) => void][]
  ).map(
    ([what, end]): RuleCase => ({
      title: `terminate is called once, with the last state, after ${what}`,
      async run(t) {
        const probe = await t.open();
        probe.client.text('one');
        await probe.untilStarted('handleIn');
        end(probe);
        await probe.untilTerminated();
        await t.server.quiet();
        const trace = await probe.trace();
        t.equal(trace.calls('terminate').length, 1, 'the calls of terminate');
        t.equal(trace.started.at(-1), 'terminate', 'the last callback');
        t.keepsState(trace);
      },
    }),
  ),
  {
    title: 'terminate is called after a stop from init',
    async run(t) {
      const probe = await t.open({ on: { init: stop() } });
      await t.closes(probe.client, 1000);
      t.started(await probe.untilTerminated(), 'init', 'terminate');
    },
  },
  ...(
    [
      ['the client closes', closeFrame(4000)],
      ['the client violates the protocol', frame(3, 'x')],
      ['the connection is lost', undefined],
    ] as const
  ).flatMap(([what, end]) =>
    (['init', 'handleIn', 'handleInfo'] as const).map(
      (callback): RuleCase => ({
        title: `terminate waits for a pending ${callback} when ${what}`,
        needs: callback === 'init' ? ['keepsEarlyFrames'] : [],
        async run(t) {
          // In one packet with the event of the callback, so that the server reads both before it stops reading.
          const earlyBytes = end ?? Buffer.alloc(0);
          const on = callback === 'init' ? { init: { gate: true } as const } : {};
          const client = await t.raw({ on }, callback === 'init' ? { earlyBytes } : {});
          if (callback === 'handleIn') client.send(instructionFrame({ gate: true }), earlyBytes);
          if (callback === 'handleInfo') await t.server.post(client.id, [{ gate: true }]);
          await t.server.untilStarted(client.id, callback);
          if (callback === 'handleInfo') client.send(earlyBytes);
          if (!end) client.cut();
          await client.within(ANSWER_WAIT);
          await t.server.quiet();
          const pending = callback === 'init' ? (['init'] as const) : (['init', callback] as const);
          t.started(await t.server.trace(client.id), ...pending);
          await t.server.release(client.id);
          const trace = await t.server.untilTerminated(client.id);
          t.started(trace, ...pending, 'terminate');
          t.neverOverlaps(trace);
          t.keepsState(trace);
        },
      }),
    ),
  ),
  ...(
    [
      ['throws', {}],
      ['rejects', { wait: 1 }],
    ] as const
  ).map(
    ([what, more]): RuleCase => ({
      title: `when the third message of a packet ${what}, terminate receives the state of the second`,
      async run(t) {
        const client = await t.raw();
        client.send(frame(TEXT, 'one'), frame(TEXT, 'two'), instructionFrame({ throw: 'three', ...more }));
        const trace = await t.server.untilTerminated(client.id);
        t.started(trace, 'init', 'handleIn', 'handleIn', 'handleIn', 'terminate');
        t.keepsState(trace);
      },
    }),
  ),
  {
    title: 'terminate is called once if a stop is followed by a throw and a close frame',
    async run(t) {
      const client = await t.raw();
      client.send(instructionFrame(stop()), instructionFrame({ throw: 'never called' }), closeFrame(4000));
      await t.server.untilTerminated(client.id);
      client.cut();
      await t.server.quiet();
      const trace = await t.server.trace(client.id);
      t.started(trace, 'init', 'handleIn', 'terminate');
    },
  },
]);
