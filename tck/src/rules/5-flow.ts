// 5. Flow

import { BINARY, frame, type RawClient, TEXT } from '../raw-client.ts';
import { push, type RuleTest, type TestContext, text } from '../rule.ts';
import { pause, type Trace } from '../server-under-test.ts';

const MEGABYTE = 1_000_000;
const instruct = (instruction: object) => frame(TEXT, JSON.stringify(instruction));
const pushLong = push({ opcode: 'text', long: MEGABYTE });

/** What does not fit into the buffers of both ends of a connection, in megabytes. */
const TOO_MUCH = 40;

/** How much has not left a client, once that no longer changes, though the server has turns enough to read. */
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

/** How often handleIn has been called, once that no longer changes. */
async function callsOf(t: TestContext, id: string): Promise<number> {
  let calls = -1;
  for (let same = 0; same < 4; same++) {
    await t.server.quiet();
    const { length } = (await t.server.trace(id)).calls('handleIn');
    if (length !== calls) same = 0;
    calls = length;
  }
  return calls;
}

/** A client that reads nothing, and is dropped because more infos wait than may. */
async function dropped(t: TestContext): Promise<{ client: RawClient; trace: Trace }> {
  const client = await t.raw();
  client.socket.pause();
  for (let count = 0; count < 24; count++) client.send(instruct(pushLong));
  await callsOf(t, client.id);
  for (let count = 0; count < 200; count++) {
    await t.server.command({ post: client.id, infos: [0], times: 10_000 });
    if ((await t.server.trace(client.id)).started.includes('terminate')) break;
  }
  const trace = await t.server.untilTerminated(client.id);
  t.matches(trace.reason, { type: 'error', code: 1006, reason: '' });
  return { client, trace };
}

