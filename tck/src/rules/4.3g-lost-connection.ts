import { frame, type RawClient, TEXT } from '../raw-client.ts';
import { type RuleCase, testsOf } from './common.ts';

export default testsOf('4.3g', [
  ...(
    [
      ['is closed without a close frame', [], (client: RawClient) => client.cut()],
      ['ends without a close frame', [], (client: RawClient) => client.socket.end()],
      [
        'ends in the middle of a message',
        [frame(TEXT, 'half', { fin: false })],
        (client: RawClient) => client.socket.end(),
      ],
      [
        'ends in the middle of a frame',
        [frame(TEXT, 'whole').subarray(0, 7)],
        (client: RawClient) => client.socket.end(),
      ],
      ['is reset', [], (client: RawClient) => client.socket.resetAndDestroy()],
    ] as [string, Buffer[], (client: RawClient) => void][]
  ).map(
    ([what, frames, end]): RuleCase => ({
      title: `if the connection ${what}, terminate receives remote with 1006`,
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
