// 2. Callbacks

import { brief, type TraceEvent } from '../probe.ts';
import { BINARY, CONTINUATION, closeFrame, frame, maskedFrame, PING, PONG, TEXT } from '../raw-client.ts';
import { forEachCallback, push, type RuleTest, stop, text } from '../rule.ts';

const instruct = (instruction: object) => frame(TEXT, JSON.stringify(instruction));

/** How long a test looks whether a server has read what was sent while a callback is pending: some never do. */
const LOOK = 300;

const order: readonly RuleTest[] = [
  ...forEachCallback({
    rule: '2.1',
    title: (callback) => `nothing begins while ${callback} is pending`,
    async run(t, trigger, callback) {
      const probe = await trigger(t, { gate: true });
      await probe.untilStarted(callback);
      probe.client.text('waits');
      await probe.post('waits too');
      await t.server.quiet();
      const before = await probe.trace();
      t.equal(before.started.at(-1), callback, 'the last callback');
      await probe.release();
      const count = before.started.length + 2;
      const trace = await t.server.traceUntil(probe.id, ({ started }) => started.length >= count, 'two more callbacks');
      t.equal(trace.overlaps, [], 'the callbacks that began too early');
    },
  }),
  ...forEachCallback({
    rule: '2.1',
    title: (callback) => `what ${callback} returns is applied before the next callback begins`,
    async run(t, trigger) {
      const probe = await trigger(t, { wait: 5, result: { type: 'push', messages: [text('first')] } });
      probe.instruct(push(text('second')));
      probe.instruct({ wait: 0, result: { type: 'push', messages: [text('third')] } });
      probe.instruct(push(text('fourth')));
      await t.receives(probe.client, { text: 'first' }, { text: 'second' }, { text: 'third' }, { text: 'fourth' });
      const trace = await probe.trace();
      t.equal(
        trace.events.filter(({ sameState }) => sameState === false),
        [],
        'the callbacks that received another state than the last one',
      );
      t.equal(trace.overlaps, [], 'the callbacks that began too early');
    },
  }),
  {
    rule: '2.1',
    title: 'a thenable result is awaited',
    needs: ['returnsThenables'],
    async run(t) {
      const probe = await t.open();
      probe.instruct({ thenable: true, result: { type: 'push', messages: [text('then')] } });
      probe.instruct(push(text('next')));
      await t.receives(probe.client, { text: 'then' }, { text: 'next' });
      t.equal((await probe.trace()).overlaps, [], 'the callbacks that began too early');
    },
  },
  {
    rule: '2.1',
    title: 'terminate does not begin while a callback is pending',
    async run(t) {
      const probe = await t.open();
      probe.instruct({ gate: true });
      await probe.untilStarted('handleIn');
      probe.client.cut();
      await t.server.quiet();
      t.started(await probe.trace(), 'init', 'handleIn');
      await probe.release();
      const trace = await probe.untilTerminated();
      t.started(trace, 'init', 'handleIn', 'terminate');
      t.equal(trace.overlaps, [], 'the callbacks that began too early');
    },
  },
  {
    rule: '2.1',
    title: "terminate does not begin while a callback is pending, though the client's close frame has arrived",
    async run(t) {
      const client = await t.raw();
      client.send(instruct({ gate: true }), closeFrame(4000));
      await t.server.untilStarted(client.id, 'handleIn');
      await client.within(LOOK);
      t.started(await t.server.trace(client.id), 'init', 'handleIn');
      await t.server.release(client.id);
      const trace = await t.server.untilTerminated(client.id);
      t.started(trace, 'init', 'handleIn', 'terminate');
      t.equal(trace.overlaps, [], 'the callbacks that began too early');
    },
  },

  {
    rule: '2.2',
    title: 'events are handled in the order in which they arrived',
    async run(t) {
      const probe = await t.open();
      probe.instruct({ gate: true });
      await probe.untilStarted('handleIn');
      await probe.post('info one');
      await probe.post('info two');
      await probe.release();
      await probe.untilStarted('handleInfo', 2);
      const sent = Array.from({ length: 50 }, (_, index) => `frame ${index}`);
      for (const data of sent) probe.client.text(data);
      const trace = await probe.untilStarted('handleIn', 51);
      t.equal(trace.calls('handleInfo'), [{ info: 'info one' }, { info: 'info two' }]);
      t.equal(
        trace.calls('handleIn').slice(1),
        sent.map((data) => ({ text: data })),
      );
    },
  },
  {
    rule: '2.2',
    title: 'frames that have arrived are handled before infos that are posted afterwards, however many wait',
    async run(t) {
      const client = await t.raw();
      const sent = Array.from({ length: 200 }, (_, index) => `frame ${index}`);
      client.send(instruct({ gate: true }), ...sent.map((data) => frame(TEXT, data)), frame(PING, 'all read'));
      await t.server.untilStarted(client.id, 'handleIn');
      // The pong shows that the frames have arrived; a server that has stopped reading sends none, and may do as it likes.
      const hasRead = (await client.within(LOOK)) !== undefined;
      const infos = Array.from({ length: 200 }, (_, index) => index);
      await t.server.post(client.id, infos);
      await t.server.release(client.id);
      await t.server.untilStarted(client.id, 'handleIn', 201);
      const trace = await t.server.untilStarted(client.id, 'handleInfo', 200);
      t.equal(
        trace.calls('handleIn').slice(1),
        sent.map((data) => ({ text: data })),
      );
      t.equal(
        trace.calls('handleInfo'),
        infos.map((info) => ({ info })),
      );
      if (!hasRead) return;
      const expected = ['init', ...Array(201).fill('handleIn'), ...Array(200).fill('handleInfo')];
      t.equal(
        trace.started.filter((callback) => callback !== 'handleControl'),
        expected,
        'the order of the callbacks',
      );
    },
  },
  {
    rule: '2.2',
    title: 'infos that have arrived are handled before frames that arrive afterwards, however many wait',
    async run(t) {
      const client = await t.raw();
      await t.server.post(client.id, [{ gate: true }, ...Array.from({ length: 2_000 }, (_, index) => index)]);
      await t.server.untilStarted(client.id, 'handleInfo');
      client.send(frame(TEXT, 'one'), instruct(push(text('fence'))));
      await t.server.quiet();
      await t.server.release(client.id);
      await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from('fence') });
      const trace = await t.server.trace(client.id);
      t.equal(trace.started.slice(-2), ['handleIn', 'handleIn'], 'the last callbacks');
      t.equal(trace.calls('handleInfo').length, 2_001, 'the number of infos before them');
    },
  },
  {
    rule: '2.2',
    title: "frames that came before the client's close frame are handled before terminate",
    async run(t) {
      const probe = await t.open({ on: { handleIn: { wait: 20 } } });
      for (const data of ['one', 'two', 'three']) probe.client.text(data);
      probe.client.close(1000);
      const trace = await probe.untilTerminated();
      t.started(trace, 'init', 'handleIn', 'handleIn', 'handleIn', 'terminate');
      t.equal(trace.reason, { type: 'remote', code: 1000, reason: '' });
    },
  },
  {
    rule: '2.2',
    title: 'frames and a close frame in one packet are all handled, while a callback is pending',
    async run(t) {
      const client = await t.raw({ on: { handleIn: { wait: 20 } } });
      client.send(frame(TEXT, 'one'), frame(TEXT, 'two'), closeFrame(4000, 'bye'));
      const trace = await t.server.untilTerminated(client.id);
      t.equal(trace.calls('handleIn'), [{ text: 'one' }, { text: 'two' }]);
      t.equal(trace.reason, { type: 'remote', code: 4000, reason: 'bye' });
    },
  },
  {
    rule: '2.2',
    title: 'frames that came before a drop are handled before terminate',
    async run(t) {
      const client = await t.raw({ on: { handleIn: { wait: 20 } } });
      client.send(frame(TEXT, 'one'), frame(TEXT, 'two'));
      client.socket.end();
      const trace = await t.server.untilTerminated(client.id);
      t.equal(trace.calls('handleIn'), [{ text: 'one' }, { text: 'two' }]);
      t.equal(trace.reason, { type: 'remote', code: 1006, reason: '' });
    },
  },
  {
    rule: '2.2',
    title: 'frames that came before a violation of the protocol are handled before terminate',
    async run(t) {
      const client = await t.raw({ on: { handleIn: { wait: 20 } } });
      client.send(frame(TEXT, 'one'), frame(TEXT, 'two'), frame(3, 'unknown'), frame(TEXT, 'three'));
      const trace = await t.server.untilTerminated(client.id);
      t.equal(trace.calls('handleIn'), [{ text: 'one' }, { text: 'two' }]);
      t.matches(trace.reason, { type: 'error' });
    },
  },
  ...(
    [
      ['in the same packet', true],
      ['in the next packet', false],
    ] as const
  ).map(
    ([where, together]): RuleTest => ({
      rule: '2.2',
      title: `a message after the client's close frame, ${where}, is discarded`,
      async run(t) {
        const client = await t.raw();
        client.send(frame(TEXT, 'before'), closeFrame(1000), ...(together ? [frame(TEXT, 'after')] : []));
        if (!together) client.send(frame(TEXT, 'after'));
        await t.server.untilTerminated(client.id);
        await t.server.quiet();
        const trace = await t.server.trace(client.id);
        t.equal(trace.calls('handleIn'), [{ text: 'before' }]);
        t.started(trace, 'init', 'handleIn', 'terminate');
      },
    }),
  ),
  {
    rule: '2.2',
    title: 'infos that still wait when the connection ends are discarded',
    async run(t) {
      const probe = await t.open();
      probe.instruct({ gate: true });
      await probe.untilStarted('handleIn');
      await probe.post('late', 'later');
      probe.instruct(stop()); // so that the end is sure to come before the infos' turn has passed
      probe.client.cut();
      await t.server.quiet();
      await probe.release();
      const trace = await probe.untilTerminated();
      t.equal(trace.started.filter((callback) => callback === 'terminate').length, 1, 'the calls of terminate');
      // A server that has stopped reading learns of the end when it reads again: an info may have had its turn by then.
      t.equal(trace.started.at(-1), 'terminate', 'the last callback');
    },
  },
  {
    rule: '2.2',
    title: "infos are discarded once the client's close frame has arrived, though a callback is pending",
    needs: ['seesCloseFrames'],
    async run(t) {
      const client = await t.raw();
      client.send(instruct({ gate: true }), frame(TEXT, 'still handled'), closeFrame(4000));
      await t.server.untilStarted(client.id, 'handleIn');
      await t.server.post(client.id, ['waits']);
      // The answer shows that the close frame has arrived; a server that has stopped reading sends none yet.
      const answer = await client.within(LOOK);
      await t.server.post(client.id, ['comes late']);
      await t.server.release(client.id);
      const trace = await t.server.untilTerminated(client.id);
      t.equal(trace.calls('handleIn').at(-1), { text: 'still handled' });
      t.equal(trace.reason, { type: 'remote', code: 4000, reason: '' });
      t.equal(trace.started.at(-1), 'terminate', 'the last callback');
      if (answer) t.started(trace, 'init', 'handleIn', 'handleIn', 'terminate');
    },
  },
  {
    rule: '2.2',
    title: "infos that were posted before the client's close frame arrived, and still wait, are discarded",
    needs: ['keepsEarlyFrames', 'seesCloseFrames'],
    async run(t) {
      const on = { init: { gate: true, post: ['waits'] } } as const;
      const client = await t.raw({ on }, { behind: closeFrame(4000) });
      await t.server.untilStarted(client.id, 'init');
      // The answer shows that the close frame has arrived; a server that has stopped reading sends none yet.
      const answer = await client.within(LOOK);
      await t.server.release(client.id);
      const trace = await t.server.untilTerminated(client.id);
      t.equal(trace.started.at(-1), 'terminate', 'the last callback');
      if (answer) t.started(trace, 'init', 'terminate');
    },
  },
  ...(
    [
      ['stop', stop({ close: { code: 4001 } })],
      ['throw', { throw: 'thrown at the end' }],
    ] as const
  ).map(
    ([what, instruction]): RuleTest => ({
      rule: '2.2',
      title: `after a ${what} that follows the client's close frame, the messages before that are discarded too`,
      async run(t) {
        const client = await t.raw();
        client.send(instruct({ gate: true, ...instruction }), frame(TEXT, 'never handled'), closeFrame(4000));
        await t.server.untilStarted(client.id, 'handleIn');
        await client.within(LOOK);
        await t.server.release(client.id);
        const trace = await t.server.untilTerminated(client.id);
        t.started(trace, 'init', 'handleIn', 'terminate');
      },
    }),
  ),
  ...forEachCallback({
    rule: '2.2',
    title: (callback) => `after a stop from ${callback}, what waits is discarded`,
    async run(t, trigger, callback) {
      const probe = await trigger(t, { gate: true, ...stop() });
      await probe.untilStarted(callback);
      probe.client.text('late');
      await probe.post('late');
      await probe.release();
      const trace = await probe.untilTerminated();
      t.equal(trace.started.slice(-2), [callback, 'terminate'], 'the last callbacks');
    },
  }),
];

