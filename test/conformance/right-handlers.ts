// Right handlers, in every form that people write: all must pass.

import type { WebSock } from '@websock/spec';
import type { Assert, HandlerConforms, ServerConforms } from '@websock/spec/conformance';

interface Count {
  readonly count: number;
}

// An annotated handler.
declare const annotated: WebSock<Count, string, number>;
export type Annotated = Assert<HandlerConforms<typeof annotated>>;

declare const plain: WebSock<Count>;
export type Plain = Assert<HandlerConforms<typeof plain>>;

declare const argOfState: WebSock<Count, string, Count>;
export type ArgOfState = Assert<HandlerConforms<typeof argOfState>>;

declare const noInfo: WebSock<Count, never>;
export type NoInfo = Assert<HandlerConforms<typeof noInfo>>;

// An annotated handler with a state of undefined or void.
declare const stateless: WebSock<undefined>;
export type Stateless = Assert<HandlerConforms<typeof stateless>>;
declare const voidState: WebSock<void>;
export type VoidState = Assert<HandlerConforms<typeof voidState>>;

// With `satisfies`, which keeps the type of the literal.
const satisfying = {
  init: (count, mailbox) => {
    mailbox.post('hello');
    return { type: 'ok', state: { count } };
  },
  handleIn: (frame, state) => {
    if (frame.data === 'stop') {
      return { type: 'stop', reason: 'normal', state, close: { code: 4001, reason: 'bye' } };
    }
    return { type: 'push', messages: { opcode: 'text', data: 'hi' }, state };
  },
  handleControl: (_frame, state) => ({
    type: 'push',
    messages: [{ opcode: 'ping', data: 'x' }, { opcode: 'pong' }],
    state,
  }),
  handleInfo: (info, state) => ({ type: 'reply', status: info, messages: [], state }),
  terminate: () => {},
} satisfies WebSock<Count, string, number>;
export type Satisfying = Assert<HandlerConforms<typeof satisfying>>;

// A bare literal, whose results are `as const`.
const bare = {
  init: (count: number) => ({ type: 'ok', state: { count } }) as const,
  handleIn: (frame: WebSock.DataFrame, state: Count) =>
    frame.opcode === 'text'
      ? ({ type: 'push', messages: [{ opcode: 'text', data: frame.data }], state } as const)
      : ({ type: 'stop', reason: { error: 'text only' }, state } as const),
  handleInfo: (_info: unknown, state: Count) => ({ type: 'ok', state }) as const,
};
export type Bare = Assert<HandlerConforms<typeof bare>>;

// Async callbacks, and other promises.
const slow = {
  init: async (count: number): Promise<WebSock.HandleResult<Count>> => ({ type: 'ok', state: { count } }),
  handleIn: async (_frame: WebSock.DataFrame, state: Count) => ({ type: 'ok' as const, state }),
  handleInfo: (_info: unknown, state: Count): PromiseLike<WebSock.Ok<Count>> => Promise.resolve({ type: 'ok', state }),
  terminate: async () => {},
};
export type Slow = Assert<HandlerConforms<typeof slow>>;

// `satisfies` with async callbacks, and a throw.
const satisfyingAsync = {
  init: async () => ({ type: 'ok', state: undefined }),
  handleIn: async (frame) => {
    if (frame.opcode === 'binary') {
      throw new Error('text only');
    }
    return { type: 'push', messages: [{ opcode: 'text', data: frame.data }], state: undefined };
  },
  handleInfo: () => {
    throw new Error('no infos');
  },
} satisfies WebSock<undefined, never, void>;
export type SatisfyingAsync = Assert<HandlerConforms<typeof satisfyingAsync>>;

// A class with private and protected fields and helpers, and one that inherits from it.
class Room implements WebSock<Count, string, number> {
  readonly name: string = 'room';
  #secret = 1;
  private readonly members: string[] = [];
  protected terminated = false;
  closed = false;

  init(count: number, mailbox: WebSock.Mailbox<string>): WebSock.HandleResult<Count> {
    mailbox.post(this.name);
    return { type: 'ok', state: { count } };
  }

  async handleIn(frame: WebSock.DataFrame, state: Count): Promise<WebSock.HandleResult<Count>> {
    this.#secret += this.members.length;
    this.terminated = false;
    return frame.opcode === 'text' ? this.answer(frame.data, state) : { type: 'ok', state };
  }

