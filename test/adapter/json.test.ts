// @websock/adapter/json, with zod, valibot and arktype: without a socket, and on every platform.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type ClientMessages, type JsonResult, json, type ServerMessages } from '@websock/adapter/json';
import { connect, type TestConnection } from '@websock/adapter/testing';
import type { WebSock } from '@websock/spec';
import { type } from 'arktype';
import fc from 'fast-check';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { Client } from '../../tck/src/client.ts';
import { type Compiler, compile, nameOf } from '../toolkit/compilers.ts';
import { type Host, host, launch, platforms } from '../toolkit/host.ts';
import { complete } from '../toolkit/programs.ts';

const compilers: readonly Compiler[] = complete
  ? ['typescript-5.4', 'typescript-5.9', 'typescript', 'typescript-7.0']
  : ['typescript-5.4', 'typescript-7.0'];

test.each(compilers.map((compiler) => [nameOf(compiler), compiler] as const))(
  'the types, on %s',
  async (_, compiler) => {
    const options = {
      lib: ['es2022'],
      types: ['node'],
      module: 'esnext',
      moduleResolution: 'bundler',
      skipLibCheck: true,
    };
    expect(await compile(compiler, 'test/contract/tsconfig.json', ['test/adapter/json.types.ts'], options)).toEqual([]);
  },
);

const text = (value: unknown) => ({ opcode: 'text', data: JSON.stringify(value) });
const parsed = (received: unknown) => JSON.parse((received as WebSock.TextMessage).data);
const ok = <State>(state: State) => ({ type: 'ok', state }) as const;

/** The same protocol in each library. Dates are text on the wire. */
const protocols = {
  zod: {
    in: z.object({ say: z.string(), at: z.iso.datetime().transform((at) => new Date(at)) }),
    out: z.object({ said: z.string(), at: z.date().transform((at) => at.toISOString()) }),
  },
  valibot: {
    in: v.object({ say: v.string(), at: v.pipe(v.string(), v.isoTimestamp(), v.transform((at) => new Date(at))) }), // biome-ignore format: as the others
    out: v.object({ said: v.string(), at: v.pipe(v.date(), v.transform((at) => at.toISOString())) }), // biome-ignore format: as the others
  },
  arktype: {
    in: type({ say: 'string', at: 'string.date.iso.parse' }),
    out: type({ said: 'string', at: type('Date').pipe((at) => at.toISOString()) }),
  },
  'zod, async': {
    in: z.object({
      say: z.string().refine(async (say) => say !== ''),
      at: z.iso.datetime().transform(async (at) => new Date(at)),
    }),
    out: z.object({
      said: z.string().refine(async () => true),
      at: z.date().transform(async (at) => at.toISOString()),
    }),
  },
};