const messages: readonly RuleTest[] = [
  ...(
    [
      ['a text message', [frame(TEXT, 'héllo ☕ 🎉')], { text: 'héllo ☕ 🎉' }],
      ['an empty text message', [frame(TEXT)], { text: '' }],
      ['a text message with a NUL', [frame(TEXT, 'a\0b')], { text: 'a\0b' }],
      ['a binary message', [frame(BINARY, Buffer.of(0, 255, 128))], { binary: '00ff80' }],
      ['an empty binary message', [frame(BINARY)], { binary: '' }],
      [
        'a masked message',
        [maskedFrame(TEXT, 'masked', [1, 2, 3, 250]), maskedFrame(TEXT, '', [9, 9, 9, 9])],
        { text: 'masked' },
        { text: '' },
      ],
      [
        'a text message in fragments, divided inside a character',
        [
          frame(TEXT, Buffer.from('☕').subarray(0, 1), { fin: false }),
          frame(CONTINUATION, Buffer.from('☕').subarray(1), { fin: false }),
          frame(CONTINUATION, '!'),
        ],
        { text: '☕!' },
      ],
      [
        'a binary message in fragments, some of them empty',
        [
          frame(BINARY, Buffer.of(1), { fin: false }),
          frame(CONTINUATION, '', { fin: false }),
          frame(CONTINUATION, Buffer.of(2), { fin: false }),
          frame(CONTINUATION),
        ],
        { binary: '0102' },
      ],
      [
        'a message with pings and pongs between its fragments',
        [
          frame(TEXT, 'a', { fin: false }),
          frame(PING, 'p'),
          frame(CONTINUATION, 'b', { fin: false }),
          frame(PONG),
          frame(CONTINUATION, 'c'),
        ],
        { text: 'abc' },
      ],
      [
        'each of two messages in fragments',
        [
          frame(TEXT, 'a', { fin: false }),
          frame(CONTINUATION, 'b'),
          frame(BINARY, 'c', { fin: false }),
          frame(CONTINUATION, 'd'),
        ],
        { text: 'ab' },
        { binary: '6364' },
      ],
    ] as [string, Buffer[], ...TraceEvent['given'][]][]
  ).map(
    ([what, frames, ...received]): RuleTest => ({
      rule: '2.3',
      title: `${what} comes whole`,
      async run(t) {
        const client = await t.raw();
        client.send(...frames);
        const trace = await t.server.untilStarted(client.id, 'handleIn', received.length);
        t.equal(trace.calls('handleIn'), received);
      },
    }),
  ),
  {
    rule: '2.3',
    title: 'a message that comes byte by byte is whole',
    async run(t) {
      const client = await t.raw();
      for (const byte of frame(TEXT, 'slow')) {
        client.send(Buffer.of(byte));
        await t.server.command({ trace: '' });
      }
      const trace = await t.server.untilStarted(client.id, 'handleIn');
      t.equal(trace.calls('handleIn'), [{ text: 'slow' }]);
    },
  },
  ...[125, 126, 127, 65_535, 65_536, 1_000_000].map(
    (length): RuleTest => ({
      rule: '2.3',
      title: `a message of ${length} bytes comes whole`,
      async run(t) {
        const probe = await t.open();
        probe.client.text('x'.repeat(length));
        const trace = await probe.untilStarted('handleIn');
        t.equal(trace.calls('handleIn'), [{ text: brief('x'.repeat(length)) }]);
      },
    }),
  ),
  {
    rule: '2.3',
    title: '5 000 messages in one write all come, in order',
    async run(t) {
      const client = await t.raw();
      const sent = Array.from({ length: 5_000 }, (_, index) => `${index}`);
      client.send(...sent.map((data) => frame(TEXT, data)), instruct(push(text('fence'))));
      await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from('fence') });
      const trace = await t.server.trace(client.id);
      t.equal(
        trace.calls('handleIn').slice(0, -1),
        sent.map((data) => ({ text: data })),
      );
    },
  },
  {
    rule: '2.3',
    title: 'a message of 100 fragments comes whole',
    async run(t) {
      const client = await t.raw();
      const first = frame(TEXT, 'a', { fin: false });
      const others = Array.from({ length: 98 }, () => frame(CONTINUATION, 'b', { fin: false }));
      client.send(first, ...others, frame(CONTINUATION, 'c'));
      const trace = await t.server.untilStarted(client.id, 'handleIn');
      t.equal(trace.calls('handleIn'), [{ text: `a${'b'.repeat(98)}c` }]);
    },
  },
  {
    rule: '2.3',
    title: 'a compressed message comes whole, and compressed ones are sent',
    needs: ['compresses'],
    async run(t) {
      const probe = await t.open({ options: { compress: true }, client: { perMessageDeflate: { threshold: 0 } } });
      t.check(
        probe.client.socket.extensions.includes('permessage-deflate'),
        'permessage-deflate',
        probe.client.socket.extensions,
      );
      const long = 'abc'.repeat(10_000);
      probe.client.text(long);
      probe.client.socket.send(Buffer.alloc(20_000, 7));
      probe.client.text('');
      const trace = await probe.untilStarted('handleIn', 3);
      t.equal(trace.calls('handleIn'), [
        { text: brief(long) },
        { binary: brief(Buffer.alloc(20_000, 7)) },
        { text: '' },
      ]);
      probe.instruct(push(text(long), text('short'), text('')));
      await t.receives(probe.client, { text: long }, { text: 'short' }, { text: '' });
    },
  },
  {
    rule: '2.3',
    title: 'compressed messages in fragments, and ones that are not compressed, come whole',
    needs: ['compresses'],
    async run(t) {
      const probe = await t.open({ options: { compress: true }, client: { perMessageDeflate: { threshold: 0 } } });
      const { socket } = probe.client;
      for (let round = 0; round < 3; round++) {
        for (const fin of [false, false, true]) socket.send('abc'.repeat(1_000), { fin });
        socket.send('plain', { compress: false });
      }
      const trace = await probe.untilStarted('handleIn', 6);
      const round = [{ text: brief('abc'.repeat(3_000)) }, { text: 'plain' }];
      t.equal(trace.calls('handleIn'), [...round, ...round, ...round]);
    },
  },
  {
    rule: '2.3',
    title: 'nothing is compressed unless the application asks',
    async run(t) {
      const probe = await t.open({ client: { perMessageDeflate: true } });
      t.equal(probe.client.socket.extensions, '', 'the extensions');
    },
  },
  {
    rule: '2.3',
    title: 'nothing is compressed unless the client offers it',
    async run(t) {
      const client = await t.raw({ options: { compress: true } });
      t.equal(client.header('sec-websocket-extensions'), [], 'Sec-WebSocket-Extensions');
      client.send(instruct(push({ opcode: 'text', long: 5_000 })));
      await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.alloc(5_000, 'x') });
    },
  },
];

