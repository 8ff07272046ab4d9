// The machine below a server of one's own: @websock/adapter/connection, with a wire that keeps a log.

import { type Clock, Connection, Connections, checkOptions, type Wire } from '@websock/adapter/connection';
import type { WebSock } from '@websock/spec';
import { expect, test } from 'vitest';
import { echo } from '../../examples/echo/echo.ts';

/** A connection whose `handleIn` waits until the test lets it go on, and all that its wire was asked to do. */
function open({
  clock,
  ping,
  connections = new Connections({}, clock),
}: {
  clock?: Clock;
  ping?: () => void;
  connections?: Connections;
} = {}) {
  const log: string[] = [];
  const waiting: (() => void)[] = [];
  const wire: Wire = {
    send: ({ data }) => log.push(`send ${data}`),
    unsent: () => 0,
    close: (code) => log.push(`close ${code}`),
    drop: () => log.push('drop'),
    pause: () => log.push('pause'),
    resume: () => log.push('resume'),
    ...(ping && { ping }),
  };
  const handler: WebSock<undefined> = {
    init: (_arg, _mailbox) => ({ type: 'ok', state: undefined }),
    handleIn: (frame, state) =>
      frame.data === 'now'
        ? { type: 'push', messages: frame, state }
        : new Promise((settle) => waiting.push(() => settle({ type: 'push', messages: frame, state }))),
    handleInfo: (_info, state) => ({ type: 'ok', state }),
  };
  const connection = new Connection(connections, wire, handler, checkOptions());
  connection.open(undefined);
  return {
    log,
    connection,
    text: (data: string) => connection.data({ opcode: 'text', data }),
    async goOn() {
      waiting.shift()?.();
      await new Promise(setImmediate);
    },
  };
}

/** So many may wait. */
const FEW = 16;

test('reading stops when some messages wait for a callback, and goes on when none does', async () => {
  const { log, text, goOn } = open();
  text('pending');
  for (let count = 1; count < FEW; count++) text('now');
  expect(log, 'a few wait').toEqual([]);
  text('now');
  expect(log).toEqual(['pause']);
  text('pending');
  await goOn();
  const answers = ['send pending', ...Array(FEW).fill('send now')];
  expect(log, 'a callback is pending again').toEqual(['pause', ...answers]);
  await goOn();
  expect(log).toEqual(['pause', ...answers, 'send pending', 'resume']);
});

test('reading stops when a large message waits for a callback', async () => {
  const { log, text, goOn } = open();
  text('pending');
  text('x'.repeat(65_536));
  expect(log).toEqual(['pause']);
  await goOn();
  await goOn();
  expect(log.at(-1)).toBe('resume');
});

test('reading goes on after the end, for the answer to the close frame', () => {
  const { log, text, connection } = open();
  for (let count = 0; count <= FEW; count++) text('pending');
  connection.shutdown();
  expect(log).toEqual(['pause', 'close 1001', 'resume']);
});

test('messages that came before the connection was open stop reading once a callback is pending', async () => {
  const waiting: string[] = [];
  const wire: Wire = {
    send() {},
    unsent: () => 0,
    close() {},
    drop() {},
    pause: () => waiting.push('pause'),
  };
  const handler: WebSock<undefined> = {
    init: () => new Promise(() => {}),
    handleIn: (_frame, state) => ({ type: 'ok', state }),
    handleInfo: (_info, state) => ({ type: 'ok', state }),
  };
  const connection = new Connection(new Connections(), wire, handler, checkOptions());
  for (let count = 0; count < FEW; count++) connection.data({ opcode: 'text', data: 'early' });
  expect(waiting, 'before `open` the wire is left alone').toEqual([]);
  connection.open(undefined);
  expect(waiting).toEqual(['pause']);
});

test('`over` settles for those who ask early and for those who ask late', async () => {
  const { connection } = open();
  const early = connection.over;
  connection.closing(4000, 'bye');
  connection.gone();
  const reason = { type: 'remote', code: 4000, reason: 'bye' };
  expect(await early).toEqual(reason);
  expect(connection.over).toBe(early);

  const other = open().connection;
  other.gone();
  await new Promise(setImmediate);
  expect(await other.over).toEqual({ type: 'remote', code: 1006, reason: '' });
});

