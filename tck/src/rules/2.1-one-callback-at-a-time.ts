import { closeFrame } from '../raw-client.ts';
import { ANSWER_WAIT, forEachCallback, instructionFrame, push, testsOf, text } from './common.ts';

export default testsOf('2.1', [
  ...forEachCallback({
    title: (callback) => `no callback is called while ${callback} is pending`,
    async run(t, trigger, callback) {
      const probe = await trigger(t, { gate: true });
      await probe.untilStarted(callback);
      probe.client.text('waits');
      await probe.post('waits too');
      await t.server.quiet();
      const before = await probe.trace();
      t.equal(before.started.at(-1), callback, 'the last callback');
      await probe.release();
      const count = before.started.length + 2;
      const trace = await t.server.traceUntil(probe.id, ({ started }) => started.length >= count, 'two more callbacks');
      t.neverOverlaps(trace);
    },
  }),
  ...forEachCallback({
    title: (callback) => `the result of ${callback} is applied before the next callback is called`,
    async run(t, trigger) {
      const probe = await trigger(t, { wait: 5, result: { type: 'push', messages: [text('first')] } });
      probe.instruct(push(text('second')));
      probe.instruct({ wait: 0, result: { type: 'push', messages: [text('third')] } });
      probe.instruct(push(text('fourth')));
      await t.receives(probe.client, { text: 'first' }, { text: 'second' }, { text: 'third' }, { text: 'fourth' });
      const trace = await probe.trace();
      t.keepsState(trace);
      t.neverOverlaps(trace);
    },
  }),
  {
    title: 'a thenable is awaited like a promise',
    needs: ['returnsThenables'],
    async run(t) {
      const probe = await t.open();
      probe.instruct({ thenable: true, result: { type: 'push', messages: [text('then')] } });
      probe.instruct(push(text('next')));
      await t.receives(probe.client, { text: 'then' }, { text: 'next' });
      t.neverOverlaps(await probe.trace());
    },
  },
  {
    title: 'terminate is not called while a callback is pending',
    async run(t) {
      const probe = await t.open();
      probe.instruct({ gate: true });
      await probe.untilStarted('handleIn');
      probe.client.cut();
      await t.server.quiet();
      t.started(await probe.trace(), 'init', 'handleIn');
      await probe.release();
      const trace = await probe.untilTerminated();
      t.started(trace, 'init', 'handleIn', 'terminate');
      t.neverOverlaps(trace);
    },
  },
  {
    title: "terminate is not called while a callback is pending, even after the client's close frame",
    async run(t) {
      const client = await t.raw();
      client.send(instructionFrame({ gate: true }), closeFrame(4000));
      await t.server.untilStarted(client.id, 'handleIn');
      await client.within(ANSWER_WAIT);
      t.started(await t.server.trace(client.id), 'init', 'handleIn');
      await t.server.release(client.id);
      const trace = await t.server.untilTerminated(client.id);
      t.started(trace, 'init', 'handleIn', 'terminate');
      t.neverOverlaps(trace);
    },
  },
]);