  handleInfo(_info: string, state: Count): WebSock.Ok<Count> {
    return { type: 'ok', state };
  }

  answer(text: string, state: Count): WebSock.Push<Count> {
    return { type: 'push', messages: { opcode: 'text', data: text }, state };
  }

  broadcast(): void {}
  handleJoin(): void {}
  close(): void {}
  terminateAll(): void {}
  term(): void {}
  etc(): void {}
  onClose = 'leave';
  on(_event: string): void {}
  log?: (text: string) => void;
}
export type Class = Assert<HandlerConforms<Room>>;

// Methods with callback names of other libraries, next to the callback itself: helpers, or members of a base class.
abstract class Messages extends Room {
  abstract onMessage(text: string): void;
  onOpen(): void {}
  handleMessage(): void {}
  webSocketMessage(): void {}
  onInfo(): void {}
}
export type OfBase = Assert<HandlerConforms<Messages>>;

// A function of the application, kept by the constructor.
class Options extends Room {
  readonly onError: (error: unknown) => void;
  constructor(onError: (error: unknown) => void) {
    super();
    this.onError = onError;
  }
}
export type WithOptions = Assert<HandlerConforms<Options>>;

class SubRoom extends Room {
  terminate(): void {}
  handleClose(): void {}
  override handleInfo(info: string | number, state: Count): WebSock.Ok<Count> {
    return super.handleInfo(String(info), state);
  }
}
const subRoom = new SubRoom();
export type Inherited = Assert<HandlerConforms<typeof subRoom>>;

// Helpers named by plain words; with a terminate, helpers of any name.
class Words extends Room {
  open(_peer: object): void {}
  message(_peer: object, _text: string): void {}
  override close(_peer?: object, _code?: number): void {}
  error(_peer: object, _error: unknown): void {}
  drain(_peer: object): void {}
  connect(): void {}
  disconnect(): void {}
  handleError(_error: unknown): void {}
}
export type Wording = Assert<HandlerConforms<Words>>;

class Ending extends Words {
  terminate(): void {}
  onError(): void {}
  onDisconnect(): void {}
  handleDisconnect(): void {}
  webSocketClose(): void {}
  webSocketError(): void {}
}
export type Ended = Assert<HandlerConforms<Ending>>;

// The callbacks as static methods: the class itself is the handler.
class Static {
  static init(count: number): WebSock.HandleResult<Count> {
    return { type: 'ok', state: { count } };
  }
  static handleIn(_frame: WebSock.DataFrame, state: Count): WebSock.HandleResult<Count> {
    return { type: 'ok', state };
  }
  static handleInfo(_info: unknown, state: Count): WebSock.HandleResult<Count> {
    return { type: 'ok', state };
  }
}
export type StaticMethods = Assert<HandlerConforms<typeof Static>>;

// An abstract class, and generic factories.
abstract class Base<State> {
  abstract init(arg: string): WebSock.HandleResult<State>;
  abstract handleIn(frame: WebSock.DataFrame, state: State): WebSock.Awaitable<WebSock.HandleResult<State>>;
  handleInfo(_info: never, state: State): WebSock.HandleResult<State> {
    return { type: 'ok', state };
  }
}
export type Abstract = Assert<HandlerConforms<Base<Map<string, number>>>>;

const factory = <State>(first: State) => ({
  init: () => ({ type: 'ok', state: first }) as const,
  handleIn: (_frame: WebSock.DataFrame, state: State) => ({ type: 'ok', state }) as const,
  handleInfo: (_info: unknown, state: State) => ({ type: 'ok', state }) as const,
});
const made = factory({ rooms: ['a'] });
export type Made = Assert<HandlerConforms<typeof made>>;
const madeOfNothing = factory(undefined);
export type MadeOfNothing = Assert<HandlerConforms<typeof madeOfNothing>>;

const annotatedFactory = <State, Info>(): WebSock<State, Info, string> => ({}) as WebSock<State, Info, string>;
const annotatedMade = annotatedFactory<Count, number>();
export type AnnotatedMade = Assert<HandlerConforms<typeof annotatedMade>>;

