import { forEachCallback, testsOf } from './common.ts';

export default testsOf('6.4', [
  ...forEachCallback({
    title: (callback) => `post may be called inside ${callback}`,
    async run(t, trigger, callback) {
      const probe = await trigger(t, { post: ['mine', 'too'] });
      const trace = await probe.untilStarted('handleInfo', callback === 'handleInfo' ? 3 : 2);
      t.equal(trace.calls('handleInfo').slice(-2), [{ info: 'mine' }, { info: 'too' }]);
      t.neverOverlaps(trace);
    },
  }),
]);
