import { push, type RuleCase, testsOf, text } from './common.ts';

export default testsOf('7.1', [
  {
    title: 'a connection is not suspended before init has settled',
    needs: ['suspends'],
    async run(t) {
      const probe = await t.open({ on: { init: { gate: true, ...push(text('opened')) } } });
      await probe.untilStarted('init');
      await t.server.suspend(probe.id);
      probe.client.text('one');
      await t.server.quiet();
      t.started(await probe.trace(), 'init');
      await probe.release();
      await t.receives(probe.client, { text: 'opened' });
      const trace = await probe.untilStarted('handleIn');
      t.started(trace, 'init', 'handleIn');
      t.keepsState(trace);
    },
  },
  ...(['handleIn', 'handleInfo'] as const).map(
    (callback): RuleCase => ({
      title: `a connection is not suspended while ${callback} is pending`,
      needs: ['suspends'],
      async run(t) {
        const probe = await t.open();
        const pending = { gate: true, ...push(text('settled')) } as const;
        if (callback === 'handleIn') probe.instruct(pending);
        else await probe.post(pending);
        await probe.untilStarted(callback);
        await t.server.suspend(probe.id);
        await t.server.quiet();
        await probe.release();
        await t.receives(probe.client, { text: 'settled' });
        probe.instruct(push(text('next')));
        await t.receives(probe.client, { text: 'next' });
        const trace = await probe.trace();
        t.started(trace, 'init', callback, 'handleIn');
        t.keepsState(trace);
        t.neverOverlaps(trace);
      },
    }),
  ),
  {
    title: 'a connection is not suspended while messages wait: none is lost',
    needs: ['suspends'],
    async run(t) {
      const probe = await t.open();
      probe.instruct({ gate: true });
      await probe.untilStarted('handleIn');
      probe.instruct(push(text('frame')));
      await t.server.quiet(); // for a server that reads while a callback is pending
      await probe.post(push(text('posted')));
      await t.server.suspend(probe.id);
      await probe.release();
      const received = [await probe.client.next('a message'), await probe.client.next('another message')];
      t.equal(new Set(received.map((each) => JSON.stringify(each))).size, 2, 'the number of different messages');
      const trace = await probe.trace();
      t.equal([...trace.started].sort(), ['handleIn', 'handleIn', 'handleInfo', 'init'], 'the callbacks');
      t.keepsState(trace);
    },
  },
]);