// Generic callbacks.
const generic = {
  init: <Info>(count: number, _mailbox: WebSock.Mailbox<Info>) => ({ type: 'ok', state: { count } }) as const,
  handleIn: <State>(_frame: WebSock.DataFrame, state: State) => ({ type: 'ok', state }) as const,
  handleControl: <State extends { count: unknown }>(_frame: WebSock.ControlFrame, state: State): WebSock.Ok<State> => ({
    type: 'ok',
    state,
  }),
  handleInfo: (_info: string, state: Count) => ({ type: 'ok', state }) as const,
  terminate: <Reason extends WebSock.CloseReason>(_reason: Reason) => {},
};
export type Generic = Assert<HandlerConforms<typeof generic>>;

// Overloads that conform.
declare const overloaded: {
  init(): WebSock.HandleResult<Count>;
  handleIn: {
    (text: string): string;
    (frame: WebSock.DataFrame, state: Count): WebSock.HandleResult<Count>;
  };
  handleInfo: {
    (info: string, state: Count): WebSock.HandleResult<Count>;
    (info: string, state: Count): WebSock.Ok<Count>;
  };
};
export type Overloaded = Assert<HandlerConforms<typeof overloaded>>;

declare const overloadedFirst: {
  init(): WebSock.HandleResult<Count>;
  handleIn: {
    (frame: WebSock.DataFrame, state: Count): WebSock.HandleResult<Count>;
    (frame: { opcode: 'text' }, state: Count): WebSock.Push<Count>;
  };
  handleInfo(info: string, state: Count): WebSock.HandleResult<Count>;
};
export type OverloadedFirst = Assert<HandlerConforms<typeof overloadedFirst>>;

// A wrapper that is generic in the state, info and arg.
const counting = <State, Info, Arg>(inner: WebSock<State, Info, Arg>): WebSock<State, Info, Arg> => ({
  ...inner,
  handleIn: (frame, state) => inner.handleIn(frame, state),
});
const counted = counting(annotated);
export type Counted = Assert<HandlerConforms<typeof counted>>;

// A wrapper that is generic in the handler.
const logging = <Inner extends WebSock<Count, string, number>>(inner: Inner) => ({
  ...inner,
  handleIn: (frame: WebSock.DataFrame, state: Count): WebSock.Awaitable<WebSock.HandleResult<Count>> =>
    inner.handleIn(frame, state),
  handleInfo: (info: string | number, state: Count) =>
    typeof info === 'string' ? inner.handleInfo(info, state) : ({ type: 'ok', state } as const),
});
const logged = logging({ ...bare, handleInfo: (_info: string, state: Count) => ({ type: 'ok', state }) as const });
export type Logged = Assert<HandlerConforms<typeof logged>>;

// The overload for the special case first.
declare const overloadedBySpecial: {
  init(): WebSock.HandleResult<Count>;
  handleIn: {
    (frame: { readonly opcode: 'text'; readonly data: string }, state: Count): WebSock.Push<Count>;
    (frame: WebSock.DataFrame, state: Count): WebSock.HandleResult<Count>;
  };
  handleInfo(info: string, state: Count): WebSock.HandleResult<Count>;
};
export type OverloadedBySpecial = Assert<HandlerConforms<typeof overloadedBySpecial>>;

// One overload for each kind of frame.
class ByKind {
  init(): WebSock.HandleResult<Count> {
    return { type: 'ok', state: { count: 0 } };
  }
  handleIn(frame: WebSock.TextFrame, state: Count): WebSock.Push<Count>;
  handleIn(frame: WebSock.BinaryFrame, state: Count): Promise<WebSock.Ok<Count>>;
  handleIn(frame: WebSock.DataFrame, state: Count): WebSock.Awaitable<WebSock.HandleResult<Count>> {
    return frame.opcode === 'text' ? { type: 'push', messages: frame, state } : Promise.resolve({ type: 'ok', state });
  }
  handleInfo(_info: string, state: Count): WebSock.HandleResult<Count> {
    return { type: 'ok', state };
  }
}
export type OverloadByKind = Assert<HandlerConforms<ByKind>>;

// A mixin.
const Counting = <Base extends new (...args: any[]) => Room>(Inner: Base) =>
  class extends Inner {
    frames = 0;
    override async handleIn(frame: WebSock.DataFrame, state: Count): Promise<WebSock.HandleResult<Count>> {
      this.frames += 1;
      return super.handleIn(frame, state);
    }
  };