const handlers: readonly RuleTest[] = [
  {
    rule: '2.4',
    title: 'the state is the value that was last returned, by identity',
    async run(t) {
      const probe = await t.open({ on: { init: { wait: 1 } } });
      probe.client.text('one');
      await probe.post('two');
      probe.instruct({ wait: 1 });
      probe.instruct(push(text('three')));
      await probe.untilStarted('handleIn', 3);
      await probe.untilStarted('handleInfo');
      probe.client.close();
      const trace = await probe.untilTerminated();
      t.equal(trace.started.length, 6, 'the number of callbacks');
      t.equal(
        trace.events.filter(({ event, sameState }) => event === 'begin' && !sameState),
        [],
        'the callbacks that received another state',
      );
    },
  },
  ...(
    [
      ['undefined', { noState: true }],
      ['null', { state: null }],
      ['0', { state: 0 }],
      ["''", { state: '' }],
      ['false', { state: false }],
    ] as const
  ).map(
    ([what, instruction]): RuleTest => ({
      rule: '2.4',
      title: `a state of ${what} is a state as any other`,
      async run(t) {
        const probe = await t.open({ handler: {}, on: { init: instruction } });
        probe.client.text('one');
        await probe.untilStarted('handleIn');
        probe.instruct({ ...instruction, wait: 1 });
        await probe.untilStarted('handleIn', 2);
        await probe.post('two');
        await probe.untilStarted('handleInfo');
        await probe.post(instruction);
        await probe.untilStarted('handleInfo', 2);
        probe.client.close();
        const trace = await probe.untilTerminated();
        t.started(trace, 'init', 'handleIn', 'handleIn', 'handleInfo', 'handleInfo', 'terminate');
        t.equal(
          trace.events.filter(({ event, sameState }) => event === 'begin' && !sameState),
          [],
          'the callbacks that received another state',
        );
      },
    }),
  ),
  {
    rule: '2.5',
    title: 'callbacks are called as methods of the handler',
    async run(t) {
      const probe = await t.open();
      probe.client.text('one');
      probe.client.socket.ping();
      await probe.post('two');
      await probe.untilStarted('handleIn');
      await probe.untilStarted('handleInfo');
      probe.client.close();
      const trace = await probe.untilTerminated();
      for (const callback of ['init', 'handleIn', 'handleInfo', 'terminate'] as const) {
        t.check(trace.started.includes(callback), `a call of ${callback}`, trace.started);
      }
      t.equal(
        trace.events.filter(({ event, sameThis }) => event === 'begin' && !sameThis),
        [],
        'the callbacks that were not called as methods of the handler',
      );
    },
  },
  {
    rule: '2.5',
    title: 'a handler without handleControl is sent pings and pongs, and none of them matters',
    async run(t) {
      const client = await t.raw({ handler: { without: ['handleControl'] } });
      client.send(frame(PING, 'a'), frame(PONG, 'b'), instruct(push(text('alive'))));
      await t.receivesFrames(client, { opcode: PONG }, { opcode: TEXT, payload: Buffer.from('alive') });
      client.send(closeFrame(1000));
      t.started(await t.server.untilTerminated(client.id), 'init', 'handleIn', 'terminate');
    },
  },
  {
    rule: '2.5',
    title: 'a handler without terminate is not asked for it, and nothing is reported',
    alone: true,
    async run(t) {
      const before = t.help.reports?.();
      const client = await t.raw({ handler: { without: ['terminate'] } });
      client.send(frame(TEXT, 'hi'));
      await t.server.untilStarted(client.id, 'handleIn');
      client.send(closeFrame(4000));
      await t.closesRaw(client, 4000);
      await t.isAlive();
      await t.server.quiet();
      t.equal(t.help.reports?.(), before, 'what the server has reported');
    },
  },
  {
    rule: '2.6',
    title: 'one handler serves many connections at the same time, and one that is stuck does not hold up the others',
    async run(t) {
      const probes = await Promise.all(Array.from({ length: 20 }, () => t.open()));
      for (const probe of probes) probe.instruct({ gate: true });
      for (const probe of probes) await probe.untilStarted('handleIn');
      for (const [index, probe] of [...probes.entries()].reverse()) {
        await probe.release();
        probe.instruct(push(text(`mine ${index}`)));
        await t.receives(probe.client, { text: `mine ${index}` });
      }
      for (const probe of probes) probe.client.close();
      for (const probe of probes) {
        t.equal((await probe.untilTerminated()).calls('terminate').length, 1, 'the calls of terminate');
      }
    },
  },
];

