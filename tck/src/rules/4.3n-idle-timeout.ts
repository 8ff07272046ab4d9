import { BINARY, CONTINUATION, frame, PING, PONG, type RawClient, TEXT } from '../raw-client.ts';
import { pause } from '../server-under-test.ts';
import type { Need } from '../test-context.ts';
import { forEachCallback, push, type RuleCase, testsOf, text } from './common.ts';

export default testsOf('4.3n', [
  ...(
    [
      ['before the first frame', () => {}],
      ['after a frame', (client: RawClient) => client.send(frame(TEXT, 'once'))],
    ] as [string, (client: RawClient) => void][]
  ).map(
    ([what, begin]): RuleCase => ({
      timed: true,
      title: `silence ${what} closes with 1001, and terminate receives timeout`,
      async run(t) {
        const start = performance.now();
        const client = await t.raw({ options: { idleTimeout: 300, heartbeat: false } });
        begin(client);
        await t.closesRaw(client, 1001);
        const ms = performance.now() - start;
        t.check(ms > 280, 'the close after 300 ms', `a close after ${Math.round(ms)} ms`);
        const { reason } = await t.server.untilTerminated(client.id);
        t.equal(reason, { type: 'timeout', code: 1001, reason: '' });
      },
    }),
  ),
  ...(
    [
      ['a message', (client: RawClient) => client.send(frame(TEXT, 'here'))],
      ['a ping', (client: RawClient) => client.send(frame(PING)), 'idleCountsControlFrames'],
      ['a pong', (client: RawClient) => client.send(frame(PONG)), 'idleCountsControlFrames'],
      ['a part of a message', (client: RawClient) => client.send(Buffer.of(0)), 'idleCountsFragments'],
      [
        'a fragment',
        (client: RawClient) => client.send(frame(CONTINUATION, '', { fin: false })),
        'idleCountsFragments',
      ],
    ] as [string, (client: RawClient) => void, Need?][]
  ).map(
    ([what, send, need]): RuleCase => ({
      timed: true,
      title: `${what} restarts the idle clock`,
      needs: need ? [need] : [],
      async run(t) {
        const client = await t.raw({ options: { idleTimeout: 600, heartbeat: false } });
        if (what === 'a part of a message') client.send(frame(BINARY, '', { length: 100 }));
        if (what === 'a fragment') client.send(frame(BINARY, '', { fin: false }));
        for (let count = 0; count < 8; count++) {
          await pause(100);
          send(client);
        }
        const { started } = await t.server.trace(client.id);
        t.check(!started.includes('terminate'), 'an open connection', started);
      },
    }),
  ),
  ...(
    [
      ['a text message', text('tick'), TEXT],
      ['a ping', { opcode: 'ping' }, PING, 'sendsControlFrames'],
    ] as [string, unknown, number, Need?][]
  ).map(
    ([what, message, opcode, need]): RuleCase => ({
      timed: true,
      title: `${what} that the server sends does not restart the idle clock`,
      needs: need ? [need] : [],
      async run(t) {
        const client = await t.raw({ options: { idleTimeout: 2_000, heartbeat: false } });
        let open = true;
        const ticks = 100;
        let sent = 0;
        const posts = (async () => {
          for (; open && sent < ticks; sent++) {
            await t.server.command({ post: client.id, infos: [push(message)] });
            await pause(50);
          }
        })().catch(() => {});
        const { before, code } = await client.closing();
        open = false;
        t.equal(code, 1001, 'the code');
        t.check(
          before.some((each) => 'opcode' in each && each.opcode === opcode),
          `${what} before the timeout`,
          before,
        );
        t.check(sent < ticks, `the timeout before ${ticks} messages were sent`, `${sent} messages`);
        await posts;
      },
    }),
  ),
  ...forEachCallback({
    timed: true,
    title: (callback) => `the idle clock is paused while ${callback} is pending and the server has stopped reading`,
    needs: ['pausesReading'],
    async run(t, trigger) {
      const options = { idleTimeout: 1_000, heartbeat: false };
      const probe = await trigger(t, { wait: 2_500, result: { type: 'push', messages: text('done') } }, { options });
      probe.instruct(push(text('alive'))); // restarts the clock when the server reads again
      await t.receives(probe.client, { text: 'done' }, { text: 'alive' });
    },
  }),
  {
    timed: true,
    title: 'the idle clock is not restarted when the server reads again',
    needs: ['pausesReading'],
    async run(t) {
      const idleTimeout = 3_000;
      const probe = await t.open({ options: { idleTimeout, heartbeat: false } });
      await pause(1_500);
      await probe.post({ wait: 500, result: { type: 'push', messages: text('done') } });
      await t.receives(probe.client, { text: 'done' });
      const start = performance.now();
      await t.closes(probe.client, 1001);
      const ms = performance.now() - start;
      t.check(ms < idleTimeout - 300, 'the timeout after half of the time, which was left', `${Math.round(ms)} ms`);
    },
  },
  ...(['Infinity', 3_000_000_000] as const).map(
    (idleTimeout): RuleCase => ({
      timed: true,
      title: `with an idleTimeout of ${idleTimeout} a silent connection stays open`,
      async run(t) {
        const client = await t.raw({ options: { idleTimeout, heartbeat: false } });
        await t.server.untilStarted(client.id, 'init');
        t.equal(await client.within(300), undefined, 'the data from the server');
        t.started(await t.server.trace(client.id), 'init');
      },
    }),
  ),
  {
    timed: true,
    title: 'by default silence of 60 seconds closes the connection',
    needs: ['idleTimeoutByDefault'],
    slow: true,
    async run(t) {
      const start = performance.now();
      const client = await t.raw({ options: { heartbeat: false } }, { patience: 70_000 });
      await t.closesRaw(client, 1001);
      const ms = performance.now() - start;
      t.check(ms > 59_000, 'the close after 60 000 ms', `a close after ${Math.round(ms)} ms`);
    },
  },
]);