export const flow: readonly RuleTest[] = [
  ...(['init', 'handleIn', 'handleControl', 'handleInfo'] as const).map(
    (callback): RuleTest => ({
      rule: '5.1',
      title: `while ${callback} is pending the server stops reading`,
      needs: ['pausesReading', ...(callback === 'handleControl' ? (['receivesControlFrames'] as const) : [])],
      should: true,
      alone: true,
      async run(t) {
        const gate = { gate: true } as const;
        const on = callback === 'init' ? { init: gate } : callback === 'handleControl' ? { handleControl: gate } : {};
        const client = await t.raw({ on });
        if (callback === 'handleIn') client.send(instruct(gate));
        else if (callback === 'handleControl') client.send(frame(10));
        else if (callback === 'handleInfo') await t.server.post(client.id, [gate]);
        await t.server.untilStarted(client.id, callback);
        const block = frame(BINARY, Buffer.alloc(MEGABYTE));
        for (let count = 0; count < TOO_MUCH; count++) client.socket.write(block);
        const left = await unsentBy(t, client);
        t.check(left > 10 * MEGABYTE, 'most of 40 MB to stay with the client', `a rest of ${left} bytes`);
        await t.server.release(client.id);
        const expected = TOO_MUCH + (callback === 'handleIn' ? 1 : 0);
        const trace = await t.server.untilStarted(client.id, 'handleIn', expected);
        t.equal(trace.overlaps, [], 'the callbacks that began too early');
      },
    }),
  ),
  ...(['small messages', 'large messages'] as const).map(
    (what): RuleTest => ({
      rule: what === 'small messages' ? '5.1' : '4.3m',
      title: `a server that cannot stop reading holds a bounded number of frames, of ${what}, then closes with 1013`,
      unless: 'pausesReading',
      async run(t) {
        const client = await t.raw();
        client.send(instruct({ gate: true }));
        await t.server.untilStarted(client.id, 'handleIn');
        const block =
          what === 'small messages'
            ? Buffer.concat(Array.from({ length: 1_000 }, () => frame(TEXT, 'x')))
            : frame(BINARY, Buffer.alloc(MEGABYTE));
        let over = false;
        const closing = client.closing().finally(() => {
          over = true;
        });
        for (let count = 0; count < 1_000 && !over; count++) {
          client.socket.write(block);
          await t.server.command({ trace: '' }); // the server's turn, so that it is not flooded beyond its bound
        }
        const { code } = await closing;
        // A platform may drop the socket before the close frame has left.
        t.check(code === 1013 || code === 'no close frame', 'a close with 1013', code);
        await t.server.release(client.id);
        const trace = await t.server.untilTerminated(client.id);
        t.matches(trace.reason, { type: 'error', code: 1013, reason: '' });
        t.started(trace, 'init', 'handleIn', 'terminate');
      },
    }),
  ),
  {
    rule: '5.1',
    title: 'a stream of infos to one connection does not starve the others',
    alone: true,
    timed: true,
    async run(t) {
      const busy = await t.open();
      await busy.post({ stream: 3_000_000 });
      const other = await t.open();
      other.instruct(push(text('hi')));
      await t.receives(other.client, { text: 'hi' });
      t.equal((await busy.trace()).calls('handleInfo'), [], 'the end of the stream, which is not reached');
    },
  },
  {
    rule: '5.1',
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

  {
    rule: '5.2',
    title: 'a client that reads late gets all messages of many results',
    async run(t) {
      const client = await t.raw();
      client.socket.pause();
      const count = 30;
      for (let index = 0; index < count; index++) {
        client.send(instruct(push(text(`${index}`), { opcode: 'text', long: MEGABYTE })));
      }
      await t.server.untilStarted(client.id, 'handleIn');
      await t.server.quiet(200);
      client.socket.resume();
      for (let index = 0; index < count; index++) {
        await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from(`${index}`) });
        const received = await client.next('a message of 1 MB');
        t.equal('payload' in received && received.payload.length, MEGABYTE, 'the length of a message');
      }
    },
  },
  {
    rule: '5.2',
    title: 'a client that reads late gets all messages of one large result',
    async run(t) {
      const client = await t.raw();
      client.socket.pause();
      const messages = Array.from({ length: 24 }, (_, index) => [
        text(`${index}`),
        { opcode: 'text', long: MEGABYTE },
      ]).flat();
      client.send(instruct(push(...messages, text('end'))));
      await t.server.untilStarted(client.id, 'handleIn');
      await t.server.quiet(200);
      client.socket.resume();
      for (let index = 0; index < 24; index++) {
        await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from(`${index}`) });
        const received = await client.next('a message of 1 MB');
        t.equal('payload' in received && received.payload.length, MEGABYTE, 'the length of a message');
      }
      await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from('end') });
    },
  },
  {
    rule: '5.2',
    title: 'none of 20 000 small messages of one result is lost',
    async run(t) {
      const probe = await t.open();
      const messages = Array.from({ length: 20_000 }, (_, index) => text(`${index}`));
      await probe.post(push(...messages));
      for (let index = 0; index < 20_000; index++) {
        const received = await probe.client.next(`message ${index}`);
        if (!('text' in received) || received.text !== `${index}`) t.equal(received, { text: `${index}` });
      }
    },
  },

  ...(
    [
      ['', pushLong],
      [', after a promise, too', { wait: 0, ...pushLong }],
    ] as const
  ).map(
    ([more, instruction]): RuleTest => ({
      rule: '5.3',
      title: `while more than a bound waits for a client, the next callback waits${more}`,
      needs: ['knowsBacklog'],
      alone: true,
      async run(t) {
        const client = await t.raw();
        client.socket.pause();
        for (let count = 0; count < 48; count++) client.send(instruct(instruction));
        const calls = await callsOf(t, client.id);
        t.check(calls < 32, 'fewer than 32 of 48 callbacks, each of which pushes 1 MB', calls);
        client.socket.resume();
        for (let count = 0; count < 48; count++) {
          const received = await client.next('a message of 1 MB');
          t.equal('payload' in received && received.payload.length, MEGABYTE, 'the length of a message');
        }
      },
    }),
  ),
  {
    rule: '5.3',
    title: 'the next callback waits for infos, too',
    needs: ['knowsBacklog'],
    alone: true,
    async run(t) {
      const client = await t.raw();
      client.socket.pause();
      await t.server.post(client.id, [pushLong], { times: 48 });
      await t.server.quiet(200);
      const { length } = (await t.server.trace(client.id)).calls('handleInfo');
      t.check(length < 32, 'fewer than 32 of 48 callbacks, each of which pushes 1 MB', length);
      client.socket.resume();
      for (let count = 0; count < 48; count++) {
        const received = await client.next('a message of 1 MB');
        t.equal('payload' in received && received.payload.length, MEGABYTE, 'the length of a message');
      }
    },
  },
  {
    rule: '5.3',
    title: 'while the client does not read, a bounded number of infos waits; with more it is dropped',
    needs: ['knowsBacklog', 'dropsSockets'],
    alone: true,
    async run(t) {
      const { trace } = await dropped(t);
      t.equal(trace.calls('handleInfo').length, 0, 'the infos that were handled');
    },
  },
  {
    rule: '5.3',
    title: 'a client that reads nothing is dropped after a bound',
    needs: ['knowsBacklog', 'dropsSockets'],
    slow: true,
    async run(t) {
      const client = await t.raw();
      client.socket.pause();
      for (let count = 0; count < 24; count++) client.send(instruct(pushLong));
      const deadline = performance.now() + t.server.patience * 9;
      while (!(await t.server.trace(client.id)).started.includes('terminate') && performance.now() < deadline) {
        await pause(100);
      }
      const trace = await t.server.untilTerminated(client.id);
      t.matches(trace.reason, { type: 'error', code: 1006, reason: '' });
    },
  },
  {
    rule: '4.3p',
    title: 'a client that the server drops receives no close frame, and terminate receives an error with 1006',
    needs: ['knowsBacklog', 'dropsSockets'],
    alone: true,
    async run(t) {
      const { client } = await dropped(t);
      client.socket.resume();
      t.equal((await client.closing()).code, 'no close frame', 'how the connection ends');
    },
  },
  {
    rule: '5.3',
    title: 'a client that reads slowly is not dropped',
    needs: ['knowsBacklog', 'seesSendProgress'],
    slow: true,
    async run(t) {
      const client = await t.raw({ options: { heartbeat: false } });
      const count = 32;
      for (let index = 0; index < count; index++) client.send(instruct(pushLong));
      // a megabyte a second: longer than any bound, all in all
      for (let index = 0; index < count; index++) {
        client.socket.pause();
        await pause(1_000);
        client.socket.resume();
        const received = await client.next('a message of 1 MB');
        t.equal('payload' in received && received.payload.length, MEGABYTE, 'the length of a message');
      }
      client.send(instruct(push(text('alive'))));
      await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from('alive') });
    },
  },
];
