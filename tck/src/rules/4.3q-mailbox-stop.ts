import { type RuleCase, testsOf } from './common.ts';

export default testsOf('4.3q', [
  ...(
    [
      ['without a close', undefined, 1000, ''],
      ['with a code', { code: 4001 }, 4001, ''],
      ['with a code and a reason', { code: 3000, reason: 'thrown out' }, 3000, 'thrown out'],
      ['with a reason that is too long', { code: 4001, reason: 'é'.repeat(100) }, 4001, 'é'.repeat(61)],
    ] as const
  ).map(
    ([what, close, code, reason]): RuleCase => ({
      title: `mailbox.stop ${what} closes with ${close ? 'it' : '1000'}, and terminate receives normal`,
      async run(t) {
        const probe = await t.open();
        await t.server.stop(probe.id, close);
        await t.closes(probe.client, code, reason);
        const trace = await probe.untilTerminated();
        t.equal(trace.reason, { type: 'normal', code, reason });
        t.started(trace, 'init', 'terminate');
        t.keepsState(trace);
      },
    }),
  ),
]);
