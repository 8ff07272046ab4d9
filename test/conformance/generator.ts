// Generates handlers with a known verdict: random combinations of right parts, with one mistake or none.

import fc from 'fast-check';

export const names = ['init', 'handleIn', 'handleControl', 'handleInfo', 'terminate'] as const;
export type Name = (typeof names)[number];

/** The forms of a handler. In `bare` and the classes, the contract does not provide types by context. */
export type Form = 'annotated' | 'satisfies' | 'bare' | 'class' | 'implements';

interface Callback {
  /** Whether its results have a declared return type, are plain literals, or literals `as const`. */
  readonly style: 'returns' | 'plain' | 'const';
  readonly wait: 'no' | 'async' | 'promise' | 'mixed';
  readonly shape: 'arrow' | 'method' | 'function';
  readonly block: boolean;
  readonly parameters: number;
  /** Whether its parameters are annotated although the context provides their types. */
  readonly typed: boolean;
  readonly results: readonly Result[];
}

interface Result {
  readonly type: 'ok' | 'push' | 'reply' | 'stop';
  readonly given: boolean;
  readonly messages: string;
  readonly status: string | undefined;
  readonly reason: string | undefined;
  readonly close: string | undefined;
  readonly more: boolean;
}

export interface Handler {
  readonly form: Form;
  /** What wraps it. A class is wrapped in a mixin, or not at all. */
  readonly wrapped: 'no' | 'frozen' | 'spread' | 'const' | 'assigned';
  readonly state: State;
  readonly info: string;
  readonly arg: string;
  readonly callbacks: { readonly [Key in Name]?: Callback };
  readonly helpers: readonly number[];
  readonly served: boolean;
  readonly mistake?: Mistake;
}

/** A mistake in a handler, its place, and the expected fault. */
export interface Mistake {
  readonly kind: string;
  readonly at: Name | 'handler';
  /** The name in the fault, if not `at`. */
  readonly named?: string;
  /** The beginning of the fault, with `…` for any name; `undefined` if only the compiler must report an error. */
  readonly words: string | undefined;
  /** Where the compiler may report an error of its own. */
  readonly place: 'callback' | 'head' | 'after';
  readonly change: Change;
}

/** What a mistake changes in the text of a handler. */
interface Change {
  readonly result?: string | undefined;
  readonly results?: 'widened' | 'sometimes undefined' | 'undefined' | undefined;
  readonly first?: string;
  readonly second?: string;
  readonly this?: string;
  readonly third?: string;
  readonly statement?: string;
  readonly name?: string;
  readonly member?: string;
  readonly gone?: true;
  readonly asserted?: string;
  readonly after?: string;
}

// ---- Right parts ----

interface State {
  readonly type: string;
  readonly value: string;
  readonly wrong: string;
  readonly hasUndefined?: true;
  readonly isObject?: true;
}

const states: readonly State[] = [
  { type: 'Count', value: '{ count: 1 }', wrong: "{ count: 'one' }", isObject: true },
  {
    type: '{ name?: string; readonly tags: readonly string[] }',
    // without the assertion, the compiler may infer the `as const` type for the state of all callbacks
    value: "{ tags: ['a'] as readonly string[] }",
    wrong: '{}',
    isObject: true,
  },
  { type: 'Phase', value: 'phase', wrong: "{ phase: 'old' }", isObject: true },
  { type: 'Tree', value: 'tree', wrong: '{ children: [1] }', isObject: true },
  {
    type: 'Map<string, number>',
    value: 'new Map<string, number>()',
    wrong: 'new Map<number, string>()',
    isObject: true,
  },
  { type: 'string[]', value: 'texts', wrong: '[1]' },
  { type: 'Id', value: 'id', wrong: "'id'" },
  { type: '() => void', value: '() => {}', wrong: "'text'" },
  { type: 'string | undefined', value: 'text', wrong: '1', hasUndefined: true },
  { type: 'undefined', value: 'undefined', wrong: 'null', hasUndefined: true },
  { type: 'void', value: 'undefined', wrong: 'null', hasUndefined: true },
  { type: 'number', value: '1', wrong: "'1'" },
  { type: "'a' | 'b'", value: "'a' as const", wrong: "'c'" },
];

const infos = ['string', 'unknown', 'never', '{ tick: number }', 'string | number', 'readonly string[]', "'a' | 'b'"];

const args: Readonly<Record<string, string>> = {
  string: 'text',
  number: '1',
  Count: '{ count: 1 }',
  undefined: 'undefined',
  void: 'undefined',
  'readonly string[]': 'texts',
  unknown: 'text',
};

const messages = [
  "{ opcode: 'text', data: 'hello' }",
  "{ opcode: 'text', data: text }",
  "{ opcode: 'binary', data: bytes }",
  "{ opcode: 'binary', data: new ArrayBuffer(1) }",
  "{ opcode: 'binary', data: new DataView(new ArrayBuffer(1)) }",
  "{ opcode: 'binary', data: new Float64Array(1) }",
  "{ opcode: 'ping' }",
  "{ opcode: 'ping', data: '' }",
  "{ opcode: 'ping', data: text }",
  `{ opcode: 'ping', data: '${'p'.repeat(125)}' }`,
  "{ opcode: 'pong', data: bytes }",
  "{ opcode: 'pong', data: undefined }",
  'message',
  'row',
];

const codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4321, 4999];
const wrongCodes = [1004, 1005, 1006, 1010, 1015, 0, 999, 1016, 2999, 5000, -1, 1000.5, 3000.5, 300, 40000, 1e21];

const closes = fc.oneof(
  fc.constantFrom(
    undefined,
    'undefined',
    'detail',
    '{ code, reason: text }',
    '{ code: 4000, reason: undefined }',
    '{ code: anyCode }',
  ),
  fc.constantFrom(...codes).map((code) => `{ code: ${code} }`),
  fc.constantFrom('', 'bye', 'r'.repeat(123)).map((reason) => `{ code: 4001, reason: '${reason}' }`),
);

/** Members other than callbacks, for an object or a class, and the type of the state. */
const helpers: readonly ((isClass: boolean, state: string) => string)[] = [
  (isClass: boolean) => (isClass ? 'readonly name = 1;' : 'name: 1,'),
  (isClass: boolean) => `broadcast() {}${isClass ? '' : ','}`,
  (isClass: boolean) => `close(code: number): void {}${isClass ? '' : ','}`,
  (isClass: boolean) => (isClass ? '#secret = 1;' : 'rooms: texts,'),
  (isClass: boolean) => (isClass ? 'private readonly members: string[] = [];' : "'with a space': 1,"),
  (isClass: boolean) => `async handleJoin() {}${isClass ? '' : ','}`,
  (isClass: boolean) => (isClass ? 'log?: (text: string) => void;' : 'log: undefined,'),
  (isClass: boolean) => `onMessage(text: string) { return text; }${isClass ? '' : ','}`,
  (isClass: boolean) => (isClass ? 'static readonly all: number[] = [];' : '[Symbol.toStringTag]: 1,'),
  // An application's own messages and listeners, under names of callbacks.
  (isClass, state) =>
    `onPing(state: ${state}): WebSock.HandleResult<${state}> { return { type: 'ok', state }; }${isClass ? '' : ','}`,
  (isClass, state) =>
    `async handleClose(_: { tab: string }, state: ${state}) { return { type: 'ok', state } as const; }${isClass ? '' : ','}`,
  (isClass, state) =>
    `handleControls(_: string[], state: ${state}): WebSock.Ok<${state}> { return { type: 'ok', state }; }${isClass ? '' : ','}`,
  (isClass) => `onPong(id: number) { return { opcode: 'text', data: String(id) } as const; }${isClass ? '' : ','}`,
  (isClass) => `onClose(listener: () => void) { return listener; }${isClass ? '' : ','}`,
];

const inMessages = fc.oneof(
  fc.constantFrom('[]', 'list', 'rows', '[message, ...list]', '[...rows, message]'),
  fc.constantFrom(...messages),
  fc.array(fc.constantFrom(...messages), { minLength: 1, maxLength: 3 }).map((all) => `[${all.join(', ')}]`),
);

const result: fc.Arbitrary<Result> = fc.record({
  type: fc.constantFrom('ok', 'push', 'reply', 'stop'),
  given: fc.boolean(),
  messages: inMessages,
  status: fc.constantFrom(undefined, "'fine'", '1', 'undefined', '{ error: 1 }', 'null'),
  reason: fc.constantFrom(undefined, "'normal'", "'restart'", '{ error: new Error(text) }', '{ error: undefined }'),
  close: closes,
  more: fc.boolean(),
});

const callback: fc.Arbitrary<Callback> = fc.record({
  style: fc.constantFrom('returns', 'plain', 'const', 'const'),
  wait: fc.constantFrom('no', 'no', 'async', 'promise', 'mixed'),
  shape: fc.constantFrom('arrow', 'method', 'function'),
  block: fc.boolean(),
  parameters: fc.constantFrom(0, 1, 2, 2, 2),
  typed: fc.boolean(),
  results: fc.array(result, { minLength: 1, maxLength: 3 }),
});

const right: fc.Arbitrary<Handler> = fc.record({
  form: fc.constantFrom('annotated', 'satisfies', 'bare', 'class', 'implements'),
  wrapped: fc.constantFrom('no', 'no', 'frozen', 'spread', 'const', 'assigned'),
  state: fc.constantFrom(...states),
  info: fc.constantFrom(...infos),
  arg: fc.constantFrom(...Object.keys(args)),
  callbacks: fc.record({
    init: callback,
    handleIn: callback,
    handleInfo: callback,
    handleControl: fc.option(callback, { nil: undefined }),
    terminate: fc.option(callback, { nil: undefined }),
  }) as fc.Arbitrary<Handler['callbacks']>,
  helpers: fc.uniqueArray(fc.nat(helpers.length - 1), { maxLength: 2 }),
  served: fc.boolean(),
});

/** A handler, right or with one mistake. */
export const handler: fc.Arbitrary<Handler> = fc
  .tuple(right, fc.boolean(), fc.boolean(), fc.nat(), fc.nat())
  .map(([whole, isRight, isRightToo, kind, which]) => {
    if (isRight && isRightToo) return whole;
    const all = [...mistakesIn(whole)];
    const kinds = [...new Set(all.map((mistake) => mistake.kind))].sort();
    const chosen = all.filter((mistake) => mistake.kind === kinds[kind % kinds.length]);
    return { ...whole, mistake: chosen[which % chosen.length] as Mistake };
  });

