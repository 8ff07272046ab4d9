// What the files of the rules share.

import type { Callback, Instruction, RouteOptions } from '../probe-protocol.ts';
import { frame, PING, type RawClient, TEXT } from '../raw-client.ts';
import type { ProbeConnection, ProbeOptions, Trace } from '../server-under-test.ts';
import type { Need, RuleTest, TestContext } from '../test-context.ts';

/** A test in the file of its rule. */
export type RuleCase = Omit<RuleTest, 'rule'>;

/** The tests of a rule, such as `2.1`, or of a row of the table in 4.3, such as `4.3a`. */
export function testsOf(rule: string, cases: readonly RuleCase[]): RuleTest[] {
  return cases.map((each) => ({ rule, ...each }));
}

/**
 * The time to wait for an answer while a callback is pending, in ms. An answer proves that the server has read the frames
 * before it; a server that has stopped reading does not answer.
 */
export const ANSWER_WAIT = 300;

export const MEGABYTE = 1_000_000;

// ---- Messages, and instructions for the probe ----

export const text = (data: string) => ({ opcode: 'text', data });

export const push = (...messages: unknown[]): Instruction => ({ result: { type: 'push', messages } });

export const pushMegabyte = push({ opcode: 'text', long: MEGABYTE });

export const stop = (more: object = {}): Instruction => ({ result: { type: 'stop', ...more } });

/** An instruction for `handleIn`, as a frame. */
export const instructionFrame = (instruction: object) => frame(TEXT, JSON.stringify(instruction));

// ---- A test for each callback ----

/** Opens a probe, gives an instruction to one of its callbacks, and makes the server call it. */
export type Trigger = (t: TestContext, instruction: Instruction, more?: ProbeOptions) => Promise<ProbeConnection>;

/** The four callbacks that return results. */
const triggers: readonly [Exclude<Callback, 'terminate'>, Trigger, readonly Need[]][] = [
  ['init', (t, instruction, more) => t.open({ ...more, on: { init: instruction } }), []],
  [
    'handleIn',
    async (t, instruction, more) => {
      const probe = await t.open(more);
      probe.instruct(instruction);
      return probe;
    },
    [],
  ],
  [
    'handleControl',
    async (t, instruction, more) => {
      const probe = await t.open({ ...more, on: { handleControl: instruction } });
      probe.client.socket.pong('now');
      return probe;
    },
    ['receivesControlFrames'],
  ],
  [
    'handleInfo',
    async (t, instruction, more) => {
      const probe = await t.open(more);
      await probe.post(instruction);
      return probe;
    },
    [],
  ],
];

/** The same test for each callback that returns a result. */
export function forEachCallback(
  test: Omit<RuleCase, 'title' | 'run'> & {
    title(callback: Callback): string;
    run(t: TestContext, trigger: Trigger, callback: Exclude<Callback, 'terminate'>): Promise<unknown>;
  },
): RuleCase[] {
  return triggers.map(([callback, trigger, needs]) => ({
    ...test,
    title: test.title(callback),
    needs: [...needs, ...(test.needs ?? [])],
    run: (t) => test.run(t, trigger, callback),
  }));
}

// ---- Steps of several rules ----

/** A client violates the protocol with these frames: the server closes with `code`, and `terminate` receives an error. */
export async function violates(
  t: TestContext,
  code: number,
  frames: readonly Buffer[],
  options: RouteOptions = {},
): Promise<void> {
  const client = await t.raw({ options });
  client.send(...frames);
  await t.closesRaw(client, code);
  const trace = await t.server.untilTerminated(client.id);
  t.matches(trace.reason, { type: 'error', code, reason: '' });
}

/** The next frame is a message of 1 MB. */
export async function receivesMegabyte(t: TestContext, client: RawClient): Promise<void> {
  const received = await client.next('a message of 1 MB');
  t.equal('payload' in received && received.payload.length, MEGABYTE, 'the length of a message');
}

