import { frame, PING, PONG, TEXT } from '../raw-client.ts';
import { pause } from '../server-under-test.ts';
import { instructionFrame, push, testsOf, text } from './common.ts';

export default testsOf('4.6', [
  {
    timed: true,
    title: 'a silent client is pinged once at half of idleTimeout, and closed after idleTimeout',
    needs: ['pingsByItself'],
    should: true,
    async run(t) {
      const start = performance.now();
      const client = await t.raw({ options: { idleTimeout: 1_000 } });
      await t.receivesFrames(client, { opcode: PING });
      const ms = performance.now() - start;
      t.check(ms > 400, 'a ping after 500 ms', `a ping after ${Math.round(ms)} ms`);
      const { before, code } = await client.closing(); // the clock of a platform may send another code than 1001
      t.equal(before, [], 'the data before the close frame');
      t.equal((await t.server.untilTerminated(client.id)).reason, { type: 'timeout', code, reason: '' });
    },
  },
  {
    timed: true,
    title: 'a client that answers pings stays connected, and is pinged again',
    needs: ['pingsByItself'],
    should: true,
    async run(t) {
      const client = await t.raw({ options: { idleTimeout: 2_000 } });
      const received: unknown[] = [];
      for (let count = 0; count < 4; count++) {
        const ping = await client.next('a ping');
        received.push('opcode' in ping ? ping.opcode : ping);
        if ('payload' in ping) client.send(frame(PONG, ping.payload));
      }
      t.equal(received, [PING, PING, PING, PING], 'the data from the server');
    },
  },
  {
    timed: true,
    title: 'a client that only listens stays connected, because its browser answers pings',
    async run(t) {
      const probe = await t.open({
        options: t.server.cannot.idleTimeoutByDefault === undefined ? { idleTimeout: 2_000 } : {},
      });
      await pause(5_000);
      probe.instruct(push(text('alive')));
      let received = await probe.client.next('alive');
      while ('ping' in received) received = await probe.client.next('alive');
      t.equal(received, { text: 'alive' });
    },
  },
  {
    timed: true,
    title: 'with heartbeat: false no ping is sent',
    async run(t) {
      const client = await t.raw({ options: { idleTimeout: 700, heartbeat: false } });
      const { before } = await client.closing();
      t.equal(before, [], 'the data before the end');
    },
  },
  {
    timed: true,
    title: 'no ping is sent while the idle clock is paused',
    needs: ['pausesReading', 'pingsByItself'],
    async run(t) {
      const client = await t.raw({ options: { idleTimeout: 1_000 } });
      client.send(instructionFrame({ wait: 2_000, result: { type: 'push', messages: text('done') } }));
      await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from('done') });
    },
  },
]);