const bytes: readonly RuleTest[] = [
  {
    rule: '2.7',
    title: 'a byte order mark is kept',
    async run(t) {
      const client = await t.raw();
      client.send(
        frame(TEXT, '\uFEFFa'),
        frame(TEXT, '\uFEFF', { fin: false }),
        frame(CONTINUATION, 'b\uFEFF'),
        frame(TEXT, '\uFEFF'),
      );
      const trace = await t.server.untilStarted(client.id, 'handleIn', 3);
      t.equal(trace.calls('handleIn'), [{ text: '\uFEFFa' }, { text: '\uFEFFb\uFEFF' }, { text: '\uFEFF' }]);
    },
  },
  ...(
    [
      ['of small messages', Array.from({ length: 200 }, (_, index) => Buffer.alloc(1 + (index % 50), index)), {}],
      ['of large messages', [1, 2, 3, 4].map((fill) => Buffer.alloc(150_000, fill)), {}],
      ['of fragmented messages', [1, 2, 3, 4, 5].map((fill) => Buffer.alloc(3_000, fill)), { parts: 3 }],
    ] as [string, Buffer[], { parts?: number }][]
  ).map(
    ([what, sent, { parts = 1 }]): RuleTest => ({
      rule: '2.7',
      title: `the bytes ${what} belong to the handler: they are neither modified nor reused`,
      async run(t) {
        const client = await t.raw();
        for (const message of sent) {
          const size = Math.ceil(message.length / parts);
          for (let part = 0; part < parts; part++) {
            const opcode = part === 0 ? BINARY : CONTINUATION;
            client.send(frame(opcode, message.subarray(part * size, (part + 1) * size), { fin: part === parts - 1 }));
          }
        }
        await t.server.untilStarted(client.id, 'handleIn', sent.length);
        client.send(...sent.map((message) => frame(TEXT, 'z'.repeat(message.length))));
        await t.server.untilStarted(client.id, 'handleIn', 2 * sent.length);
        const kept = (await t.server.command({ kept: client.id })) as string[];
        t.equal(
          kept.map((hex) => brief(Buffer.from(hex, 'hex'))),
          sent.map((message) => brief(message)),
          'the bytes, afterwards',
        );
        t.check(
          kept.every((hex, index) => hex === sent[index]?.toString('hex')),
          'the same bytes afterwards',
          'others',
        );
      },
    }),
  ),
  {
    rule: '2.7',
    title: 'the bytes of compressed messages belong to the handler: they are neither modified nor reused',
    needs: ['compresses'],
    async run(t) {
      const probe = await t.open({ options: { compress: true }, client: { perMessageDeflate: { threshold: 0 } } });
      const sent = [1, 2, 3, 4].map((fill) => Buffer.alloc(20_000, fill));
      for (const message of sent) probe.client.socket.send(message);
      await probe.untilStarted('handleIn', sent.length);
      t.equal(
        await t.server.command({ kept: probe.id }),
        sent.map((message) => message.toString('hex')),
      );
    },
  },
  {
    rule: '2.7',
    title: 'the bytes of control frames belong to the handler: they are neither modified nor reused',
    needs: ['receivesControlFrames'],
    async run(t) {
      const client = await t.raw();
      const sent = Array.from({ length: 40 }, (_, index) => Buffer.alloc(1 + 3 * index, index));
      client.send(...sent.map((data, index) => frame(index % 2 === 0 ? PING : PONG, data)));
      await t.server.untilStarted(client.id, 'handleControl', sent.length);
      t.equal(
        await t.server.command({ kept: client.id }),
        sent.map((data) => data.toString('hex')),
      );
    },
  },
  ...(
    [
      ['of one packet', true],
      ['of several packets', false],
    ] as const
  ).map(
    ([what, together]): RuleTest => ({
      rule: '2.7',
      title: `a handler that overwrites its bytes harms no others ${what}`,
      needs: ['overwritesFrames'],
      async run(t) {
        const client = await t.raw({ on: { handleIn: { overwrite: true } } });
        const frames = Array.from({ length: 20 }, () => frame(BINARY, Buffer.of(1, 2, 3)));
        if (together) client.send(...frames);
        else {
          for (const [index, each] of frames.entries()) {
            client.send(each);
            await t.server.untilStarted(client.id, 'handleIn', index + 1);
          }
        }
        const trace = await t.server.untilStarted(client.id, 'handleIn', 20);
        t.equal(trace.calls('handleIn'), Array(20).fill({ binary: '010203' }));
      },
    }),
  ),
  {
    rule: '2.7',
    title: 'a handler that overwrites the data of a ping harms neither the answer nor the next one',
    needs: ['receivesControlFrames', 'overwritesFrames'],
    async run(t) {
      const client = await t.raw({ on: { handleControl: { overwrite: true } } });
      client.send(frame(PING, 'one'), frame(PING, 'two'));
      await t.receivesFrames(
        client,
        { opcode: PONG, payload: Buffer.from('one') },
        { opcode: PONG, payload: Buffer.from('two') },
      );
      const trace = await t.server.untilStarted(client.id, 'handleControl', 2);
      t.equal(trace.calls('handleControl'), [{ ping: '6f6e65' }, { ping: '74776f' }]);
    },
  },
  ...([false, true] as const).map(
    (compress): RuleTest => ({
      rule: '2.7',
      title: `bytes that a handler has returned are not modified${compress ? ', though compressed' : ''}`,
      needs: compress ? ['compresses'] : [],
      async run(t) {
        const probe = await t.open(
          compress ? { options: { compress }, client: { perMessageDeflate: { threshold: 0 } } } : {},
        );
        const hex = '0102030405060708'.repeat(300);
        probe.instruct(push({ opcode: 'binary', hex }, { opcode: 'binary', hex, as: 'ArrayBuffer' }));
        await t.receives(probe.client, { binary: hex }, { binary: hex });
        t.equal(await t.server.command({ returned: probe.id }), [hex, hex], 'the bytes, afterwards');
      },
    }),
  ),
  ...(
    [
      ['in one frame', [frame(TEXT, Buffer.of(0x61, 0xff, 0x62))], 'a\uFFFDb'],
      [
        'at the end of a long message',
        [frame(TEXT, Buffer.concat([Buffer.alloc(900, 'x'), Buffer.of(0xff)]))],
        `${'x'.repeat(900)}\uFFFD`,
      ],
      [
        'in fragments: of the whole message, not of each',
        [
          frame(TEXT, Buffer.of(0x61, 0xe2), { fin: false }),
          frame(CONTINUATION, Buffer.of(0x98), { fin: false }),
          frame(CONTINUATION, Buffer.of(0x95, 0xc3)),
        ],
        'a☕\uFFFD',
      ],
    ] as [string, Buffer[], string][]
  ).map(
    ([what, frames, received]): RuleTest => ({
      rule: '2.7',
      title: `with validateUtf8 off, malformed bytes come as U+FFFD, ${what}`,
      needs: ['canSkipUtf8Validation'],
      async run(t) {
        const client = await t.raw({ options: { validateUtf8: false } });
        client.send(...frames);
        const trace = await t.server.untilStarted(client.id, 'handleIn');
        t.equal(trace.calls('handleIn'), [{ text: received }]);
      },
    }),
  ),
];

