import { push, type RuleCase, testsOf, text } from './common.ts';

export default testsOf('2.4', [
  {
    title: 'each callback receives the very state that the last result gave',
    async run(t) {
      const probe = await t.open({ on: { init: { wait: 1 } } });
      probe.client.text('one');
      await probe.post('two');
      probe.instruct({ wait: 1 });
      probe.instruct(push(text('three')));
      await probe.untilStarted('handleIn', 3);
      await probe.untilStarted('handleInfo');
      probe.client.close();
      const trace = await probe.untilTerminated();
      t.equal(trace.started.length, 6, 'the number of callbacks');
      t.keepsState(trace);
    },
  },
  ...(
    [
      ['undefined', { noState: true }],
      ['null', { state: null }],
      ['0', { state: 0 }],
      ["''", { state: '' }],
      ['false', { state: false }],
    ] as const
  ).map(
    ([what, instruction]): RuleCase => ({
      title: `${what} is a state like any other`,
      async run(t) {
        const probe = await t.open({ handler: {}, on: { init: instruction } });
        probe.client.text('one');
        await probe.untilStarted('handleIn');
        probe.instruct({ ...instruction, wait: 1 });
        await probe.untilStarted('handleIn', 2);
        await probe.post('two');
        await probe.untilStarted('handleInfo');
        await probe.post(instruction);
        await probe.untilStarted('handleInfo', 2);
        probe.client.close();
        const trace = await probe.untilTerminated();
        t.started(trace, 'init', 'handleIn', 'handleIn', 'handleInfo', 'handleInfo', 'terminate');
        t.keepsState(trace);
      },
    }),
  ),
]);
