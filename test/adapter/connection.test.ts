// @websock/adapter/connection, for servers of any platform: here with wires that log their calls.

import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, Connection, Connections, checkOptions, type Wire } from '@websock/adapter/connection';
import type { WebSock } from '@websock/spec';
import { expect, test } from 'vitest';
import { echo } from '../../examples/echo/echo.ts';

/** A connection with a log of its wire's calls. Its `handleIn` is pending until the test calls `settle`, except for 'now'. */
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
  const pending: (() => void)[] = [];
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
        : new Promise((resolve) => pending.push(() => resolve({ type: 'push', messages: frame, state }))),
    handleInfo: (_info, state) => ({ type: 'ok', state }),
  };
  const connection = new Connection(connections, wire, handler, checkOptions());
  connection.open(undefined);
  return {
    log,
    connection,
    text: (data: string) => connection.data({ opcode: 'text', data }),
    async settle() {
      pending.shift()?.();
      await new Promise(setImmediate);
    },
  };
}

/** The number of frames that are buffered during a pending callback before reading pauses. */
const BUFFERED = 16;

test('reading pauses when 16 messages are queued during a callback, and resumes when none is', async () => {
  const { log, text, settle } = open();
  text('pending');
  for (let count = 1; count < BUFFERED; count++) text('now');
  expect(log, 'a few are buffered').toEqual([]);
  text('now');
  expect(log).toEqual(['pause']);
  text('pending');
  await settle();
  const answers = ['send pending', ...Array(BUFFERED).fill('send now')];
  expect(log, 'a callback is pending again').toEqual(['pause', ...answers]);
  await settle();
  expect(log).toEqual(['pause', ...answers, 'send pending', 'resume']);
});

test('reading pauses when a large message is queued during a callback', async () => {
  const { log, text, settle } = open();
  text('pending');
  text('x'.repeat(65_536));
  expect(log).toEqual(['pause']);
  await settle();
  await settle();
  expect(log.at(-1)).toBe('resume');
});

test('reading resumes after the end, to receive the answer to the close frame', () => {
  const { log, text, connection } = open();
  for (let count = 0; count <= BUFFERED; count++) text('pending');
  connection.shutdown();
  expect(log).toEqual(['pause', 'close 1001', 'resume']);
});

test('messages that arrive before `open` pause reading once a callback is pending', async () => {
  const log: string[] = [];
  const wire: Wire = {
    send() {},
    unsent: () => 0,
    close() {},
    drop() {},
    pause: () => log.push('pause'),
  };
  const handler: WebSock<undefined> = {
    init: () => new Promise(() => {}),
    handleIn: (_frame, state) => ({ type: 'ok', state }),
    handleInfo: (_info, state) => ({ type: 'ok', state }),
  };
  const connection = new Connection(new Connections(), wire, handler, checkOptions());
  for (let count = 0; count < BUFFERED; count++) connection.data({ opcode: 'text', data: 'early' });
  expect(log, 'the wire is not used before `open`').toEqual([]);
  connection.open(undefined);
  expect(log).toEqual(['pause']);
});

