import type { WebSock } from '@websock/spec';
import type { ProbeConnection, ProbeOptions, Trace } from '../server-under-test.ts';
import type { TestContext } from '../test-context.ts';
import { push, type RuleCase, stop, testsOf, text } from './common.ts';

/** A probe whose connection is suspended, after one call of `handleIn`. */
async function suspended(t: TestContext, asked?: ProbeOptions): Promise<ProbeConnection> {
  const probe = await t.open(asked);
  probe.instruct(push(text('awake')));
  await t.receives(probe.client, { text: 'awake' });
  await t.server.suspend(probe.id);
  return probe;
}

/** The connection slept, and its handler did not notice. */
function slept(t: TestContext, trace: Trace): void {
  t.check(trace.restorations > 0, 'a restored state', trace.events);
  t.keepsState(trace);
  t.neverOverlaps(trace);
}

/** The suspended connection ends: `terminate` is called once, with the saved state. */
async function terminatedOnce(t: TestContext, probe: ProbeConnection, reason: WebSock.CloseReason): Promise<void> {
  await probe.untilTerminated();
  await t.server.quiet();
  const trace = await probe.trace();
  t.started(trace, 'init', 'handleIn', 'terminate');
  t.equal(trace.reason, reason);
  slept(t, trace);
}

/** A test of a suspended connection. */
const whileSuspended = (title: string, run: RuleCase['run']): RuleCase => ({ title, needs: ['suspends'], run });

export default testsOf('7.3', [
  whileSuspended('a message from the client is handled with the saved state', async (t) => {
    const probe = await suspended(t);
    probe.instruct(push(text('woken')));
    await t.receives(probe.client, { text: 'woken' });
    const trace = await probe.trace();
    t.started(trace, 'init', 'handleIn', 'handleIn');
    slept(t, trace);
  }),
  whileSuspended('messages in one packet are handled in order', async (t) => {
    const probe = await suspended(t);
    for (const each of ['1', '2', '3']) probe.instruct(push(text(each)));
    await t.receives(probe.client, { text: '1' }, { text: '2' }, { text: '3' });
    const trace = await probe.trace();
    t.started(trace, 'init', 'handleIn', 'handleIn', 'handleIn', 'handleIn');
    slept(t, trace);
  }),
  whileSuspended('posted messages are handled in order, with the saved state', async (t) => {
    const probe = await suspended(t);
    await probe.post(push(text('1')), push(text('2')));
    await t.receives(probe.client, { text: '1' }, { text: '2' });
    const trace = await probe.trace();
    t.started(trace, 'init', 'handleIn', 'handleInfo', 'handleInfo');
    slept(t, trace);
  }),
  whileSuspended("the client's close frame: terminate is called once, with the saved state", async (t) => {
    const probe = await suspended(t);
    probe.client.close(4001, 'bye');
    await terminatedOnce(t, probe, { type: 'remote', code: 4001, reason: 'bye' });
  }),
  whileSuspended('a lost connection: terminate is called once, with the saved state', async (t) => {
    const probe = await suspended(t);
    probe.client.cut();
    await terminatedOnce(t, probe, { type: 'remote', code: 1006, reason: '' });
  }),
  whileSuspended('stop closes the connection, and terminate is called once, with the saved state', async (t) => {
    const probe = await suspended(t);
    await t.server.stop(probe.id, { code: 4002, reason: 'thrown out' });
    await t.closes(probe.client, 4002, 'thrown out');
    await terminatedOnce(t, probe, { type: 'normal', code: 4002, reason: 'thrown out' });
  }),
  whileSuspended('after several suspensions, init and terminate have been called once', async (t) => {
    const probe = await suspended(t);
    probe.instruct(push(text('first')));
    await t.receives(probe.client, { text: 'first' });
    await t.server.suspend(probe.id);
    probe.instruct(stop({ close: { code: 4003 } }));
    await t.closes(probe.client, 4003);
    await probe.untilTerminated();
    await t.server.quiet();
    const trace = await probe.trace();
    t.started(trace, 'init', 'handleIn', 'handleIn', 'handleIn', 'terminate');
    t.check(trace.restorations >= 2, 'at least two restored states', trace.events);
    slept(t, trace);
  }),
  whileSuspended('a callback may use its mailbox: post, waiting, signal and stop', async (t) => {
    const probe = await suspended(t);
    probe.instruct({ signal: true, post: [push(text('posted')), { stop: { code: 4004 } }], ...push(text('woken')) });
    await t.receives(probe.client, { text: 'woken' }, { text: 'posted' });
    await t.closes(probe.client, 4004);
    const trace = await probe.untilTerminated();
    t.started(trace, 'init', 'handleIn', 'handleIn', 'handleInfo', 'handleInfo', 'terminate');
    const counts = trace.events.filter(({ event }) => event === 'posted').map(({ waiting }) => waiting);
    t.equal(counts, [1, 2], 'the number of posted messages that wait, after each post');
    t.equal(
      trace.abortions.map(({ cause }) => cause),
      [{ type: 'normal', code: 4004, reason: '' }],
      'the causes of the abortions of the signal',
    );
    slept(t, trace);
  }),
  whileSuspended('a throw closes with 1011, and terminate receives the saved state', async (t) => {
    const probe = await suspended(t);
    probe.instruct({ throw: 'thrown after waking' });
    await t.closes(probe.client, 1011);
    const trace = await probe.untilTerminated();
    t.started(trace, 'init', 'handleIn', 'handleIn', 'terminate');
    slept(t, trace);
    await t.reported('thrown after waking');
  }),
  ...(
    [
      ['a message', (_t, probe) => probe.client.text('wake up')],
      ['a posted message', (_t, probe) => probe.post('wake up')],
    ] as readonly [what: string, wake: (t: TestContext, probe: ProbeConnection) => unknown][]
  ).map(([what, wake]) =>
    whileSuspended(
      `if restoring the state throws, it is reported, with 1011, and no callback is called: ${what}`,
      async (t) => {
        const error = `cannot be restored for ${what}`;
        const probe = await t.open({ on: { init: { unrestorable: error } } });
        await probe.untilStarted('init');
        await t.server.suspend(probe.id);
        await wake(t, probe);
        await t.closes(probe.client, 1011);
        await t.server.quiet();
        t.started(await probe.trace(), 'init');
        await t.reported(error);
      },
    ),
  ),
  {
    title: 'a shutdown closes suspended connections with 1001, and calls terminate with the saved state',
    needs: ['suspends', 'shutdown'],
    async run(t) {
      const { started, other } = await t.start();
      const probe = await t.openAt(other, { on: { terminate: { tell: true } } });
      probe.instruct(push(text('awake')));
      await t.receives(probe.client, { text: 'awake' });
      await other.suspend(probe.id);
      const shutdown = started.shutdown();
      await t.closes(probe.client, 1001);
      await t.shutdownSettles(shutdown);
      const reason = JSON.stringify({ type: 'shutdown', code: 1001, reason: '' });
      await t.reported(`terminate received ${reason} with the last state`, started.reports);
    },
  },
]);
