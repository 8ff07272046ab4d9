// What the contract rejects. Each `refused:` comment precedes the line where every supported compiler must report an
// error that contains its text. compilers.test.ts compares them; there must be no other errors.

import type { WebSock } from '@websock/spec';

interface State {
  readonly count: number;
}
interface Tick {
  readonly tick: number;
}

declare const upgrade: WebSock.Upgrade<string>;
declare const good: WebSock<State, Tick, string>;
declare const state: State;
declare const bytes: Uint8Array;

// ---- Handlers ----

type TextFrame = { readonly opcode: 'text'; readonly data: string };
type TextOnly = (frame: TextFrame, state: State) => WebSock.HandleResult<State>;

// a handler that accepts only text frames
export const textOnly: WebSock<State, Tick, string> = {
  ...good,
  // refused: Type '"binary"' is not assignable to type '"text"'
  handleIn: (_frame: TextFrame, state: State) => ({ type: 'ok', state }),
};

// ... as a class
export class TextOnlyClass implements WebSock<State, Tick, string> {
  init = good.init;
  // refused: Property 'handleIn' in type 'TextOnlyClass' is not assignable to the same property in base type
  // refused: Type 'BinaryFrame' is not assignable to type 'TextFrame'
  handleIn(_frame: TextFrame, state: State): WebSock.Ok<State> {
    return { type: 'ok', state };
  }
  handleInfo = good.handleInfo;
}

// ... inside an upgrade
upgrade(
  '/',
  {
    init: good.init,
    // refused: Type 'BinaryFrame' is not assignable to type 'TextFrame'
    handleIn: null as unknown as TextOnly,
    handleInfo: good.handleInfo,
  },
  'arg',
);

// a terminate that accepts only some reasons
export const someReasons: WebSock<State, Tick, string> = {
  ...good,
  // refused: ' is not assignable to type '"normal"'
  terminate: (_reason: { type: 'normal' }) => {},
};

// a handleControl that accepts only pings
export const pingsOnly: WebSock<State, Tick, string> = {
  ...good,
  // refused: Type '"pong"' is not assignable to type '"ping"'
  handleControl: (_frame: { opcode: 'ping' }, state: State) => ({ type: 'ok', state }),
};

// a missing required callback
// refused: Property 'handleInfo' is missing in type
export const noInfo: WebSock<State, Tick, string> = { init: good.init, handleIn: good.handleIn };

// a misspelled callback
export const misspelled: WebSock<State, Tick, string> = {
  ...good,
  // refused: 'handleControll' does not exist in type 'WebSock<State, Tick, string>'
  handleControll: good.handleControl,
};

// a state of the wrong type: returned, and read
export const wrongState: WebSock<State, Tick, string> = {
  // refused: Type 'string' is not assignable to type 'number'
  init: (arg) => ({ type: 'ok', state: { count: arg } }),
  // refused: Property 'cuont' does not exist on type 'State'
  handleIn: (_frame, state) => ({ type: 'ok', state: { count: state.cuont + 1 } }),
  // refused: Type 'string' is not assignable to type 'number'
  handleInfo: async (_info, _state) => ({ type: 'ok', state: { count: '1' } }),
};

// a posted message of the wrong type: posted, and read
export const wrongInfo: WebSock<State, Tick, string> = {
  init: (arg, mailbox) => {
    // refused: Type 'string' is not assignable to type 'number'
    mailbox.post({ tick: arg });
    return { type: 'ok', state };
  },
  handleIn: good.handleIn,
  // refused: Type 'Tick' is not assignable to type 'string'
  handleInfo: (_info: string, state) => ({ type: 'ok', state }),
};

// an arg of the wrong type
// refused: Argument of type 'number' is not assignable to parameter of type 'string'
upgrade('/', good, 1);

// a class instead of an instance
class Counter implements WebSock<State, Tick, string> {
  init = good.init;
  handleIn = good.handleIn;
  handleInfo = good.handleInfo;
}
// refused: Type 'typeof Counter' is missing the following properties from type 'WebSock<
upgrade('/', Counter, 'arg');

// a handler of one state as a handler of every state, whose callbacks would receive any value
// refused: Type 'unknown' is not assignable to type '{ n: number; }'
export const anyState: WebSock<unknown> = null as unknown as WebSock<{ n: number }, unknown, unknown>;

// an assignment to a callback
// refused: Cannot assign to 'handleIn' because it is a read-only property
good.handleIn = anyState.handleIn as typeof good.handleIn;

// ---- Results ----

