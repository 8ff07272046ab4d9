import { testsOf } from './common.ts';

export default testsOf('6.5', [
  {
    title: 'post may be called without its mailbox',
    async run(t) {
      const probe = await t.open();
      await t.server.post(probe.id, ['detached', { result: { type: 'ok' } }], { detached: true });
      const trace = await probe.untilStarted('handleInfo', 2);
      t.equal(trace.calls('handleInfo'), [{ info: 'detached' }, { info: { result: { type: 'ok' } } }]);
    },
  },
]);
