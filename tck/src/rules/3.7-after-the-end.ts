import type { Instruction } from '../probe-protocol.ts';
import { CLOSE, closeFrame } from '../raw-client.ts';
import { ANSWER_WAIT, instructionFrame, push, type RuleCase, stop, testsOf, text } from './common.ts';

/** Instructions, each with the reason that `terminate` receives if it ends the connection. */
const late: readonly [what: string, own: object | undefined, instruction: Instruction][] = [
  ['a push', undefined, push(text('late'))],
  [
    'a stop',
    { type: 'error', error: 'late', code: 4000, reason: '' },
    stop({ reason: { error: 'late' }, close: { code: 4000 } }),
  ],
  ["a stop 'normal'", { type: 'normal', code: 1000, reason: '' }, stop()],
  ['a rejection', { type: 'error', error: 'Error: rejected late', code: 1011, reason: '' }, { throw: 'rejected late' }],
  ['an invalid result', { type: 'error', code: 1011, reason: '' }, { raw: { type: 'okay' } }],
];

/** The result of `closing` for a frame that the test has read already. */
function closeIn({ opcode, payload }: { readonly opcode: number; readonly payload: Buffer }) {
  return { before: [], code: opcode === CLOSE ? payload.readUInt16BE() : ('no close frame' as const) };
}

export default testsOf('3.7', [
  ...late.map(
    ([what, own, instruction]): RuleCase => ({
      title: `${what} after the client's close frame changes neither the close code nor the reason that terminate receives`,
      needs: ['seesCloseFrames'],
      async run(t) {
        const client = await t.raw();
        client.send(instructionFrame({ gate: true, ...instruction }), closeFrame(4001, 'mine'));
        await t.server.untilStarted(client.id, 'handleIn');
        // A server that has stopped reading has not read the close frame yet: then the callback ends the connection.
        const answer = await client.within(ANSWER_WAIT);
        await t.server.release(client.id);
        const trace = await t.server.untilTerminated(client.id);
        t.started(trace, 'init', 'handleIn', 'terminate');
        if (what !== 'a rejection' && what !== 'an invalid result') {
          t.keepsState(trace);
        }
        const { before, code } = answer && 'payload' in answer ? closeIn(answer) : await client.closing();
        const remote = { type: 'remote', code: 4001, reason: 'mine' };
        const isRemote = answer !== undefined || own === undefined || code === 4001;
        t.matches(trace.reason, isRemote ? remote : own, 'the reason that terminate received');
        t.equal(code, isRemote ? 4001 : (own as { code: number }).code, 'the code on the wire');
        t.check(before.length <= (isRemote && own ? 0 : 1), 'no message of the callback', before);
        t.equal((await client.within(50)) ?? { end: true }, { end: true }, 'the data after the close frame');
        if (instruction.throw) await t.reported(instruction.throw);
      },
    }),
  ),
  ...late.map(
    ([what, , instruction]): RuleCase => ({
      title: `${what} after the connection is lost changes nothing but the state`,
      async run(t) {
        const client = await t.raw();
        const error = instruction.throw && { throw: 'rejected after the drop' };
        client.send(instructionFrame({ gate: true, ...instruction, ...error }));
        await t.server.untilStarted(client.id, 'handleIn');
        client.cut();
        await t.server.quiet();
        await t.server.release(client.id);
        const trace = await t.server.untilTerminated(client.id);
        t.started(trace, 'init', 'handleIn', 'terminate');
        if (error) await t.reported(error.throw);
      },
    }),
  ),
  ...(
    [
      ['a push', push(text('late'))],
      ['a stop', stop({ close: { code: 4000 }, messages: text('late') })],
      ['a throw', { throw: 'thrown after the shutdown' }],
    ] as const
  ).map(
    ([what, instruction]): RuleCase => ({
      title: `${what} after a shutdown has begun sends nothing, and terminate receives shutdown`,
      needs: ['shutdown'],
      async run(t) {
        const { started, other } = await t.start();
        const { id, url } = other.probeUrl({ on: { terminate: { tell: true } } });
        const client = await t.connectRaw(url, { halfOpen: true });
        client.send(instructionFrame({ untilAbort: true, ...instruction })); // pending when the shutdown begins
        await other.untilStarted(id, 'handleIn');
        const down = started.shutdown();
        await t.closesRaw(client, 1001);
        const told = '{"type":"shutdown","code":1001,"reason":""} with the last state';
        await t.reported(`terminate received ${told}`, started.reports);
        t.equal((await client.within(50)) ?? { end: true }, { end: true }, 'the data after the close frame');
        client.cut();
        await t.shutdownSettles(down);
      },
    }),
  ),
  {
    title: 'terminate and the client receive the same close code',
    needs: ['seesCloseFrames'],
    async run(t) {
      const ends: [object, object][] = [];
      for (let count = 0; count < 20; count++) {
        const client = await t.raw();
        client.send(instructionFrame({ wait: count % 5, ...stop({ close: { code: 4002 } }) }), closeFrame(4001, ''));
        const { code } = await client.closing();
        const { reason } = await t.server.untilTerminated(client.id);
        ends.push([
          { code },
          { ...(reason as object), expected: code === 4001 ? 'remote' : code === 4002 ? 'normal' : '' },
        ]);
      }
      for (const [wire, reason] of ends) {
        const { type, code, expected } = reason as { type: string; code: number; expected: string };
        t.equal([type, { code }], [expected, wire], 'the reason that terminate received');
      }
    },
  },
  {
    title: 'a throw for a message that was waiting at the end has no effect on the close',
    needs: ['seesCloseFrames'],
    async run(t) {
      const client = await t.raw();
      client.send(instructionFrame({ wait: 50 }), instructionFrame({ throw: 'thrown late' }), closeFrame(4001, 'mine'));
      const trace = await t.server.untilTerminated(client.id);
      const { code } = await client.closing();
      const { type } = trace.reason as { type: string };
      t.equal([type, code], code === 4001 ? ['remote', 4001] : ['error', 1011], 'the reason, and the code on the wire');
      t.keepsState(trace);
      await t.reported('thrown late');
    },
  },
]);
