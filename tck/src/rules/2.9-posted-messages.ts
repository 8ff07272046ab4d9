import { push, type RuleCase, testsOf, text } from './common.ts';

export default testsOf('2.9', [
  {
    title: 'handleInfo receives each posted message once',
    async run(t) {
      const probe = await t.open();
      const infos = Array.from({ length: 100 }, (_, index) => index);
      await probe.post(...infos);
      probe.client.text('fence');
      const trace = await probe.untilStarted('handleIn');
      t.equal(
        trace.calls('handleInfo'),
        infos.map((info) => ({ info })),
      );
    },
  },
  ...[1_000, 10_000].map(
    (count): RuleCase => ({
      title: `${count} messages posted while a callback is pending are all handled`,
      async run(t) {
        const probe = await t.open({ on: { init: { gate: true } } });
        await t.server.post(probe.id, ['post'], { times: count });
        await probe.post(push(text('fence')));
        await probe.release();
        await t.receives(probe.client, { text: 'fence' });
        t.equal((await probe.trace()).calls('handleInfo').length, count + 1, 'the number of posted messages');
      },
    }),
  ),
  {
    title: 'posted messages that are equal or identical are not merged',
    async run(t) {
      const probe = await t.open();
      await probe.post('same', 'same', 1, 1, null, null, { result: { type: 'ok' } }, { result: { type: 'ok' } });
      await t.server.post(probe.id, [{ result: { type: 'ok' } }], { times: 3 });
      await probe.post(push(text('fence')));
      await t.receives(probe.client, { text: 'fence' });
      const ok = { info: { result: { type: 'ok' } } };
      const expected = [{ info: 'same' }, { info: 'same' }, { info: 1 }, { info: 1 }, { info: null }, { info: null }];
      t.equal((await probe.trace()).calls('handleInfo').slice(0, -1), [...expected, ok, ok, ok, ok, ok]);
    },
  },
  {
    title: 'a posted message is passed by identity, not as a copy',
    async run(t) {
      const probe = await t.open();
      await probe.post({ result: { type: 'ok' }, list: [1, { two: 2 }] }, [3], 'text');
      const trace = await probe.untilStarted('handleInfo', 3);
      t.equal(
        trace.events.filter(({ callback, sameValue }) => callback === 'handleInfo' && sameValue === false),
        [],
        'the posted messages that were copied',
      );
    },
  },
  {
    title: 'null, 0, an empty string, false and a list can be posted',
    async run(t) {
      const probe = await t.open();
      await probe.post(null, 0, '', false, [1, 2]);
      const trace = await probe.untilStarted('handleInfo', 5);
      t.equal(
        trace.calls('handleInfo'),
        [null, 0, '', false, [1, 2]].map((info) => ({ info })),
      );
    },
  },
]);
