import { testsOf } from './common.ts';

export default testsOf('6.2', [
  {
    title: 'post does not call handleInfo before it returns',
    async run(t) {
      const probe = await t.open();
      await probe.post('outside');
      probe.instruct({ post: ['inside'] });
      const { events } = await probe.untilStarted('handleInfo', 2);
      for (const [index, { event }] of events.entries()) {
        if (event === 'post') t.equal(events[index + 1]?.event, 'posted', 'the event after a post');
      }
    },
  },
]);