describe.each(Object.entries(protocols))('%s', (_library, protocol) => {
  // The union of the libraries has no common type; json.types.ts checks the types of each.
  const { in: incoming, out } = protocol as (typeof protocols)['zod'];
  const seen: unknown[] = [];
  const parrot = json({ in: incoming, out })({
    init: () => ok(0),
    handleMessage(message, count) {
      seen.push(message);
      return { type: 'push', messages: { said: message.say, at: message.at }, state: count + 1 };
    },
    handleInfo: (said: string, count) => ({ type: 'push', messages: [{ said, at: new Date(count) }], state: count }),
  });
  const at = '2026-11-30T10:00:00.000Z';

  test('the handler receives the output of `in`, and the client that of `out`', async () => {
    const client = connect(parrot);
    client.text(JSON.stringify({ say: 'hello', at } satisfies ClientMessages<typeof protocols.zod>));
    const expected = { said: 'hello', at } satisfies ServerMessages<typeof protocols.zod>;
    expect(parsed(await client.next())).toEqual(expected); // the order of the properties is the library's
    expect(seen.pop()).toEqual({ say: 'hello', at: new Date(at) });
    client.post('posted');
    expect(parsed(await client.next())).toEqual({ said: 'posted', at: new Date(1).toISOString() });
    client.close();
    await client.closed;
    expect(client.errors).toEqual([]);
  });

  test.each([
    ['of another type', '{"say":5,"at":"secret"}'],
    ['that is not an object', '"secret"'],
    ['null', 'null'],
  ])('refuses a message %s with 1008, and does not quote it', async (_, message) => {
    const client = connect(parrot);
    client.text(message);
    expect(await client.next()).toEqual({ type: 'close', code: 1008, reason: '' });
    const ended = await client.closed;
    expect(ended).toMatchObject({ type: 'error', code: 1008, error: expect.any(Error) });
    expect(everythingIn(ended)).not.toContain('secret');
    expect(seen).toEqual([]);
    expect(client.errors).toEqual([]);
  });

  test('what the handler sends and `out` refuses is its fault: 1011, reported, and nothing of it is sent', async () => {
    const wrong = json({ in: incoming, out })({
      init: () => ok(0),
      handleMessage: ({ say, at }, state) => ({
        type: 'push',
        messages: [
          { said: say, at },
          { said: 'again', at: say as unknown as Date },
        ],
        state,
      }),
      handleInfo: (_info, state) => ok(state),
    });
    const client = connect(wrong);
    client.text(JSON.stringify({ say: 'secret', at }));
    expect(await client.next()).toEqual({ type: 'close', code: 1011, reason: '' });
    await client.closed;
    const error = new TypeError('handleMessage returned a message (number 2) that the schema "out" refuses, at \'at\'');
    expect(client.errors).toEqual([{ callback: 'handleIn', error }]);
    expect(everythingIn(client.errors)).not.toContain('secret');
  });
});

/** All that a log could show of a value, also an error's properties that are not enumerable. */
function everythingIn(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.getOwnPropertyNames(value)
    .map((name) => `${name}: ${everythingIn((value as any)[name])}`)
    .join('\n');
}

// ---- What is not for the schema ----

const anything = { in: z.unknown(), out: z.unknown() };

/** Answers what is invalid with its issues. */
const lenient = json({
  ...anything,
  invalid: (issues, state) => ({ type: 'push', messages: { issues }, state }),
})({
  init: () => ok(0),
  handleMessage: (message, state) => ({ type: 'push', messages: { message }, state: state + 1 }),
  handleInfo: (_info, state) => ok(state),
});

/** The answer to one message. */
async function answerTo(handler: WebSock<any, any>, send: (client: TestConnection<any>) => void): Promise<unknown> {
  const client = connect(handler);
  send(client);
  const received = await client.next();
  client.close();
  await client.closed;
  expect(client.errors).toEqual([]);
  return received;
}

test.each([
  ['text that is not JSON', 'hello'],
  ['text that is not JSON', ''],
  ['text that is not JSON', '{"a":1}}'],
  ['JSON with a key "__proto__"', '{"a":[{"__proto__" :{"isAdmin":true}}]}'],
  ['JSON with a key "__proto__"', '{"\\u005f_prot\\u006F__":1}'],
  ['JSON with a key "__proto__"', '{"\\u005F\\u005f\\u0070\\u0072\\u006f\\u0074\\u006f\\u005f\\u005f"\n:1}'],
])('invalid receives: %s (%s)', async (message, sent) => {
  expect(await answerTo(lenient, ({ text }) => text(sent))).toEqual(text({ issues: [{ message }] }));
});

test('invalid receives binary messages', async () => {
  const message = 'a binary message, not JSON as text';
  const answer = await answerTo(lenient, ({ binary }) => binary(new TextEncoder().encode('{}')));
  expect(answer).toEqual(text({ issues: [{ message }] }));
});

test('text that only mentions __proto__ is not refused', async () => {
  for (const message of ['__proto__', '"__proto__":', { a: '__proto__' }, ['__proto__', { proto: 1 }]]) {
    expect(await answerTo(lenient, ({ text }) => text(JSON.stringify(message)))).toEqual(text({ message }));
  }
});