const housekeeping: readonly RuleTest[] = [
  {
    rule: '2.8',
    title: 'a ping is answered with its data, whatever the handler does',
    async run(t) {
      const client = await t.raw();
      client.send(frame(PING, 'beat'));
      await t.receivesFrames(client, { opcode: PONG, payload: Buffer.from('beat') });
      client.send(frame(PING));
      await t.receivesFrames(client, { opcode: PONG, payload: Buffer.alloc(0) });
      client.send(frame(PING, 'x'.repeat(125)));
      await t.receivesFrames(client, { opcode: PONG, payload: Buffer.alloc(125, 'x') });
    },
  },
  {
    rule: '2.8',
    title: 'a ping between fragments is answered before the message is complete',
    async run(t) {
      const client = await t.raw();
      client.send(frame(TEXT, 'a', { fin: false }), frame(PING, 'between'));
      await t.receivesFrames(client, { opcode: PONG, payload: Buffer.from('between') });
      client.send(frame(CONTINUATION, 'b'));
      t.equal((await t.server.untilStarted(client.id, 'handleIn')).calls('handleIn'), [{ text: 'ab' }]);
    },
  },
  {
    rule: '2.8',
    title: 'handleControl receives pings and pongs, and a ping has been answered before',
    needs: ['receivesControlFrames'],
    async run(t) {
      const client = await t.raw({ on: { handleControl: push(text('seen')) } });
      client.send(frame(PING, 'hi'), frame(PONG));
      await t.receivesFrames(client, { opcode: PONG }, { opcode: TEXT }, { opcode: TEXT });
      t.equal((await t.server.trace(client.id)).calls('handleControl'), [{ ping: '6869' }, { pong: '' }]);
    },
  },
  {
    rule: '2.8',
    title: 'close frames reach no handler',
    async run(t) {
      const probe = await t.open();
      probe.client.close(4000, 'bye');
      t.started(await probe.untilTerminated(), 'init', 'terminate');
    },
  },
  ...([false, true] as const).map(
    (inside): RuleTest => ({
      rule: '2.8',
      title: `control frames that a platform cannot send are left out, and the rest is sent${inside ? ', even if nothing is left' : ''}`,
      async run(t) {
        const probe = await t.open();
        const messages = inside ? [{ opcode: 'pong' }] : [text('before'), { opcode: 'pong' }, text('after')];
        probe.instruct(push(...messages));
        probe.instruct(push(text('fence')));
        const pong = t.server.cannot.sendsControlFrames === undefined ? [{ pong: '' }] : [];
        const expected = inside ? pong : [{ text: 'before' }, ...pong, { text: 'after' }];
        await t.receives(probe.client, ...expected, { text: 'fence' });
      },
    }),
  ),

  {
    rule: '2.9',
    title: 'handleInfo receives each posted info once',
    async run(t) {
      const probe = await t.open();
      const infos = Array.from({ length: 100 }, (_, index) => index);
      await probe.post(...infos);
      probe.client.text('fence');
      const trace = await probe.untilStarted('handleIn');
      t.equal(
        trace.calls('handleInfo'),
        infos.map((info) => ({ info })),
      );
    },
  },
  ...[1_000, 10_000].map(
    (count): RuleTest => ({
      rule: '2.9',
      title: `none of ${count} infos is lost that are posted while a callback is pending`,
      async run(t) {
        const probe = await t.open({ on: { init: { gate: true } } });
        await t.server.post(probe.id, ['info'], { times: count });
        await probe.post(push(text('fence')));
        await probe.release();
        await t.receives(probe.client, { text: 'fence' });
        t.equal((await probe.trace()).calls('handleInfo').length, count + 1, 'the number of infos');
      },
    }),
  ),
  {
    rule: '2.9',
    title: 'infos that are equal, or the same, are not merged',
    async run(t) {
      const probe = await t.open();
      await probe.post('same', 'same', 1, 1, null, null, { result: { type: 'ok' } }, { result: { type: 'ok' } });
      await t.server.post(probe.id, [{ result: { type: 'ok' } }], { times: 3 });
      await probe.post(push(text('fence')));
      await t.receives(probe.client, { text: 'fence' });
      const ok = { info: { result: { type: 'ok' } } };
      const expected = [{ info: 'same' }, { info: 'same' }, { info: 1 }, { info: 1 }, { info: null }, { info: null }];
      t.equal((await probe.trace()).calls('handleInfo').slice(0, -1), [...expected, ok, ok, ok, ok, ok]);
    },
  },
  {
    rule: '2.9',
    title: 'an info arrives by identity, not as a copy',
    async run(t) {
      const probe = await t.open();
      await probe.post({ result: { type: 'ok' }, list: [1, { two: 2 }] }, [3], 'text');
      const trace = await probe.untilStarted('handleInfo', 3);
      t.equal(
        trace.events.filter(({ callback, sameValue }) => callback === 'handleInfo' && sameValue === false),
        [],
        'the infos that were copied',
      );
    },
  },
  {
    rule: '2.9',
    title: 'every kind of info arrives: null, 0, an empty text, false, a list',
    async run(t) {
      const probe = await t.open();
      await probe.post(null, 0, '', false, [1, 2]);
      const trace = await probe.untilStarted('handleInfo', 5);
      t.equal(
        trace.calls('handleInfo'),
        [null, 0, '', false, [1, 2]].map((info) => ({ info })),
      );
    },
  },
];

export const callbacks: readonly RuleTest[] = [...order, ...messages, ...handlers, ...bytes, ...housekeeping];
