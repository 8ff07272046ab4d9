// 6. Mailbox

import { closeFrame, frame, TEXT } from '../raw-client.ts';
import { forEachCallback, push, type RuleTest, stop, text } from '../rule.ts';

export const mailbox: readonly RuleTest[] = [
  {
    rule: '6.1',
    title: 'post does nothing after the end, and does not throw',
    async run(t) {
      const probe = await t.open();
      probe.client.close();
      await probe.untilTerminated();
      t.equal(await probe.post('late', 'later'), 2, 'the number of infos that were posted');
      await t.server.quiet();
      t.started(await probe.trace(), 'init', 'terminate');
    },
  },
  {
    rule: '6.1',
    title: 'post does nothing after init has failed, and does not throw',
    async run(t) {
      const probe = await t.open({ on: { init: { throw: 'no' } } });
      await t.closes(probe.client, 1011);
      t.equal(await probe.post('late', 'later'), 2, 'the number of infos that were posted');
      await t.server.quiet();
      t.started(await probe.trace(), 'init');
    },
  },
  {
    rule: '6.1',
    title: 'post does not throw inside terminate, and does nothing',
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
    rule: '6.1',
    title: 'post does nothing between a stop and terminate',
    async run(t) {
      const client = await t.raw({ on: { terminate: { gate: true } } });
      client.send(frame(TEXT, JSON.stringify({ ...stop(), post: ['behind a stop'] })), closeFrame(1000));
      await t.server.untilStarted(client.id, 'terminate');
      await t.server.post(client.id, ['late']);
      await t.server.release(client.id);
      await t.server.untilTerminated(client.id);
      await t.server.quiet();
      t.started(await t.server.trace(client.id), 'init', 'handleIn', 'terminate');
    },
  },
  {
    rule: '6.2',
    title: 'post does not call handleInfo before it returns',
    async run(t) {
      const probe = await t.open();
      await probe.post('outside');
      probe.instruct({ post: ['inside'] });
      const { events } = await probe.untilStarted('handleInfo', 2);
      for (const [index, { event }] of events.entries()) {
        if (event === 'post') t.equal(events[index + 1]?.event, 'posted', 'what follows a post');
      }
    },
  },
  {
    rule: '6.3',
    title: 'infos arrive in the order in which they were posted',
    async run(t) {
      const probe = await t.open({ on: { handleInfo: { wait: 1 } } });
      const infos = Array.from({ length: 20 }, (_, index) => index);
      await probe.post(...infos.slice(0, 10));
      await probe.post(...infos.slice(10));
      const trace = await probe.untilStarted('handleInfo', 20);
      t.equal(
        trace.calls('handleInfo'),
        infos.map((info) => ({ info })),
      );
    },
  },
  {
    rule: '6.3',
    title: 'thousands of infos arrive in the order in which they were posted, while a callback is pending',
    async run(t) {
      const probe = await t.open();
      await probe.post({ gate: true });
      await probe.untilStarted('handleInfo');
      const infos = Array.from({ length: 3_000 }, (_, index) => index);
      await probe.post(...infos);
      await probe.post(push(text('fence')));
      await probe.release();
      await t.receives(probe.client, { text: 'fence' });
      const received = (await probe.trace()).calls('handleInfo').slice(1, -1);
      t.equal(
        received,
        infos.map((info) => ({ info })),
      );
    },
  },
  ...forEachCallback({
    rule: '6.4',
    title: (callback) => `post may be called inside ${callback}`,
    async run(t, trigger, callback) {
      const probe = await trigger(t, { post: ['mine', 'too'] });
      const trace = await probe.untilStarted('handleInfo', callback === 'handleInfo' ? 3 : 2);
      t.equal(trace.calls('handleInfo').slice(-2), [{ info: 'mine' }, { info: 'too' }]);
      t.equal(trace.overlaps, [], 'the callbacks that began too early');
    },
  }),
  {
    rule: '6.5',
    title: 'post may be called without its mailbox',
    async run(t) {
      const probe = await t.open();
      await t.server.post(probe.id, ['detached', { result: { type: 'ok' } }], { detached: true });
      const trace = await probe.untilStarted('handleInfo', 2);
      t.equal(trace.calls('handleInfo'), [{ info: 'detached' }, { info: { result: { type: 'ok' } } }]);
    },
  },
];
