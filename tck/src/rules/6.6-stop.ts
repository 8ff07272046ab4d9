import type { RawClient } from '../raw-client.ts';
import type { TestContext } from '../test-context.ts';
import {
  DROP_LIMITS,
  forEachCallback,
  instructionFrame,
  MEGABYTE,
  push,
  type RuleCase,
  stop,
  testsOf,
  text,
  untilDropped,
} from './common.ts';

/** How soon `terminate` must follow a stop, in ms: the rule says immediately, and a busy machine takes some time. */
const PROMPT = 1_000;

/** Invalid values of `close`. */
const invalid: readonly [what: string, close: unknown][] = [
  ['a code that a server may not send', { code: 1005 }],
  ['a code of 999', { code: 999 }],
  ['a code that is not a number', { code: '1000' }],
  ['a reason that is not a string', { code: 1000, reason: 5 }],
  ['a value that is not an object', 'bye'],
];

/**
 * A client that does not close, and reads of the megabytes that are buffered for it a chunk of at most 64 KiB every `pause`
 * milliseconds: about 1.2 MB/s by default.
 */
async function slowReader(
  t: TestContext,
  megabytes = 24,
  pause = 50,
): Promise<RawClient & { readonly id: string; stopReading(): void }> {
  const client = await t.raw({}, { halfOpen: true });
  client.socket.pause();
  client.send(instructionFrame(push(...Array.from({ length: megabytes }, () => ({ opcode: 'text', long: MEGABYTE })))));
  await t.server.untilStarted(client.id, 'handleIn');
  await t.server.quiet();
  client.socket.removeAllListeners('data').on('data', () => client.socket.pause());
  const trickle = setInterval(() => client.socket.resume(), pause);
  client.socket.once('close', () => clearInterval(trickle));
  return Object.assign(client, { stopReading: () => clearInterval(trickle) });
}

