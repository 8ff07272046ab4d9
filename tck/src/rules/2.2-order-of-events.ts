import { closeFrame, frame, PING, TEXT } from '../raw-client.ts';
import { ANSWER_WAIT, forEachCallback, instructionFrame, push, type RuleCase, stop, testsOf, text } from './common.ts';

export default testsOf('2.2', [
  {
    title: 'events are handled in the order in which they arrived',
    async run(t) {
      const probe = await t.open();
      probe.instruct({ gate: true });
      await probe.untilStarted('handleIn');
      await probe.post('post one');
      await probe.post('post two');
      await probe.release();
      await probe.untilStarted('handleInfo', 2);
      const sent = Array.from({ length: 50 }, (_, index) => `frame ${index}`);
      for (const data of sent) probe.client.text(data);
      const trace = await probe.untilStarted('handleIn', 51);
      t.equal(trace.calls('handleInfo'), [{ info: 'post one' }, { info: 'post two' }]);
      t.equal(
        trace.calls('handleIn').slice(1),
        sent.map((data) => ({ text: data })),
      );
    },
  },
  {
    title: 'frames are handled before messages that were posted later, also in a long queue',
    async run(t) {
      const client = await t.raw();
      const sent = Array.from({ length: 200 }, (_, index) => `frame ${index}`);
      client.send(instructionFrame({ gate: true }), ...sent.map((data) => frame(TEXT, data)), frame(PING, 'all read'));
      await t.server.untilStarted(client.id, 'handleIn');
      // The pong proves that the frames have arrived. A server that has stopped reading sends none: its order is not checked.
      const hasRead = (await client.within(ANSWER_WAIT)) !== undefined;
      const infos = Array.from({ length: 200 }, (_, index) => index);
      await t.server.post(client.id, infos);
      await t.server.release(client.id);
      await t.server.untilStarted(client.id, 'handleIn', 201);
      const trace = await t.server.untilStarted(client.id, 'handleInfo', 200);
      t.equal(
        trace.calls('handleIn').slice(1),
        sent.map((data) => ({ text: data })),
      );
      t.equal(
        trace.calls('handleInfo'),
        infos.map((info) => ({ info })),
      );
      if (!hasRead) return;
      const expected = ['init', ...Array(201).fill('handleIn'), ...Array(200).fill('handleInfo')];
      t.equal(
        trace.started.filter((callback) => callback !== 'handleControl'),
        expected,
        'the order of the callbacks',
      );
    },
  },
  {
    title: 'posted messages are handled before frames that arrived later, also in a long queue',
    async run(t) {
      const client = await t.raw();
      await t.server.post(client.id, [{ gate: true }, ...Array.from({ length: 2_000 }, (_, index) => index)]);
      await t.server.untilStarted(client.id, 'handleInfo');
      client.send(frame(TEXT, 'one'), instructionFrame(push(text('fence'))));
      await t.server.quiet();
      await t.server.release(client.id);
      await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from('fence') });
      const trace = await t.server.trace(client.id);
      t.equal(trace.started.slice(-2), ['handleIn', 'handleIn'], 'the last callbacks');
      t.equal(trace.calls('handleInfo').length, 2_001, 'the number of posted messages before them');
    },
  },
  {
    title: "frames that came before the client's close frame are handled before terminate",
    async run(t) {
      const probe = await t.open({ on: { handleIn: { wait: 20 } } });
      for (const data of ['one', 'two', 'three']) probe.client.text(data);
      probe.client.close(1000);
      const trace = await probe.untilTerminated();
      t.started(trace, 'init', 'handleIn', 'handleIn', 'handleIn', 'terminate');
      t.equal(trace.reason, { type: 'remote', code: 1000, reason: '' });
    },
  },
  {
    title: 'frames and a close frame that come in one packet while a callback is pending are all handled',
    async run(t) {
      const client = await t.raw({ on: { handleIn: { wait: 20 } } });
      client.send(frame(TEXT, 'one'), frame(TEXT, 'two'), closeFrame(4000, 'bye'));
      const trace = await t.server.untilTerminated(client.id);
      t.equal(trace.calls('handleIn'), [{ text: 'one' }, { text: 'two' }]);
      t.equal(trace.reason, { type: 'remote', code: 4000, reason: 'bye' });
    },
  },
  {
    title: 'frames that came before the socket was gone are handled before terminate',
    async run(t) {
      const client = await t.raw({ on: { handleIn: { wait: 20 } } });
      client.send(frame(TEXT, 'one'), frame(TEXT, 'two'));
      client.socket.end();
      const trace = await t.server.untilTerminated(client.id);
      t.equal(trace.calls('handleIn'), [{ text: 'one' }, { text: 'two' }]);
      t.equal(trace.reason, { type: 'remote', code: 1006, reason: '' });
    },
  },
  {
    title: 'frames that came before a violation of the protocol are handled before terminate',
    async run(t) {
      const client = await t.raw({ on: { handleIn: { wait: 20 } } });
      client.send(frame(TEXT, 'one'), frame(TEXT, 'two'), frame(3, 'unknown'), frame(TEXT, 'three'));
      const trace = await t.server.untilTerminated(client.id);
      t.equal(trace.calls('handleIn'), [{ text: 'one' }, { text: 'two' }]);
      t.matches(trace.reason, { type: 'error' });
    },
  },
  ...(
    [
      ['in the same packet', true],
      ['in the next packet', false],
    ] as const
  ).map(
    ([where, together]): RuleCase => ({
      title: `a message after the client's close frame, ${where}, is discarded`,
      async run(t) {
        const client = await t.raw();
        client.send(frame(TEXT, 'before'), closeFrame(1000), ...(together ? [frame(TEXT, 'after')] : []));
        if (!together) client.send(frame(TEXT, 'after'));
        await t.server.untilTerminated(client.id);
        await t.server.quiet();
        const trace = await t.server.trace(client.id);
        t.equal(trace.calls('handleIn'), [{ text: 'before' }]);
        t.started(trace, 'init', 'handleIn', 'terminate');
      },
    }),
  ),
  {
    title: 'posted messages that wait when the connection ends are discarded',
    async run(t) {
      const probe = await t.open();
      probe.instruct({ gate: true });
      await probe.untilStarted('handleIn');
      await probe.post('late', 'later');
      probe.instruct(stop()); // so that a server that has stopped reading meets an end soon after the posted messages
      probe.client.cut();
      await t.server.quiet();
      await probe.release();
      const trace = await probe.untilTerminated();
      t.equal(trace.started.filter((callback) => callback === 'terminate').length, 1, 'the calls of terminate');
      // A server that has stopped reading sees the end when it reads again, possibly after a posted message.
      t.equal(trace.started.at(-1), 'terminate', 'the last callback');
    },
  },
  {
    title: "messages posted after the client's close frame are discarded, also while a callback is pending",
    needs: ['seesCloseFrames'],
    async run(t) {
      const client = await t.raw();
      client.send(instructionFrame({ gate: true }), frame(TEXT, 'still handled'), closeFrame(4000));
      await t.server.untilStarted(client.id, 'handleIn');
      await t.server.post(client.id, ['waits']);
      // The answer proves that the close frame has arrived. A server that has stopped reading sends none yet.
      const answer = await client.within(ANSWER_WAIT);
      await t.server.post(client.id, ['comes late']);
      await t.server.release(client.id);
      const trace = await t.server.untilTerminated(client.id);
      t.equal(trace.calls('handleIn').at(-1), { text: 'still handled' });
      t.equal(trace.reason, { type: 'remote', code: 4000, reason: '' });
      t.equal(trace.started.at(-1), 'terminate', 'the last callback');
      if (answer) t.started(trace, 'init', 'handleIn', 'handleIn', 'terminate');
    },
  },
  {
    title: "posted messages that wait when the client's close frame arrives are discarded",
    needs: ['keepsEarlyFrames', 'seesCloseFrames'],
    async run(t) {
      const on = { init: { gate: true, post: ['waits'] } } as const;
      const client = await t.raw({ on }, { earlyBytes: closeFrame(4000) });
      await t.server.untilStarted(client.id, 'init');
      // The answer proves that the close frame has arrived. A server that has stopped reading sends none yet.
      const answer = await client.within(ANSWER_WAIT);
      await t.server.release(client.id);
      const trace = await t.server.untilTerminated(client.id);
      t.equal(trace.started.at(-1), 'terminate', 'the last callback');
      if (answer) t.started(trace, 'init', 'terminate');
    },
  },
  ...(
    [
      ['stop', stop({ close: { code: 4001 } })],
      ['throw', { throw: 'thrown at the end' }],
    ] as const
  ).map(
    ([what, instruction]): RuleCase => ({
      title: `after a ${what} that follows the client's close frame, the remaining messages are discarded too`,
      async run(t) {
        const client = await t.raw();
        client.send(instructionFrame({ gate: true, ...instruction }), frame(TEXT, 'never handled'), closeFrame(4000));
        await t.server.untilStarted(client.id, 'handleIn');
        await client.within(ANSWER_WAIT);
        await t.server.release(client.id);
        const trace = await t.server.untilTerminated(client.id);
        t.started(trace, 'init', 'handleIn', 'terminate');
      },
    }),
  ),
  ...forEachCallback({
    title: (callback) => `after a stop from ${callback}, waiting frames and posted messages are discarded`,
    async run(t, trigger, callback) {
      const probe = await trigger(t, { gate: true, ...stop() });
      await probe.untilStarted(callback);
      probe.client.text('late');
      await probe.post('late');
      await probe.release();
      const trace = await probe.untilTerminated();
      t.equal(trace.started.slice(-2), [callback, 'terminate'], 'the last callbacks');
    },
  }),
]);
