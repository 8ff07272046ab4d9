import { CONTINUATION, frame, PING, PONG, TEXT } from '../raw-client.ts';
import { push, type RuleCase, testsOf, text } from './common.ts';

export default testsOf('2.8', [
  {
    title: 'a ping is answered with its data',
    async run(t) {
      const client = await t.raw();
      client.send(frame(PING, 'beat'));
      await t.receivesFrames(client, { opcode: PONG, payload: Buffer.from('beat') });
      client.send(frame(PING));
      await t.receivesFrames(client, { opcode: PONG, payload: Buffer.alloc(0) });
      client.send(frame(PING, 'x'.repeat(125)));
      await t.receivesFrames(client, { opcode: PONG, payload: Buffer.alloc(125, 'x') });
    },
  },
  {
    title: 'a ping between fragments is answered before the message is complete',
    async run(t) {
      const client = await t.raw();
      client.send(frame(TEXT, 'a', { fin: false }), frame(PING, 'between'));
      await t.receivesFrames(client, { opcode: PONG, payload: Buffer.from('between') });
      client.send(frame(CONTINUATION, 'b'));
      t.equal((await t.server.untilStarted(client.id, 'handleIn')).calls('handleIn'), [{ text: 'ab' }]);
    },
  },
  {
    title: 'handleControl receives pings and pongs, each ping after it has been answered',
    needs: ['receivesControlFrames'],
    async run(t) {
      const client = await t.raw({ on: { handleControl: push(text('seen')) } });
      client.send(frame(PING, 'hi'), frame(PONG));
      await t.receivesFrames(client, { opcode: PONG }, { opcode: TEXT }, { opcode: TEXT });
      t.equal((await t.server.trace(client.id)).calls('handleControl'), [{ ping: '6869' }, { pong: '' }]);
    },
  },
  {
    title: 'close frames are not passed to the handler',
    async run(t) {
      const probe = await t.open();
      probe.client.close(4000, 'bye');
      t.started(await probe.untilTerminated(), 'init', 'terminate');
    },
  },
  ...([false, true] as const).map(
    (inside): RuleCase => ({
      title: `control frames that a platform cannot send are left out${inside ? ' of a result that has nothing else' : ', and the other messages are sent'}`,
      async run(t) {
        const probe = await t.open();
        const messages = inside ? [{ opcode: 'pong' }] : [text('before'), { opcode: 'pong' }, text('after')];
        probe.instruct(push(...messages));
        probe.instruct(push(text('fence')));
        const pong = t.server.cannot.sendsControlFrames === undefined ? [{ pong: '' }] : [];
        const expected = inside ? pong : [{ text: 'before' }, ...pong, { text: 'after' }];
        await t.receives(probe.client, ...expected, { text: 'fence' });
      },
    }),
  ),
]);
