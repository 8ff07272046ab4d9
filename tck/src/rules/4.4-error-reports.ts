import { forEachCallback, push, type RuleCase, testsOf, text } from './common.ts';

export default testsOf('4.4', [
  ...(
    [
      ['throw', { throw: 'thrown in terminate' }],
      ['rejection', { throw: 'rejected in terminate', wait: 1 }],
    ] as const
  ).map(
    ([what, terminate]): RuleCase => ({
      title: `a ${what} in terminate is reported once, and does not affect other connections`,
      async run(t) {
        const other = await t.open();
        const probe = await t.open({ on: { terminate } });
        probe.client.close(1000);
        await t.closes(probe.client, 1000);
        await probe.untilTerminated();
        await t.server.quiet(20);
        t.started(await probe.trace(), 'init', 'terminate');
        other.instruct(push(text('alive')));
        await t.receives(other.client, { text: 'alive' });
        await t.reported(terminate.throw);
      },
    }),
  ),
  ...(
    [
      ['throws', {}],
      ['rejects with', { wait: 1 }],
    ] as const
  ).flatMap(([what, more]) =>
    forEachCallback({
      title: (callback) => `an error that ${callback} ${what} is reported once`,
      needs: ['reports'],
      async run(t, trigger, callback) {
        const error = `${callback} ${what} this.`;
        await trigger(t, { throw: error, ...more });
        await t.reported(error);
      },
    }),
  ),
  {
    title: 'a throw on one connection does not affect the others',
    async run(t) {
      const other = await t.open();
      for (const instruction of [{ throw: 'one' }, { throw: 'two', wait: 1 }, { raw: 'three' }]) {
        const probe = await t.open();
        probe.instruct(instruction);
        await t.closes(probe.client, 1011);
      }
      other.instruct(push(text('alive')));
      await t.receives(other.client, { text: 'alive' });
    },
  },
]);
