import { forEachCallback, push, type RuleCase, replacesState, testsOf, text } from './common.ts';

export default testsOf('3.3', [
  ...forEachCallback({
    title: (callback) => `reply from ${callback} is treated like push, whatever its status`,
    async run(t, trigger) {
      const probe = await trigger(t, {
        result: { type: 'reply', status: { any: 'thing' }, messages: [text('a'), text('b')] },
      });
      await t.receives(probe.client, { text: 'a' }, { text: 'b' });
      probe.instruct(push(text('alive')));
      await t.receives(probe.client, { text: 'alive' });
    },
  }),
  ...[{}, { status: null }, { status: 'error' }, { status: 500 }].map(
    (status): RuleCase => ({
      title: `reply ${'status' in status ? `with the status ${JSON.stringify(status.status)}` : 'without a status'} is treated like push`,
      async run(t) {
        const probe = await t.open();
        probe.instruct({ result: { type: 'reply', ...status, messages: text('a') } });
        probe.instruct(push(text('alive')));
        await t.receives(probe.client, { text: 'a' }, { text: 'alive' });
      },
    }),
  ),
  replacesState('reply'),
]);
