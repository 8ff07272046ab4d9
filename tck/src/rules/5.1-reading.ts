import { BINARY, frame, type RawClient, TEXT } from '../raw-client.ts';
import { pause } from '../server-under-test.ts';
import type { TestContext } from '../test-context.ts';
import { instructionFrame, MEGABYTE, overflowsFrames, push, type RuleCase, testsOf, text } from './common.ts';

/** Megabytes that exceed the network buffers at both ends of a connection. */
const TOO_MUCH = 40;

/** Waits until the unsent bytes of a client no longer change, although the server has time to read; returns them. */
async function unsentBy(t: TestContext, client: RawClient): Promise<number> {
  let left = -1;
  for (let same = 0; same < 4; same++) {
    for (let turn = 0; turn < 10; turn++) await t.server.command({ trace: '' });
    await pause(50);
    if (client.socket.writableLength !== left) same = 0;
    left = client.socket.writableLength;
  }
  return left;
}

export default testsOf('5.1', [
  ...(['init', 'handleIn', 'handleControl', 'handleInfo'] as const).map(
    (callback): RuleCase => ({
      title: `while ${callback} is pending, the server stops reading`,
      needs: ['pausesReading', ...(callback === 'handleControl' ? (['receivesControlFrames'] as const) : [])],
      should: true,
      alone: true,
      async run(t) {
        const gate = { gate: true } as const;
        const on = callback === 'init' ? { init: gate } : callback === 'handleControl' ? { handleControl: gate } : {};
        const client = await t.raw({ on });
        if (callback === 'handleIn') client.send(instructionFrame(gate));
        else if (callback === 'handleControl') client.send(frame(10));
        else if (callback === 'handleInfo') await t.server.post(client.id, [gate]);
        await t.server.untilStarted(client.id, callback);
        const block = frame(BINARY, Buffer.alloc(MEGABYTE));
        for (let count = 0; count < TOO_MUCH; count++) client.socket.write(block);
        const left = await unsentBy(t, client);
        t.check(left > 10 * MEGABYTE, 'more than 10 of 40 MB to remain unsent', `${left} bytes`);
        await t.server.release(client.id);
        const expected = TOO_MUCH + (callback === 'handleIn' ? 1 : 0);
        const trace = await t.server.untilStarted(client.id, 'handleIn', expected);
        t.neverOverlaps(trace);
      },
    }),
  ),
  {
    title: 'a stream of posted messages to one connection does not starve the others',
    alone: true,
    timed: true,
    async run(t) {
      const busy = await t.open();
      await busy.post({ stream: 3_000_000 });
      const other = await t.open();
      other.instruct(push(text('hi')));
      await t.receives(other.client, { text: 'hi' });
      t.equal((await busy.trace()).calls('handleInfo'), [], 'the last message of the stream');
    },
  },
  {
    title: 'a flood of messages to one connection does not starve the others',
    alone: true,
    async run(t) {
      const busy = await t.raw();
      const block = Buffer.concat(Array.from({ length: 5_000 }, () => frame(TEXT, 'x')));
      for (let count = 0; count < 10; count++) busy.send(block);
      const other = await t.open();
      other.instruct(push(text('hi')));
      await t.receives(other.client, { text: 'hi' });
    },
  },
  overflowsFrames('small messages', Buffer.concat(Array.from({ length: 1_000 }, () => frame(TEXT, 'x')))),
]);