test('`over` resolves whether it is read before or after the end', async () => {
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

test('a message reads the clock only if the connection has an idle clock', () => {
  let reads = 0;
  const clock: Clock = { now: () => ++reads, start() {}, stop() {} };
  const { text } = open({ clock });
  for (let count = 0; count < 100; count++) text('now');
  expect(reads, 'a platform that cannot ping has no idleTimeout by default').toBe(0);

  const pinging = open({ clock, ping() {} });
  const before = reads;
  for (let count = 0; count < 100; count++) pinging.text('now');
  expect(reads - before).toBe(100);
});

test('connections end in any order, and a shutdown closes the rest', async () => {
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

test('`unsent` is called only when the messages sent since the last call may exceed maxUnsentBytes', () => {
  const log: string[] = [];
  let unsent = 0;
  const wire: Wire = {
    send: ({ data }) => log.push(`send ${(data as string).length}`),
    unsent() {
      log.push('unsent');
      return unsent;
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
  expect(logOf(663), '3 bytes for each UTF-16 unit, and a header of 10: 1 999').toEqual(['send 663']);
  expect(logOf(1)).toEqual(expected(1));
  expect(logOf(663), 'nothing was buffered').toEqual(['send 663']);
  unsent = 2_001;
  expect(logOf(1).slice(0, 2), 'too much is buffered').toEqual(expected(1));
  expect(logOf(1), 'so the next callback is not called').toEqual([]);
  unsent = 0;
  connection.sent();
  expect(log).toEqual(['unsent', 'send 1']);
});

test('a client is not dropped because the process was blocked', () => {
  const timers: (() => void)[] = [];
  let now = 0;
  const clock: Clock = { now: () => now, start: (run) => timers.push(run), stop() {} };
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
  const runTimers = () => {
    for (const run of timers.splice(0)) run();
  };
  now = 600_000; // far beyond stallTimeout, as if the process had been blocked and could not send
  runTimers();
  expect(log).toEqual([]);
  unsent = 1_900_000;
  runTimers();
  for (let count = 0; count < 20; count++) {
    now += 6_000;
    runTimers();
  }
  expect(log, 'after regular checks without progress').toEqual(['drop']);
});

test('connections that post endlessly yield to the event loop together, and take turns', async () => {
  const COUNT = 2_000;
  const connections = new Connections();
  const wire: Wire = { send() {}, unsent: () => 0, close() {}, drop() {}, pause() {}, resume() {} };
  const all: Connection<number, string, number>[] = [];
  const handled: number[] = Array(COUNT).fill(0);
  const bot: WebSock<number, string, number> = {
    init: (index) => ({ type: 'ok', state: index }),
    handleIn: (_frame, state) => ({ type: 'ok', state }),
    handleInfo(info, index) {
      handled[index] = (handled[index] ?? 0) + 1;
      all[index]?.post(info);
      all[index]?.post(info);
      return { type: 'ok', state: index };
    },
  };
  for (let index = 0; index < COUNT; index++) {
    const connection = new Connection(connections, wire, bot, checkOptions());
    all.push(connection);
    connection.open(index);
  }
  for (const connection of all) connection.post('go');
  const sum = () => handled.reduce((total, count) => total + count);
  for (let turn = 0; turn < 50; turn++) {
    const before = sum();
    await nextTurn();
    expect(sum() - before, 'callbacks in one turn of the event loop').toBeLessThanOrEqual(1_010);
  }
  expect(Math.min(...handled), 'callbacks of each connection').toBeGreaterThanOrEqual(10);
  for (const connection of all) connection.gone();
});

test('a connection continues in the same turn of the event loop if no other has yielded', async () => {
  const { connection, log, text } = open();
  for (let count = 0; count < 2_500; count++) text('now');
  for (let turn = 0; turn < 2; turn++) await nextTurn();
  expect(log.filter((entry) => entry === 'send now')).toHaveLength(2_500);
  for (let count = 0; count < 2_500; count++) connection.post('hello');
  for (let turn = 0; turn < 3; turn++) await nextTurn();
  text('now');
  expect(log.at(-1)).toBe('send now');
});

test('reading pauses while a connection has yielded to others, and resumes afterwards', async () => {
  const connections = new Connections();
  const busy = open({ connections });
  const other = open({ connections });
  for (let count = 0; count < 1_000; count++) busy.text('now');
  other.text('now');
  expect(other.log, 'the server has called a whole batch of callbacks').toEqual(['pause']);
  await nextTurn();
  expect(other.log).toEqual(['pause', 'send now', 'resume']);
});

{
  // Callbacks run in the AsyncLocalStorage context in which the connection was made, whatever causes them.
  const user = new AsyncLocalStorage<string>();
  const recorded = (clock?: Clock) => {
    const seen: string[] = [];
    const see = (callback: string) => seen.push(`${callback} as ${user.getStore()}`);
    const handler: WebSock<null, unknown> = {
      init(_arg, { post }) {
        see('init');
        post('from init');
        return { type: 'ok', state: null };
      },
      async handleIn(frame, state) {
        see(`handleIn ${frame.data}`);
        await nextTurn();
        see(`handleIn ${frame.data} after await`);
        return { type: 'ok', state };
      },
      handleInfo(info, state) {
        see(`handleInfo ${info}`);
        return info === 'fail' ? Promise.reject(new Error('failed')) : { type: 'ok', state };
      },
      async terminate() {
        see('terminate');
        await nextTurn();
        see('terminate after await');
      },
    };
    const wire: Wire = { send() {}, unsent: () => 0, close() {}, drop() {}, ping() {} };
    const connections = new Connections({ onError: ({ message }: any) => see(`onError ${message}`) }, clock);
    const connection = new Connection(connections, wire, handler, checkOptions());
    return { seen, connection, connections };
  };

  test('callbacks run in the context in which the connection was made, not in that of a post or a socket event', async () => {
    const { seen, connection } = user.run('ann', recorded);
    user.run('server', () => connection.open(undefined));
    user.run('bob', () => connection.post('hello'));
    user.run('socket', () => connection.data({ opcode: 'text', data: 'hi' }));
    await nextTurn();
    user.run('eve', () => connection.post('fail'));
    await nextTurn();
    user.run('socket', () => connection.gone());
    await connection.over;
    expect(seen).toEqual([
      'init as ann',
      'handleInfo from init as ann',
      'handleInfo hello as ann',
      'handleIn hi as ann',
      'handleIn hi after await as ann',
      'handleInfo fail as ann',
      'onError failed as ann',
      'terminate as ann',
      'terminate after await as ann',
    ]);
  });

  test('two connections that receive posts in one turn keep their contexts', async () => {
    const [one, two] = ['one', 'two'].map((name) => user.run(name, recorded));
    for (const { connection } of [one, two] as ReturnType<typeof recorded>[]) connection.open(undefined);
    await nextTurn();
    user.run('A', () => one?.connection.post('a'));
    user.run('B', () => two?.connection.post('b'));
    await nextTurn();
    expect([one?.seen.at(-1), two?.seen.at(-1)]).toEqual(['handleInfo a as one', 'handleInfo b as two']);
  });

  test('after a shutdown and after a timeout, terminate runs in the context of the connection', async () => {
    let now = 0;
    const timers: (() => void)[] = [];
    const started: (string | undefined)[] = [];
    const clock: Clock = {
      now: () => now,
      start(run) {
        started.push(user.getStore());
        return timers.push(run);
      },
      stop() {},
    };
    const idle = user.run('ann', () => recorded(clock));
    user.run('bob', () => idle.connection.open(undefined));
    user.run('bob', () => idle.connection.post('hello'));
    await nextTurn();
    for (let turn = 0; turn < 6; turn++) {
      now += 60_000;
      user.run('timer', () => {
        for (const run of timers.splice(0)) run();
      });
    }
    expect(idle.seen).toContain('terminate as ann');
    expect(new Set(started), 'no timer keeps the context of a post').toEqual(new Set(['ann']));

    const { seen, connection, connections } = user.run('ann', () => recorded());
    connection.open(undefined);
    const over = user.run('admin', () => connections.shutdown());
    connection.gone();
    await over;
    expect(seen.slice(-2)).toEqual(['terminate as ann', 'terminate after await as ann']);
  });
}

test('maxHeldInfos counts posted messages, not frames', async () => {
  const log: string[] = [];
  let unsent = 0;
  const wire: Wire = {
    send() {
      unsent = 1_000_000;
    },
    unsent: () => unsent,
    close() {},
    drop: () => log.push('drop'),
  };
  const connections = new Connections({ maxHeldInfos: 10, maxUnsentBytes: 1_000, onError() {} });
  const connection = new Connection(connections, wire, echo, checkOptions());
  connection.open(undefined);
  connection.data({ opcode: 'text', data: 'x'.repeat(1_000) });
  for (let count = 0; count < 20; count++) connection.data({ opcode: 'text', data: 'x' });
  for (let count = 0; count < 10; count++) connection.post(count);
  await nextTurn();
  expect(log).toEqual([]);
  connection.post('one more');
  await nextTurn();
  expect(log).toEqual(['drop']);
});

test('if a message cannot be sent, terminate receives the state that the callback received', async () => {
  const reasons: unknown[] = [];
  const errors: unknown[] = [];
  const wire: Wire = {
    send() {
      throw new Error('out of memory');
    },
    unsent: () => 0,
    close() {},
    drop() {},
  };
  const handler: WebSock<string> = {
    init: () => ({ type: 'ok', state: 'old' }),
    handleIn: (frame) => ({ type: 'push', messages: frame, state: 'new' }),
    handleInfo: (_info, state) => ({ type: 'ok', state }),
    terminate: ({ code }, state) => reasons.push(code, state) as never,
  };
  const connections = new Connections({ onError: (error) => errors.push(String(error)) });
  const connection = new Connection(connections, wire, handler, checkOptions());
  connection.open(undefined);
  connection.data({ opcode: 'text', data: 'x' });
  expect(reasons).toEqual([1011, 'old']);
  expect(errors).toEqual(['Error: out of memory']);
});

test('no part of a result is sent if one of its messages has detached bytes', () => {
  const detached = () => {
    const bytes = new Uint8Array(8);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    return bytes;
  };
  const shrunk = () => {
    const buffer = new ArrayBuffer(8, { maxByteLength: 16 } as any);
    const view = new Uint8Array(buffer, 4, 4);
    (buffer as any).resize(2);
    return view;
  };
  const cases = {
    'a view': [{ opcode: 'binary', data: detached() }],
    'its buffer': [{ opcode: 'binary', data: detached().buffer }],
    'a DataView': [{ opcode: 'binary', data: transferred(new DataView(new ArrayBuffer(8))) }],
    'a ping': [{ opcode: 'ping', data: detached() }],
    'a view out of bounds': [{ opcode: 'binary', data: shrunk() }],
  } as const;
  for (const [label, messages] of Object.entries(cases)) {
    const errors: string[] = [];
    const log: string[] = [];
    const wire: Wire = {
      send: ({ opcode }) => log.push(opcode),
      unsent: () => 0,
      close: (code) => log.push(`close ${code}`),
      drop() {},
    };
    const handler: WebSock<null> = {
      init: () => ({ type: 'push', messages: [{ opcode: 'text', data: 'before' }, ...messages], state: null }),
      handleIn: (_frame, state) => ({ type: 'ok', state }),
      handleInfo: (_info, state) => ({ type: 'ok', state }),
    };
    const connections = new Connections({ onError: (error) => errors.push(String(error)) });
    new Connection(connections, wire, handler, checkOptions()).open(undefined);
    expect(log, label).toEqual(['close 1011']);
    expect(errors[0], label).toMatch(/\(number 2\) of opcode '\w+' whose bytes are detached; .*\(rule 3\.6\)/);
  }
  const empty: WebSock.Message[] = [];
  const wire: Wire = { send: (message) => empty.push(message), unsent: () => 0, close() {}, drop() {} };
  const handler: WebSock<null> = {
    init: () => ({ type: 'push', messages: { opcode: 'binary', data: new Uint8Array() }, state: null }),
    handleIn: (_frame, state) => ({ type: 'ok', state }),
    handleInfo: (_info, state) => ({ type: 'ok', state }),
  };
  new Connection(new Connections(), wire, handler, checkOptions()).open(undefined);
  expect(empty, 'empty bytes are not detached').toHaveLength(1);
});

function transferred(view: DataView): DataView {
  structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
  return view;
}

test('a handler whose handleControl cannot be read fails when a control frame arrives', () => {
  const errors: unknown[] = [];
  const log: string[] = [];
  const handler = {
    ...echo,
    get handleControl(): never {
      throw new Error('unreadable');
    },
  };
  const wire: Wire = { send() {}, unsent: () => 0, close: (code) => log.push(`close ${code}`), drop() {} };
  const connections = new Connections({ onError: (error, { callback }) => errors.push(`${callback}: ${error}`) });
  const connection = new Connection(connections, wire, handler, checkOptions());
  connection.open(undefined);
  connection.data({ opcode: 'text', data: 'x' });
  expect(log).toEqual([]);
  connection.control({ opcode: 'ping', data: new Uint8Array() });
  expect(log).toEqual(['close 1011']);
  expect(errors).toEqual(['handleControl: Error: unreadable']);
});

test('if `unsent` shows whole messages only, a slow client gets more time for a large message', () => {
  for (const coarseUnsent of [false, true]) {
    const timers: (() => void)[] = [];
    const delays: number[] = [];
    const clock: Clock = {
      now: () => 0,
      start(run, delay) {
        delays.push(delay);
        return timers.push(run);
      },
      stop() {},
    };
    const log: string[] = [];
    let unsent = 0;
    const wire: Wire = {
      coarseUnsent,
      send({ data }) {
        unsent += (data as string).length;
      },
      unsent: () => unsent,
      close() {},
      drop: () => log.push('drop'),
    };
    const connections = new Connections({ onError() {} }, clock);
    const connection = new Connection(connections, wire, echo, checkOptions());
    connection.open(undefined);
    connection.data({ opcode: 'text', data: 'x'.repeat(2_000_000) });
    while (log.length === 0) for (const run of timers.splice(0)) run();
    const waited = delays.reduce((sum, delay) => sum + delay, 0);
    // 60 s, and 100 s for 2 MB at 20 kB/s
    expect(Math.round(waited)).toBe(coarseUnsent ? 160_000 : 60_000);
  }
});