const CountingRoom = Counting(Room);
export type Mixin = Assert<HandlerConforms<InstanceType<typeof CountingRoom>>>;

// A mailbox with a method `post`, whose parameter `handleInfo` accepts.
class PostsByMethod extends Room {
  override init(count: number, mailbox: { post(info: string): void }): WebSock.HandleResult<Count> {
    mailbox.post('hello');
    return { type: 'ok', state: { count } };
  }
}
export type Posting = Assert<HandlerConforms<PostsByMethod>>;

// A class with private members that declares a `this` in some callbacks.
class OwnThis {
  private readonly first = 1;
  init(this: OwnThis, arg: number): WebSock.HandleResult<Count> {
    return { type: 'ok', state: { count: arg + this.first } };
  }
  handleIn(_frame: WebSock.DataFrame, state: Count): WebSock.HandleResult<Count> {
    return { type: 'ok', state };
  }
  handleInfo(this: OwnThis, _info: string, state: Count): WebSock.HandleResult<Count> {
    return { type: 'ok', state: { count: state.count + this.first } };
  }
}
export type OfOwnThis = Assert<HandlerConforms<OwnThis>>;

// A declared `this`, and a generic callback.
declare const ownThisAndGeneric: {
  greeting: string;
  init(this: { greeting: string }): WebSock.Ok<Count>;
  handleIn<State>(frame: WebSock.DataFrame, state: State): WebSock.Ok<State>;
  handleInfo(info: string, state: Count): WebSock.Ok<Count>;
};
export type OfOwnThisAndGeneric = Assert<HandlerConforms<typeof ownThisAndGeneric>>;

// Frozen, spread, optional.
const frozen = Object.freeze({ ...bare, terminate: () => undefined });
export type Frozen = Assert<HandlerConforms<typeof frozen>>;
const spread = { ...annotated, ...bare, helper: 1, terminate: undefined };
export type Spread = Assert<HandlerConforms<typeof spread>>;
declare const optional: typeof bare & { handleControl?: WebSock<Count>['handleControl'] };
export type Optional = Assert<HandlerConforms<typeof optional>>;
export type Readonlied = Assert<HandlerConforms<Readonly<typeof bare>>>;

// Results from helper functions; every kind of list.
const ok = <State>(state: State) => ({ type: 'ok', state }) as const;
const push = <State>(state: State, ...messages: WebSock.Message[]) => ({ type: 'push', messages, state }) as const;
const text = (data: string) => ({ opcode: 'text', data }) as const;
const stop = <State>(state: State, code?: number) => ({
  type: 'stop' as const,
  reason: 'normal' as const,
  state,
  ...(code === undefined ? {} : { close: { code } }),
});
const helped = {
  init: () => ok({ count: 0 }),
  handleIn: (frame: WebSock.DataFrame, state: Count) =>
    frame.opcode === 'text' ? push(state, text(frame.data)) : Math.random() > 1 ? stop(state, 4000) : stop(state),
  handleControl: (_frame: WebSock.ControlFrame, state: Count) => ok(state),
  handleInfo: (info: readonly string[], state: Count) => ({ type: 'push' as const, messages: info.map(text), state }),
};
export type Helped = Assert<HandlerConforms<typeof helped>>;

// A union of literals: the compiler adds `close?: undefined` to some.
const united = {
  init: () => ok({ count: 0 }),
  handleIn: (frame: WebSock.DataFrame, state: Count) => {
    if (frame.opcode === 'text') {
      return { type: 'stop' as const, reason: 'normal' as const, state, close: { code: 1000 as const, reason: 'bye' } };
    }
    if (frame.data.length === 0) {
      return { type: 'push' as const, state, messages: [] };
    }
    return { type: 'ok' as const, state };
  },
  handleInfo: (_info: string, state: Count) => ok(state),
};
export type United = Assert<HandlerConforms<typeof united>>;

