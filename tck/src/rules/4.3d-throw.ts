import { forEachCallback, testsOf } from './common.ts';

export default testsOf('4.3d', [
  ...(
    [
      ['throw', {}],
      ['rejection', { wait: 1 }],
    ] as const
  ).flatMap(([what, more]) =>
    forEachCallback({
      title: (callback) => `a ${what} in ${callback} closes with 1011`,
      async run(t, trigger, callback) {
        const probe = await trigger(t, { throw: 'broken', ...more });
        await t.closes(probe.client, 1011);
        if (callback === 'init') return;
        const received = (await probe.untilTerminated()).reason;
        t.equal(received, { type: 'error', error: 'Error: broken', code: 1011, reason: '' });
      },
    }),
  ),
  {
    title: 'an invalid result closes with 1011, and terminate receives an error',
    async run(t) {
      const probe = await t.open();
      probe.instruct({ raw: { type: 'none' } });
      await t.closes(probe.client, 1011);
      t.matches((await probe.untilTerminated()).reason, { type: 'error', code: 1011, reason: '' });
    },
  },
]);