// ---- Mistakes ----

/**
 * What detects a mistake in a result: the contract; only the suite; or the suite, and the compiler in a fresh literal.
 */
type Seer = 'contract' | 'suite' | 'fresh';

type WrongResult = readonly [kind: string, seer: Seer, words: string, results: readonly ((state: string) => string)[]];

const push = (text: string) => (state: string) => `{ type: 'push', messages: ${text}, state: ${state} }`;
const stopFor = (reason: string) => (state: string) => `{ type: 'stop', reason: ${reason}, state: ${state} }`;
const stop = (text: string) => (state: string) => `{ type: 'stop', reason: 'normal', state: ${state}, ${text} }`;
const long = (length: number) => `'${'x'.repeat(length)}'`;

const wrongResults: readonly WrongResult[] = [
  ['an unknown type', 'contract', '3.6 * returns a result of unknown type;', [(s) => `{ type: 'okay', state: ${s} }`]],
  [
    'no state',
    'contract',
    '3.6 * returns a result without a state;',
    [() => "{ type: 'ok' }", () => "{ type: 'push', messages: [] }", () => "{ type: 'stop', reason: 'normal' }"],
  ],
  ['a state of any', 'suite', '2.4 * returns a state of any;', [() => "{ type: 'ok', state: anything }"]],
  [
    'messages missing',
    'contract',
    '3.6 * returns a push or reply without messages;',
    [(s) => `{ type: 'push', state: ${s} }`, (s) => `{ type: 'reply', status: 1, state: ${s} }`],
  ],
  [
    'a property of another result',
    'contract',
    '3.6 * returns the property …, which its result does not have;',
    [
      (s) => `{ type: 'ok', messages: [{ opcode: 'text', data: '' }], state: ${s} }`,
      (s) => `{ type: 'push', messages: [], close: { code: 1000 }, state: ${s} }`,
      (s) => `{ type: 'ok', reason: 'normal', state: ${s} }`,
      (s) => `{ type: 'push', status: 1, messages: [], state: ${s} }`,
      (s) => `{ type: 'push', mesages: [], state: ${s} }`,
    ],
  ],
  [
    'messages that may be undefined',
    'contract',
    '3.6 * returns messages that may be undefined;',
    [push('maybe ? list : undefined'), push('undefined as WebSock.Messages | undefined')],
  ],
  [
    'a property code of a stop',
    'contract',
    '4.2 * returns a stop with a property code;',
    [
      (s) => `{ type: 'stop', code: 4001, state: ${s} }`,
      (s) => `{ type: 'stop', reason: 'normal', code: 1000, messages: list, state: ${s} }`,
    ],
  ],
  [
    'a property error of a stop',
    'contract',
    '3.4 * returns a stop with a property error;',
    [(s) => `{ type: 'stop', error: new Error(text), state: ${s} }`],
  ],
  [
    'an excess property',
    'fresh',
    '3.6 * returns the property …, which its result does not have;',
    [
      stop('closeDetail: { code: 4000 }'),
      stop('message: []'),
      (s) => `{ type: 'ok', state: ${s}, done: true }`,
      (s) => `{ type: 'push', messages: [], state: ${s}, mesages: [] }`,
    ],
  ],
  [
    'a payload that cannot be sent',
    'contract',
    '3.6 * returns messages that cannot be sent;',
    ['1', '{}', 'Promise.resolve(text)', 'bytes', 'undefined', 'null', "{ toString: () => '' }"].map((data) =>
      push(`{ opcode: 'text', data: ${data} }`),
    ),
  ],
  [
    'a message that cannot be sent',
    'contract',
    '3.6 * returns messages that cannot be sent;',
    [
      push("{ opcode: 'binary', data: 'text' }"),
      push("{ opcode: 'binary', data: [1] }"),
      push("{ opcode: 'ping', data: 1 }"),
      push("[{ opcode: 'pong', data: null }]"),
      push("[message, { opcode: 'pong', data: Promise.resolve(bytes) }]"),
      push("[{ opcode: 'text' }]"),
      push("{ opcode: 'txt', data: '' }"),
      push("[{ opcode: 'ping' }, { opcode: 'close', data: '' }]"),
      push("'hello'"),
      push("['hello']"),
      stop('messages: bytes'),
    ],
  ],
  [
    'an excess property of a message',
    'fresh',
    '3.6 * returns the property …, which its message does not have;',
    [
      push("{ opcode: 'ping', dat: '' }"),
      push("[{ opcode: 'pong', data: '', compress: true }]"),
      stop("messages: [{ opcode: 'ping', data: bytes, fin: false }]"),
    ],
  ],
  [
    'an opcode and data apart',
    'contract',
    '3.6 * returns an opcode and data that may not match;',
    [push('{ opcode: anyFrame.opcode, data: anyFrame.data }'), push('[{ ...anyFrame, data: anyFrame.data }]')],
  ],
  [
    'several results in one object',
    'contract',
    '3.6 * returns one object as several types of result;',
    [
      (s) => `{ type: 'ok' as const, state: ${s}, ...(some && { type: 'push' as const, messages: list }) }`,
      (s) => `{ type: 'ok' as const, state: ${s}, ...(some && { type: 'stop' as const, close: detail }) }`,
    ],
  ],
  [
    'messages of any',
    'suite',
    '3.6 * returns messages, a reason or a close of any;',
    [push('anything'), push('[anything]'), push("{ opcode: 'text', data: anything }"), stop('close: anything')],
  ],
  [
    'a long ping',
    'suite',
    '3.6 * returns ping or pong data over 125 bytes;',
    [
      push(`{ opcode: 'ping', data: ${long(126)} }`),
      push(`[{ opcode: 'pong', data: ${long(300)} }]`),
      push(`[message, { opcode: 'ping', data: ${long(127)} }]`),
      stop(`messages: { opcode: 'ping', data: ${long(126)} }`),
    ],
  ],
  [
    'an invalid reason',
    'contract',
    '3.4 * returns an invalid reason to stop;',
    ['1000', '{ eror: 1 }', 'null'].map(stopFor),
  ],
  ['a string as a reason', 'contract', '3.4 * returns a string as its reason to stop;', ["'done'", "''"].map(stopFor)],
  [
    'an error as a reason',
    'contract',
    '3.4 * returns an error as its reason to stop;',
    ['new Error(text)', 'new TypeError()', '(anything as unknown)'].map(stopFor),
  ],
  [
    'an invalid close',
    'contract',
    '4.2 * returns an invalid close;',
    ['1000', "{ code: '1000' }", '{ code: 1000, reason: 1 }', "{ reason: 'bye' }", 'null'].map((close) =>
      stop(`close: ${close}`),
    ),
  ],
  [
    'an excess property of a close',
    'fresh',
    '4.2 * returns the property …, which close does not have;',
    [stop("close: { code: 1000, resaon: '' }"), stop('close: { code: 4000, wasClean: true }')],
  ],
  [
    'a code that must not be sent',
    'suite',
    '4.2 * returns a close code that must not be sent;',
    wrongCodes.flatMap((code) => [
      stop(`close: { code: ${code} }`),
      stop(`close: { code: ${code}, reason: text }, messages: list`),
    ]),
  ],
  [
    'a long close reason',
    'suite',
    '4.2 * returns a close reason over 123 bytes;',
    [stop(`close: { code: 1000, reason: ${long(124)} }`), stop(`close: { code, reason: ${long(500)} }`)],
  ],
  ['a result of any', 'suite', '3.6 * returns any;', [() => 'anything']],
  [
    'no result',
    'contract',
    '3.6 * returns a value that is not a result;',
    [() => "'ok'", () => '5', () => '[]', (s) => `{ state: ${s} }`],
  ],
];