export default testsOf('6.6', [
  {
    title: 'terminate is called immediately, although the client reads slowly',
    timed: true,
    async run(t) {
      const client = await slowReader(t);
      await t.server.post(client.id, ['queued', 'too']);
      const start = performance.now();
      await t.server.stop(client.id, { code: 4003, reason: 'thrown out' });
      const { reason } = await t.server.untilTerminated(client.id);
      const ms = Math.round(performance.now() - start);
      client.stopReading();
      t.equal(reason, { type: 'normal', code: 4003, reason: 'thrown out' });
      t.check(ms < PROMPT, `terminate within ${PROMPT} ms`, `${ms} ms`);
    },
  },
  ...DROP_LIMITS.map(
    ({ title, ms, slow, should }): RuleCase => ({
      title: `a client that reads slowly ${title} after the stop`,
      needs: ['dropsSockets'],
      slow,
      should,
      timed: true,
      async run(t) {
        const client = slow ? await slowReader(t, 60, 100) : await slowReader(t); // more than it can read in that time
        await t.server.stop(client.id);
        await untilDropped(client, Math.min(ms, t.server.patience * 6));
      },
    }),
  ),
  {
    title: 'events that wait are discarded, and a pending callback is awaited',
    async run(t) {
      const client = await t.raw();
      const late = { gate: true, ...push(text('late')) };
      client.send(instructionFrame(late), instructionFrame(push(text('queued'))));
      await t.server.untilStarted(client.id, 'handleIn');
      await t.server.post(client.id, ['queued', push(text('queued'))]);
      await t.server.stop(client.id, { code: 4001 });
      await t.closesRaw(client, 4001);
      await t.server.quiet();
      t.started(await t.server.trace(client.id), 'init', 'handleIn');
      await t.server.release(client.id);
      const trace = await t.server.untilTerminated(client.id);
      await t.server.quiet();
      t.started(await t.server.trace(client.id), 'init', 'handleIn', 'terminate');
      t.equal(trace.reason, { type: 'normal', code: 4001, reason: '' });
      t.keepsState(trace);
    },
  },
  {
    title: 'a second stop changes nothing while a callback is pending',
    async run(t) {
      const probe = await t.open();
      probe.instruct({ gate: true });
      await probe.untilStarted('handleIn');
      await t.server.stop(probe.id, { code: 4001 });
      await t.server.stop(probe.id, { code: 4002 });
      await t.closes(probe.client, 4001);
      await probe.release();
      t.equal((await probe.untilTerminated()).reason, { type: 'normal', code: 4001, reason: '' });
    },
  },
  ...forEachCallback({
    title: (callback) => `stop may be called inside ${callback}, whose result is not sent`,
    async run(t, trigger, callback) {
      const probe = await trigger(t, { stop: { code: 4001 }, ...push(text('late')) });
      await t.closes(probe.client, 4001);
      const trace = await probe.untilTerminated();
      t.started(trace, 'init', ...(callback === 'init' ? [] : [callback]), 'terminate');
      t.equal(trace.reason, { type: 'normal', code: 4001, reason: '' });
      t.keepsState(trace);
      t.neverOverlaps(trace);
    },
  }),
  ...forEachCallback({
    title: (callback) => `stop may be called inside ${callback}, which settles later`,
    async run(t, trigger, callback) {
      const probe = await trigger(t, { stop: true, gate: true });
      await t.closes(probe.client, 1000);
      await t.server.quiet();
      t.started(await probe.trace(), 'init', ...(callback === 'init' ? [] : [callback]));
      await probe.release();
      const trace = await probe.untilTerminated();
      t.equal(trace.reason, { type: 'normal', code: 1000, reason: '' });
      t.keepsState(trace);
      t.neverOverlaps(trace);
    },
  }),
  {
    title: 'stop may be called before init has settled; if init then throws, terminate is not called',
    async run(t) {
      const probe = await t.open({ on: { init: { gate: true, throw: 'init threw after a stop' } }, handler: {} });
      await t.server.stop(probe.id, { code: 4001 });
      await t.closes(probe.client, 4001);
      await probe.release();
      await t.server.quiet();
      t.started(await probe.trace(), 'init');
      await t.reported('init threw after a stop');
    },
  },
  {
    title: 'stop may be called without its mailbox',
    async run(t) {
      const probe = await t.open();
      await t.server.stop(probe.id, { code: 4001 }, { detached: true });
      await t.closes(probe.client, 4001);
      t.equal((await probe.untilTerminated()).reason, { type: 'normal', code: 4001, reason: '' });
    },
  },
  ...invalid.map(
    ([what, close]): RuleCase => ({
      title: `a close with ${what} ends the connection with 1011, is reported, and stop does not throw`,
      async run(t) {
        const probe = await t.open();
        await t.server.stop(probe.id, close);
        await t.closes(probe.client, 1011);
        const { reason, events } = await probe.untilTerminated();
        t.matches(reason, { type: 'error', code: 1011, reason: '' });
        t.check(
          events.some(({ event }) => event === 'stopped'),
          'a stop that returned',
          events,
        );
      },
    }),
  ),
  {
    title: 'an invalid close is reported once, with the error that terminate receives',
    needs: ['shutdown'],
    async run(t) {
      const { started, other } = await t.start();
      const probe = await t.openAt(other);
      await other.stop(probe.id, { code: 1015 });
      const { reason } = await probe.untilTerminated();
      await t.reported((reason as { error: string }).error, started.reports);
      await t.shutdownSettles(started.shutdown());
    },
  },
  ...(
    [
      ["the client's close frame", 4000, { type: 'remote', code: 4000, reason: '' }],
      ['a stop of the handler', 4001, { type: 'normal', code: 4001, reason: '' }],
      ['an earlier stop', 4002, { type: 'normal', code: 4002, reason: '' }],
    ] as const
  ).map(
    ([what, code, reason]): RuleCase => ({
      title: `stop does nothing after ${what}`,
      async run(t) {
        const probe = await t.open({ on: { terminate: { gate: true } } });
        if (code === 4000) probe.client.close(code);
        else if (code === 4001) probe.instruct(stop({ close: { code } }));
        else await t.server.stop(probe.id, { code });
        await probe.untilStarted('terminate');
        await t.server.stop(probe.id, { code: 4009 });
        await t.server.stop(probe.id, { code: 1005 });
        await t.closes(probe.client, code);
        await probe.release();
        const trace = await probe.untilTerminated();
        await t.server.stop(probe.id);
        await t.server.quiet();
        t.started(
          await probe.trace(),
          ...(code === 4001 ? (['init', 'handleIn'] as const) : (['init'] as const)),
          'terminate',
        );
        t.equal(trace.reason, reason);
      },
    }),
  ),
  ...(
    [
      ['of the callback that calls it', { stop: { code: 4001 }, ...push(text('late')) }],
      ['of a callback that settles after it', { stop: { code: 4001 }, gate: true, ...push(text('late')) }],
      ['of a later stop', { stop: { code: 4001 } }],
    ] as const
  ).map(
    ([what, instruction]): RuleCase => ({
      title: `nothing is sent behind the close frame: no frame ${what}`,
      async run(t) {
        const client = await t.raw({}, { halfOpen: true }); // which does not answer the close frame
        client.send(instructionFrame(instruction));
        await t.closesRaw(client, 4001);
        await t.server.stop(client.id, { code: 4009 });
        if ('gate' in instruction) await t.server.release(client.id);
        await t.server.untilTerminated(client.id);
        await t.server.stop(client.id, { code: 4009 });
        await t.server.quiet();
        const next = await client.within(100);
        t.check(!next || 'end' in next, 'no frame behind the close frame', next);
      },
    }),
  ),
  {
    title: 'an invalid close after the end is not reported',
    needs: ['shutdown'],
    async run(t) {
      const { started, other } = await t.start();
      const probe = await t.openAt(other, { on: { terminate: { stop: { code: 1015 } } } });
      probe.client.close();
      await probe.untilTerminated();
      await other.stop(probe.id, { code: 1015 });
      await other.quiet(100);
      t.equal(started.reports(), '', 'the reports');
      await t.shutdownSettles(started.shutdown());
    },
  },
  {
    title: 'stop does nothing after init has failed',
    async run(t) {
      const probe = await t.open({ on: { init: { throw: 'no' } }, handler: {} });
      await t.closes(probe.client, 1011);
      await t.server.stop(probe.id);
      await t.server.quiet();
      t.started(await probe.trace(), 'init');
    },
  },
]);
