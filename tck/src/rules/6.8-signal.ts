import type { Instruction } from '../probe-protocol.ts';
import { closeFrame } from '../raw-client.ts';
import type { ProbeConnection, Trace } from '../server-under-test.ts';
import type { TestContext } from '../test-context.ts';
import { ANSWER_WAIT, forEachCallback, instructionFrame, type RuleCase, stop, testsOf } from './common.ts';

/** Ends of a connection. */
const ends: readonly [what: string, end: (t: TestContext, probe: ProbeConnection) => unknown][] = [
  ["the client's close frame", (_t, { client }) => client.close(4000, 'bye')],
  ['the loss of the connection', (_t, { client }) => client.cut()],
  ['a stop of the handler', (_t, probe) => probe.instruct(stop({ reason: { error: 'mine' } }))],
  ['a throw', (_t, probe) => probe.instruct({ throw: 'thrown before the end' })],
  ['a call of mailbox.stop', (t, { id }) => t.server.stop(id, { code: 4001, reason: 'out' })],
];

/** Ways for `init` to fail. */
const failures: readonly [what: string, instruction: Instruction][] = [
  ['throws', { throw: 'init throws' }],
  ['rejects', { throw: 'init rejects', wait: 1 }],
  ['returns an invalid result', { nothing: true }],
];

/** The signal was aborted once, with what `terminate` receives as the cause. */
function aborted(t: TestContext, { abortions }: Trace, reason: unknown): void {
  const seen = abortions.map(({ name, cause }) => ({ name, cause }));
  t.matches(seen, [{ name: 'AbortError', cause: reason }], 'the abortions of the signal');
}

export default testsOf('6.8', [
  ...ends.map(
    ([what, end]): RuleCase => ({
      title: `at ${what} the signal is aborted before terminate, with an AbortError whose cause is the reason`,
      async run(t) {
        const probe = await t.open({ on: { init: { signal: true } } });
        await probe.untilStarted('init');
        await t.server.quiet();
        t.equal((await probe.trace()).abortions, [], 'the abortions before the end');
        t.equal(await t.server.signal(probe.id), null, 'the reason of the signal before the end');
        await end(t, probe);
        const trace = await probe.untilTerminated();
        aborted(t, trace, trace.reason);
        const order = trace.events.map(({ event, callback }) => (callback === 'terminate' ? callback : event));
        t.check(order.indexOf('abort') < order.indexOf('terminate'), 'the abortion before terminate', trace.events);
      },
    }),
  ),
  ...forEachCallback({
    title: (callback) => `the signal is aborted while ${callback} is pending`,
    async run(t, trigger, callback) {
      const probe = await trigger(t, { signal: true, gate: true });
      await probe.untilStarted(callback);
      await t.server.stop(probe.id, { code: 4001 });
      await t.server.traceUntil(probe.id, ({ abortions }) => abortions.length > 0, 'the abortion of the signal');
      await t.server.quiet();
      const trace = await probe.trace();
      aborted(t, trace, { type: 'normal', code: 4001, reason: '' });
      t.check(!trace.started.includes('terminate'), 'no terminate while a callback is pending', trace.started);
      await probe.release();
    },
  }),
  {
    title: "the signal is aborted at the client's close frame while a callback is pending",
    needs: ['seesCloseFrames'],
    async run(t) {
      const client = await t.raw({ on: { init: { signal: true } } });
      client.send(instructionFrame({ gate: true }), closeFrame(4001, 'mine'));
      await t.server.untilStarted(client.id, 'handleIn');
      // A server that has stopped reading has not read the close frame yet, and does not answer it.
      const answer = await client.within(ANSWER_WAIT);
      if (answer) aborted(t, await t.server.trace(client.id), { type: 'remote', code: 4001, reason: 'mine' });
      await t.server.release(client.id);
      const trace = await t.server.untilTerminated(client.id);
      aborted(t, trace, trace.reason);
    },
  },
  ...failures.map(
    ([what, instruction]): RuleCase => ({
      title: `the signal is aborted if init ${what}`,
      async run(t) {
        const probe = await t.open({ on: { init: { signal: true, ...instruction } } });
        await t.closes(probe.client, 1011);
        const trace = await t.server.traceUntil(
          probe.id,
          ({ abortions }) => abortions.length > 0,
          'the abortion of the signal',
        );
        aborted(t, trace, { type: 'error', code: 1011, reason: '' });
        t.started(trace, 'init');
      },
    }),
  ),
  {
    title: 'a signal that is first read after the end is aborted, with the same reason',
    async run(t) {
      const probe = await t.open();
      probe.client.close(4000, 'bye');
      const { reason } = await probe.untilTerminated();
      t.matches(await t.server.signal(probe.id), { name: 'AbortError', cause: reason });
    },
  },
  {
    title: 'a signal that is first read after init has failed is aborted',
    async run(t) {
      const probe = await t.open({ on: { init: { throw: 'no state' } } });
      await t.closes(probe.client, 1011);
      const cause = { type: 'error', code: 1011, reason: '', error: 'Error: no state' };
      t.matches(await t.server.signal(probe.id), { name: 'AbortError', cause });
    },
  },
  ...(
    [
      ['the reason of the signal', undefined],
      ['an error whose cause is the reason of the signal', 'cancelled'],
    ] as const
  ).flatMap(([what, text]) => {
    const thrown = (callback: string): Instruction =>
      text === undefined ? { throwAbort: true } : { throwAbort: true, throw: `${text} in ${callback}` };
    const notReported = async (t: TestContext, callback: string, id: string) => {
      await t.server.quiet(100);
      const own = text === undefined ? (await t.server.signal(id))?.text : `${text} in ${callback}`;
      const reports = t.help.reports?.() ?? '';
      t.check(own !== undefined && !reports.includes(own), `no report of "${own}"`, reports.slice(-500));
    };
    return [
      ...forEachCallback({
        title: (callback) => `${what}, thrown by ${callback} after the end, is not reported`,
        needs: ['reports'],
        async run(t, trigger, callback) {
          const probe = await trigger(t, { untilAbort: true, ...thrown(callback) });
          await probe.untilStarted(callback);
          await t.server.stop(probe.id);
          await t.server.traceUntil(probe.id, ({ settled }) => settled.includes(callback), `the end of ${callback}`);
          await notReported(t, callback, probe.id);
          const after = callback === 'init' ? [] : ([callback, 'terminate'] as const);
          t.started(await probe.trace(), 'init', ...after);
        },
      }),
      {
        title: `${what}, thrown by terminate, is not reported`,
        needs: ['reports'],
        async run(t) {
          const probe = await t.open({ on: { terminate: thrown('terminate') } });
          probe.client.close();
          await probe.untilTerminated();
          await notReported(t, 'terminate', probe.id);
        },
      } satisfies RuleCase,
    ];
  }),
  ...forEachCallback({
    title: (callback) => `another error, thrown by ${callback} because the signal was aborted, is reported once`,
    async run(t, trigger, callback) {
      const error = `another error of ${callback} after the end`;
      const probe = await trigger(t, { untilAbort: true, throw: error });
      await probe.untilStarted(callback);
      await t.server.stop(probe.id);
      await t.server.traceUntil(probe.id, ({ settled }) => settled.includes(callback), `the end of ${callback}`);
      await t.reported(error);
    },
  }),
]);