/** Every mistake that is possible in a handler, each with the expected fault. */
function* mistakesIn(whole: Handler): Generator<Mistake> {
  for (const name of names) {
    const own = whole.callbacks[name];
    if (own === undefined) continue;
    yield* mistakesOfCallback(whole, name, own);
    if (name !== 'terminate') yield* mistakesOfResult(whole, name, own);
  }
  const after = { at: 'handler', words: undefined, place: 'after' } as const;
  const made = isClass(whole) ? 'new H()' : 'h';
  const arg = argOf(whole);
  if (whole.arg !== 'unknown' && (whole.form === 'annotated' || (whole.callbacks.init?.parameters ?? 0) > 0)) {
    yield { ...after, kind: 'a wrong arg', change: { after: `upgrade('', ${made}, wrong);` } };
  }
  yield {
    ...after,
    kind: 'a misspelled option',
    change: { after: `upgrade('', ${made}, ${arg}, { idleTimout: 1 });` },
  };
  yield {
    ...after,
    kind: 'an option of the wrong type',
    change: { after: `upgrade('', ${made}, ${arg}, { idleTimeout: '1' });` },
  };
  const cases = ['ok', 'push', 'reply', 'stop'].map((type) => `case '${type}': return 1;`);
  const switched = (body: string) =>
    `const of = (result: WebSock.HandleResult<${whole.state.type}>): number => { switch (result.type) { ${body} } };`;
  for (const forgotten of cases) {
    const body = cases.filter((one) => one !== forgotten).join(' ');
    yield { ...after, kind: 'a switch without one of the results', change: { after: switched(body) } };
  }
  if (isClass(whole)) {
    yield {
      kind: 'a class',
      at: 'handler',
      words: '2.6 the handler is a class;',
      place: 'after',
      change: { asserted: 'typeof H' },
    };
  }
}

