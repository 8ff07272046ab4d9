import { testsOf } from './common.ts';

export default testsOf('1.6', [
  {
    title: 'once a shutdown has begun, new upgrades are refused with 503',
    needs: ['shutdown'],
    async run(t) {
      const { started, other } = await t.start();
      const stuck = await t.openAt(other, { on: { handleIn: { forever: true } } });
      stuck.client.text('stuck');
      await stuck.untilStarted('handleIn');
      const { url } = other.probeUrl();
      const down = started.shutdown();
      t.matches(await stuck.client.closed(), { close: 1001 }, 'how the shutdown begins');
      const client = await t.connectRaw(url);
      t.equal(client.status, 503, 'the status');
      await t.shutdownSettles(down);
    },
  },
]);