test('the clock is read for a message only if there is an idle clock', () => {
  let reads = 0;
  const clock: Clock = { now: () => ++reads, start() {}, stop() {} };
  const { text } = open({ clock });
  for (let count = 0; count < 100; count++) text('now');
  expect(reads, 'a platform that cannot ping has no idleTimeout by default').toBe(0);

  const clocked = open({ clock, ping() {} });
  const before = reads;
  for (let count = 0; count < 100; count++) clocked.text('now');
  expect(reads - before).toBe(100);
});

test('connections go in any order, and a shutdown finds those that are left', async () => {
  const connections = new Connections();
  const logs = [0, 1, 2, 3].map(() => open({ connections }));
  expect(connections.size).toBe(4);
  for (const index of [1, 3]) logs[index]?.connection.gone();
  await new Promise(setImmediate);
  expect(connections.size).toBe(2);
  logs[1]?.connection.gone();
  const { connection, log } = open({ connections });
  const over = connections.shutdown();
  for (const index of [0, 2]) logs[index]?.connection.gone();
  connection.gone();
  await over;
  expect([...logs.map((each) => each.log), log]).toEqual([['close 1001'], [], ['close 1001'], [], ['close 1001']]);
  expect(connections.size).toBe(0);
});

test('a wire is asked how much waits only when what was sent since may be over the bound', () => {
  const log: string[] = [];
  let waits = 0;
  const wire: Wire = {
    send: ({ data }) => log.push(`send ${(data as string).length}`),
    unsent() {
      log.push('unsent');
      return waits;
    },
    close() {},
    drop() {},
  };
  const connections = new Connections({ maxUnsentBytes: 2_000 });
  const connection = new Connection(connections, wire, echo, checkOptions());
  connection.open(undefined);
  const logOf = (length: number) => {
    connection.data({ opcode: 'text', data: 'a'.repeat(length) });
    return log.splice(0);
  };
  const expected = (length: number) => [`send ${length}`, 'unsent'];
  expect(logOf(663), '3 bytes for each unit and a header of 10: 1 999').toEqual(['send 663']);
  expect(logOf(1)).toEqual(expected(1));
  expect(logOf(663), 'nothing waited').toEqual(['send 663']);
  waits = 2_001;
  expect(logOf(1).slice(0, 2), 'too much waits').toEqual(expected(1));
  expect(logOf(1), 'so the next callback waits').toEqual([]);
  waits = 0;
  connection.sent();
  expect(log).toEqual(['unsent', 'send 1']);
});

test('a process that was held up does not take that for a client that reads nothing', () => {
  const looks: (() => void)[] = [];
  let now = 0;
  const clock: Clock = { now: () => now, start: (run) => looks.push(run), stop() {} };
  const log: string[] = [];
  let unsent = 0;
  const wire: Wire = {
    send({ data }) {
      unsent += (data as string).length;
    },
    unsent: () => unsent,
    close() {},
    drop: () => log.push('drop'),
  };
  const handler: WebSock<undefined> = {
    init: () => ({ type: 'push', messages: { opcode: 'text', data: 'much'.repeat(500_000) }, state: undefined }),
    handleIn: (_frame, state) => ({ type: 'ok', state }),
    handleInfo: (_info, state) => ({ type: 'ok', state }),
  };
  new Connection(new Connections({ onError() {} }, clock), wire, handler, checkOptions()).open(undefined);
  const look = () => {
    for (const run of looks.splice(0)) run();
  };
  now = 60_000; // much longer than the bound, in which nothing ran: no byte could go
  look();
  expect(log).toEqual([]);
  unsent = 1_900_000;
  look();
  for (let count = 0; count < 20; count++) {
    now += 1_000;
    look();
  }
  expect(log, 'when looks in time see no byte go').toEqual(['drop']);
});
