import { TEXT } from '../raw-client.ts';
import { push, testsOf, text } from './common.ts';

export default testsOf('1.1', [
  {
    title: 'init is called once, before anything else, with the arg of the upgrade',
    async run(t) {
      const probe = await t.open();
      probe.client.text('hello');
      const trace = await probe.untilStarted('handleIn');
      t.started(trace, 'init', 'handleIn');
      t.equal(trace.calls('init'), [{ id: probe.id }], 'the calls of init');
      t.matches(trace.events[0], { sameValue: true }, 'whether init received the arg itself, not a copy');
    },
  },
  {
    title: 'init is called after the handshake: a message that it pushes follows the 101 response',
    async run(t) {
      const client = await t.raw({ on: { init: push(text('first')) } });
      t.equal(client.status, 101, 'the status');
      await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from('first') });
    },
  },
  {
    title: 'init receives the mailbox of its own connection',
    async run(t) {
      const [one, two] = [await t.open(), await t.open()];
      await two.post('for two');
      await one.post('for one');
      t.equal((await one.untilStarted('handleInfo')).calls('handleInfo'), [{ info: 'for one' }]);
      t.equal((await two.untilStarted('handleInfo')).calls('handleInfo'), [{ info: 'for two' }]);
    },
  },
]);