// A reply without a status, and a stop without a reason, alone and where the compiler adds them as `?: undefined`.
const brief = {
  init: () => ok({ count: 0 }),
  handleIn: () => ({ type: 'reply', messages: [], state: { count: 0 } }) as const,
  handleControl: async (_frame: WebSock.ControlFrame, state: Count) => {
    if (state.count > 1) return { type: 'stop', reason: 'normal', state } as const;
    if (state.count > 0) return { type: 'reply', status: 1, messages: [], state } as const;
    if (state.count < 0) return { type: 'reply', messages: [], state } as const;
    return { type: 'stop', close: { code: 4001 }, state } as const;
  },
  handleInfo: (_info: string, state: Count) =>
    ({ type: 'stop', reason: undefined, close: { code: 4001, reason: 'late' }, state }) as const,
};
export type Brief = Assert<HandlerConforms<typeof brief>>;

const briefInContext = {
  init: () => ({ type: 'stop', state: { count: 0 } }),
  handleIn: (_frame, state) => ({ type: 'reply', messages: [], state }),
  handleInfo: (_info, state) => ({ type: 'stop', code: undefined, error: undefined, state }),
} satisfies WebSock<Count>;
export type BriefInContext = Assert<HandlerConforms<typeof briefInContext>>;

// States: branded, recursive, a discriminated union, a function, with `any` inside.
type Id = string & { readonly brand: 'id' };
interface Tree {
  readonly children: readonly Tree[];
  readonly id: Id;
}
export type Recursive = Assert<HandlerConforms<WebSock<Tree, Tree, Id>>>;
const recursive = {
  init: (id: Id) => ok<Tree>({ children: [], id }),
  handleIn: (_frame: WebSock.DataFrame, state: Tree) => ok({ ...state, children: [state] }),
  handleInfo: (_tree: Tree, state: Tree) => ok(state),
};
export type RecursiveBare = Assert<HandlerConforms<typeof recursive>>;

type Phase = { readonly phase: 'new' } | { readonly phase: 'known'; readonly name: string };
const phased = {
  init: () => ok({ phase: 'new' } as const),
  handleIn: (frame: WebSock.DataFrame, state: Phase) =>
    state.phase === 'new' && frame.opcode === 'text' ? ok({ phase: 'known', name: frame.data } as const) : ok(state),
  handleInfo: (_info: unknown, state: Phase) => ok(state),
  terminate: (_reason: unknown, _state: { readonly phase: string }) => {},
};
export type Phased = Assert<HandlerConforms<typeof phased>>;

export type Loose = Assert<HandlerConforms<WebSock<Record<string, any>, any, any>>>;
export type Functions = Assert<HandlerConforms<WebSock<() => void, (text: string) => void, undefined>>>;
export type UnknownState = Assert<HandlerConforms<WebSock<unknown, unknown, unknown>>>;
export type NeverInfo = Assert<HandlerConforms<WebSock<Count, never, never>>>;
export type UnionState = Assert<HandlerConforms<WebSock<Count | undefined | string, Count | string, boolean>>>;

// A state of void or undefined, without annotation.
const voidBare = {
  init: () => ok(undefined),
  handleIn: (_frame: WebSock.DataFrame, state: void) => ok(state),
  handleInfo: () => ok(undefined),
};
export type VoidBare = Assert<HandlerConforms<typeof voidBare>>;

// A `this` that the handler is assignable to, and `this: void`.
const withThis = {
  greeting: 'hello',
  init(this: { greeting: string }) {
    return ok({ count: this.greeting.length });
  },
  handleIn(this: void, _frame: WebSock.DataFrame, state: Count) {
    return ok(state);
  },
  handleInfo(_info: unknown, state: Count) {
    return ok({ count: state.count + this.greeting.length });
  },
};
export type WithThis = Assert<HandlerConforms<typeof withThis>>;

// Narrower results and wider parameters than required; optional and rest parameters.
const wide = {
  init: (..._given: unknown[]) => ok({ count: 1, name: '' }),
  handleIn: (_frame?: unknown, state: Count = { count: 1 }, _third?: string) => ok({ ...state, name: '' }),
  handleInfo: (_info: string | number, state: { name: string }) => ok({ count: 1, ...state }),
  terminate: (_reason: { type: string }, ..._rest: unknown[]) => 5,
};
export type Wide = Assert<HandlerConforms<typeof wide>>;

