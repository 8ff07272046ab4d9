import { closeFrame, frame, PING, PONG, TEXT } from '../raw-client.ts';
import { instructionFrame, push, testsOf, text } from './common.ts';

export default testsOf('2.5', [
  {
    title: 'callbacks are called as methods of the handler',
    async run(t) {
      const probe = await t.open();
      probe.client.text('one');
      probe.client.socket.ping();
      await probe.post('two');
      await probe.untilStarted('handleIn');
      await probe.untilStarted('handleInfo');
      probe.client.close();
      const trace = await probe.untilTerminated();
      for (const callback of ['init', 'handleIn', 'handleInfo', 'terminate'] as const) {
        t.check(trace.started.includes(callback), `a call of ${callback}`, trace.started);
      }
      t.equal(
        trace.events.filter(({ event, sameThis }) => event === 'begin' && !sameThis),
        [],
        'the callbacks that were not called as methods',
      );
    },
  },
  {
    title: 'without handleControl, pings and pongs have no effect on the handler',
    async run(t) {
      const client = await t.raw({ handler: { without: ['handleControl'] } });
      client.send(frame(PING, 'a'), frame(PONG, 'b'), instructionFrame(push(text('alive'))));
      await t.receivesFrames(client, { opcode: PONG }, { opcode: TEXT, payload: Buffer.from('alive') });
      client.send(closeFrame(1000));
      t.started(await t.server.untilTerminated(client.id), 'init', 'handleIn', 'terminate');
    },
  },
  {
    title: 'without terminate, the connection ends normally, and no error is reported',
    alone: true,
    async run(t) {
      const before = t.help.reports?.();
      const client = await t.raw({ handler: { without: ['terminate'] } });
      client.send(frame(TEXT, 'hi'));
      await t.server.untilStarted(client.id, 'handleIn');
      client.send(closeFrame(4000));
      await t.closesRaw(client, 4000);
      await t.server.quiet();
      t.equal(t.help.reports?.(), before, 'the error reports');
    },
  },
]);
