import type { Instruction } from '../probe-protocol.ts';
import type { ProbeConnection } from '../server-under-test.ts';
import { forEachCallback, push, type RuleCase, testsOf, text } from './common.ts';

/** Sends a text that `handleIn` answers, and waits for the answer. */
async function exchange(probe: ProbeConnection, more: Instruction = {}): Promise<void> {
  probe.instruct({ ...push(text('fence')), ...more });
  await probe.client.next('the answer of handleIn');
}

export default testsOf('7.2', [
  ...forEachCallback({
    title: (callback) => `the state of a result of ${callback} is saved`,
    needs: ['suspends'],
    async run(t, trigger, callback) {
      const probe = await trigger(t, push(text('saved')));
      await t.receives(probe.client, { text: 'saved' });
      await t.server.suspend(probe.id);
      await exchange(probe);
      const trace = await probe.trace();
      t.started(trace, 'init', ...(callback === 'init' ? [] : [callback]), 'handleIn');
      t.check(trace.restorations > 0, 'a restored state', trace.events);
      t.keepsState(trace);
    },
  }),
  ...(
    [
      ['ok', {}],
      ['reply', { result: { type: 'reply', messages: [] } }],
      ['a promise', { wait: 1 }],
      ['a state that was changed in place', { inPlace: true }],
    ] as const
  ).map(
    ([what, instruction]): RuleCase => ({
      title: `the state of every result is saved: ${what}`,
      needs: ['suspends'],
      async run(t) {
        const probe = await t.open();
        await exchange(probe);
        probe.instruct(instruction);
        await t.server.traceUntil(
          probe.id,
          ({ settled }) => settled.filter((each) => each === 'handleIn').length === 2,
          'the end of handleIn',
        );
        await t.server.suspend(probe.id);
        await exchange(probe);
        const trace = await probe.trace();
        t.check(trace.restorations > 0, 'a restored state', trace.events);
        t.keepsState(trace);
      },
    }),
  ),
  {
    title: 'a state that cannot be saved is an invalid result: nothing is sent, and terminate receives the last state',
    needs: ['suspends'],
    async run(t) {
      const probe = await t.open();
      await exchange(probe);
      probe.instruct({ unsavable: true, ...push(text('too early')) });
      await t.closes(probe.client, 1011);
      const trace = await probe.untilTerminated();
      t.matches(trace.reason, { type: 'error', code: 1011, reason: '' });
      t.keepsState(trace);
    },
  },
  {
    title: 'if the state of init cannot be saved, terminate is not called',
    needs: ['suspends'],
    async run(t) {
      const probe = await t.open({ on: { init: { unsavable: true, ...push(text('too early')) } } });
      await t.closes(probe.client, 1011);
      await t.server.quiet();
      t.started(await probe.trace(), 'init');
    },
  },
  {
    title: 'a state that cannot be saved is reported once, with the error that terminate receives',
    needs: ['suspends', 'shutdown'],
    async run(t) {
      const { started, other } = await t.start();
      const probe = await t.openAt(other);
      probe.instruct({ unsavable: true });
      const { reason } = await probe.untilTerminated();
      await t.reported((reason as { error: string }).error, started.reports);
      await t.shutdownSettles(started.shutdown());
    },
  },
]);