/** Waits until the server no longer calls `handleIn`; returns the number of calls. */
export async function untilCallsStop(t: TestContext, id: string): Promise<number> {
  let calls = -1;
  for (let same = 0; same < 4; same++) {
    await t.server.quiet();
    const { length } = (await t.server.trace(id)).calls('handleIn');
    if (length !== calls) same = 0;
    calls = length;
  }
  return calls;
}

/** Overflows the mailbox of a client that reads nothing, so that the server drops the client. */
export async function overflowMailbox(t: TestContext): Promise<{ client: RawClient; trace: Trace }> {
  const client = await t.raw();
  client.socket.pause();
  for (let count = 0; count < 24; count++) client.send(instructionFrame(pushMegabyte));
  await untilCallsStop(t, client.id);
  for (let count = 0; count < 200; count++) {
    await t.server.command({ post: client.id, infos: [0], times: 10_000 });
    if ((await t.server.trace(client.id)).started.includes('terminate')) break;
  }
  const trace = await t.server.untilTerminated(client.id);
  t.matches(trace.reason, { type: 'error', code: 1006, reason: '' });
  return { client, trace };
}

/** How soon a server drops a client after the end (4.5): at all, and within the time that it SHOULD. Times are in ms. */
export const DROP_LIMITS = [
  { title: 'is dropped', ms: 60_000, slow: true, should: false },
  { title: 'is dropped within 10 seconds', ms: 10_000, slow: false, should: true },
] as const;

/** Keeps sending pings until the server closes the socket. Throws if that takes longer than `ms` milliseconds. */
export async function untilDropped(client: RawClient, ms: number): Promise<void> {
  let beat: ReturnType<typeof setInterval> | undefined;
  const patience = new Promise<never>((_resolve, reject) => {
    // Time is counted in beats of 100 ms. On a busy machine they are late, as the server's own timers are.
    let beats = 0;
    beat = setInterval(() => {
      client.socket.write(frame(PING, 'still here'));
      beats += 1;
      if (beats * 100 <= ms + 1_000) return;
      reject(new Error(`expected the server to drop the client, but the connection was still open after ${ms} ms`));
    }, 100);
  });
  await Promise.race([client.ended(10 * ms), patience]).finally(() => clearInterval(beat));
}

/** A test for servers that cannot stop reading: the client sends `block` again and again until the server closes. */
export function overflowsFrames(what: string, block: Buffer): RuleCase {
  return {
    title: `a server that cannot stop reading closes with 1013 when too many frames wait: ${what}`,
    unless: 'pausesReading',
    async run(t) {
      const client = await t.raw();
      client.send(instructionFrame({ gate: true }));
      await t.server.untilStarted(client.id, 'handleIn');
      let over = false;
      const closing = client.closing().finally(() => {
        over = true;
      });
      for (let count = 0; count < 1_000 && !over; count++) {
        client.socket.write(block);
        await t.server.command({ trace: '' }); // so that the server reads each block before the next one is sent
      }
      const { code } = await closing;
      // A platform may drop the socket before the close frame has gone out.
      t.check(code === 1013 || code === 'no close frame', 'a close with 1013', code);
      await t.server.release(client.id);
      const trace = await t.server.untilTerminated(client.id);
      t.matches(trace.reason, { type: 'error', code: 1013, reason: '' });
      t.started(trace, 'init', 'handleIn', 'terminate');
    },
  };
}

/** A test that a `push` or `reply` replaces the state. */
export function replacesState(type: 'push' | 'reply'): RuleCase {
  return {
    title: `${type} replaces the state`,
    async run(t) {
      const probe = await t.open();
      probe.instruct({ result: { type, messages: [text('a')] } });
      probe.instruct({ wait: 1, result: { type, messages: [] } });
      probe.instruct(push(text('fence')));
      await t.receives(probe.client, { text: 'a' }, { text: 'fence' });
      probe.client.close();
      const trace = await probe.untilTerminated();
      t.keepsState(trace);
      t.equal(trace.started.length, 5, 'the number of callbacks');
    },
  };
}