function* mistakesOfCallback(whole: Handler, name: Name, own: Callback): Generator<Mistake> {
  const here = { at: name, place: 'callback' } as const;
  const isKept = whole.form !== 'annotated';
  const isRequired = name === 'init' || name === 'handleIn' || name === 'handleInfo';
  const missing = isKept ? `… ${name} is missing;` : undefined;
  if (isRequired) {
    yield { at: name, place: 'head', kind: 'a missing callback', words: missing, change: { gone: true } };
    for (const other of wrongNames[name]) {
      const words = isKept ? `2.5 ${name} is missing; rename … to it` : undefined;
      yield { at: name, place: 'head', kind: 'a misspelled callback', words, change: { name: other } };
    }
  } else {
    const isTyped = own.parameters > 0 && (own.typed || !isContextual(whole));
    for (const other of [...wrongNames[name], ...(isTyped ? otherNames[name] : [])]) {
      // A function without parameters that returns a result is a helper, unless its name is a typo.
      if (own.parameters === 0 && /^(onPing|handlePong)$/.test(other)) continue;
      const words = isKept ? `2.5 ${other} is not a callback; did you mean ${name}?` : undefined;
      yield { ...here, kind: 'a misspelled optional callback', named: other, words, change: { name: other } };
    }
  }
  const words = (text: string) => (isKept ? text.replace('*', name) : undefined);
  yield { ...here, kind: 'not a function', words: words('2.5 * is not a function;'), change: { member: '5' } };
  yield {
    ...here,
    kind: 'three arguments',
    words: words('2.5 * requires more than two parameters;'),
    change: { third: 'socket: object' },
  };
  if (isKept) {
    const untyped = words('2.5 * is of type Function;');
    yield { ...here, kind: 'a callback of Function', words: untyped, change: { member: 'anything as Function' } };
    yield { ...here, kind: 'a callback of any', words: words('2.5 * is any;'), change: { member: 'anything' } };
    if (own.shape !== 'arrow') {
      yield { ...here, kind: 'another this', words: words('2.5 * declares a this'), change: { this: 'Date' } };
    }
    if (name !== 'init') {
      yield {
        ...here,
        kind: 'a state parameter of any',
        words: words('2.4 * accepts a state of any;'),
        change: { second: 'any' },
      };
    }
  }
  if (name === 'init') {
    yield { ...here, kind: 'no mailbox', words: words('1.1 init does not accept'), change: { second: 'string' } };
    if (own.parameters === 2 && whole.info !== 'unknown') {
      yield {
        ...here,
        kind: 'a post of the wrong type',
        words: undefined,
        change: { statement: 'mailbox.post(wrong);' },
      };
    }
    return;
  }
  if (name === 'terminate' && isKept && styleOf(whole, own) !== 'returns') {
    for (const sent of [
      "{ type: 'push', messages: list }",
      "{ type: 'stop', close: { code: 4000 } }",
      '{ messages: [message] }',
      'message',
    ]) {
      const change = { statement: `if (maybe) return ${sent};` };
      yield { ...here, kind: 'a terminate that sends', words: '4.1 terminate returns messages or a close', change };
    }
  }
  yield* mistakesOfFirst(whole, name, own);
  for (const second of [
    'Wrong',
    ...(whole.state.isObject ? [`${whole.state.type} & { readonly extra: number }`] : []),
  ]) {
    const fault = words('2.4 * does not accept the state that init returns;');
    yield { ...here, kind: 'a state parameter of the wrong type', words: fault, change: { second } };
  }
  if (own.parameters === 2) {
    yield {
      ...here,
      kind: 'a wrong read of the state',
      words: undefined,
      change: { statement: 'const read: Wrong = state;' },
    };
  }
}

function* mistakesOfFirst(whole: Handler, name: Name, own: Callback): Generator<Mistake> {
  const here = { at: name, place: 'callback' } as const;
  const words = (text: string) => (whole.form === 'annotated' ? undefined : text);
  const looks = own.parameters > 0;
  const wrongly = (statement: string): Mistake => ({
    ...here,
    kind: 'a wrong read of the argument',
    words: undefined,
    change: { statement },
  });
  if (name === 'handleIn') {
    const kind = 'frames of one opcode';
    const [text, binary] = [
      "{ opcode: 'text'; data: string }",
      "{ readonly opcode: 'binary'; readonly data: Uint8Array }",
    ];
    yield { ...here, kind, words: words('2.3 handleIn does not accept a binary frame;'), change: { first: text } };
    yield { ...here, kind, words: words('2.3 handleIn does not accept a text frame;'), change: { first: binary } };
    if (looks) yield wrongly('frame.data.toUpperCase();');
  }
  if (name === 'handleControl') {
    const kind = 'control frames of one opcode';
    const [ping, pong] = ["{ opcode: 'ping' }", "{ readonly opcode: 'pong'; readonly data: Uint8Array }"];
    yield { ...here, kind, words: words('2.8 handleControl does not accept a pong;'), change: { first: ping } };
    yield { ...here, kind, words: words('2.8 handleControl does not accept a ping;'), change: { first: pong } };
    if (looks) yield wrongly('const data: string = frame.data;');
  }
  if (name === 'terminate') {
    for (const first of ["{ type: 'normal' }", "{ type: 'remote'; code: number }", 'number', '{ error: unknown }']) {
      yield {
        ...here,
        kind: 'not every close reason',
        words: words('4.1 terminate does not accept every'),
        change: { first },
      };
    }
    if (looks) yield wrongly("if (reason.type === 'remote') { const code: string = reason.code; }");
    if (looks) yield wrongly('const error = reason.error;');
  }
  // The suite knows the mailbox from the parameter of `init`, the compiler also from the contract.
  const isKnown = isContract(whole) || whole.callbacks.init?.parameters === 2;
  if (name === 'handleInfo' && whole.info !== 'never' && isKnown) {
    const isSeen = whole.form !== 'annotated' && whole.callbacks.init?.parameters === 2;
    const fault = isSeen ? '2.9 handleInfo does not accept every message' : undefined;
    yield { ...here, kind: 'another info', words: fault, change: { first: 'Wrong' } };
  }
}

