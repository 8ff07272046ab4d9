import { type RuleCase, stop, testsOf } from './common.ts';

export default testsOf('3.5', [
  ...['push', 'reply', 'stop'].map(
    (type): RuleCase => ({
      title: `${type} with an empty list sends nothing`,
      async run(t) {
        const probe = await t.open();
        probe.instruct({ result: { type, messages: [] } });
        if (type !== 'stop') probe.instruct(stop());
        await t.closes(probe.client, 1000);
        t.keepsState(await probe.untilTerminated());
      },
    }),
  ),
]);
