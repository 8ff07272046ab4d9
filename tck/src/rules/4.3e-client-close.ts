import { CLOSE, closeFrame, frame } from '../raw-client.ts';
import type { Need } from '../test-context.ts';
import { type RuleCase, testsOf } from './common.ts';

export default testsOf('4.3e', [
  ...(
    [
      [1000, 'done', 1000],
      [1001, '', 1001],
      [1002, '', 1002],
      [1003, '', 1003],
      [1007, '', 1007],
      [1008, '', 1008],
      [1009, '', 1009],
      [1010, 'extension', 1010],
      [1011, '', 1011],
      [1012, '', 1012],
      [1013, '', 1013],
      [1014, '', 1014, 'reportsRemote1014'],
      [3000, 'lib', 3000],
      [3999, '', 3999],
      [4000, 'ü', 4000],
      [4999, 'é'.repeat(61), 4999],
      [undefined, '', 1005],
    ] as [number | undefined, string, number, Need?][]
  ).map(
    ([code, reason, received, need]): RuleCase => ({
      title: `the client's close frame with ${code ?? 'no code'} is echoed, and terminate receives remote ${received}`,
      needs: need ? [need] : [],
      async run(t) {
        const client = await t.raw();
        client.send(code === undefined ? frame(CLOSE) : closeFrame(code, reason));
        await t.closesRaw(client, received);
        t.equal((await t.server.untilTerminated(client.id)).reason, { type: 'remote', code: received, reason });
      },
    }),
  ),
  {
    title: 'terminate does not wait for a client that sends a close frame and keeps its socket open',
    needs: ['seesCloseFrames'],
    async run(t) {
      const client = await t.raw({}, { halfOpen: true });
      const start = performance.now();
      client.send(closeFrame(4000, 'bye'));
      const trace = await t.server.untilTerminated(client.id);
      t.equal(trace.reason, { type: 'remote', code: 4000, reason: 'bye' });
      const ms = performance.now() - start;
      t.check(ms < 2_000, 'terminate when the close frame arrives', `terminate after ${Math.round(ms)} ms`);
    },
  },
]);