function* mistakesOfResult(whole: Handler, name: Name, own: Callback): Generator<Mistake> {
  const here = { at: name, place: 'callback' } as const;
  const style = styleOf(whole, own);
  const state = `(${whole.state.value})`;
  // The suite sees a declared return type, not the result itself.
  const isShown = whole.form !== 'annotated' && style !== 'returns';
  const fault = (words: string) => (isShown ? words.replace('*', name) : undefined);
  for (const [kind, seer, words, results] of wrongResults) {
    if (seer === 'suite' && !isShown) continue;
    // The compiler looks for excess properties only where a return type is declared, and not in `Promise.resolve(…)`.
    const isFresh = style === 'returns' && own.wait !== 'promise' && own.wait !== 'mixed';
    if (seer === 'fresh' && !isShown && !isFresh) continue;
    for (const write of results) {
      // Without `as const`, an array literal drops a message that is a subtype of another.
      if (style === 'plain' && /\[(message|anything),/.test(write(state))) continue;
      yield { ...here, kind, words: fault(words), change: { result: write(state) } };
    }
  }
  const undefinedFault = fault('3.6 * may return undefined;');
  yield { ...here, kind: 'undefined on one branch', words: undefinedFault, change: { results: 'sometimes undefined' } };
  yield { ...here, kind: 'undefined', words: undefinedFault, change: { results: 'undefined' } };
  if (style === 'const' && !isContextual(whole)) {
    yield {
      ...here,
      kind: 'a widened type',
      words: fault('3.6 * returns a result whose type may be any string'),
      change: { results: 'widened' },
    };
    const opcode = `{ type: 'push' as const, messages: { opcode: 'text', data: '' }, state: ${state} }`;
    const reason = `{ type: 'stop' as const, reason: 'normal', state: ${state} }`;
    yield {
      ...here,
      kind: 'a widened opcode',
      words: fault('3.6 * returns a message whose opcode may be any string'),
      change: widened(opcode),
    };
    yield {
      ...here,
      kind: 'a widened reason',
      words: fault('3.4 * returns a reason to stop that may be any string'),
      change: widened(reason),
    };
  }
  const readers = names.filter((other) => other !== 'init' && whole.callbacks[other]?.parameters === 2);
  if (style === 'const' && !isContextual(whole) && whole.state.type === 'string[]' && readers.length > 0) {
    const words = fault('2.4 * returns a state with readonly arrays;');
    yield { ...here, kind: 'readonly arrays', words, change: { result: "{ type: 'ok', state: ['a'] }" } };
  }
  // A state that no callback reads may be anything. If only one reads it, only the contract shows which one is wrong.
  if (!isContract(whole) && readers.length < 2) return;
  const wrong = readers.length < 2 ? undefined : fault('2.4 * returns a state that other callbacks do not accept;');
  const isByCompiler = isContract(whole) && readers.length < 2;
  for (const value of ['wrong', whole.state.wrong]) {
    const change = { result: `{ type: 'ok', state: ${value} }` };
    yield { ...here, kind: 'another state', words: isByCompiler ? undefined : wrong, change };
  }
  if (name === 'init' && !whole.state.hasUndefined) {
    for (const value of ['undefined', `null as unknown as ${bracketed(whole.state.type)} | undefined`]) {
      const change = { result: `{ type: 'ok', state: ${value} }` };
      yield {
        ...here,
        kind: 'an initial state that may be undefined',
        words: isByCompiler ? undefined : wrong,
        change,
      };
    }
  }
}

const widened = (text: string): Change => ({ results: 'widened', result: text });

const wrongNames: Readonly<Record<Name, readonly string[]>> = {
  init: ['Init', 'initialize', 'onOpen', 'webSocketOpen'],
  handleIn: ['handlein', 'hanldeIn', 'handleMessage', 'onMessage', 'webSocketMessage'],
  handleInfo: ['handleinfo', 'handleInfos', 'onInfo'],
  handleControl: [
    'handlecontrol',
    'handleControll',
    'handleCntrol',
    'hanldeControl',
    'HandleControl',
    'onPing',
    'handlePong',
  ],
  terminate: [
    'terminated',
    'Terminate',
    'termiante',
    'terminat',
    'onClose',
    'handleClose',
    'onTerminate',
    'onDisconnect',
    'webSocketClose',
  ],
};

/** Names that nothing resembles: only the parameter of the function shows which callback it is. */
const otherNames = { handleControl: ['handleControlFrame', 'answer'], terminate: ['onLeave', 'dispose', 'onClosed'] };

const isClass = ({ form }: Handler) => form === 'class' || form === 'implements';
/** Whether the contract provides types by context. */
const isContextual = ({ form }: Handler) => form === 'annotated' || form === 'satisfies';
/** Whether the compiler itself compares it with the contract. */
const isContract = ({ form }: Handler) => form !== 'bare' && form !== 'class';

// Plain literals keep their types only with the contract as context.
const styleOf = (whole: Handler, { style }: Callback) => (style === 'plain' && !isContextual(whole) ? 'const' : style);

/** The arg for a call of an upgrade: `undefined` for an `init` without parameters, unless an annotation hides it. */
const argOf = (whole: Handler) =>
  whole.form !== 'annotated' && whole.callbacks.init?.parameters === 0 ? 'undefined' : (args[whole.arg] ?? '');

const bracketed = (type: string) => (/[|=]/.test(type) ? `(${type})` : type);

// ---- Text ----

/** The beginning of every generated file. */
export const head = `import type { WebSock } from '@websock/spec';
import type { Assert, Checked, HandlerConforms } from '@websock/spec/conformance';
interface Count { readonly count: number }
type Phase = { readonly phase: 'new' } | { readonly phase: 'known'; readonly name: string };
type Id = string & { readonly brand: 'id' };
interface Tree { readonly children: readonly Tree[]; readonly id: Id }
interface Wrong { readonly wrong: symbol }
declare const phase: Phase, tree: Tree, id: Id, wrong: Wrong, anything: any, maybe: boolean, some: boolean;
declare const text: string, texts: string[], bytes: Uint8Array, code: number;
declare const message: WebSock.Message, list: readonly WebSock.Message[], detail: WebSock.CloseDetail;
interface Row { readonly opcode: 'text'; readonly data: string; readonly at: number; readonly from: string }
enum AnyCode { Normal = 1000, NoStatus = 1005, Own = 4000 }
declare const row: Row, rows: readonly Row[], anyFrame: WebSock.DataFrame, anyCode: AnyCode;
declare const upgrade: WebSock.Upgrade<string>;
const mixed = <Base extends new (...args: any[]) => object>(base: Base) => class extends base { mixed = 1; };
declare function checked<State, Info, Arg, Handler, Init>(
  request: string, handler: Checked<Handler> & WebSock<State, Info, Arg> & { init: Init }, arg: WebSock.ArgFor<Init, Arg>,
): void;
`;

/** The text of a handler. */
export interface Written {
  readonly lines: readonly string[];
  /** Numbers, from 0, of the lines where the compiler may report the mistake itself. */
  readonly places: ReadonlySet<number>;
  /** The number of the line with the verdict of the suite. */
  readonly asserted: number;
}

export function write(whole: Handler): Written {
  const lines: string[] = ['{'];
  const places = new Set<number>();
  const { mistake } = whole;
  const contract = `WebSock<${whole.state.type}, ${whole.info}, ${whole.arg}>`;
  const wrapped = isContextual(whole) ? 'no' : whole.wrapped;
  if (mistake?.place === 'head') places.add(1);
  if (isClass(whole)) lines.push(`class H ${whole.form === 'implements' ? `implements ${contract} ` : ''}{`);
  else if (whole.form === 'annotated') lines.push(`const h: ${contract} = {`);
  else
    lines.push(
      `const h = ${{ no: '{', const: '{', frozen: 'Object.freeze({', spread: '{ ...{', assigned: 'Object.assign({}, {' }[wrapped]}`,
    );
  for (const name of names) {
    const own = whole.callbacks[name];
    const change = mistake?.at === name ? mistake.change : undefined;
    if (own === undefined || change?.gone) continue;
    if (change) places.add(lines.length);
    lines.push(member(whole, name, own, change ?? {}));
  }
  // An annotation rejects additional properties.
  if (!isContextual(whole)) {
    const texts = whole.helpers.map((index) => helpers[index]?.(isClass(whole), whole.state.type) ?? '');
    lines.push(...texts.filter((text) => !text.includes(`${mistake?.change.name}(`))); // it is already there
  }
  if (isClass(whole)) lines.push('}');
  else if (whole.form === 'annotated') lines.push('};');
  else if (whole.form === 'satisfies') lines.push(`} satisfies ${contract};`);
  else lines.push({ no: '};', const: '} as const;', frozen: '});', spread: '} };', assigned: '});' }[wrapped]);
  if (mistake?.place === 'head') places.add(lines.length - 1);
  const isMixed = isClass(whole) && wrapped === 'assigned';
  if (isMixed) lines.push('const M = mixed(H);');
  const instance = isMixed ? 'InstanceType<typeof M>' : 'H';
  const asserted = lines.length;
  lines.push(
    `type V = Assert<HandlerConforms<${mistake?.change.asserted ?? (isClass(whole) ? instance : 'typeof h')}>>;`,
  );
  if (mistake?.place === 'after' && mistake.change.after) {
    places.add(lines.length);
    lines.push(mistake.change.after);
  }
  const made = isClass(whole) ? (isMixed ? 'new M()' : 'new H()') : 'h';
  if (mistake === undefined && whole.served) {
    lines.push(`upgrade('', ${made}, ${argOf(whole)}); checked('', ${made}, ${argOf(whole)});`);
  }
  lines.push('}');
  return { lines, places, asserted };
}

/** A callback on one line, so that all its errors have the same line number. */
function member(whole: Handler, name: Name, own: Callback, change: Change): string {
  const [before, end] = isClass(whole) ? ['readonly ', ';'] : ['', ','];
  const key = change.name ?? name;
  if (change.member !== undefined) {
    return isClass(whole) ? `${before}${key} = ${change.member};` : `${key}: ${change.member},`;
  }
  const keyword = own.wait === 'async' ? 'async ' : '';
  const style = styleOf(whole, own);
  const list = `(${parameters(whole, name, own, change)})${style === 'returns' ? `: ${returned(whole, name, own)}` : ''}`;
  const body = bodyOf(whole, name, own, change);
  if (own.shape === 'method')
    return `${overloads(whole, name, own)}${keyword}${key}${list} ${body}${isClass(whole) ? '' : ','}`;
  const [sign, value] = isClass(whole) ? [' =', before] : [':', ''];
  if (own.shape === 'function') return `${value}${key}${sign} ${keyword}function ${list} ${body}${end}`;
  return `${value}${key}${sign} ${keyword}${list} => ${body}${end}`;
}

function parameters(whole: Handler, name: Name, own: Callback, change: Change): string {
  const first = { init: 'arg', handleIn: 'frame', handleControl: 'frame', handleInfo: 'info', terminate: 'reason' }[
    name
  ];
  const types = {
    init: [whole.arg, `WebSock.Mailbox<${whole.info}>`],
    handleIn: ['WebSock.DataFrame', whole.state.type],
    handleControl: ['WebSock.ControlFrame', whole.state.type],
    handleInfo: [whole.info, whole.state.type],
    terminate: ['WebSock.CloseReason', whole.state.type],
  }[name];
  const count = change.third || change.second ? 2 : Math.max(own.parameters, change.first ? 1 : 0);
  const isTyped = own.typed || !isContextual(whole) || change.third || change.second || change.first || change.this;
  const type = (index: number, other: string | undefined) => (isTyped ? `: ${other ?? types[index]}` : '');
  return [
    ...(change.this ? [`this: ${change.this}`] : []),
    ...(count > 0 ? [`${first}${type(0, change.first)}`] : []),
    ...(count > 1 ? [`${name === 'init' ? 'mailbox' : 'state'}${type(1, change.second)}`] : []),
    ...(change.third ? [change.third] : []),
  ].join(', ');
}

/** One overload of `handleIn` for each kind of frame, in a class without `implements`, which would reject them. */
function overloads(whole: Handler, name: Name, own: Callback): string {
  const isRight = whole.form === 'class' && whole.mistake === undefined && !whole.served;
  if (!isRight || name !== 'handleIn' || own.parameters === 0 || styleOf(whole, own) !== 'returns') return '';
  const of = (first: string) => `handleIn(${parameters(whole, name, own, { first })}): ${returned(whole, name, own)}; `;
  return of('WebSock.TextFrame') + of('WebSock.BinaryFrame');
}

function returned(whole: Handler, name: Name, own: Callback): string {
  if (name === 'terminate') return own.wait === 'async' || own.wait === 'promise' ? 'Promise<void>' : 'void';
  const type = `WebSock.HandleResult<${whole.state.type}>`;
  if (own.wait === 'no') return own.block ? type : `WebSock.Awaitable<${type}>`;
  if (own.wait === 'mixed') return `WebSock.Awaitable<${type}>`;
  return own.wait === 'promise' && own.block ? `PromiseLike<${type}>` : `Promise<${type}>`;
}

function bodyOf(whole: Handler, name: Name, own: Callback, change: Change): string {
  const statement = change.statement ? `${change.statement} ` : '';
  if (name === 'terminate') return `{ ${statement}${own.wait === 'promise' ? 'return Promise.resolve(); ' : ''}}`;
  if (change.results === 'undefined') return '{}';
  const style = styleOf(whole, own);
  const passes = own.parameters === 2 && name !== 'init' && change.second === undefined;
  const values = own.results.map((one) => resultText(one, passes && one.given ? 'state' : whole.state.value));
  if (change.result !== undefined) {
    // The compiler drops a result that is a subtype of another.
    const type = /type: '\w+'/.exec(change.result)?.[0];
    const others = values.slice(0, -1).filter((value) => type === undefined || !value.includes(type));
    // In a union of literals, a missing property becomes `messages?: undefined`, which TypeScript before 7.0 may
    // accept. With `exactOptionalPropertyTypes` that applies to `type` too, but only an annotation hides it from the
    // suite.
    const kind = whole.mistake?.kind;
    const isAlone = kind === 'messages missing' || (kind === 'no result' && whole.form === 'annotated');
    values.splice(0, values.length, ...(isAlone ? [] : others), change.result);
  }
  const wrap = (value: string, index: number) => {
    const isWidened = change.results === 'widened' && index === values.length - 1;
    const isLiteral = value.startsWith('{');
    const marked =
      style === 'const' && isLiteral && !isWidened ? `(${value} as const)` : isLiteral ? `(${value})` : value;
    const isPromise = own.wait === 'promise' || (own.wait === 'mixed' && index % 2 === 0);
    // Without a declared type, `Promise.resolve` would widen its argument.
    return isPromise ? `Promise.resolve(${marked})` : marked;
  };
  const all = values.map(wrap);
  const last = all.pop() as string;
  if (change.results === 'sometimes undefined')
    return `{ ${[...all, last].map((one) => `if (maybe) return ${one};`).join(' ')} }`;
  if (own.block || own.shape !== 'arrow' || statement !== '' || style === 'returns') {
    return `{ ${statement}${all.map((one) => `if (maybe) return ${one}; `).join('')}return ${last}; }`;
  }
  return all.length === 0 ? last : `(${[...all.map((one) => `maybe ? ${one}`), last].join(' : ')})`;
}

const optional = (name: string, value: string | undefined) => (value === undefined ? [] : [`${name}: ${value}`]);

function resultText({ type, messages: sent, status, reason, close, more }: Result, state: string): string {
  const properties = {
    ok: [],
    push: [`messages: ${sent}`],
    reply: [`messages: ${sent}`, ...optional('status', status)],
    stop: [...optional('reason', reason), ...(more ? [`messages: ${sent}`] : []), ...optional('close', close)],
  }[type];
  return `{ ${[`type: '${type}'`, ...properties, `state: ${state}`].join(', ')} }`;
}