// Valid codes from an enum; a code, reason and data known only at run time.
enum Code {
  Kicked = 4000,
  Bye = 1000,
}
const closing = {
  ...bare,
  handleInfo: (info: { code: number; reason: string }, state: Count) =>
    ({ type: 'stop', reason: 'restart', state, close: info, messages: { opcode: 'ping', data: info.reason } }) as const,
  handleControl: (_frame: WebSock.ControlFrame, state: Count) =>
    ({ type: 'stop', reason: 'normal', state, close: { code: Math.random() > 1 ? Code.Kicked : Code.Bye } }) as const,
};
export type Closing = Assert<HandlerConforms<typeof closing>>;

// Every type of bytes.
const bytes = {
  ...bare,
  handleIn: (frame: WebSock.DataFrame, state: Count) =>
    ({
      type: 'push',
      messages: [
        { opcode: 'binary', data: new Uint8Array(1) },
        { opcode: 'binary', data: new ArrayBuffer(1) },
        { opcode: 'binary', data: new DataView(new ArrayBuffer(1)) },
        { opcode: 'pong', data: new Float64Array(1) },
        { opcode: 'ping', data: undefined },
        frame,
      ],
      state,
    }) as const,
};
export type Bytes = Assert<HandlerConforms<typeof bytes>>;

// A union of handlers; an interface that extends the contract; an intersection.
export type Union = Assert<HandlerConforms<typeof bare | typeof annotated | SubRoom>>;
interface MyHandler extends WebSock<Count, string, number> {
  readonly name: string;
}
export type Extended = Assert<HandlerConforms<MyHandler>>;
export type Intersected = Assert<HandlerConforms<WebSock<Count, string, number> & { readonly name: string }>>;
export type RequiredAll = Assert<HandlerConforms<Required<WebSock<Count, string, number>>>>;

// Valid codes with every digit, long text, and properties named by symbols.
declare const mark: unique symbol;
const digits = {
  ...bare,
  [mark]: () => {},
  handleIn: (_frame: WebSock.DataFrame, state: Count) =>
    ({
      [mark]: 1,
      type: 'stop',
      reason: 'normal',
      state,
      close: { code: 3102, [mark]: 1 },
      messages: { [mark]: 1, opcode: 'text', data: long },
    }) as const,
};
declare const long: `${Ten}${Ten}${Ten}${Ten}${Ten}${Ten}${Ten}${Ten}${Ten}${Ten}${Ten}${Ten}${Ten}`;
type Ten = 'aaaaaaaaaa';
const closingWith = <Code extends number>(code: Code) => ({
  ...bare,
  handleIn: (_frame: WebSock.DataFrame, state: Count) => ({ type: 'stop', close: { code }, state }) as const,
});
const valid = [closingWith(4345), closingWith(3678), closingWith(4987), closingWith(3210)] as const;
export type Digits = Assert<HandlerConforms<typeof digits | (typeof valid)[number]>>;

// A callback of `never`, and a helper of `any`.
declare const neverThere: typeof bare & { terminate: never; helper: any };
export type NeverThere = Assert<HandlerConforms<typeof neverThere>>;

// Only `terminate` has a state parameter.
const onlyTerminate = {
  init: () => ok({ count: 0 }),
  handleIn: () => ok({ count: 1 }),
  handleInfo: () => ok({ count: 2 }),
  terminate: (_reason: unknown, _state: Count) => {},
};
export type OnlyTerminate = Assert<HandlerConforms<typeof onlyTerminate>>;

// Results, messages and closes that are instances of classes, with methods.
class Line {
  readonly opcode = 'text';
  constructor(readonly data: string) {}
  shout() {
    return new Line(this.data.toUpperCase());
  }
}
class Kick {
  readonly code = 4001;
  readonly reason = 'kicked';
  toString(): string {
    return `${this.code} ${this.reason}`;
  }
}
class Say<State> {
  readonly type = 'push';
  readonly messages: Line[] = [];
  constructor(readonly state: State) {}
  and(text: string) {
    this.messages.push(new Line(text));
    return this;
  }
}
class Leave<State> {
  readonly type = 'stop';
  readonly close = new Kick();
  #told = false;
  constructor(readonly state: State) {}
  tell() {
    this.#told = !this.#told;
  }
}
const instances = {
  init: () => new Say({ count: 0 }).and('hello'),
  handleIn: async (frame: WebSock.DataFrame, state: Count) =>
    frame.opcode === 'text' ? new Say(state).and(frame.data) : new Leave(state),
  handleInfo: (_info: string, state: Count) => new Leave(state),
};
export type Instances = Assert<HandlerConforms<typeof instances>>;

