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
      [', also after a promise', { wait: 0, ...pushMegabyte }],
    ] as const
  ).map(
    ([more, instruction]): RuleCase => ({
      title: `while too many bytes wait to go out, the next callback is not called${more}`,
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
    title: 'while too many bytes wait to go out, handleInfo is not called either',
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
    title: 'a client that does not read is dropped when too many posted messages wait',
    needs: ['knowsBacklog', 'dropsSockets'],
    alone: true,
    async run(t) {
      const { trace } = await overflowMailbox(t);
      t.equal(trace.calls('handleInfo').length, 0, 'the posted messages that were handled');
    },
  },
  {
    title: 'a client that reads nothing is dropped after a time limit',
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
      // one megabyte per second: in total longer than any time limit
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
