import { forEachCallback, stop, testsOf, text } from './common.ts';

export default [
  ...(
    [
      ['4.3a', "'normal'", { reason: 'normal' }, 1000, { type: 'normal' }],
      ['4.3a', 'without a reason', {}, 1000, { type: 'normal' }],
      ['4.3b', "'restart'", { reason: 'restart' }, 1012, { type: 'normal' }],
      ['4.3c', '{ error }', { reason: { error: 'broken' } }, 1011, { type: 'error', error: 'broken' }],
    ] as const
  ).flatMap(([rule, what, more, code, reason]) =>
    testsOf(
      rule,
      forEachCallback({
        title: (callback) => `stop ${what} from ${callback} sends ${code}, and terminate receives ${reason.type}`,
        async run(t, trigger) {
          const probe = await trigger(t, stop(more));
          await t.closes(probe.client, code);
          const received = (await probe.untilTerminated()).reason;
          t.equal(received, { ...reason, code, reason: '' }, 'the reason that terminate received');
        },
      }),
    ),
  ),
  ...(
    [
      ['4.3a', "'normal'", { reason: 'normal' }, { type: 'normal' }],
      ['4.3b', "'restart'", { reason: 'restart' }, { type: 'normal' }],
      ['4.3c', '{ error }', { reason: { error: 'x' } }, { type: 'error', error: 'x' }],
    ] as const
  ).flatMap(([rule, what, more, reason]) =>
    testsOf(
      rule,
      forEachCallback({
        title: (callback) => `stop ${what} with a close from ${callback} sends its messages, then its code and reason`,
        async run(t, trigger) {
          const probe = await trigger(t, stop({ ...more, close: { code: 4001, reason: 'y' }, messages: text('z') }));
          await t.receives(probe.client, { text: 'z' }, { close: 4001, reason: 'y' });
          const received = (await probe.untilTerminated()).reason;
          t.equal(received, { ...reason, code: 4001, reason: 'y' }, 'the reason that terminate received');
        },
      }),
    ),
  ),
];