type Callback = () => WebSock.Awaitable<WebSock.HandleResult<State>>;

export const results: readonly Callback[] = [
  // ok with messages, which would not be sent
  // refused: is not assignable to type 'undefined'
  () => ({ type: 'ok', messages: [{ opcode: 'text', data: 'lost' }], state }),
  // a push with a close
  // refused: is not assignable to type 'undefined'
  () => ({ type: 'push', messages: [], close: { code: 1000 }, state }),
  // an ok with a reason
  // refused: is not assignable to type 'undefined'
  () => ({ type: 'ok', reason: 'normal', state }),
  // a push with a status
  // refused: Type 'string' is not assignable to type 'undefined'
  () => ({ type: 'push', status: 'ok', messages: [], state }),
  // an unknown type
  // refused: Type '"okay"' is not assignable to type
  () => ({ type: 'okay', state }),
  // no state
  // refused: Property 'state' is missing in type
  () => ({ type: 'ok' }),
  // a push without messages
  // refused: Property 'messages' is missing in type
  () => ({ type: 'push', state }),
  // a reply without messages
  // refused: Property 'messages' is missing in type
  () => ({ type: 'reply', state }),
  // a close code on the stop, instead of in `close`
  // refused: Type 'number' is not assignable to type 'undefined'
  () => ({ type: 'stop', code: 4001, state }),
  // an error on the stop, instead of in `reason`
  // refused: Type 'string' is not assignable to type 'undefined'
  () => ({ type: 'stop', error: 'late', state }),
  // a close reason on the stop, instead of in `close`
  // refused: Type '"too late"' is not assignable to type 'StopReason
  () => ({ type: 'stop', reason: 'too late', state }),
  // an unknown reason
  // refused: Type '"done"' is not assignable to type 'StopReason
  () => ({ type: 'stop', reason: 'done', state }),
  // a misspelled property, which is an error only where a return type is declared
  // refused: 'mesages' does not exist in type
  (): WebSock.HandleResult<State> => ({ type: 'stop', reason: 'normal', mesages: [], state }),
  // a message of an unknown opcode
  // refused: Type '"utf8"' is not assignable to type
  // refused before 7.0: Type '"utf8"' is not assignable to type '"text"'
  () => ({ type: 'push', messages: { opcode: 'utf8', data: '' }, state }),
  // a close code that is not a number
  // refused: Type 'string' is not assignable to type
  () => ({ type: 'stop', reason: 'normal', close: { code: '1000' }, state }),
  // a close reason that is not a string
  // refused: Type 'number' is not assignable to type
  () => ({ type: 'stop', reason: 'normal', close: { code: 1000, reason: 1 }, state }),
];

// a branch that returns undefined
export const nothing: WebSock<State, Tick, string> = {
  ...good,
  // refused: is not assignable to type
  // refused: HandleResult<State>
  handleIn: (frame, state) => (frame.opcode === 'text' ? { type: 'ok' as const, state } : undefined),
};

// a result whose type is widened to string
export const widened: WebSock<State, Tick, string> = {
  ...good,
  // refused: Type '{ type: string; state: State; }' is not assignable to type
  // refused before 7.0: Type 'string' is not assignable to type '"ok"'
  handleIn: null as unknown as (frame: WebSock.DataFrame, state: State) => { type: string; state: State },
};

// a result of another shape
export const shapeless: WebSock<State, Tick, string> = {
  ...good,
  // refused before 7.0: Property 'type' is missing in type
  handleIn: null as unknown as (frame: WebSock.DataFrame, state: State) => { ok: true; state: State },
};

// a thenable other than a `Promise`, of a result with another state
declare const otherState: PromiseLike<WebSock.Ok<{ readonly count: string }>>;
export const likePromise: WebSock<State, Tick, string> = {
  ...good,
  // refused: is not assignable to type 'PromiseLike<HandleResult<State>>'
  // refused: Type 'string' is not assignable to type 'number'
  handleIn: () => otherState,
};

// ---- Messages ----

export const messages: readonly WebSock.Message[] = [
  // bytes in a text message
  // refused: is not assignable to type 'string'
  { opcode: 'text', data: bytes },
  // text in a binary message
  // refused: Type 'string' is not assignable to type 'ArrayBuffer | ArrayBufferView
  { opcode: 'binary', data: 'text' },
  // an unknown opcode
  // refused: Type '"txt"' is not assignable to type
  { opcode: 'txt', data: '' },
  // a close frame
  // refused: Type '"close"' is not assignable to type
  { opcode: 'close', data: '' },
  // text without data
  // refused: Property 'data' is missing in type
  { opcode: 'text' },
  // a number as the data of a ping
  // refused: Type 'number' is not assignable to type
  { opcode: 'ping', data: 1 },
  // a promise as data
  // refused: Type 'Promise<string>' is not assignable to type 'string
  { opcode: 'text', data: Promise.resolve('later') },
];

