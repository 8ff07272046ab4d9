import { push, testsOf, text } from './common.ts';

export default testsOf('7.4', [
  {
    title: 'idleTimeout closes a suspended connection, or is refused with 500',
    needs: ['suspends'],
    timed: true,
    async run(t) {
      const options = { idleTimeout: 1_000, heartbeat: false };
      const probe = await t.open({ options }).catch((error: Error) => {
        t.check(error.message.includes('500'), 'a refusal with 500', error.message);
      });
      if (!probe) return;
      probe.instruct(push(text('awake')));
      await t.receives(probe.client, { text: 'awake' });
      await t.server.suspend(probe.id);
      await t.closes(probe.client, 1001);
      const trace = await probe.untilTerminated();
      t.equal(trace.reason, { type: 'timeout', code: 1001, reason: '' });
      t.keepsState(trace);
    },
  },
  {
    title: 'without a time limit, a suspended connection stays open',
    needs: ['suspends'],
    async run(t) {
      const probe = await t.open({ options: { idleTimeout: 'Infinity' } });
      await probe.untilStarted('init');
      await t.server.suspend(probe.id);
      await t.server.quiet(100);
      probe.instruct(push(text('woken')));
      await t.receives(probe.client, { text: 'woken' });
    },
  },
]);
