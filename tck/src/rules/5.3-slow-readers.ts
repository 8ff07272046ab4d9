import { TEXT } from '../raw-client.ts';
import { pause } from '../server-under-test.ts';
import {
  instructionFrame,
  overflowMailbox,
  push,
  pushMegabyte,
  type RuleCase,
  receivesMegabyte,
  testsOf,
  text,
  untilCallsStop,
} from './common.ts';

export default testsOf('5.3', [
  ...(
    [
      ['', pushMegabyte],
      [', after a promise, too', { wait: 0, ...pushMegabyte }],
    ] as const
  ).map(
    ([more, instruction]): RuleCase => ({
      title: `while more than a bound waits for a client, the next callback waits${more}`,
      needs: ['knowsBacklog'],
      alone: true,
      async run(t) {
        const client = await t.raw();
        client.socket.pause();
        for (let count = 0; count < 48; count++) client.send(instructionFrame(instruction));
        const calls = await untilCallsStop(t, client.id);
        t.check(calls < 32, 'fewer than 32 of 48 callbacks, each of which pushes 1 MB', calls);
        client.socket.resume();
        for (let count = 0; count < 48; count++) await receivesMegabyte(t, client);
      },
    }),
  ),
  {
    title: 'the next callback waits for infos, too',
    needs: ['knowsBacklog'],
    alone: true,
    async run(t) {
      const client = await t.raw();
      client.socket.pause();
      await t.server.post(client.id, [pushMegabyte], { times: 48 });
      await t.server.quiet(200);
      const { length } = (await t.server.trace(client.id)).calls('handleInfo');
      t.check(length < 32, 'fewer than 32 of 48 callbacks, each of which pushes 1 MB', length);
      client.socket.resume();
      for (let count = 0; count < 48; count++) await receivesMegabyte(t, client);
    },
  },
  {
    title: 'while the client does not read, a bounded number of infos waits; with more it is dropped',
    needs: ['knowsBacklog', 'dropsSockets'],
    alone: true,
    async run(t) {
      const { trace } = await overflowMailbox(t);
      t.equal(trace.calls('handleInfo').length, 0, 'the infos that were handled');
    },
  },
  {
    title: 'a client that reads nothing is dropped after a bound',
    needs: ['knowsBacklog', 'dropsSockets'],
    slow: true,
    async run(t) {
      const client = await t.raw();
      client.socket.pause();
      for (let count = 0; count < 24; count++) client.send(instructionFrame(pushMegabyte));
      const deadline = performance.now() + t.server.patience * 9;
      while (!(await t.server.trace(client.id)).started.includes('terminate') && performance.now() < deadline) {
        await pause(100);
      }
      const trace = await t.server.untilTerminated(client.id);
      t.matches(trace.reason, { type: 'error', code: 1006, reason: '' });
    },
  },
  {
    title: 'a client that reads slowly is not dropped',
    needs: ['knowsBacklog', 'seesSendProgress'],
    slow: true,
    async run(t) {
      const client = await t.raw({ options: { heartbeat: false } });
      const count = 32;
      for (let index = 0; index < count; index++) client.send(instructionFrame(pushMegabyte));
      // a megabyte a second: longer than any bound, all in all
      for (let index = 0; index < count; index++) {
        client.socket.pause();
        await pause(1_000);
        client.socket.resume();
        await receivesMegabyte(t, client);
      }
      client.send(instructionFrame(push(text('alive'))));
      await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from('alive') });
    },
  },
]);