// ---- Mailbox, options, upgrade ----

// refused: 'idleTimout' does not exist in type 'ConnectionOptions'
upgrade('/', good, 'arg', { idleTimout: 1 });
// refused: Type 'string' is not assignable to type 'number'
upgrade('/', good, 'arg', { idleTimeout: '1s' });
// refused: Type 'number' is not assignable to type 'boolean | undefined'
upgrade('/', good, 'arg', { heartbeat: 15 });
// refused: Type 'number' is not assignable to type 'string | readonly string[]'
upgrade('/', good, 'arg', { headers: { Age: 1 } });
// the former names of two options
// refused: 'timeout' does not exist in type 'ConnectionOptions'
upgrade('/', good, 'arg', { timeout: 1 });
// refused: 'maxFrameSize' does not exist in type 'ConnectionOptions'
upgrade('/', good, 'arg', { maxFrameSize: 1 });

// an arg for a handler without one
declare const none: WebSock<State>;
upgrade('/', none, undefined);
// refused: Argument of type '"arg"' is not assignable to parameter of type 'undefined'
upgrade('/', none, 'arg');

// options in place of the arg
// refused: is not assignable to parameter of type 'undefined'
upgrade('/', none, { idleTimeout: 1 });
const echo = {
  init: () => ({ type: 'ok', state: undefined }),
  handleIn: (frame, state) => ({ type: 'push', messages: frame, state }),
  handleInfo: (_info, state) => ({ type: 'ok', state }),
} satisfies WebSock<undefined>;
// refused: is not assignable to parameter of type 'undefined'
upgrade('/', echo, { idleTimeout: 1 });

// an excess property of the arg
const member = {
  ...good,
  init: (user: { name: string; color?: string }): WebSock.Ok<State> => ({
    type: 'ok',
    state: { count: user.name.length + (user.color ?? '').length },
  }),
};
// refused: 'colour'
upgrade('/', member, { name: 'alice', colour: 'red' });
declare const annotated: WebSock<State, Tick, { name: string; color?: string }>;
// refused: 'colour'
upgrade('/', annotated, { name: 'alice', colour: 'red' });

// refused: 'string' is not assignable to parameter of type 'Tick'
(null as unknown as WebSock.Mailbox<Tick>).post('tick');
// refused: Argument of type 'number' is not assignable to parameter of type 'CloseDetail'
(null as unknown as WebSock.Mailbox<Tick>).stop(4000);
// refused: Property 'code' is missing in type
(null as unknown as WebSock.Mailbox<Tick>).stop({ reason: 'late' });
// refused: because it is a read-only property
(null as unknown as WebSock.Mailbox<Tick>).waiting = 0;

// frame data used as text without a test of the opcode
export const untested = (frame: WebSock.DataFrame): string =>
  // refused: Property 'toUpperCase' does not exist on type
  frame.data.toUpperCase();

// the error of a close reason without a test of its type
export const untestedReason = (reason: WebSock.CloseReason): unknown =>
  // refused: Property 'error' does not exist on type
  reason.error;

// StateOf, InfoOf and ArgOf of another type
// refused: Type 'string' does not satisfy the constraint 'Any'
export type StateOfText = WebSock.StateOf<string>;
// refused: Type 'string' does not satisfy the constraint 'Any'
export type InfoOfText = WebSock.InfoOf<string>;
// refused: Type 'string' does not satisfy the constraint 'Any'
export type ArgOfText = WebSock.ArgOf<string>;

// ---- A mistake that SPEC.md lists under "What types cannot check", and the annotation that detects it ----

interface Named {
  readonly count: number;
  readonly name?: string;
}

export const undetected = {
  init: () => ({ type: 'ok', state: { count: 1, nmae: 'a' } }),
  handleIn: (_frame, state) => ({ type: 'ok', state: { ...state, conut: 1 } }),
  handleInfo: (_info, state): WebSock.Ok<Named> => {
    // refused: does not exist in type 'Named'
    const next: Named = { ...state, conut: 1 };
    return { type: 'ok', state: next };
  },
} satisfies WebSock<Named>;