test('JSON that is nested so deeply that the schema overflows the stack is invalid', async () => {
  const list: z.ZodType = z.lazy(() => z.array(list));
  for (const incoming of [list, list.refine(async () => true)]) {
    const handler = json({
      in: incoming,
      out: z.unknown(),
      invalid: (issues, state) => ({ type: 'push', messages: issues, state }),
    })({
      init: () => ok(0),
      handleMessage: (_message, state) => ({ type: 'push', messages: 'accepted', state }),
      handleInfo: (_info, state) => ok(state),
    });
    const deep = '['.repeat(500_000) + ']'.repeat(500_000);
    const issue = { message: expect.stringMatching(/nested too deeply|not JSON/) };
    const answer = (await answerTo(handler, ({ text }) => text(deep))) as { data: string };
    expect(JSON.parse(answer.data)).toEqual(issue);
  }
});

test('hostile input of any kind crashes nothing, and no error quotes it', async () => {
  const mark = 'c8fQz';
  const marked = fc.string({ unit: 'binary' }).map((noise) => `${mark}${noise}`);
  const key = fc.oneof(marked, fc.constantFrom('say', 'at', 'said', '__proto__', 'constructor', 'toString', 'length'));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      marked,
      fc.constantFrom<unknown>(null, true, -0, 1e308),
      fc.array(tie('value')),
      fc.array(fc.tuple(key, tie('value'))).map((entries) => Object.fromEntries(entries)),
      fc.record({ say: tie('value'), at: tie('value') }),
    ),
  }));
  const broken = fc
    .tuple(
      value.map((valid) => JSON.stringify(valid)),
      fc.nat(),
      fc.constantFrom('', mark, '\\', '"', '\u0000', '{', ']'),
    )
    .map(
      ([json, at, noise]) => json.slice(0, at % (json.length + 1)) + noise + json.slice((at % (json.length + 1)) + 1),
    );
  const message = fc.oneof(
    value.map((valid) => JSON.stringify(valid)),
    broken,
    marked,
  );
  const property = fc.asyncProperty(
    fc.constantFrom(...Object.values(protocols)),
    fc.array(message, { minLength: 1, maxLength: 3 }),
    async (protocol, messages) => {
      const { in: incoming, out } = protocol as (typeof protocols)['zod'];
      const handler = json({ in: incoming, out })({
        init: () => ok(0),
        handleMessage: ({ say, at }, state) => ({ type: 'push', messages: { said: say, at }, state }),
        handleInfo: (_info, state) => ok(state),
      });
      const client = connect(handler);
      for (const sent of messages) client.text(sent);
      await client.advance(0);
      client.close();
      const ended = await client.closed;
      expect([1008, 1005]).toContain(ended.code);
      expect(everythingIn(ended)).not.toContain(mark);
      expect(client.errors).toEqual([]);
    },
  );
  await fc.assert(property, { numRuns: complete ? 5_000 : 500 });
});

// ---- The callbacks and their results ----

