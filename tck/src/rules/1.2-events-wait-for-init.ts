import { closeFrame, frame, TEXT } from '../raw-client.ts';
import { testsOf } from './common.ts';

export default testsOf('1.2', [
  {
    title: 'messages that arrive while init is pending are handled afterwards, in order',
    async run(t) {
      const probe = await t.open({ on: { init: { gate: true } } });
      for (const data of ['one', 'two', 'three']) probe.client.text(data);
      await probe.untilStarted('init');
      await t.server.quiet();
      t.started(await probe.trace(), 'init');
      await probe.release();
      const trace = await probe.untilStarted('handleIn', 3);
      t.equal(trace.calls('handleIn'), [{ text: 'one' }, { text: 'two' }, { text: 'three' }]);
    },
  },
  {
    title: 'messages posted while init is pending are handled afterwards',
    async run(t) {
      const probe = await t.open({ on: { init: { gate: true } } });
      await probe.post('one', 'two');
      await t.server.quiet();
      t.started(await probe.trace(), 'init');
      await probe.release();
      t.equal((await probe.untilStarted('handleInfo', 2)).calls('handleInfo'), [{ info: 'one' }, { info: 'two' }]);
    },
  },
  {
    title: 'a close frame that arrives while init is pending does not end init: terminate is called afterwards',
    async run(t) {
      const client = await t.raw({ on: { init: { gate: true } } });
      client.send(frame(TEXT, 'first'), closeFrame(4000, 'bye'));
      await t.server.untilStarted(client.id, 'init');
      await t.server.quiet();
      t.started(await t.server.trace(client.id), 'init');
      await t.server.release(client.id);
      const trace = await t.server.untilTerminated(client.id);
      t.started(trace, 'init', 'handleIn', 'terminate');
      t.equal(trace.reason, { type: 'remote', code: 4000, reason: 'bye' });
    },
  },
  {
    title: 'frames in the packet of the handshake request are handled after a slow init',
    needs: ['keepsEarlyFrames'],
    async run(t) {
      const client = await t.raw({ on: { init: { gate: true } } }, { earlyBytes: frame(TEXT, 'early') });
      await t.server.untilStarted(client.id, 'init');
      await t.server.quiet();
      t.started(await t.server.trace(client.id), 'init');
      await t.server.release(client.id);
      t.started(await t.server.untilStarted(client.id, 'handleIn'), 'init', 'handleIn');
    },
  },
]);
