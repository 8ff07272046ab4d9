import { closeFrame, frame, TEXT } from '../raw-client.ts';
import { stop, testsOf } from './common.ts';

export default testsOf('6.1', [
  {
    title: 'post does nothing after the end, and does not throw',
    async run(t) {
      const probe = await t.open();
      probe.client.close();
      await probe.untilTerminated();
      t.equal(await probe.post('late', 'later'), 2, 'the number of posted messages');
      await t.server.quiet();
      t.started(await probe.trace(), 'init', 'terminate');
    },
  },
  {
    title: 'post does nothing after init has failed, and does not throw',
    async run(t) {
      const probe = await t.open({ on: { init: { throw: 'no' } } });
      await t.closes(probe.client, 1011);
      t.equal(await probe.post('late', 'later'), 2, 'the number of posted messages');
      await t.server.quiet();
      t.started(await probe.trace(), 'init');
    },
  },
  {
    title: 'post does nothing inside terminate, and does not throw',
    async run(t) {
      const probe = await t.open({ on: { terminate: { post: ['late'] } } });
      probe.client.close();
      const trace = await probe.untilTerminated();
      await t.server.quiet();
      t.started(await probe.trace(), 'init', 'terminate');
      t.check(
        trace.events.some(({ event }) => event === 'posted'),
        'a post that returned',
        trace.events,
      );
    },
  },
  {
    title: 'post does nothing between a stop and terminate',
    async run(t) {
      const client = await t.raw({ on: { terminate: { gate: true } } });
      client.send(frame(TEXT, JSON.stringify({ ...stop(), post: ['earlyBytes a stop'] })), closeFrame(1000));
      await t.server.untilStarted(client.id, 'terminate');
      await t.server.post(client.id, ['late']);
      await t.server.release(client.id);
      await t.server.untilTerminated(client.id);
      await t.server.quiet();
      t.started(await t.server.trace(client.id), 'init', 'handleIn', 'terminate');
    },
  },
]);