test('each callback of a class sends typed messages, keeps its this and its private members, and stops', async () => {
  class Counter {
    readonly #ended: unknown[] = [];
    readonly ended = this.#ended;
    init(first: number): WebSock.Ok<number> {
      return { type: 'ok', state: first + this.#ended.length };
    }
    handleMessage(add: number, count: number): JsonResult<number, number[]> {
      const state = count + add + this.#ended.length;
      return { type: 'reply', status: 'added', messages: [[state], [-state]], state };
    }
    async handleInfo(_info: 'stop', state: number): Promise<JsonResult<number, number[]>> {
      const close = { code: 4001 + this.#ended.length, reason: 'posted' };
      return { type: 'stop', messages: [[state]], close, state };
    }
    handleControl(frame: WebSock.ControlFrame, state: number): JsonResult<number, number[]> {
      const length = frame.data.byteLength + this.#ended.length;
      return { type: 'push', messages: [[length], { opcode: 'ping', data: 'latency' }], state };
    }
    terminate(reason: WebSock.CloseReason, state: number) {
      this.#ended.push(reason, state);
    }
  }
  const counter = new Counter();
  const client = connect(json({ in: z.number(), out: z.array(z.number()) })(counter), 5);
  client.text('2');
  expect(await client.next()).toEqual(text([7]));
  expect(await client.next()).toEqual(text([-7]));
  client.pong('abc');
  expect(await client.next()).toEqual(text([3]));
  expect(await client.next()).toEqual({ opcode: 'ping', data: 'latency' });
  client.post('stop');
  expect(await client.next()).toEqual(text([7]));
  expect(await client.next()).toEqual({ type: 'close', code: 4001, reason: 'posted' });
  await client.closed;
  expect(counter.ended).toEqual([{ type: 'normal', code: 4001, reason: 'posted' }, 7]);
  expect(client.errors).toEqual([]);
});

test('a message that the schema accepts is never taken for a ping', async () => {
  const message = { opcode: 'ping', data: 'of mine' };
  expect(await answerTo(lenient, ({ text }) => text(JSON.stringify(message)))).toEqual(text({ message }));
  const both = json({ in: z.unknown(), out: z.object({ opcode: z.literal('ping') }) })({
    init: () => ({ type: 'push', messages: [{ opcode: 'ping' }, { opcode: 'pong' }], state: 0 }),
    handleMessage: (_message, state) => ok(state),
    handleInfo: (_info, state) => ok(state),
  });
  const client = connect(both);
  expect(await client.next()).toEqual(text({ opcode: 'ping' }));
  expect(await client.next()).toEqual({ opcode: 'pong' });
});

test('the optional callbacks are there only if the handler has them', () => {
  expect(lenient.handleControl).toBeUndefined();
  expect(lenient.terminate).toBeUndefined();
});

const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;
test.each([
  ['is undefined', undefined, 'a message (number 1) that cannot be written as JSON: it is undefined'],
  ['is a function', [() => {}], 'a message (number 1) that cannot be written as JSON: it is a function'],
  ['is cyclic', [1, cyclic], 'a message (number 2) that cannot be written as JSON'],
  ['is a BigInt', [1n], 'a message (number 1) that cannot be written as JSON'],
])('a message that %s closes with 1011', async (_, messages, what) => {
  const handler = json(anything)({
    init: () => ok(0),
    handleMessage: (_message, state) => ({
      type: 'push',
      messages: messages === undefined ? [messages] : messages,
      state,
    }),
    handleInfo: (_info, state) => ok(state),
  });
  const client = connect(handler);
  client.text('1');
  expect(await client.next()).toMatchObject({ code: 1011 });
  await client.closed;
  expect(client.errors).toMatchObject([{ callback: 'handleIn', error: { message: `handleMessage returned ${what}` } }]);
});

test('an invalid result, and what invalid or a schema throws, is reported', async () => {
  const none = connect(json(anything)({ ...callbacks, handleMessage: () => undefined as never }));
  none.text('1');
  await none.closed;
  expect(none.errors).toMatchObject([{ error: { message: expect.stringContaining('handleIn returned undefined') } }]);

  const secret = new Error('in the schema');
  const fails = () => {
    throw secret;
  };
  const failing = connect(json({ in: z.unknown().refine(fails), out: z.unknown() })(callbacks));
  failing.text('1');
  expect(await failing.next()).toMatchObject({ code: 1011 });
  await failing.closed;
  expect(failing.errors).toEqual([{ callback: 'handleIn', error: secret }]);

  const invalid = connect(json({ ...anything, invalid: fails })(callbacks));
  invalid.text('not JSON');
  await invalid.closed;
  expect(invalid.errors).toEqual([{ callback: 'handleIn', error: secret }]);
});

test('of several messages that fail, no rejection is left unhandled', async () => {
  // By hand: zod itself calls an async check a second time, and leaves a rejection of the first unhandled.
  const rejects = async (value: unknown) => {
    await null;
    if (Number(value) > 1) throw new Error('too large');
    return { issues: [{ message: 'no number' }] };
  };
  const out: StandardSchemaV1<number> = { '~standard': { version: 1, vendor: 'test', validate: rejects } };
  const client = connect(
    json({ in: z.unknown(), out })({
      ...callbacks,
      handleMessage: (_message, state) => ({ type: 'push', messages: [2, -1, 3], state }),
    }),
  );
  client.text('1');
  expect(await client.next()).toMatchObject({ code: 1011 });
  await client.closed;
  expect(client.errors).toHaveLength(1);
});

// ---- Mistakes in the call ----

const callbacks = {
  init: () => ok(0),
  handleMessage: (_message: unknown, state: number) => ok(state),
  handleInfo: (_info: unknown, state: number) => ok(state),
};

test.each([
  ['an unknown option', { ...anything, inn: 1 }, 'json: there is no option "inn"; the options are in, out, invalid'],
  ['a missing schema', { in: z.unknown() }, 'json: the option "out" is undefined; it must be a schema of a library'],
  ['a plain object', { in: { a: 1 }, out: z.unknown() }, 'json: the option "in" is an object; it must be a schema'],
  [
    'another version',
    { in: { '~standard': { version: 2, validate() {} } }, out: z.unknown() },
    'json: the option "in" is',
  ],
  [
    'an invalid that is none',
    { ...anything, invalid: 1008 },
    'json: the option "invalid" is 1008; it must be a function',
  ],
  ['nothing', null, 'json: the options are null; pass an object'],
])('json throws for %s', (_, options, message) => {
  expect(() => json(options as never)).toThrow(message);
});

test.each([
  ['a class', class Chat {}, 'json: the handler is a class or function; pass an instance, such as "new Chat()"'],
  ['nothing', undefined, 'json: the handler is undefined; pass an object with init, handleMessage and handleInfo'],
  ['a plain handler', { init() {}, handleIn() {}, handleInfo() {} }, "json: the handler's handleMessage is missing"],
  [
    'a terminate that is none',
    { ...callbacks, terminate: 1 },
    "json: the handler's terminate is 1; it must be a function",
  ],
])('the handler of typed messages: throws for %s', (_, handler, message) => {
  expect(() => json(anything)(handler as never)).toThrow(message);
});

// ---- Over sockets ----

const FILE = 'test/adapter/wrappers.application.ts';

describe.each([...platforms, 'crossws'] as const)('on %s', (platform) => {
  let server: Host;
  beforeAll(async () => {
    server = await (platform === 'crossws'
      ? launch('node', ['test/toolkit/hosts/crossws.ts', FILE])
      : host(platform, FILE));
  });
  afterAll(async () => {
    expect(await server?.stop(), 'the exit code of the server').toBe(0);
    expect(server.reports()).toBe('');
  });

  test('typed messages go both ways, and an invalid one closes with 1008', async () => {
    const client = await Client.connect(`${server.url}/parrot`);
    client.text('{"say":"hello","more":"stripped"}');
    expect(await client.next()).toEqual({ text: '{"said":"hello","count":0}' });
    client.text('{"say":"again"}');
    expect(await client.next()).toEqual({ text: '{"said":"again","count":1}' });
    client.text('{"say":1}');
    expect(await client.closed()).toEqual({ close: 1008, reason: '' });
  });

  test('JSON of 1 MB that is nested deeply, or has a key __proto__, is invalid, and harms nothing', async () => {
    const client = await Client.connect(`${server.url}/tree`);
    const open = '{"a":';
    for (const deep of [
      '['.repeat(1_000_000),
      `${'['.repeat(500_000)}${']'.repeat(500_000)}`,
      `${open.repeat(180_000)}"b"${'}'.repeat(180_000)}`,
    ]) {
      client.text(deep);
      expect(await client.next()).toEqual({ text: expect.stringMatching(/nested too deeply|not JSON/) });
    }
    client.text('{"__proto__":{"a":"b"}}');
    expect(await client.next()).toEqual({ text: '"JSON with a key \\"__proto__\\""' });
    client.text('{"a":["b"]}');
    expect(await client.next()).toEqual({ text: '"a tree"' });
    client.close();
    await client.closed();
  });
});
