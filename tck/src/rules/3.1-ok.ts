import { forEachCallback, push, testsOf, text } from './common.ts';

export default testsOf('3.1', [
  ...forEachCallback({
    title: (callback) => `ok from ${callback} replaces the state, and sends nothing`,
    async run(t, trigger) {
      const probe = await trigger(t, { result: { type: 'ok' } });
      probe.instruct(push(text('fence')));
      await t.receives(probe.client, { text: 'fence' });
      t.keepsState(await probe.trace());
    },
  }),
]);
