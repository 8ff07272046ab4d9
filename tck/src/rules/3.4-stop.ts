import { closeFrame, frame, TEXT } from '../raw-client.ts';
import { forEachCallback, instructionFrame, type RuleCase, stop, testsOf, text } from './common.ts';

export default testsOf('3.4', [
  ...forEachCallback({
    title: (callback) => `stop from ${callback} sends its messages, then the close frame, and nothing follows`,
    async run(t, trigger, callback) {
      const probe = await trigger(t, stop({ messages: [text('last'), text('words')] }));
      await t.receives(probe.client, { text: 'last' }, { text: 'words' });
      await t.closes(probe.client, 1000);
      const trace = await probe.untilTerminated();
      t.equal(trace.started.slice(-2), [callback, 'terminate'], 'the last callbacks');
      t.keepsState(trace);
    },
  }),
  {
    title: 'after a stop, frames from the client are not passed to any callback',
    async run(t) {
      const client = await t.raw();
      client.send(instructionFrame(stop()), frame(TEXT, 'late'), frame(TEXT, 'later'));
      t.started(await t.server.untilTerminated(client.id), 'init', 'handleIn', 'terminate');
      client.send(frame(TEXT, 'latest'));
      await t.server.quiet();
      t.started(await t.server.trace(client.id), 'init', 'handleIn', 'terminate');
    },
  },
  {
    title: 'after a throw, frames from the client are not passed to any callback',
    async run(t) {
      const client = await t.raw();
      client.send(frame(TEXT, '{"throw":"no"}'), frame(TEXT, 'late'));
      t.started(await t.server.untilTerminated(client.id), 'init', 'handleIn', 'terminate');
    },
  },
  ...(
    [
      ['the close frame of a stop', instructionFrame(stop()), 1000],
      ['the close frame after a throw', instructionFrame({ throw: 'no' }), 1011],
      ["the answer to the client's close frame", closeFrame(4000), 4000],
    ] as const
  ).map(
    ([what, sent, code]): RuleCase => ({
      title: `${what} does not wait for terminate`,
      async run(t) {
        const client = await t.raw({ on: { terminate: { gate: true } } });
        client.send(sent);
        await t.closesRaw(client, code);
        await t.server.untilStarted(client.id, 'terminate');
        await t.server.release(client.id);
        await t.server.untilTerminated(client.id);
      },
    }),
  ),
  {
    title: 'the close frame of a stop without a close reason has a code only',
    async run(t) {
      for (const more of [{}, { close: { code: 4000 } }, { reason: { error: 'secret' } }, { reason: 'restart' }]) {
        const client = await t.raw();
        client.send(instructionFrame(stop(more)));
        const received = await client.next('a close frame');
        t.equal('payload' in received ? received.payload.length : received, 2, `the bytes in ${JSON.stringify(more)}`);
      }
    },
  },
]);