// A state that looks like a close or a message.
const likeClose = {
  init: () => ok({ code: 99, opcode: 'ping', extra: 1 } as const),
  handleIn: (_frame: WebSock.DataFrame, state: { code: 99; opcode: 'ping'; extra: 1 }) => ok(state),
  handleInfo: (_info: string, state: { code: 99 }) => stop({ ...state, opcode: 'ping', extra: 1 } as const),
};
export type LikeClose = Assert<HandlerConforms<typeof likeClose>>;

// Properties of `undefined`, and properties named by symbols, in every part of a result.
const excessUndefined = {
  ...bare,
  handleIn: (_frame: WebSock.DataFrame, state: Count) =>
    ({
      type: 'stop',
      reason: 'normal',
      state,
      close: { code: 1000, reason: 'short', other: undefined, [mark]: 1 },
      messages: [
        { opcode: 'text', data: long, other: undefined, [mark]: 1 },
        { opcode: 'ping', data: 'short', other: undefined, [mark]: 1 },
      ],
      other: undefined,
      [mark]: 1,
    }) as const,
};
export type ExcessUndefined = Assert<HandlerConforms<typeof excessUndefined>>;

// Helpers that handle an application's own messages, named like callbacks of other libraries.
class Game {
  readonly init = bare.init;
  readonly handleInfo = bare.handleInfo;
  handleIn(frame: WebSock.DataFrame, state: Count): WebSock.Awaitable<WebSock.HandleResult<Count>> {
    if (frame.data === 'ping') return this.onPing(state);
    if (frame.data === 'pong') return this.handlePong();
    return frame.data === 'close' ? this.handleClose({ tab: '1' }, state) : this.handleControls(['up'], state);
  }
  onPing(state: Count): WebSock.HandleResult<Count> {
    return { type: 'push', messages: { opcode: 'text', data: 'pong' }, state };
  }
  handlePing(id: number): WebSock.TextMessage {
    return { opcode: 'text', data: String(id) };
  }
  onPong(ids: number[]): readonly WebSock.Message[] {
    return ids.map(this.handlePing);
  }
  async handlePong() {
    return { type: 'ok', state: { count: 0 } } as const;
  }
  handleClose(_message: { readonly tab: string }, state: Count): WebSock.HandleResult<Count> {
    return { type: 'ok', state };
  }
  handleDisconnect(_message: { readonly type: 'disconnect' }, state: Count) {
    return { type: 'ok', state } as const;
  }
  handleControls(_keys: readonly string[], state: Count): WebSock.HandleResult<Count> {
    return { type: 'ok', state };
  }
  // Listeners.
  onClose(_listener: () => void) {
    return () => {};
  }
  onDisconnect(_id: string, _listener?: (id: string) => void): void {}
  onTerminate(_listener: Function): void {}
}
export type Gaming = Assert<HandlerConforms<Game>>;

// Helpers that accept a close reason or a control frame, next to the callback that receives them, or only a part of one.
class Logging extends Ending {
  write(_reason: WebSock.CloseReason): void {}
  handleControl(frame: WebSock.ControlFrame, state: Count): WebSock.Awaitable<WebSock.HandleResult<Count>> {
    return this.answerTo(frame, state);
  }
  answerTo(_frame: WebSock.ControlFrame, state: Count): WebSock.HandleResult<Count> {
    return { type: 'ok', state };
  }
}
export type WithLog = Assert<HandlerConforms<Logging>>;

class Describing extends Room {
  failed(_reason: WebSock.ErrorClose): void {}
  describe(_reason: WebSock.CloseReason | undefined): string {
    return '';
  }
  echo(_frame: WebSock.DataFrame): void {}
}
export type Described = Assert<HandlerConforms<Describing>>;

// A listener of a handler whose handleIn has no state parameter.
const listening = {
  init: () => ok(undefined),
  handleIn: () => ok(undefined),
  handleInfo: () => ok(undefined),
  onClose(_listener: () => void): void {},
  onDisconnect(_id: string, _listener: () => void): void {},
};
export type Listening = Assert<HandlerConforms<typeof listening>>;
declare const sameAsState: RequiredOnly<() => void> & { onClose(listener: () => void): void };
export type ListenerLikeState = Assert<HandlerConforms<typeof sameAsState>>;

