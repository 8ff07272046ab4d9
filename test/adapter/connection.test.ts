// @websock/adapter/connection, for servers of any platform: here with wires that log their calls.

import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type Clock,
  Connection,
  Connections,
  type ConnectionsOptions,
  checkOptions,
  type ErrorContext,
  type Observer,
  type Wire,
} from '@websock/adapter/connection';
import type { WebSock } from '@websock/spec';
import { expect, test, vi } from 'vitest';
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
  for (let count = 0; count < 49; count++) text('now');
  expect(reads, 'a platform that cannot ping has no idleTimeout by default').toBe(0);

  const pinging = open({ clock, ping() {} });
  const before = reads;
  for (let count = 0; count < 49; count++) pinging.text('now');
  expect(reads - before).toBe(49);
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

test.each([
  ['after 10,000 callbacks', 0, 10_010],
  ['after 20 ms, if a callback takes 0.125 ms', 0.125, 260],
  ['after 100 callbacks, if a callback takes 30 ms', 30, 110],
])('connections that post endlessly yield to the event loop together, %s, and take turns', async (_when, ms, most) => {
  const COUNT = 2_000;
  let now = 0;
  const connections = new Connections({}, { now: () => now, start() {}, stop() {} });
  const wire: Wire = { send() {}, unsent: () => 0, close() {}, drop() {}, pause() {}, resume() {} };
  const all: Connection<number, string, number>[] = [];
  const handled: number[] = Array(COUNT).fill(0);
  const bot: WebSock<number, string, number> = {
    init: (index) => ({ type: 'ok', state: index }),
    handleIn: (_frame, state) => ({ type: 'ok', state }),
    handleInfo(info, index) {
      handled[index] = (handled[index] ?? 0) + 1;
      now += ms;
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
  await nextTurn(); // the first batch, and the second one
  const sum = () => handled.reduce((total, count) => total + count);
  const turns = Math.ceil((12 * COUNT) / most);
  for (let turn = 0; turn < turns; turn++) {
    const before = sum();
    await nextTurn();
    expect(sum() - before, 'callbacks in one turn of the event loop').toBeLessThanOrEqual(most);
  }
  expect(Math.min(...handled), 'callbacks of each connection').toBeGreaterThanOrEqual(10);
  for (const connection of all) connection.gone();
});

test('a connection continues in the same turn of the event loop if no other has yielded', async () => {
  const { connection, log, text } = open();
  for (let count = 0; count < 15_000; count++) text('now');
  for (let turn = 0; turn < 2; turn++) await nextTurn();
  expect(log.filter((entry) => entry === 'send now')).toHaveLength(15_000);
  for (let count = 0; count < 15_000; count++) connection.post('hello');
  for (let turn = 0; turn < 3; turn++) await nextTurn();
  text('now');
  expect(log.at(-1)).toBe('send now');
});

test('reading pauses while a connection has yielded to others, and resumes afterwards', async () => {
  const connections = new Connections();
  const busy = open({ connections });
  const other = open({ connections });
  for (let count = 0; count < 10_000; count++) busy.text('now');
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
    const observed: string[] = [];
    const observe = (event: string) => void observed.push(`${event} as ${user.getStore()}`);
    const observer: Observer = {
      opened: () => observe('opened'),
      handled: (_connection, { callback }) => observe(callback),
      closed: () => observe('closed'),
    };
    const onError = ({ message }: any) => see(`onError ${message}`);
    const connections = new Connections({ onError, observer }, clock);
    const connection = new Connection(connections, wire, handler, checkOptions());
    return { seen, observed, connection, connections };
  };

  test('callbacks and the observer run in the context in which the connection was made, not in that of a post or a socket event', async () => {
    const { seen, observed, connection } = user.run('ann', recorded);
    user.run('server', () => connection.open(undefined));
    user.run('bob', () => connection.post('hello'));
    user.run('socket', () => connection.data({ opcode: 'text', data: 'hi' }));
    await nextTurn();
    user.run('eve', () => connection.post('fail'));
    await vi.waitFor(() => expect(seen).toContain('terminate after await as ann'));
    user.run('socket', () => connection.gone());
    await connection.over;
    const calls = ['opened', 'init', 'handleInfo', 'handleInfo', 'handleIn', 'handleInfo', 'terminate', 'closed'];
    expect(observed).toEqual(calls.map((call) => `${call} as ann`));
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
    // Resizable buffers are not in the types of ES2022.
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
    connection.data({ opcode: 'text', data: 'x'.repeat(3_000_000) });
    while (log.length === 0) for (const run of timers.splice(0)) run();
    const waited = delays.reduce((sum, delay) => sum + delay, 0);
    // 60 s, or 60 s for each 1.5 MB of 3 MB
    expect(Math.round(waited)).toBe(coarseUnsent ? 120_000 : 60_000);
  }
});

{
  // The mailbox: stop, waiting and signal.
  const opened = (
    callbacks: Partial<WebSock<string, unknown>> = {},
    options: ConnectionsOptions = {},
    clock?: Clock,
  ) => {
    const log: string[] = [];
    let mailbox!: WebSock.Mailbox<unknown>;
    const backlog = { unsent: 0 };
    const wire: Wire = {
      send: ({ data }) => log.push(`send ${data}`),
      unsent: () => backlog.unsent,
      close: (code, reason) => log.push(`close ${code} ${reason}`),
      drop: () => log.push('drop'),
      pause() {},
      resume() {},
    };
    const handler: WebSock<string, unknown> = {
      init: () => ({ type: 'ok', state: 'first' }),
      handleIn: (_frame, state) => ({ type: 'ok', state }),
      handleInfo: (_info, state) => ({ type: 'ok', state }),
      terminate: ({ type, code, reason }, state) => void log.push(`terminate ${type} ${code} ${reason} ${state}`),
      ...callbacks,
    };
    const kept: typeof handler = {
      ...handler,
      init(arg, box) {
        mailbox = box;
        return handler.init(arg, box);
      },
    };
    const onError = (error: unknown, { callback }: ErrorContext) => log.push(`${callback}: ${error}`);
    const connections = new Connections({ onError, ...options }, clock);
    const connection = new Connection(connections, wire, kept, checkOptions());
    connection.open(undefined);
    return { log, mailbox, connection, backlog, connections };
  };

  test('6.6 stop ends a connection at once, with 1000 or the code that is given', () => {
    const one = opened();
    const { stop } = one.mailbox;
    stop();
    stop({ code: 4000 });
    expect(one.log).toEqual(['close 1000 ', 'terminate normal 1000  first']);
    const other = opened();
    other.mailbox.stop({ code: 4003, reason: 'banned' });
    expect(other.log).toEqual(['close 4003 banned', 'terminate normal 4003 banned first']);
  });

  test('6.6 stop discards the queue and awaits a pending callback', async () => {
    let finish = () => {};
    const { log, mailbox, connection } = opened({
      handleIn: () =>
        new Promise((resolve) => {
          finish = () => resolve({ type: 'push', messages: { opcode: 'text', data: 'late' }, state: 'second' });
        }),
      handleInfo: () => {
        throw new Error('called after a stop');
      },
    });
    connection.data({ opcode: 'text', data: 'x' });
    mailbox.post('queued');
    expect(mailbox.waiting).toBe(1);
    mailbox.stop();
    expect(mailbox.waiting).toBe(0);
    expect(log).toEqual(['close 1000 ']);
    finish();
    await nextTurn();
    expect(log).toEqual(['close 1000 ', 'terminate normal 1000  second']);
  });

  test('6.6 stop works inside a callback, and before init has settled', async () => {
    const sync = opened({
      init(_arg, { stop }) {
        stop({ code: 4001 });
        return { type: 'push', messages: { opcode: 'text', data: 'not sent' }, state: 'first' };
      },
    });
    expect(sync.log).toEqual(['close 4001 ', 'terminate normal 4001  first']);
    const async = opened({
      async init(_arg, { stop }) {
        await nextTurn();
        stop();
        return { type: 'ok', state: 'first' };
      },
    });
    await vi.waitFor(() => expect(async.log).toEqual(['close 1000 ', 'terminate normal 1000  first']));
  });

  test('6.6 an invalid close is reported, and closes with 1011', () => {
    for (const [close, message] of [
      [{ code: 1005 }, 'the close code 1005; a server may send 1000-1003, 1007-1009, 1011-1014 and 3000-4999'],
      [{ code: 1000, reason: 1 }, 'the close reason 1; it must be a string'],
      ['bye', "a close that is 'bye'; it must be { code, reason }"],
    ] as const) {
      const { log, mailbox } = opened();
      mailbox.stop(close as never);
      const error = `mailbox.stop: TypeError: mailbox.stop was called with ${message} (rule 4.2)`;
      expect(log).toEqual([error, 'close 1011 ', 'terminate error 1011  first']);
    }
  });

  test('6.6 a client that reads a trickle is dropped after closeTimeout in all', () => {
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
    const { log, mailbox, connection, backlog } = opened({}, { closeTimeout: 5_000 }, clock);
    backlog.unsent = 9_000_000;
    connection.control({ opcode: 'ping', data: new Uint8Array() }); // finds the backlog
    mailbox.post('waits for the client');
    expect(mailbox.waiting).toBe(1);
    timers.splice(0);
    delays.splice(0);
    mailbox.stop();
    expect(log, 'terminate is not delayed').toEqual(['close 1000 ', 'terminate normal 1000  first']);
    while (!log.includes('drop')) {
      backlog.unsent -= 1_000;
      for (const run of timers.splice(0)) run();
    }
    expect(delays.reduce((sum, delay) => sum + delay)).toBe(5_000);
  });

  test('6.7 waiting counts posted messages that have not been handled, and no frames', async () => {
    let finish = () => {};
    const { mailbox, connection } = opened({
      handleIn: (_frame, state) =>
        new Promise((resolve) => {
          finish = () => resolve({ type: 'ok', state });
        }),
    });
    expect(mailbox.waiting).toBe(0);
    mailbox.post(1);
    expect(mailbox.waiting, 'it is not handled before post returns').toBe(1);
    await nextTurn();
    expect(mailbox.waiting).toBe(0);
    for (let count = 0; count < 5; count++) connection.data({ opcode: 'text', data: 'x' });
    for (let count = 0; count < 3; count++) mailbox.post(count);
    expect(mailbox.waiting).toBe(3);
    connection.closing(1001, '');
    expect(mailbox.waiting, 'after the end').toBe(0);
    finish();
  });

  test('6.8 signal is aborted at the end, before terminate, while a callback is pending', async () => {
    const { log, mailbox, connection } = opened({ handleIn: () => new Promise(() => {}) });
    const { signal } = mailbox;
    expect(mailbox.signal).toBe(signal);
    signal.addEventListener('abort', () => log.push(`aborted, ${mailbox.waiting} waiting`));
    connection.data({ opcode: 'text', data: 'x' });
    expect(signal.aborted).toBe(false);
    connection.closing(4000, 'bye');
    expect(log).toEqual(['aborted, 0 waiting']);
    expect(signal.reason).toBeInstanceOf(Error);
    expect(signal.reason.name).toBe('AbortError');
    expect(signal.reason.cause).toEqual({ type: 'remote', code: 4000, reason: 'bye' });

    const other = opened();
    other.mailbox.signal.addEventListener('abort', () => other.log.push('aborted'));
    other.connection.gone();
    expect(other.log).toEqual(['aborted', 'terminate remote 1006  first']);
  });

  test('6.8 signal is aborted if init throws, and already aborted if it is first read after the end', () => {
    let signal: AbortSignal | undefined;
    opened({
      init(_arg, mailbox) {
        signal = mailbox.signal;
        throw new Error('no state');
      },
    });
    expect(signal?.aborted).toBe(true);
    expect(signal?.reason.cause).toMatchObject({ type: 'error', code: 1011 });
    const late = opened();
    late.connection.shutdown();
    expect(late.mailbox.signal.aborted).toBe(true);
    expect(late.mailbox.signal.reason.cause).toEqual({ type: 'shutdown', code: 1001, reason: '' });
  });

  test('6.8 what a callback throws because the signal was aborted is not reported; other errors are', async () => {
    const wrapped = (signal: AbortSignal) => new Error('the request failed', { cause: signal.reason });
    for (const [thrown, reports] of [
      [(signal: AbortSignal) => signal.reason, []],
      [wrapped, []],
      [() => new Error('another'), ['handleIn: Error: another']],
      [() => undefined, ['handleIn: undefined']],
    ] as const) {
      let box!: WebSock.Mailbox<unknown>;
      const { log, connection } = opened({
        init(_arg, mailbox) {
          box = mailbox;
          return { type: 'ok', state: 'first' };
        },
        handleIn: () =>
          new Promise((_, reject) => {
            box.signal.addEventListener('abort', () => reject(thrown(box.signal)));
          }),
      });
      connection.data({ opcode: 'text', data: 'x' });
      connection.gone();
      await nextTurn();
      expect(log).toEqual([...reports, 'terminate remote 1006  first']);
    }
  });

  test('a shutdown closes with 1001, or with the code and reason that are given', async () => {
    const { log, connection, connections } = opened();
    const over = connections.shutdown({ close: { code: 1012, reason: 'deploy' } });
    connection.gone();
    await over;
    expect(log).toEqual(['close 1012 deploy', 'terminate shutdown 1012 deploy first']);
    const late = new Connection(
      connections,
      { send() {}, unsent: () => 0, close: (...sent) => log.push(`${sent}`), drop() {} },
      echo,
      checkOptions(),
    );
    late.open(undefined);
    expect(log.at(-1)).toBe('1012,deploy');
    expect(() => new Connections().shutdown({ close: { code: 1006 as never } })).toThrow(
      'shutdown: the option "close" has the close code 1006; a server may send',
    );
  });
}
