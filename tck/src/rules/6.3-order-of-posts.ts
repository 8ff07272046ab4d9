import { push, testsOf, text } from './common.ts';

export default testsOf('6.3', [
  {
    title: 'posted messages are handled in the order in which they were posted',
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
    title:
      'thousands of messages posted while a callback is pending are handled in the order in which they were posted',
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
]);
