import { frame, type RawClient, TEXT } from '../raw-client.ts';
import { type RuleCase, testsOf } from './common.ts';

export default testsOf('4.3g', [
  ...(
    [
      ['is cut', [], (client: RawClient) => client.cut()],
      ['ends', [], (client: RawClient) => client.socket.end()],
      ['ends inside a message', [frame(TEXT, 'half', { fin: false })], (client: RawClient) => client.socket.end()],
      ['ends inside a frame', [frame(TEXT, 'whole').subarray(0, 7)], (client: RawClient) => client.socket.end()],
      ['is reset', [], (client: RawClient) => client.socket.resetAndDestroy()],
    ] as [string, Buffer[], (client: RawClient) => void][]
  ).map(
    ([what, frames, end]): RuleCase => ({
      title: `a connection that ${what} without a close frame is reported as remote, 1006`,
      async run(t) {
        const client = await t.raw();
        await t.server.untilStarted(client.id, 'init');
        client.send(...frames);
        end(client);
        const trace = await t.server.untilTerminated(client.id);
        t.equal(trace.reason, { type: 'remote', code: 1006, reason: '' });
        t.started(trace, 'init', 'terminate');
      },
    }),
  ),
]);
