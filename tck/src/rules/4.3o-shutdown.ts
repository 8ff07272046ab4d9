import { testsOf } from './common.ts';

export default testsOf('4.3o', [
  {
    title: 'a shutdown closes every connection with 1001, and calls terminate',
    needs: ['shutdown'],
    async run(t) {
      const { started, other } = await t.start();
      const probes = [1, 2, 3].map((count) => t.openAt(other, { on: { terminate: { throw: `terminated ${count}` } } }));
      for (const probe of await Promise.all(probes)) await probe.untilStarted('init');
      const down = started.shutdown();
      for (const probe of probes) await t.closes((await probe).client, 1001);
      await t.shutdownSettles(down);
      for (const count of [1, 2, 3]) await t.reported(`terminated ${count}`, started.reports);
    },
  },
  {
    title: 'after a shutdown terminate receives shutdown with 1001',
    needs: ['shutdown'],
    async run(t) {
      const { started, other } = await t.start();
      // A pending callback keeps the server running until its report has been read.
      const stuck = await t.openAt(other, { on: { init: { gate: true } } });
      await stuck.untilStarted('init');
      const probe = await t.openAt(other, { on: { terminate: { tell: true } } });
      await probe.untilStarted('init');
      const down = started.shutdown();
      await t.closes(probe.client, 1001);
      await t.shutdownSettles(down);
      const told = '{"type":"shutdown","code":1001,"reason":""} with the last state';
      await t.reported(`terminate received ${told}`, started.reports);
    },
  },
  {
    title: 'a shutdown with a code and reason closes with these, and terminate receives them',
    needs: ['shutdown', 'shutdownTakesClose'],
    async run(t) {
      const { started, other } = await t.start();
      const stuck = await t.openAt(other, { on: { init: { gate: true } } });
      await stuck.untilStarted('init');
      const probe = await t.openAt(other, { on: { terminate: { tell: true } } });
      await probe.untilStarted('init');
      const down = started.shutdown({ code: 1012, reason: 'a new version' });
      await t.closes(probe.client, 1012, 'a new version');
      await t.shutdownSettles(down);
      const told = '{"type":"shutdown","code":1012,"reason":"a new version"} with the last state';
      await t.reported(`terminate received ${told}`, started.reports);
    },
  },
]);
