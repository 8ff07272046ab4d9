import { push, testsOf, text } from './common.ts';

export default testsOf('2.6', [
  {
    title: 'one handler serves many connections at the same time, and a pending callback does not block the others',
    async run(t) {
      const probes = await Promise.all(Array.from({ length: 20 }, () => t.open()));
      for (const probe of probes) probe.instruct({ gate: true });
      for (const probe of probes) await probe.untilStarted('handleIn');
      for (const [index, probe] of [...probes.entries()].reverse()) {
        await probe.release();
        probe.instruct(push(text(`mine ${index}`)));
        await t.receives(probe.client, { text: `mine ${index}` });
      }
      for (const probe of probes) probe.client.close();
      for (const probe of probes) {
        t.equal((await probe.untilTerminated()).calls('terminate').length, 1, 'the calls of terminate');
      }
    },
  },
]);