// A helper of a handler whose state is unknown, and one of a handler whose state looks like a close reason.
type RequiredOnly<State> = Pick<WebSock<State>, 'init' | 'handleIn' | 'handleInfo'>;
declare const unknownState: RequiredOnly<unknown> & { onPing(state: unknown): WebSock.HandleResult<unknown> };
export type HelperOfUnknown = Assert<HandlerConforms<typeof unknownState>>;
type CodeState = { readonly code: number };
declare const codeState: RequiredOnly<CodeState> & { onClose(state: CodeState): WebSock.HandleResult<CodeState> };
export type HelperOfCode = Assert<HandlerConforms<typeof codeState>>;

// Messages with more properties, such as rows of a history.
interface Row {
  readonly opcode: 'text';
  readonly data: string;
  readonly at: number;
  readonly code: number;
}
class Stored {
  readonly opcode = 'binary';
  constructor(
    readonly data: Uint8Array,
    readonly id: string,
  ) {}
}
declare const rows: Row[];
const history = {
  init: () => ({ type: 'push', messages: rows, state: rows }),
  handleIn: (_frame, state) => ({ type: 'reply', messages: state.slice(-1), state }),
  handleInfo: async (_info, state) => ({
    type: 'stop',
    messages: [new Stored(new Uint8Array(1), 'a'), ...state],
    close: { code: 4000 },
    state,
  }),
} satisfies WebSock<Row[]>;
export type History = Assert<HandlerConforms<typeof history>>;

// Close codes from a union of all, of which some can be sent.
enum AllCodes {
  Normal = 1000,
  NoStatus = 1005,
  Abnormal = 1006,
  Own = 4000,
}
const allCodes = { normal: 1000, noStatus: 1005 } as const;
const closingWithAny = {
  ...bare,
  leave: (code: AllCodes, state: Count) => ({ type: 'stop', close: { code }, state }) as const,
  handleIn(_frame: WebSock.DataFrame, state: Count) {
    return this.leave(AllCodes.Own, state);
  },
  handleInfo: (code: (typeof allCodes)[keyof typeof allCodes], state: Count) =>
    ({ type: 'stop', close: { code, reason: '' }, state }) as const,
};
export type ClosingWithAny = Assert<HandlerConforms<typeof closingWithAny>>;

// One object for two results with the same properties; the parts of a control frame.
const pushOrReply = {
  ...bare,
  handleIn: (frame: WebSock.DataFrame, state: Count) =>
    ({ type: frame.opcode === 'text' ? 'push' : 'reply', messages: frame, state }) as const,
  handleControl: ({ opcode, data }: WebSock.ControlFrame, state: Count) =>
    ({ type: 'push', messages: { opcode, data }, state }) as const,
};
export type PushOrReply = Assert<HandlerConforms<typeof pushOrReply>>;

// A terminate that returns what it awaits: nothing that could be sent.
const ending = <Value>(value: Value) => ({ ...bare, terminate: () => value });
declare const anything: any;
const endings = [
  ending(undefined),
  ending(true),
  ending(null),
  ending([]),
  ending([1]),
  ending({ messages: [] }),
  ending({ messages: ['saved'] }),
  ending({ close: () => {} }),
  ending({ type: 'ok', state: 1 } as const),
  ending(Promise.all([1, 'two'])),
  ending(anything),
  ending(anything as unknown),
] as const;
export type Endings = Assert<HandlerConforms<(typeof endings)[number]>>;

// The verdict is exactly `true`: `Assert` would also accept `never`.
export const verdicts: [
  HandlerConforms<typeof bare>,
  HandlerConforms<typeof annotated>,
  HandlerConforms<typeof slow>,
  HandlerConforms<Room>,
  HandlerConforms<typeof neverThere>,
  HandlerConforms<typeof withThis>,
  HandlerConforms<typeof onlyTerminate>,
  HandlerConforms<typeof generic>,
  HandlerConforms<PostsByMethod>,
  HandlerConforms<typeof bare | typeof withThis>,
  ServerConforms<WebSock.Upgrade<string>>,
] = [true, true, true, true, true, true, true, true, true, true, true];
