import { instructionFrame, MEGABYTE, push, testsOf, text } from './common.ts';

export default testsOf('6.7', [
  {
    title: 'waiting counts each posted message from its post until it is passed to handleInfo',
    async run(t) {
      const probe = await t.open();
      await probe.post({ gate: true });
      await probe.untilStarted('handleInfo');
      t.equal(await t.server.waiting(probe.id), 0, 'while the first is being handled');
      await probe.post('a', { gate: true });
      await t.server.command({ post: probe.id, infos: ['b'], times: 100 });
      t.equal(await t.server.waiting(probe.id), 102, 'while the others wait');
      await probe.release();
      await probe.untilStarted('handleInfo', 3);
      t.equal(await t.server.waiting(probe.id), 100, 'while the third is being handled');
      await probe.release();
      await probe.untilStarted('handleInfo', 103);
      t.equal(await t.server.waiting(probe.id), 0, 'when all are handled');
      const posted = (await probe.trace()).events.filter(({ event, given }) => event === 'posted' && given === 'a');
      t.matches(posted, [{ waiting: 1 }], 'immediately after the post');
    },
  },
  {
    title: 'waiting counts a message posted inside a callback',
    async run(t) {
      const probe = await t.open();
      probe.instruct({ post: ['a', 'b', 'c'] });
      const { events } = await probe.untilStarted('handleInfo', 3);
      const seen = events.filter(({ event }) => event === 'posted').map(({ waiting }) => waiting);
      t.equal(seen, [1, 2, 3], 'the number after each post');
    },
  },
  {
    title: 'waiting does not count frames',
    async run(t) {
      const client = await t.raw();
      const ignored = Array.from({ length: 5 }, () => instructionFrame({ result: { type: 'ok' } }));
      client.send(instructionFrame({ gate: true }), ...ignored);
      await t.server.untilStarted(client.id, 'handleIn');
      await t.server.quiet();
      t.equal(await t.server.waiting(client.id), 0, 'with frames alone');
      await t.server.post(client.id, ['a']);
      t.equal(await t.server.waiting(client.id), 1, 'with one posted message');
      await t.server.release(client.id);
    },
  },
  {
    title: 'waiting grows while a client does not read',
    needs: ['knowsBacklog'],
    async run(t) {
      const client = await t.raw();
      client.socket.pause();
      client.send(instructionFrame(push(...Array.from({ length: 24 }, () => ({ opcode: 'text', long: MEGABYTE })))));
      await t.server.untilStarted(client.id, 'handleIn');
      await t.server.command({ post: client.id, infos: ['typing'], times: 50 });
      await t.server.quiet(100);
      t.equal(await t.server.waiting(client.id), 50);
    },
  },
  {
    title: 'waiting is 0 after the end, also while a callback is pending',
    async run(t) {
      const probe = await t.open({ on: { terminate: { post: ['late'] } } });
      probe.instruct({ gate: true, ...push(text('late')) });
      await probe.untilStarted('handleIn');
      await probe.post('a', 'b');
      await t.server.stop(probe.id);
      t.equal(await t.server.waiting(probe.id), 0, 'while a callback is pending');
      const stopped = (await probe.trace()).events.filter(({ event }) => event === 'stopped');
      t.matches(stopped, [{ waiting: 0 }], 'immediately after the stop');
      await probe.release();
      const trace = await probe.untilTerminated();
      const late = trace.events.filter(({ event, given }) => event === 'posted' && given === 'late');
      t.matches(late, [{ waiting: 0 }], 'inside terminate');
      await probe.post('late');
      t.equal(await t.server.waiting(probe.id), 0, 'after terminate');
    },
  },
]);
