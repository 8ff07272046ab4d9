// Wrong handlers, nearly all with a single mistake, and their faults. A comment `// refused: …` precedes the line where
// the compiler reports an error that contains its text.

/// <reference lib="es2017.sharedmemory" />

import type { WebSock } from '@websock/spec';
import type { Assert, HandlerConforms } from '@websock/spec/conformance';

interface Count {
  readonly count: number;
}

type Result = WebSock.HandleResult<Count>;

// A right handler, which most wrong ones change in one place.
const right = {
  init: (count: number, _mailbox: WebSock.Mailbox<string>): Result => ({ type: 'ok', state: { count } }),
  handleIn: (_frame: WebSock.DataFrame, state: Count): Result => ({ type: 'ok', state }),
  handleControl: (_frame: WebSock.ControlFrame, state: Count): Result => ({ type: 'ok', state }),
  handleInfo: (_info: string, state: Count): Result => ({ type: 'ok', state }),
  terminate: (_reason: WebSock.CloseReason, _state: Count): void => {},
};
export type Right = Assert<HandlerConforms<typeof right>>;

declare const state: Count;
declare const shared: SharedArrayBuffer;

// ---- The handler itself ----

// refused: 2.6 the handler is any; give it a type
export type Any = Assert<HandlerConforms<any>>;

// refused: 2.6 the handler is never; give it a type
export type Never = Assert<HandlerConforms<never>>;

// refused: 2.6 the handler is not an object; pass the object that has the callbacks
export type Unknown = Assert<HandlerConforms<unknown>>;

// refused: 2.6 the handler is not an object; pass the object that has the callbacks
export type StringHandler = Assert<HandlerConforms<string>>;

// refused: 2.6 the handler is not an object; pass the object that has the callbacks
export type Factory = Assert<HandlerConforms<() => typeof right>>;

// refused: 2.6 the handler is a promise; await it
export type Promised = Assert<HandlerConforms<Promise<typeof right>>>;

// refused: Type '"2.6 the handler may be undefined; check it first"' does not satisfy
export type Undefined = Assert<HandlerConforms<typeof right | undefined>>;

// refused: Type '"2.6 the handler may be undefined; check it first"' does not satisfy
export type Null = Assert<HandlerConforms<WebSock<Count> | null>>;

class Chat {
  init(count: number): Result {
    return { type: 'ok', state: { count } };
  }
  handleIn(_frame: WebSock.DataFrame, state: Count): Result {
    return { type: 'ok', state };
  }
  handleInfo(_info: unknown, state: Count): Result {
    return { type: 'ok', state };
  }
}
// refused: 2.6 the handler is a class; pass an instance
export type Class = Assert<HandlerConforms<typeof Chat>>;

// refused: 2.3 handleIn does not accept a binary frame; annotate it as WebSock.DataFrame
export type Union = Assert<HandlerConforms<typeof right | typeof textOnly>>;

// ---- A callback ----

const { init: _init, ...noInit } = right;
// refused: 1.1 init is missing; add it
export type NoInit = Assert<HandlerConforms<typeof noInit>>;

const { handleIn: _handleIn, ...noHandleIn } = right;
// refused: 2.3 handleIn is missing; add it
export type NoHandleIn = Assert<HandlerConforms<typeof noHandleIn>>;

const handlein = { ...noHandleIn, handlein: right.handleIn };
// refused: 2.5 handleIn is missing; rename handlein to it
export type Handlein = Assert<HandlerConforms<typeof handlein>>;

const { handleInfo: _handleInfo, ...noHandleInfo } = right;
// refused: 2.9 handleInfo is missing; add it
export type NoHandleInfo = Assert<HandlerConforms<typeof noHandleInfo>>;

declare const optionalInfo: typeof noHandleInfo & { handleInfo?: typeof right.handleInfo };
// refused: 2.9 handleInfo is missing; add it
export type OptionalInfo = Assert<HandlerConforms<typeof optionalInfo>>;

const { terminate: _terminate, ...noTerminate } = right;
const terminated = { ...noTerminate, terminated: right.terminate };
// refused: 2.5 terminated is not a callback; did you mean terminate?
export type Terminated = Assert<HandlerConforms<typeof terminated>>;

const { handleControl: _handleControl, ...noControl } = right;
const handleControll = { ...noControl, handleControll: right.handleControl };
// refused: 2.5 handleControll is not a callback; did you mean handleControl?
export type HandleControll = Assert<HandlerConforms<typeof handleControll>>;

const handlecontrol = { ...noControl, handlecontrol: right.handleControl };
// refused: 2.5 handlecontrol is not a callback; did you mean handleControl?
export type Handlecontrol = Assert<HandlerConforms<typeof handlecontrol>>;

const handleCnotrol = { ...noControl, handleCnotrol: right.handleControl };
// refused: 2.5 handleCnotrol is not a callback; did you mean handleControl?
export type HandleCnotrol = Assert<HandlerConforms<typeof handleCnotrol>>;

const handleContro = { ...noControl, handleContro: right.handleControl };
// refused: 2.5 handleContro is not a callback; did you mean handleControl?
export type HandleContro = Assert<HandlerConforms<typeof handleContro>>;

const onMessage = { ...noHandleIn, onMessage: right.handleIn };
// refused: Type '"2.5 handleIn is missing; rename onMessage to it"' does not satisfy
export type OnMessage = Assert<HandlerConforms<typeof onMessage>>;

class Terminator extends Chat {
  Terminate(): void {}
}
// refused: 2.5 Terminate is not a callback; did you mean terminate?
export type ClassMisspelled = Assert<HandlerConforms<Terminator>>;

declare const anyCallback: typeof noHandleIn & { handleIn: any };
// refused: 2.5 handleIn is any; give it a type
export type AnyCallback = Assert<HandlerConforms<typeof anyCallback>>;

declare const anyOptional: typeof noTerminate & { terminate: any };
// refused: 2.5 terminate is any; give it a type
export type AnyOptional = Assert<HandlerConforms<typeof anyOptional>>;

const notFunction = { ...right, terminate: true };
// refused: 2.5 terminate is not a function; make it one
export type NotFunction = Assert<HandlerConforms<typeof notFunction>>;

declare const untyped: typeof noHandleIn & { handleIn: Function };
// refused: 2.5 handleIn is of type Function; declare its parameters and result
export type Untyped = Assert<HandlerConforms<typeof untyped>>;

class PrivateInit {
  readonly handleIn = right.handleIn;
  readonly handleInfo = right.handleInfo;
  private init(count: number): Result {
    return count > 0 ? this.init(count - 1) : { type: 'ok', state: { count } };
  }
}
// refused: Type '"2.5 init is private or protected; make it public"' does not satisfy
export type PrivateCallback = Assert<HandlerConforms<PrivateInit>>;

class ProtectedTerminate extends Chat {
  protected terminate(): void {}
}
// refused: Type '"2.5 terminate is private or protected; make it public"' does not satisfy
export type ProtectedCallback = Assert<HandlerConforms<ProtectedTerminate>>;

const threeArguments = {
  ...right,
  handleIn: (_frame: WebSock.DataFrame, state: Count, _socket: object): Result => right.handleInfo('', state),
};
// refused: 2.5 handleIn requires more than two parameters; the server passes two
export type ThreeArguments = Assert<HandlerConforms<typeof threeArguments>>;

const foreignThis = {
  ...right,
  handleInfo(this: Date, _info: string, state: Count): Result {
    return { type: 'ok', state };
  },
};
// refused: 2.5 handleInfo declares a this other than the handler; remove it
export type ForeignThis = Assert<HandlerConforms<typeof foreignThis>>;

class CodeWithThis {
  readonly init = right.init;
  readonly handleIn = right.handleIn;
  handleInfo(this: CodeWithThis, _info: unknown, state: Count) {
    return { type: 'stop', close: { code: 1005 }, state } as const;
  }
}
// refused: Type '"4.2 handleInfo returns a close code that must not be sent; see WebSock.CloseCode"' does not satisfy
export type OwnThis = Assert<HandlerConforms<CodeWithThis>>;

// A mistake in a callback without a `this`, in a handler that declares one elsewhere.
declare const withThisElsewhere: Omit<typeof right, 'handleIn' | 'handleInfo'> & {
  handleIn(): { type: 'stop'; close: { code: 1005 }; state: Count };
  handleInfo(this: { init: unknown }, info: string, state: Count): Result;
};
// refused: Type '"4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode"' does not satisfy
export type WithThisElsewhere = Assert<HandlerConforms<typeof withThisElsewhere>>;

const noMailbox = { ...right, init: (count: number, _request: string): Result => ({ type: 'ok', state: { count } }) };
// refused: 1.1 init does not accept a WebSock.Mailbox; annotate its second parameter with it
export type NoMailbox = Assert<HandlerConforms<typeof noMailbox>>;

const textOnly = {
  ...right,
  handleIn: (_frame: { opcode: 'text'; data: string }, state: Count): Result => ({ type: 'ok', state }),
};
// refused: 2.3 handleIn does not accept a binary frame; annotate it as WebSock.DataFrame
export type TextOnly = Assert<HandlerConforms<typeof textOnly>>;

const binaryOnly = {
  ...right,
  handleIn: (_frame: { opcode: 'binary'; data: Uint8Array }, state: Count): Result => ({ type: 'ok', state }),
};
// refused: 2.3 handleIn does not accept a text frame; annotate it as WebSock.DataFrame
export type BinaryOnly = Assert<HandlerConforms<typeof binaryOnly>>;

// An overload for each kind is right, but of three overloads the compiler shows only the last two.
declare const frameOverloads: typeof noHandleIn & {
  handleIn(frame: { readonly opcode: 'text'; readonly data: string }, state: Count): Result;
  handleIn(frame: { readonly opcode: 'binary'; readonly data: Uint8Array }, state: Count): Result;
  handleIn(frame: { readonly opcode: 'binary'; readonly data: DataView }, state: Count): Result;
};
// refused: 2.3 handleIn has an overload for each kind of frame; add one for WebSock.DataFrame
export type FrameOverloads = Assert<HandlerConforms<typeof frameOverloads>>;

declare const textOverloads: typeof noHandleIn & {
  handleIn(frame: { readonly opcode: 'text'; readonly data: string }, state: Count): Result;
  handleIn(frame: { readonly opcode: 'text'; readonly data: ''; readonly empty: true }, state: Count): Result;
};
// refused: 2.3 handleIn does not accept a binary frame; annotate it as WebSock.DataFrame
export type TextOverloads = Assert<HandlerConforms<typeof textOverloads>>;

// An overload for each kind, with a mistake in the first, in the second, or in another callback too.
declare const frameOverloadFirst: typeof noHandleIn & {
  handleIn(frame: { readonly opcode: 'text'; readonly data: string }, state: Count): undefined;
  handleIn(frame: { readonly opcode: 'binary'; readonly data: Uint8Array }, state: Count): Result;
};
// refused: Type '"3.6 handleIn may return undefined; return a result on every path"' does not satisfy
export type FrameOverloadFirst = Assert<HandlerConforms<typeof frameOverloadFirst>>;

declare const frameOverloadResult: typeof noHandleIn & {
  handleIn(frame: { readonly opcode: 'text'; readonly data: string }, state: Count): Result;
  handleIn(frame: { readonly opcode: 'binary'; readonly data: Uint8Array }, state: Count): undefined;
};
// refused: Type '"3.6 handleIn may return undefined; return a result on every path"' does not satisfy
export type FrameOverloadResult = Assert<HandlerConforms<typeof frameOverloadResult>>;

declare const frameOverloadState: typeof noHandleIn & {
  handleIn(frame: { readonly opcode: 'text'; readonly data: string }, state: { count: string }): Result;
  handleIn(frame: { readonly opcode: 'binary'; readonly data: Uint8Array }, state: Count): Result;
};
// refused: 2.4 handleIn does not accept the state that init returns; make them agree
export type FrameOverloadState = Assert<HandlerConforms<typeof frameOverloadState>>;

declare const frameOverloadLast: Pick<typeof noHandleIn, 'init'> & {
  handleIn(frame: { readonly opcode: 'text'; readonly data: string }, state: Count): Result;
  handleIn(frame: { readonly opcode: 'binary'; readonly data: Uint8Array }, state: { count: string }): Result;
  handleInfo(): undefined;
};
// refused: "2.4 handleIn does not accept the state that init returns; make them agree"
// refused: "3.6 handleInfo may return undefined; return a result on every path"
export type FrameOverloadLast = Assert<HandlerConforms<typeof frameOverloadLast>>;

class TextOnly2 extends Chat {
  // The compiler accepts this override, because it compares the parameters of methods in both directions.
  override handleIn(_frame: { opcode: 'text'; data: string }, state: Count): Result {
    return { type: 'ok', state };
  }
}
// refused: 2.3 handleIn does not accept a binary frame; annotate it as WebSock.DataFrame
export type TextOnlyClass = Assert<HandlerConforms<TextOnly2>>;

const pongOnly = {
  ...right,
  handleControl: (_frame: { opcode: 'pong' }, state: Count): Result => ({ type: 'ok', state }),
};
// refused: 2.8 handleControl does not accept a ping; annotate it as WebSock.ControlFrame
export type PongOnly = Assert<HandlerConforms<typeof pongOnly>>;

const pingOnly = {
  ...right,
  handleControl: (_frame: { opcode: 'ping' }, state: Count): Result => ({ type: 'ok', state }),
};
// refused: 2.8 handleControl does not accept a pong; annotate it as WebSock.ControlFrame
export type PingOnly = Assert<HandlerConforms<typeof pingOnly>>;

const remoteOnly = { ...right, terminate: (_reason: { type: 'remote'; code: number }) => {} };
// refused: 4.1 terminate does not accept every WebSock.CloseReason; annotate its parameter with it
export type RemoteOnly = Assert<HandlerConforms<typeof remoteOnly>>;

const otherInfo = { ...right, handleInfo: (_info: number, state: Count): Result => ({ type: 'ok', state }) };
// refused: 2.9 handleInfo does not accept every message that can be posted; make it agree with the mailbox of init
export type OtherInfo = Assert<HandlerConforms<typeof otherInfo>>;

class PostsByMethod extends Chat {
  override init(count: number, mailbox?: { post(info: string | number): void }): Result {
    mailbox?.post(count);
    return super.init(count);
  }
  override handleInfo(_info: string, state: Count): Result {
    return super.handleInfo(_info, state);
  }
}
// refused: 2.9 handleInfo does not accept every message that can be posted; make it agree with the mailbox of init
export type PostsByMethods = Assert<HandlerConforms<PostsByMethod>>;

// ---- An override, whose type is an intersection with the original ----

type OnlyText = { readonly opcode: 'text'; readonly data: string };

const withTextOnly = <Inner extends WebSock<Count, string, number>>(inner: Inner) => ({
  ...inner,
  handleIn: (frame: OnlyText, state: Count): WebSock.Awaitable<Result> => inner.handleIn(frame, state),
});
const wrapped = withTextOnly(right);
// refused: Type '"2.3 handleIn does not accept a binary frame; annotate it as WebSock.DataFrame"' does not satisfy
export type Wrapped = Assert<HandlerConforms<typeof wrapped>>;

const assigned = Object.assign({}, right, {
  handleIn: (_frame: OnlyText, state: Count) => ({ type: 'ok', state }) as const,
});
// refused: Type '"2.3 handleIn does not accept a binary frame; annotate it as WebSock.DataFrame"' does not satisfy
export type Assigned = Assert<HandlerConforms<typeof assigned>>;

// The override of a mixin precedes the original. It is judged even if there is another fault.
declare const mixed: { handleIn(frame: OnlyText, state: Count): Result } & Pick<typeof right, 'init' | 'handleIn'> & {
    handleInfo: typeof nothing.handleInfo;
  };
// refused: "2.3 handleIn does not accept a binary frame; annotate it as WebSock.DataFrame"
// refused: "3.6 handleInfo may return undefined; return a result on every path"
export type Mixed = Assert<HandlerConforms<typeof mixed>>;

// A mixin, whose method the compiler compares in both directions.
const TextMixin = <Base extends new (...args: any[]) => Chat>(Inner: Base) =>
  class extends Inner {
    override handleIn(_frame: OnlyText, state: Count): Result {
      return { type: 'ok', state };
    }
  };
const TextChat = TextMixin(Chat);
// refused: Type '"2.3 handleIn does not accept a binary frame; annotate it as WebSock.DataFrame"' does not satisfy
export type MixedIn = Assert<HandlerConforms<InstanceType<typeof TextChat>>>;

// An override that returns nothing, directly or in a promise.
const silenced = <Inner extends WebSock<Count, string, number>>(inner: Inner) => ({
  ...inner,
  handleIn: (_frame: WebSock.DataFrame, _state: Count) => {},
});
const wrappedSilence = silenced(right);
// refused: Type '"3.6 handleIn may return undefined; return a result on every path"' does not satisfy
export type WrappedSilence = Assert<HandlerConforms<typeof wrappedSilence>>;

const silencedLater = <Inner extends WebSock<Count, string, number>>(inner: Inner) => ({
  ...inner,
  handleInfo: async (info: string, state: Count) => (info === '' ? inner.handleInfo(info, state) : null),
});
const wrappedSilenceLater = silencedLater(right);
// refused: Type '"3.6 handleInfo may return undefined; return a result on every path"' does not satisfy
export type WrappedSilenceLater = Assert<HandlerConforms<typeof wrappedSilenceLater>>;

// An override whose result the contract accepts.
const withCode = <Inner extends WebSock<Count, string, number>>(inner: Inner) => ({
  ...inner,
  handleInfo: () => ({ type: 'stop', close: { code: 1005 }, state }) as const,
});
const wrappedCode = withCode(right);
// refused: Type '"4.2 handleInfo returns a close code that must not be sent; see WebSock.CloseCode"' does not satisfy
export type WrappedCode = Assert<HandlerConforms<typeof wrappedCode>>;

// In a union with a reply and a stop, it gets their properties as `?: undefined`, and compilers before 7.0 accept it.
const typeless = {
  init: () => ({ type: 'ok', state: undefined }) as const,
  handleIn: async (frame: WebSock.DataFrame) => {
    if (frame.data === 'bye')
      return { type: 'stop', close: { code: 4001 }, reason: 'normal', state: undefined } as const;
    if (frame.data === 'hi') return { type: 'reply', status: 1, messages: [], state: undefined } as const;
    return { state: undefined } as const;
  },
  handleInfo: (_info: string) => ({ type: 'ok', state: undefined }) as const,
};
// refused: 3.6 handleIn returns a value that is not a result; return { type: 'ok', state }
export type Typeless = Assert<HandlerConforms<typeof typeless>>;

// ---- A state ----

const anyState = { ...right, handleInfo: (_info: string, state: any): Result => ({ type: 'ok', state }) };
// refused: 2.4 handleInfo accepts a state of any; give it a type
export type AnyState = Assert<HandlerConforms<typeof anyState>>;

// refused: 2.4 the state of the handler is any; give it a type
export type AnyAnnotated = Assert<HandlerConforms<WebSock<any, string, number>>>;

const anyReturned = { ...right, handleIn: () => ({ type: 'ok' as const, state: JSON.parse('') }) };
// refused: 2.4 handleIn returns a state of any; give it a type
export type AnyReturned = Assert<HandlerConforms<typeof anyReturned>>;

const wrongRead = {
  ...right,
  handleInfo: (_info: string, _state: { count: string }): Result => ({ type: 'ok', state }),
};
// refused: 2.4 handleInfo does not accept the state that init returns; make them agree
export type WrongRead = Assert<HandlerConforms<typeof wrongRead>>;

const wrongReadAndReturned = {
  ...right,
  handleIn: (_frame: WebSock.DataFrame, state: { count: string }) => ({ type: 'ok', state }) as const,
};
// refused: 2.4 handleIn does not accept the state that init returns; make them agree
export type WrongReadAndReturned = Assert<HandlerConforms<typeof wrongReadAndReturned>>;

const wrongTerminate = { ...right, terminate: (_reason: WebSock.CloseReason, _state: { count: string }) => {} };
// refused: 2.4 terminate does not accept the state that init returns; make them agree
export type WrongTerminate = Assert<HandlerConforms<typeof wrongTerminate>>;

const noState = { ...right, init: () => ({ type: 'ok', state: undefined }) as const };
// refused: 2.4 init returns a state that other callbacks do not accept; make them agree
export type NoState = Assert<HandlerConforms<typeof noState>>;

const otherState = { ...right, handleIn: () => ({ type: 'ok', state: { count: 'one' } }) as const };
// refused: 2.4 handleIn returns a state that other callbacks do not accept; make them agree
export type OtherState = Assert<HandlerConforms<typeof otherState>>;

const otherStateAsync = {
  ...right,
  handleInfo: async (_info: string, state: Count) => ({ type: 'ok', state: state.count }) as const,
};
// refused: 2.4 handleInfo returns a state that other callbacks do not accept; make them agree
export type OtherStateAsync = Assert<HandlerConforms<typeof otherStateAsync>>;

// ---- A result ----

const anyResult = { ...right, handleIn: () => JSON.parse('') };
// refused: 3.6 handleIn returns any; annotate its result
export type AnyResult = Assert<HandlerConforms<typeof anyResult>>;

const anyPromise = { ...right, handleIn: async () => JSON.parse('') };
// refused: 3.6 handleIn returns any; annotate its result
export type AnyPromise = Assert<HandlerConforms<typeof anyPromise>>;

const nothing = { ...right, handleInfo: () => {} };
// refused: 3.6 handleInfo may return undefined; return a result on every path
export type Nothing = Assert<HandlerConforms<typeof nothing>>;

const forgotten = {
  ...right,
  handleIn: async (frame: WebSock.DataFrame, state: Count) => {
    if (frame.opcode === 'text') {
      return { type: 'ok', state } as const;
    }
    return;
  },
};
// refused: 3.6 handleIn may return undefined; return a result on every path
export type Forgotten = Assert<HandlerConforms<typeof forgotten>>;

const notResult = { ...right, handleIn: (_frame: WebSock.DataFrame, state: Count) => state };
// refused: 3.6 handleIn returns a value that is not a result; return { type: 'ok', state }
export type NotResult = Assert<HandlerConforms<typeof notResult>>;

const widened = { ...right, handleIn: (_frame: WebSock.DataFrame, state: Count) => ({ type: 'ok', state }) };
// refused: 3.6 handleIn returns a result whose type may be any string; write 'as const' after it
export type Widened = Assert<HandlerConforms<typeof widened>>;

const unknownType = { ...right, handleIn: () => ({ type: 'okay', state }) as const };
// refused: 3.6 handleIn returns a result of unknown type; use ok, push, reply or stop
export type UnknownType = Assert<HandlerConforms<typeof unknownType>>;

const withoutState = { ...right, handleIn: () => ({ type: 'ok' }) as const };
// refused: 3.6 handleIn returns a result without a state; add it
export type WithoutState = Assert<HandlerConforms<typeof withoutState>>;

const anyMessages = { ...right, handleIn: () => ({ type: 'push', messages: JSON.parse(''), state }) as const };
// refused: 3.6 handleIn returns messages, a reason or a close of any; give them a type
export type AnyMessages = Assert<HandlerConforms<typeof anyMessages>>;

const anyData = {
  ...right,
  handleIn: () => ({ type: 'push', messages: [{ opcode: 'text', data: JSON.parse('') }], state }) as const,
};
// refused: 3.6 handleIn returns messages, a reason or a close of any; give them a type
export type AnyData = Assert<HandlerConforms<typeof anyData>>;

const noMessages = { ...right, handleIn: () => ({ type: 'push', state }) as const };
// refused: 3.6 handleIn returns a push or reply without messages; add them
export type NoMessages = Assert<HandlerConforms<typeof noMessages>>;

declare const some: WebSock.Message[] | undefined;
const maybeMessages = { ...right, handleIn: () => ({ type: 'push', messages: some, state }) as const };
// refused: 3.6 handleIn returns messages that may be undefined; write messages ?? []
export type MaybeMessages = Assert<HandlerConforms<typeof maybeMessages>>;

declare const partOfMessages: { messages?: WebSock.Message | undefined };
const optionalMessages = { ...right, handleIn: () => ({ type: 'reply', ...partOfMessages, state }) as const };
// refused: 3.6 handleIn returns messages that may be undefined; write messages ?? []
export type OptionalMessages = Assert<HandlerConforms<typeof optionalMessages>>;

const misspelledMessages = { ...right, handleIn: () => ({ type: 'push', mesages: [], state }) as const };
// refused: 3.6 handleIn returns the property mesages, which its result does not have; remove or rename it
export type MisspelledMessages = Assert<HandlerConforms<typeof misspelledMessages>>;

const okWithMessages = {
  ...right,
  handleIn: () => ({ type: 'ok', messages: [{ opcode: 'text', data: '' }], state }) as const,
};
// refused: 3.6 handleIn returns the property messages, which its result does not have; remove or rename it
export type OkWithMessages = Assert<HandlerConforms<typeof okWithMessages>>;

const closeDetail = {
  ...right,
  handleIn: async () => ({ type: 'stop', reason: 'normal', state, closeDetail: { code: 4000 } }) as const,
};
// refused: 3.6 handleIn returns the property closeDetail, which its result does not have; remove or rename it
export type CloseDetail = Assert<HandlerConforms<typeof closeDetail>>;

const numberData = {
  ...right,
  handleIn: () => ({ type: 'push', messages: { opcode: 'text', data: 1 }, state }) as const,
};
// refused: 3.6 handleIn returns messages that cannot be sent; see WebSock.Message
export type NumberData = Assert<HandlerConforms<typeof numberData>>;

const objectData = {
  ...right,
  handleIn: () => ({ type: 'push', messages: [{ opcode: 'text', data: {} }], state }) as const,
};
// refused: 3.6 handleIn returns messages that cannot be sent; see WebSock.Message
export type ObjectData = Assert<HandlerConforms<typeof objectData>>;

const promiseData = {
  ...right,
  handleIn: () => ({ type: 'push', messages: { opcode: 'text', data: Promise.resolve('') }, state }) as const,
};
// refused: 3.6 handleIn returns messages that cannot be sent; see WebSock.Message
export type PromiseData = Assert<HandlerConforms<typeof promiseData>>;

const bytesAsText = {
  ...right,
  handleIn: () => ({ type: 'push', messages: { opcode: 'text', data: new Uint8Array(1) }, state }) as const,
};
// refused: 3.6 handleIn returns messages that cannot be sent; see WebSock.Message
export type BytesAsText = Assert<HandlerConforms<typeof bytesAsText>>;

const textAsBytes = {
  ...right,
  handleIn: () => ({ type: 'push', messages: { opcode: 'binary', data: 'text' }, state }) as const,
};
// refused: 3.6 handleIn returns messages that cannot be sent; see WebSock.Message
export type TextAsBytes = Assert<HandlerConforms<typeof textAsBytes>>;

const numberPing = {
  ...right,
  handleIn: () => ({ type: 'push', messages: { opcode: 'ping', data: 1 }, state }) as const,
};
// refused: 3.6 handleIn returns messages that cannot be sent; see WebSock.Message
export type NumberPing = Assert<HandlerConforms<typeof numberPing>>;

const sharedData = {
  ...right,
  handleIn: () => ({ type: 'push', messages: [{ opcode: 'binary', data: shared }], state }) as const,
};
// refused: 3.6 handleIn returns messages that cannot be sent; see WebSock.Message
export type SharedData = Assert<HandlerConforms<typeof sharedData>>;

const opcodeWidened = {
  ...right,
  handleIn: () => ({ type: 'push' as const, messages: { opcode: 'text', data: '' }, state }),
};
// refused: 3.6 handleIn returns a message whose opcode may be any string; write 'as const' after it
export type OpcodeWidened = Assert<HandlerConforms<typeof opcodeWidened>>;

const excessInMessage = {
  ...right,
  handleIn: () => ({ type: 'push', messages: { opcode: 'ping', dat: '' }, state }) as const,
};
// refused: 3.6 handleIn returns the property dat, which its message does not have; remove or rename it
export type ExcessInMessage = Assert<HandlerConforms<typeof excessInMessage>>;

type Four<Text extends string> = `${Text}${Text}${Text}${Text}`;
type Sixty = `${Four<Four<'aaa'>>}${Four<'aaa'>}`;
declare const long123: `${Sixty}${Sixty}aaa`;
declare const long124: `${Sixty}${Sixty}aaaa`;
declare const long125: `${Sixty}${Sixty}aaaaa`;
declare const long126: `${Sixty}${Sixty}aaaaaa`;

const pingRight = {
  ...right,
  handleIn: () => ({ type: 'push', messages: { opcode: 'ping', data: long125 }, state }) as const,
};
export type PingRight = Assert<HandlerConforms<typeof pingRight>>;

const pingLong = {
  ...right,
  handleIn: () => ({ type: 'push', messages: { opcode: 'ping', data: long126 }, state }) as const,
};
// refused: 3.6 handleIn returns ping or pong data over 125 bytes; shorten it
export type PingLong = Assert<HandlerConforms<typeof pingLong>>;

const stopReason = { ...right, handleIn: () => ({ type: 'stop', reason: 'error', state }) as const };
// refused: 3.4 handleIn returns a string as its reason to stop; write close: { code, reason }
export type StopReason = Assert<HandlerConforms<typeof stopReason>>;

const codeAsReason = { ...right, handleIn: () => ({ type: 'stop', reason: 4001, state }) as const };
// refused: 3.4 handleIn returns an invalid reason to stop; use 'normal', 'restart' or { error }
export type CodeAsReason = Assert<HandlerConforms<typeof codeAsReason>>;

const errorAsReason = { ...right, handleIn: () => ({ type: 'stop', reason: new Error('late'), state }) as const };
// refused: 3.4 handleIn returns an error as its reason to stop; write reason: { error }
export type ErrorAsReason = Assert<HandlerConforms<typeof errorAsReason>>;

const caughtAsReason = {
  ...right,
  handleIn: (_frame: WebSock.DataFrame, state: Count) => {
    try {
      return { type: 'ok', state } as const;
    } catch (error: unknown) {
      return { type: 'stop', reason: error, state } as const;
    }
  },
};
// refused: 3.4 handleIn returns an error as its reason to stop; write reason: { error }
export type CaughtAsReason = Assert<HandlerConforms<typeof caughtAsReason>>;

const reasonWidened = { ...right, handleIn: () => ({ type: 'stop' as const, reason: 'normal', state }) };
// refused: 3.4 handleIn returns a reason to stop that may be any string; write 'as const' after it
export type ReasonWidened = Assert<HandlerConforms<typeof reasonWidened>>;

const stopCode = { ...right, handleIn: () => ({ type: 'stop', code: 4001, state }) as const };
// refused: Type '"4.2 handleIn returns a stop with a property code; write close: { code }"' does not satisfy
export type StopCode = Assert<HandlerConforms<typeof stopCode>>;

const stopCodeAndReason = {
  ...right,
  handleInfo: async () => ({ type: 'stop', code: 1005, reason: 'normal', messages: [], state }) as const,
};
// refused: Type '"4.2 handleInfo returns a stop with a property code; write close: { code }"' does not satisfy
export type StopCodeAndReason = Assert<HandlerConforms<typeof stopCodeAndReason>>;

const stopError = { ...right, handleIn: () => ({ type: 'stop', error: new Error('late'), state }) as const };
// refused: Type '"3.4 handleIn returns a stop with a property error; write reason: { error }"' does not satisfy
export type StopError = Assert<HandlerConforms<typeof stopError>>;

const stopAlone = { ...right, handleIn: () => ({ type: 'stop', close: { code: 1005 }, state }) as const };
// refused: Type '"4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode"' does not satisfy
export type StopAlone = Assert<HandlerConforms<typeof stopAlone>>;

const okCode = { ...right, handleIn: () => ({ type: 'ok', code: 4001, state }) as const };
// refused: 3.6 handleIn returns the property code, which its result does not have; remove or rename it
export type OkCode = Assert<HandlerConforms<typeof okCode>>;

const wrongClose = { ...right, handleIn: () => ({ type: 'stop', reason: 'normal', close: 1000, state }) as const };
// refused: 4.2 handleIn returns an invalid close; see WebSock.CloseDetail
export type WrongClose = Assert<HandlerConforms<typeof wrongClose>>;

const wrongCloseReason = {
  ...right,
  handleIn: () => ({ type: 'stop', reason: 'normal', close: { code: 1000, reason: 1 }, state }) as const,
};
// refused: 4.2 handleIn returns an invalid close; see WebSock.CloseDetail
export type WrongCloseReason = Assert<HandlerConforms<typeof wrongCloseReason>>;

const excessInClose = {
  ...right,
  handleIn: () => ({ type: 'stop', reason: 'normal', close: { code: 1000, resaon: '' }, state }) as const,
};
// refused: 4.2 handleIn returns the property resaon, which close does not have; remove or rename it
export type ExcessInClose = Assert<HandlerConforms<typeof excessInClose>>;

const closing = <Code extends number, Reason extends string = ''>(code: Code, reason?: Reason) => ({
  ...right,
  handleIn: () =>
    ({ type: 'stop', reason: 'normal', close: reason === undefined ? { code } : { code, reason }, state }) as const,
});

const codes = [
  closing(1000),
  closing(1014),
  closing(3000),
  closing(4999),
  closing(4321 as number),
  closing(1000, long123),
] as const;
export type Codes = Assert<HandlerConforms<(typeof codes)[number]>>;

const code1005 = closing(1005);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type Code1005 = Assert<HandlerConforms<typeof code1005>>;
const code1004 = closing(1004);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type Code1004 = Assert<HandlerConforms<typeof code1004>>;
const code1006 = closing(1006);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type Code1006 = Assert<HandlerConforms<typeof code1006>>;
const code1010 = closing(1010);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type Code1010 = Assert<HandlerConforms<typeof code1010>>;
const code1015 = closing(1015);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type Code1015 = Assert<HandlerConforms<typeof code1015>>;
const code999 = closing(999);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type Code999 = Assert<HandlerConforms<typeof code999>>;
const code1016 = closing(1016);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type Code1016 = Assert<HandlerConforms<typeof code1016>>;
const code2999 = closing(2999);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type Code2999 = Assert<HandlerConforms<typeof code2999>>;
const code5000 = closing(5000);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type Code5000 = Assert<HandlerConforms<typeof code5000>>;
const codeNegative = closing(-1);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type CodeNegative = Assert<HandlerConforms<typeof codeNegative>>;
const codeFraction = closing(1000.5);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type CodeFraction = Assert<HandlerConforms<typeof codeFraction>>;
const codeFraction3 = closing(3000.5);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type CodeFraction3 = Assert<HandlerConforms<typeof codeFraction3>>;
const codeShort = closing(300);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type CodeShort = Assert<HandlerConforms<typeof codeShort>>;
const codeLong = closing(40000);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type CodeLong = Assert<HandlerConforms<typeof codeLong>>;

const satisfied = {
  ...right,
  handleInfo: (_info, state) => ({ type: 'stop', reason: 'normal', state, close: { code: 1005 } }),
} satisfies WebSock<Count, string, number>;
// refused: 4.2 handleInfo returns a close code that must not be sent; see WebSock.CloseCode
export type Satisfied = Assert<HandlerConforms<typeof satisfied>>;

const closeReasonLong = closing(1000, long124);
// refused: 4.2 handleIn returns a close reason over 123 bytes; shorten it
export type CloseReasonLong = Assert<HandlerConforms<typeof closeReasonLong>>;

// ---- Several faults: one for each callback, all visible ----

const two = { ...textOnly, handleInfo: nothing.handleInfo };
// refused: "2.3 handleIn does not accept a binary frame; annotate it as WebSock.DataFrame" | "3.6 handleInfo may return undefined; return a result on every path"
export type Two = Assert<HandlerConforms<typeof two>>;

const three = { ...two, terminate: wrongTerminate.terminate };
// refused: 2.4 terminate does not accept the state that init returns; make them agree
export type Three = Assert<HandlerConforms<typeof three>>;

// refused: 1.1 init is missing; add it
export type Empty = Assert<HandlerConforms<{}>>;

// A wrong result that is a subtype of another callback's result.
const hidden = {
  ...right,
  handleIn: () =>
    ({
      type: 'stop',
      reason: 'normal',
      state,
      close: { code: 1005, reason: '' },
      messages: [],
      status: undefined,
    }) as const,
};
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type Hidden = Assert<HandlerConforms<typeof hidden>>;
const hiddenBelow = {
  ...right,
  handleIn: (frame: WebSock.DataFrame, state: Count): Result | ReturnType<typeof hidden.handleIn> =>
    frame.opcode === 'text' ? hidden.handleIn() : { type: 'ok', state },
};
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type HiddenBelow = Assert<HandlerConforms<typeof hiddenBelow>>;
declare const hiddenInNumber: Omit<typeof right, 'handleIn'> & {
  handleIn(): {
    type: 'stop';
    reason: 'normal';
    state: Count;
    close: { code: number; reason: string } | { code: 1006; reason: '' };
  };
};
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type HiddenInNumber = Assert<HandlerConforms<typeof hiddenInNumber>>;
const anyControl = { ...right, handleControl: () => JSON.parse('') };
// refused: 3.6 handleControl returns any; annotate its result
export type AnyControl = Assert<HandlerConforms<typeof anyControl>>;

// refused: 2.4 the state of the handler is any; give it a type
export type StoredAny = Assert<HandlerConforms<WebSock.Any>>;

// ---- One fault for one mistake ----

// No callback but terminate has a state parameter: not a fault of init.
declare const withoutStateParameters: {
  init(count: number): Result;
  handleIn(): { type: 'okay'; state: Count };
  handleInfo(): Result;
  terminate(reason: WebSock.CloseReason, state: Count): void;
};
// refused: Type '"3.6 handleIn returns a result of unknown type; use ok, push, reply or stop"' does not satisfy
export type WithoutStateParameters = Assert<HandlerConforms<typeof withoutStateParameters>>;

// The result of init is unknown: not a fault of terminate.
declare const unknownFirst: {
  init(count: number): any;
  handleIn(): Result;
  handleInfo(): Result;
  terminate(reason: WebSock.CloseReason, state: Count): void;
};
// refused: Type '"3.6 init returns any; annotate its result"' does not satisfy
export type UnknownFirst = Assert<HandlerConforms<typeof unknownFirst>>;

// The type that the compiler infers for a union of literals, the second one without messages.
declare const withoutMessages: Omit<typeof right, 'handleIn'> & {
  handleIn(): { type: 'push'; messages: []; state: Count } | { type: 'push'; messages?: undefined; state: Count };
};
// refused: 3.6 handleIn returns a push or reply without messages; add them
export type WithoutMessages = Assert<HandlerConforms<typeof withoutMessages>>;

// A wrong message that is a subtype of another in the list.
declare const message: WebSock.Message;
const pingLongBelow = {
  ...right,
  handleIn: () => ({ type: 'push', messages: [message, { opcode: 'ping', data: long126 }], state }) as const,
};
// refused: 3.6 handleIn returns ping or pong data over 125 bytes; shorten it
export type PingLongBelow = Assert<HandlerConforms<typeof pingLongBelow>>;

// ---- Misnamed callbacks: every name ----

// refused: Type '"2.5 init is missing; rename open to it"' does not satisfy
export type RenamedOpen = Assert<HandlerConforms<typeof noInit & { open: () => void }>>;

// refused: Type '"2.5 init is missing; rename connect to it"' does not satisfy
export type RenamedConnect = Assert<HandlerConforms<typeof noInit & { connect: () => void }>>;

// refused: Type '"2.5 init is missing; rename onOpen to it"' does not satisfy
export type RenamedOnOpen = Assert<HandlerConforms<typeof noInit & { onOpen: () => void }>>;

// refused: Type '"2.5 init is missing; rename handleOpen to it"' does not satisfy
export type RenamedHandleOpen = Assert<HandlerConforms<typeof noInit & { handleOpen: () => void }>>;

// refused: Type '"2.5 init is missing; rename onConnect to it"' does not satisfy
export type RenamedOnConnect = Assert<HandlerConforms<typeof noInit & { onConnect: () => void }>>;

// refused: Type '"2.5 init is missing; rename webSocketOpen to it"' does not satisfy
export type RenamedWebSocketOpen = Assert<HandlerConforms<typeof noInit & { webSocketOpen: () => void }>>;

// refused: Type '"2.5 init is missing; rename initialize to it"' does not satisfy
export type RenamedInitialize = Assert<HandlerConforms<typeof noInit & { initialize: () => void }>>;

// refused: Type '"2.5 init is missing; rename onInit to it"' does not satisfy
export type RenamedOnInit = Assert<HandlerConforms<typeof noInit & { onInit: () => void }>>;

// refused: Type '"2.5 init is missing; rename inti to it"' does not satisfy
export type RenamedInti = Assert<HandlerConforms<typeof noInit & { inti: () => void }>>;

// refused: Type '"2.5 handleIn is missing; rename message to it"' does not satisfy
export type RenamedMessage = Assert<HandlerConforms<typeof noHandleIn & { message: () => void }>>;

// refused: Type '"2.5 handleIn is missing; rename handleMessage to it"' does not satisfy
export type RenamedHandleMessage = Assert<HandlerConforms<typeof noHandleIn & { handleMessage: () => void }>>;

// refused: Type '"2.5 handleIn is missing; rename webSocketMessage to it"' does not satisfy
export type RenamedWebSocketMessage = Assert<HandlerConforms<typeof noHandleIn & { webSocketMessage: () => void }>>;

// refused: Type '"2.5 handleIn is missing; rename handelIn to it"' does not satisfy
export type RenamedHandelIn = Assert<HandlerConforms<typeof noHandleIn & { handelIn: () => void }>>;

// refused: Type '"2.5 handleInfo is missing; rename onInfo to it"' does not satisfy
export type RenamedOnInfo = Assert<HandlerConforms<typeof noHandleInfo & { onInfo: () => void }>>;

// refused: Type '"2.5 handleInfo is missing; rename handleInfos to it"' does not satisfy
export type RenamedHandleInfos = Assert<HandlerConforms<typeof noHandleInfo & { handleInfos: () => void }>>;

// refused: 2.5 onDisconnect is not a callback; did you mean terminate?
export type AliasOnDisconnect = Assert<HandlerConforms<typeof noTerminate & { onDisconnect: () => void }>>;

// refused: 2.5 handleDisconnect is not a callback; did you mean terminate?
export type AliasHandleDisconnect = Assert<HandlerConforms<typeof noTerminate & { handleDisconnect: () => void }>>;

// refused: 2.5 webSocketClose is not a callback; did you mean terminate?
export type AliasWebSocketClose = Assert<HandlerConforms<typeof noTerminate & { webSocketClose: () => void }>>;

// refused: 2.5 webSocketError is not a callback; did you mean terminate?
export type AliasWebSocketError = Assert<HandlerConforms<typeof noTerminate & { webSocketError: () => void }>>;

// The handlers of a Durable Object.
class DurableObject extends Chat {
  webSocketMessage(_socket: object, _message: string): void {}
  webSocketClose(_socket: object, _code: number): void {}
  webSocketError(_socket: object, _error: unknown): void {}
}
// refused: "2.5 webSocketClose is not a callback; did you mean terminate?"
// refused: "2.5 webSocketError is not a callback; did you mean terminate?"
export type ClassOfAnother = Assert<HandlerConforms<DurableObject>>;

// refused: 2.5 onControl is not a callback; did you mean handleControl?
export type AliasOnControl = Assert<HandlerConforms<typeof noControl & { onControl: () => void }>>;

// refused: 2.5 onPing is not a callback; did you mean handleControl?
export type AliasOnPing = Assert<HandlerConforms<typeof noControl & { onPing: () => void }>>;

// refused: 2.5 handlePing is not a callback; did you mean handleControl?
export type AliasHandlePing = Assert<HandlerConforms<typeof noControl & { handlePing: () => void }>>;

// refused: 2.5 onPong is not a callback; did you mean handleControl?
export type AliasOnPong = Assert<HandlerConforms<typeof noControl & { onPong: () => void }>>;

// refused: 2.5 handlePong is not a callback; did you mean handleControl?
export type AliasHandlePong = Assert<HandlerConforms<typeof noControl & { handlePong: () => void }>>;

// refused: 2.5 onClose is not a callback; did you mean terminate?
export type AliasOnClose = Assert<HandlerConforms<typeof noTerminate & { onClose: () => void }>>;

// refused: 2.5 handleClose is not a callback; did you mean terminate?
export type AliasHandleClose = Assert<HandlerConforms<typeof noTerminate & { handleClose: () => void }>>;

// refused: 2.5 onTerminate is not a callback; did you mean terminate?
export type AliasOnTerminate = Assert<HandlerConforms<typeof noTerminate & { onTerminate: () => void }>>;

// refused: 2.5 handleTerminate is not a callback; did you mean terminate?
export type AliasHandleTerminate = Assert<HandlerConforms<typeof noTerminate & { handleTerminate: () => void }>>;

// refused: 2.5 handleContrl is not a callback; did you mean handleControl?
export type AliasHandleContrl = Assert<HandlerConforms<typeof noControl & { handleContrl: () => void }>>;

// refused: 2.5 handleControlx is not a callback; did you mean handleControl?
export type AliasHandleControlx = Assert<HandlerConforms<typeof noControl & { handleControlx: () => void }>>;

// refused: 2.5 xhandleControl is not a callback; did you mean handleControl?
export type AliasXhandleControl = Assert<HandlerConforms<typeof noControl & { xhandleControl: () => void }>>;

// refused: 2.5 handleContror is not a callback; did you mean handleControl?
export type AliasHandleContror = Assert<HandlerConforms<typeof noControl & { handleContror: () => void }>>;

// refused: 2.5 terminaet is not a callback; did you mean terminate?
export type AliasTerminaet = Assert<HandlerConforms<typeof noTerminate & { terminaet: () => void }>>;

// refused: 2.5 terminat is not a callback; did you mean terminate?
export type AliasTerminat = Assert<HandlerConforms<typeof noTerminate & { terminat: () => void }>>;

// refused: 2.5 erminate is not a callback; did you mean terminate?
export type AliasErminate = Assert<HandlerConforms<typeof noTerminate & { erminate: () => void }>>;

// refused: 2.5 terminatee is not a callback; did you mean terminate?
export type AliasTerminatee = Assert<HandlerConforms<typeof noTerminate & { terminatee: () => void }>>;

// refused: 2.5 terXminate is not a callback; did you mean terminate?
export type AliasTerXminate = Assert<HandlerConforms<typeof noTerminate & { terXminate: () => void }>>;

// ---- Misnamed callbacks: the argument of a callback, under any name ----

declare const leaving: typeof noTerminate & { onLeave(reason: WebSock.CloseReason): void };
// refused: Type '"2.5 onLeave is not a callback; did you mean terminate?"' does not satisfy
export type Leaving = Assert<HandlerConforms<typeof leaving>>;

class Disposing {
  readonly init = right.init;
  readonly handleIn = right.handleIn;
  readonly handleInfo = right.handleInfo;
  dispose(_reason: WebSock.CloseReason, _state: Count) {}
  readonly handleControlFrame = async (_frame: WebSock.ControlFrame, state: Count) => right.handleInfo('', state);
}
// refused: "2.5 dispose is not a callback; did you mean terminate?"
// refused: "2.5 handleControlFrame is not a callback; did you mean handleControl?"
export type Disposed = Assert<HandlerConforms<Disposing>>;

declare const optionalLeave: typeof noTerminate & { left?: (reason: WebSock.CloseReason, state: Count) => void };
// refused: Type '"2.5 left is not a callback; did you mean terminate?"' does not satisfy
export type OptionalLeave = Assert<HandlerConforms<typeof optionalLeave>>;

// ---- Misnamed callbacks that return a result: not an application's own helpers ----

interface RequiredOnly extends Pick<typeof right, 'init' | 'handleIn' | 'handleInfo'> {}
type Helped<Name extends string, Fn> = RequiredOnly & { [Key in Name]: Fn };

type OnPingOfFrame = Helped<'onPing', (frame: { readonly opcode: 'ping' }, state: Count) => Result>;
// refused: Type '"2.5 onPing is not a callback; did you mean handleControl?"' does not satisfy
export type PingOfFrame = Assert<HandlerConforms<OnPingOfFrame>>;

type OnPongOfFrame = Helped<'onPong', (frame: { readonly opcode: string; readonly data: object }) => Promise<Result>>;
// refused: Type '"2.5 onPong is not a callback; did you mean handleControl?"' does not satisfy
export type PongOfFrame = Assert<HandlerConforms<OnPongOfFrame>>;

type OnPongOfPong = Helped<'onPong', (frame: { readonly opcode: 'pong' }, state: Count) => Result>;
// refused: Type '"2.5 onPong is not a callback; did you mean handleControl?"' does not satisfy
export type PongOfPong = Assert<HandlerConforms<OnPongOfPong>>;

type OnPongOfPongData = Helped<'onPong', (frame: { opcode: 'pong'; data: object }, state: Count) => Result>;
// refused: Type '"2.5 onPong is not a callback; did you mean handleControl?"' does not satisfy
export type PongOfPongData = Assert<HandlerConforms<OnPongOfPongData>>;

type OnPingOfPingData = Helped<'onPing', (frame: { opcode: 'ping'; data: object }, state: Count) => Result>;
// refused: Type '"2.5 onPing is not a callback; did you mean handleControl?"' does not satisfy
export type PingOfPingData = Assert<HandlerConforms<OnPingOfPingData>>;

type OnPingOfUnknown = Helped<'onPing', (frame: unknown, state: Count) => Result>;
// refused: Type '"2.5 onPing is not a callback; did you mean handleControl?"' does not satisfy
export type PingOfUnknown = Assert<HandlerConforms<OnPingOfUnknown>>;

type OnCloseOfReason = Helped<'onClose', (reason: { readonly type: string }, state: Count) => Result>;
// refused: Type '"2.5 onClose is not a callback; did you mean terminate?"' does not satisfy
export type CloseOfReason = Assert<HandlerConforms<OnCloseOfReason>>;

type OnCloseOfReasonAndFunction = Helped<'onClose', (reason: WebSock.ErrorClose, done: () => void) => Result>;
// refused: Type '"2.5 onClose is not a callback; did you mean terminate?"' does not satisfy
export type CloseOfReasonAndFunction = Assert<HandlerConforms<OnCloseOfReasonAndFunction>>;

type ControlOfNothing = Helped<'handleControls', () => Result>;
// refused: Type '"2.5 handleControls is not a callback; did you mean handleControl?"' does not satisfy
export type ControlWithoutParameters = Assert<HandlerConforms<ControlOfNothing>>;

type ControlOfFrame = Helped<'handleControls', (frame: { readonly opcode: 'ping' | 'pong' }, state: Count) => Result>;
// refused: Type '"2.5 handleControls is not a callback; did you mean handleControl?"' does not satisfy
export type ControlWithFrame = Assert<HandlerConforms<ControlOfFrame>>;

type OnPingOfAny = Helped<'onPing', (data: any) => any>;
// refused: Type '"2.5 onPing is not a callback; did you mean handleControl?"' does not satisfy
export type PingOfAny = Assert<HandlerConforms<OnPingOfAny>>;

type OnPingToAny = Helped<'onPing', (data: string) => any>;
// refused: Type '"2.5 onPing is not a callback; did you mean handleControl?"' does not satisfy
export type PingToAny = Assert<HandlerConforms<OnPingToAny>>;

type OnPingToText = Helped<'onPing', (data: string) => string>;
// refused: Type '"2.5 onPing is not a callback; did you mean handleControl?"' does not satisfy
export type PingToText = Assert<HandlerConforms<OnPingToText>>;

type OnCloseOfCode = Helped<'onClose', (code: number, reason: string) => void>;
// refused: Type '"2.5 onClose is not a callback; did you mean terminate?"' does not satisfy
export type CloseOfCode = Assert<HandlerConforms<OnCloseOfCode>>;

type OnCloseOfAny = Helped<'onClose', (code: number, reason: any) => void>;
// refused: Type '"2.5 onClose is not a callback; did you mean terminate?"' does not satisfy
export type CloseOfAny = Assert<HandlerConforms<OnCloseOfAny>>;

// A state that is a function is not a listener.
declare const stateOfFunction: {
  init(): WebSock.Ok<() => void>;
  handleIn(frame: WebSock.DataFrame, state: () => void): WebSock.Ok<() => void>;
  handleInfo(info: string, state: () => void): WebSock.Ok<() => void>;
  onClose(code: number, state: () => void): void;
};
// refused: Type '"2.5 onClose is not a callback; did you mean terminate?"' does not satisfy
export type CloseOfFunctionState = Assert<HandlerConforms<typeof stateOfFunction>>;

// Of several, the fault names one. Neither a string nor a very different name is a candidate.
export const oneOfRenamed: IsOne<HandlerConforms<typeof noInit & { onOpen(): void; onInit(): void }>> = true;

// refused: Type '"1.1 init is missing; add it"' does not satisfy
export type NotRenamed = Assert<HandlerConforms<typeof noInit & { onOpen: string; begin(): void }>>;

// Names with two different letters, or other types than functions, are helpers.
type Helpers = {
  terminates2(): void;
  handleContr(): void;
  ternimaet(): void;
  onclose: string;
  handlecontro: 1;
  handlecnoxtrol(): void;
};
export type Helping = Assert<HandlerConforms<RequiredOnly & Helpers>>;

// ---- `any` in a part of a result ----

const returning = <Value>(value: Value) => ({ ...right, handleIn: () => value });
declare const any: any;

const anyStopCode = returning({ type: 'stop', code: any, state } as const);
// refused: Type '"4.2 handleIn returns a stop with a property code; write close: { code }"' does not satisfy
export type AnyStopCode = Assert<HandlerConforms<typeof anyStopCode>>;

const anyStopError = returning({ type: 'stop', error: any, state } as const);
// refused: Type '"3.4 handleIn returns a stop with a property error; write reason: { error }"' does not satisfy
export type AnyStopError = Assert<HandlerConforms<typeof anyStopError>>;

const anyExcess = returning({ type: 'ok', done: any, state } as const);
// refused: Type '"3.6 handleIn returns the property done, which its result does not have; remove or rename it"' does not
export type AnyExcess = Assert<HandlerConforms<typeof anyExcess>>;

const anyReasonPart = returning({ type: 'stop', reason: any, state } as const);
// refused: Type '"3.6 handleIn returns messages, a reason or a close of any; give them a type"' does not satisfy
export type AnyReasonPart = Assert<HandlerConforms<typeof anyReasonPart>>;

const anyMessagePart = returning({ type: 'push', messages: [any], state } as const);
// refused: Type '"3.6 handleIn returns messages, a reason or a close of any; give them a type"' does not satisfy
export type AnyMessagePart = Assert<HandlerConforms<typeof anyMessagePart>>;

const anyOneMessagePart = returning({ type: 'push', messages: any, state } as const);
// refused: Type '"3.6 handleIn returns messages, a reason or a close of any; give them a type"' does not satisfy
export type AnyOneMessagePart = Assert<HandlerConforms<typeof anyOneMessagePart>>;

const anyClosePart = returning({ type: 'stop', reason: 'normal', close: any, state } as const);
// refused: Type '"3.6 handleIn returns messages, a reason or a close of any; give them a type"' does not satisfy
export type AnyClosePart = Assert<HandlerConforms<typeof anyClosePart>>;

const anyCodePart = returning({ type: 'stop', reason: 'normal', close: { code: any }, state } as const);
// refused: Type '"3.6 handleIn returns messages, a reason or a close of any; give them a type"' does not satisfy
export type AnyCodePart = Assert<HandlerConforms<typeof anyCodePart>>;

const anyCloseReasonPart = returning({
  type: 'stop',
  reason: 'normal',
  close: { code: 1000, reason: any },
  state,
} as const);
// refused: Type '"3.6 handleIn returns messages, a reason or a close of any; give them a type"' does not satisfy
export type AnyCloseReasonPart = Assert<HandlerConforms<typeof anyCloseReasonPart>>;

const anyType = returning({ type: any, state });
// refused: 3.6 handleIn returns any; annotate its result
export type AnyType = Assert<HandlerConforms<typeof anyType>>;

const nullResult = returning(null);
// refused: 3.6 handleIn may return undefined; return a result on every path
export type NullResult = Assert<HandlerConforms<typeof nullResult>>;

const undefinedResult = returning(undefined);
// refused: 3.6 handleIn may return undefined; return a result on every path
export type UndefinedResult = Assert<HandlerConforms<typeof undefinedResult>>;

// ---- Missing properties, which the compiler adds to a union of literals as `?: undefined` ----

declare const maybe: boolean;

const missingMessages = {
  ...right,
  handleIn: (_frame: WebSock.DataFrame, state: Count) => {
    if (maybe) return { type: 'push', messages: [], state } as const;
    return { type: 'push', state } as const;
  },
};
// refused: 3.6 handleIn returns a push or reply without messages; add them
export type MissingMessages = Assert<HandlerConforms<typeof missingMessages>>;

const missingMessagesOfReply = {
  ...right,
  handleInfo: async (_info: string, state: Count) => {
    if (maybe) return { type: 'reply', status: 1, messages: [], state } as const;
    return { type: 'reply', status: 1, state } as const;
  },
};
// refused: 3.6 handleInfo returns a push or reply without messages; add them
export type MissingMessagesOfReply = Assert<HandlerConforms<typeof missingMessagesOfReply>>;

const missingInContext = {
  ...right,
  // biome-ignore lint/suspicious/noTsIgnore: TypeScript 7.0 reports an error here, older compilers do not
  // @ts-ignore
  handleIn: (_frame, state) => {
    if (maybe) return { type: 'push', messages: [], state };
    return { type: 'push', state };
  },
} satisfies WebSock<Count, string, number>;
// refused: 3.6 handleIn returns a push or reply without messages; add them
export type MissingInContext = Assert<HandlerConforms<typeof missingInContext>>;

// An excess property of `undefined` is accepted, and other faults are still found.
const excessUndefined = returning({
  type: 'stop',
  reason: 'normal',
  close: { code: 1005 },
  other: undefined,
  state,
} as const);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type ExcessUndefined = Assert<HandlerConforms<typeof excessUndefined>>;

// ---- The name of an excess property ----

// Of several, the fault names one.
type IsOne<Fault, All = Fault> = Fault extends unknown ? ([All] extends [Fault] ? true : false) : false;

const excess = returning({ type: 'ok', state, mesages: [], undefined: undefined, closing: 1000 } as const);
// refused: "3.6 handleIn returns the property
export type Excess = Assert<HandlerConforms<typeof excess>>;
export const oneOfExcess: IsOne<HandlerConforms<typeof excess>> = true;

const excessApart = returning(
  maybe ? ({ type: 'ok', state, mesages: [] } as const) : ({ type: 'ok', state, closing: 1000 } as const),
);
// refused: "3.6 handleIn returns the property
export type ExcessApart = Assert<HandlerConforms<typeof excessApart>>;
export const oneOfExcessApart: IsOne<HandlerConforms<typeof excessApart>> = true;

const excessNumber = returning({ type: 'ok', state, 1: 2 } as const);
// refused: Type '"3.6 handleIn returns the property 1, which its result does not have; remove or rename it"' does not
export type ExcessNumber = Assert<HandlerConforms<typeof excessNumber>>;

const excessWords = returning({ type: 'ok', state, 'the reason of all': 2 } as const);
// refused: Type '"3.6 handleIn returns the property the reason of all, which its result does not have;
export type ExcessWords = Assert<HandlerConforms<typeof excessWords>>;

declare const excessRecord: { readonly type: 'ok'; readonly state: Count; readonly [key: string]: unknown };
const excessIndex = returning(excessRecord);
// refused: Type '"3.6 handleIn returns the property [key: string], which its result does not have; remove or rename it"'
export type ExcessIndex = Assert<HandlerConforms<typeof excessIndex>>;

// ---- A state that a callback does not accept: one callback is to blame ----

interface Named extends Count {
  readonly name: string;
}
interface Texts {
  readonly count: string;
}
type Ok<State> = WebSock.Ok<State>;

// Only one callback has a state parameter, and it rejects the state of init: it is to blame, not init.
declare const oneWithStateParameter: {
  init(): Ok<Count>;
  handleIn(frame: WebSock.DataFrame, state: Texts): Ok<Count>;
  handleInfo(): Ok<Count>;
};
// refused: Type '"2.4 handleIn does not accept the state that init returns; make them agree"' does not satisfy
export type OneWithStateParameter = Assert<HandlerConforms<typeof oneWithStateParameter>>;

// It also returns that state, which another callback rejects: it is to blame, not the other one.
declare const returnsItToo: {
  init(): Ok<Count>;
  handleIn(frame: WebSock.DataFrame, state: Texts): Ok<Texts>;
  handleInfo(info: string, state: Count): Ok<Count>;
};
// refused: Type '"2.4 handleIn does not accept the state that init returns; make them agree"' does not satisfy
export type ReturnsItToo = Assert<HandlerConforms<typeof returnsItToo>>;

// Only terminate accepts the state of init.
declare const terminateAccepts: {
  init(): Ok<Texts>;
  handleIn(frame: WebSock.DataFrame, state: Count): Ok<Count>;
  handleInfo(info: string, state: Count): Ok<Count>;
  terminate(reason: unknown, state: { readonly count: unknown }): void;
};
// refused: Type '"2.4 init returns a state that other callbacks do not accept; make them agree"' does not satisfy
export type TerminateAccepts = Assert<HandlerConforms<typeof terminateAccepts>>;

// Two callbacks reject the state of init, and a third accepts it.
declare const thirdAccepts: {
  init(): Ok<Count>;
  handleIn(frame: WebSock.DataFrame, state: Texts): Ok<Count>;
  handleControl(frame: WebSock.ControlFrame, state: Count): Ok<Count>;
  handleInfo(info: string, state: Texts): Ok<Count>;
};
// refused: "2.4 handleIn does not accept the state that init returns; make them agree"
// refused: "2.4 handleInfo does not accept the state that init returns; make them agree"
export type ThirdAccepts = Assert<HandlerConforms<typeof thirdAccepts>>;

// One callback rejects the state that handleIn accepts and returns.
declare const needsMore: {
  init(): Ok<Named>;
  handleIn(frame: WebSock.DataFrame, state: Count): Ok<Count>;
  handleInfo(info: string, state: Named): Ok<Named>;
};
// refused: Type '"2.4 handleInfo does not accept the state that handleIn returns; make them agree"' does not satisfy
export type NeedsMore = Assert<HandlerConforms<typeof needsMore>>;

// Two callbacks reject it.
declare const twoNeedMore: typeof needsMore & { handleControl(frame: WebSock.ControlFrame, state: Named): Ok<Named> };
// refused: Type '"2.4 handleIn returns a state that other callbacks do not accept; make them agree"' does not satisfy
export type TwoNeedMore = Assert<HandlerConforms<typeof twoNeedMore>>;

// handleIn returns a state with fewer properties, and has no state parameter.
declare const returnsLess: {
  init(): Ok<Named>;
  handleIn(): Ok<Count>;
  handleInfo(info: string, state: Named): Ok<Named>;
};
// refused: Type '"2.4 handleIn returns a state that other callbacks do not accept; make them agree"' does not satisfy
export type ReturnsLess = Assert<HandlerConforms<typeof returnsLess>>;

// The second parameter of init is not a state; members that are not functions reject no state.
declare const anyMailbox: {
  init(arg: string, mailbox: any): { type: 'okay'; state: Count };
  handleIn(): Ok<Count>;
  handleInfo(): Ok<Count>;
};
// refused: Type '"3.6 init returns a result of unknown type; use ok, push, reply or stop"' does not satisfy
export type AnyMailbox = Assert<HandlerConforms<typeof anyMailbox>>;

declare const noFunctions: {
  init(): Ok<Count>;
  handleIn(): Ok<Count>;
  handleControl: true;
  handleInfo(): Ok<Count>;
  terminate: true;
};
// refused: "2.5 handleControl is not a function; make it one"
// refused: "2.5 terminate is not a function; make it one"
export type NoFunctions = Assert<HandlerConforms<typeof noFunctions>>;

// ---- Mistakes that take the slow path ----

declare const laterCode: typeof noHandleIn & {
  handleIn(): PromiseLike<{ type: 'stop'; reason: 'normal'; close: { code: 1005 }; state: Count }>;
};
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type LaterCode = Assert<HandlerConforms<typeof laterCode>>;

declare const never: never;
const neverState = returning({ type: 'stop', reason: 'normal', close: { code: 1005 }, state: never } as const);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type NeverState = Assert<HandlerConforms<typeof neverState>>;

const anyOpcode = returning({ type: 'push', messages: { opcode: any, data: '' }, state } as const);
// refused: Type '"3.6 handleIn returns messages, a reason or a close of any; give them a type"' does not satisfy
export type AnyOpcode = Assert<HandlerConforms<typeof anyOpcode>>;

const codeInMessage = returning({ type: 'push', messages: { opcode: 'pong', code: 1005 }, state } as const);
// refused: 3.6 handleIn returns the property code, which its message does not have; remove or rename it
export type CodeInMessage = Assert<HandlerConforms<typeof codeInMessage>>;

const codeOnSlowPath = returning({
  type: 'stop',
  reason: 'normal',
  close: { code: 1005, reason: '', other: undefined },
  state,
} as const);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type CodeOnSlowPath = Assert<HandlerConforms<typeof codeOnSlowPath>>;

// refused: 2.5 handleControll is not a callback; did you mean handleControl?
export type OptionalMisspelled = Assert<HandlerConforms<typeof noControl & { handleControll?: () => void }>>;

declare const optionalPingOnly: typeof noControl & {
  handleControl?: (frame: { opcode: 'ping' }, state: Count) => Result;
};
// refused: 2.8 handleControl does not accept a pong; annotate it as WebSock.ControlFrame
export type OptionalPingOnly = Assert<HandlerConforms<typeof optionalPingOnly>>;

const reasonOfUndefined = returning(
  maybe
    ? ({ type: 'ok', reason: undefined, state } as const)
    : ({ type: 'stop', reason: 'normal', close: { code: 1005 }, state } as const),
);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type ReasonOfUndefined = Assert<HandlerConforms<typeof reasonOfUndefined>>;

const anyTypeOfPush = returning({ type: any, messages: [], state } as const);
// refused: Type '"3.6 handleIn returns any; annotate its result"' does not satisfy
export type AnyTypeOfPush = Assert<HandlerConforms<typeof anyTypeOfPush>>;

const anyTypeOfAll = returning({ type: any, status: 1, messages: [], reason: 'normal', state } as const);
// refused: Type '"3.6 handleIn returns any; annotate its result"' does not satisfy
export type AnyTypeOfAll = Assert<HandlerConforms<typeof anyTypeOfAll>>;

declare const widenedList: readonly { opcode: string; data: string }[];
const opcodesWidened = returning({ type: 'push', messages: widenedList, state } as const);
// refused: 3.6 handleIn returns a message whose opcode may be any string; write 'as const' after it
export type OpcodesWidened = Assert<HandlerConforms<typeof opcodesWidened>>;

const rightMessages = returning({
  type: 'stop',
  reason: 'normal',
  messages: [{ opcode: 'text', data: '' }],
  close: { code: 1005 },
  state,
} as const);
// refused: 4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode
export type RightMessages = Assert<HandlerConforms<typeof rightMessages>>;

const noOpcode = returning({ type: 'push', messages: { data: '' }, state } as const);
// refused: 3.6 handleIn returns messages that cannot be sent; see WebSock.Message
export type NoOpcode = Assert<HandlerConforms<typeof noOpcode>>;

const otherStateOfControl = { ...right, handleControl: () => ({ type: 'ok', state: { count: 'one' } }) as const };
// refused: 2.4 handleControl returns a state that other callbacks do not accept; make them agree
export type OtherStateOfControl = Assert<HandlerConforms<typeof otherStateOfControl>>;

// ---- The result of terminate ----

const terminating = <Value>(value: Value) => ({
  ...right,
  terminate: (_reason: WebSock.CloseReason, _state: Count) => value,
});

const farewell = terminating({ type: 'push', messages: message, state } as const);
// refused: Type '"4.1 terminate returns messages or a close, which are not sent; return them from another callback"' does
export type Farewell = Assert<HandlerConforms<typeof farewell>>;

const farewells = terminating(Promise.resolve({ messages: [message] }));
// refused: 4.1 terminate returns messages or a close, which are not sent; return them from another callback
export type Farewells = Assert<HandlerConforms<typeof farewells>>;

const lastMessage = terminating(message);
// refused: 4.1 terminate returns messages or a close, which are not sent; return them from another callback
export type LastMessage = Assert<HandlerConforms<typeof lastMessage>>;

const lastMessages = terminating([message] as readonly WebSock.Message[]);
// refused: 4.1 terminate returns messages or a close, which are not sent; return them from another callback
export type LastMessages = Assert<HandlerConforms<typeof lastMessages>>;

const lastStop = terminating({ type: 'stop', state } as const);
// refused: 4.1 terminate returns messages or a close, which are not sent; return them from another callback
export type LastStop = Assert<HandlerConforms<typeof lastStop>>;

const lastClose = {
  ...right,
  terminate: async (reason, state) => {
    if (reason.code === 1000) return;
    return { type: 'stop', close: { code: 4000 }, state };
  },
} satisfies WebSock<Count, string, number>;
// refused: 4.1 terminate returns messages or a close, which are not sent; return them from another callback
export type LastClose = Assert<HandlerConforms<typeof lastClose>>;

class Departing extends Chat {
  readonly farewell = message;
  terminate(this: Departing, _reason: WebSock.CloseReason, state: Count): Result {
    return { type: 'push', messages: this.farewell, state };
  }
}
// refused: 4.1 terminate returns messages or a close, which are not sent; return them from another callback
export type Departed = Assert<HandlerConforms<Departing>>;

// ---- Parts of a frame ----

const echoOfParts = {
  ...right,
  handleIn: ({ opcode, data }: WebSock.DataFrame, state: Count) =>
    ({ type: 'push', messages: { opcode, data }, state }) as const,
};
// refused: Type '"3.6 handleIn returns an opcode and data that may not match; return the frame, or test its opcode first"'
export type EchoOfParts = Assert<HandlerConforms<typeof echoOfParts>>;

const echoOfData = {
  ...right,
  handleIn: async (frame: WebSock.DataFrame, state: Count) =>
    ({ type: 'push', messages: [{ ...frame, data: frame.data }], state }) as const,
};
// refused: 3.6 handleIn returns an opcode and data that may not match; return the frame, or test its opcode first
export type EchoOfData = Assert<HandlerConforms<typeof echoOfData>>;

const textWithoutData = returning({ type: 'push', messages: { opcode: 'text' }, state } as const);
// refused: Type '"3.6 handleIn returns messages that cannot be sent; see WebSock.Message"' does not satisfy
export type TextWithoutData = Assert<HandlerConforms<typeof textWithoutData>>;

declare const unknownData: unknown;
const unknownMessage = returning({ type: 'push', messages: { opcode: 'text', data: unknownData }, state } as const);
// refused: Type '"3.6 handleIn returns messages that cannot be sent; see WebSock.Message"' does not satisfy
export type UnknownMessage = Assert<HandlerConforms<typeof unknownMessage>>;

// ---- One object for several results ----

const sometimesPush = {
  ...right,
  handleIn: (frame: WebSock.DataFrame, state: Count) => ({
    type: 'ok' as const,
    state,
    ...(maybe && { type: 'push' as const, messages: frame }),
  }),
};
// refused: Type '"3.6 handleIn returns one object as several types of result; return an object of its own for each"' does
export type SometimesPush = Assert<HandlerConforms<typeof sometimesPush>>;

declare const sometimesStop: typeof noHandleIn & {
  handleIn(): Promise<{ type: 'ok' | 'stop'; close?: { code: 4000 }; state: Count }>;
};
// refused: 3.6 handleIn returns one object as several types of result; return an object of its own for each
export type SometimesStop = Assert<HandlerConforms<typeof sometimesStop>>;

// Such an object that is right, next to another fault.
const pushOrReply = {
  ...noHandleInfo,
  handleIn: (frame: WebSock.DataFrame, state: Count) =>
    ({ type: maybe ? 'push' : 'reply', messages: frame, state }) as const,
};
// refused: Type '"2.9 handleInfo is missing; add it"' does not satisfy
export type PushOrReply = Assert<HandlerConforms<typeof pushOrReply>>;

// ---- Readonly arrays in a state ----

const readonlyNames = {
  init: () => ({ type: 'ok', state: { room: { names: [] } } }) as const,
  handleIn: (_frame: WebSock.DataFrame, state: { room: { names: string[] } }) => ({ type: 'ok', state }) as const,
  handleInfo: (_info: string, state: { room: { names: string[] } }) => ({ type: 'ok', state }) as const,
};
// refused: Type '"2.4 init returns a state with readonly arrays; write 'as const' after its type alone: type: 'ok' as const"'
export type ReadonlyNames = Assert<HandlerConforms<typeof readonlyNames>>;

const readonlyList = {
  init: (): WebSock.Ok<string[]> => ({ type: 'ok', state: [] }),
  handleIn: (_frame: WebSock.DataFrame, state: string[]) => ({ type: 'ok', state: [...state, ''] }) as const,
  handleInfo: (_info: string, state: string[]): WebSock.Ok<string[]> => ({ type: 'ok', state }),
};
// refused: Type '"2.4 handleIn returns a state with readonly arrays; write 'as const' after its type alone: type: 'ok' as const"'
export type ReadonlyList = Assert<HandlerConforms<typeof readonlyList>>;

// Only one callback rejects it, and init is still to blame.
const readonlyForOne = {
  init: () => ({ type: 'ok', state: [] }) as const,
  handleIn: (_frame: WebSock.DataFrame, state: string[]): WebSock.Ok<string[]> => ({ type: 'ok', state }),
  handleInfo: (): WebSock.Ok<string[]> => ({ type: 'ok', state: [] }),
};
// refused: Type '"2.4 init returns a state with readonly arrays; write 'as const' after its type alone: type: 'ok' as const"'
export type ReadonlyForOne = Assert<HandlerConforms<typeof readonlyForOne>>;

// Readonly arrays and another difference.
const readonlyAndOther = {
  ...readonlyNames,
  init: () => ({ type: 'ok', state: { room: { names: [1] } } }) as const,
};
// refused: Type '"2.4 init returns a state that other callbacks do not accept; make them agree"' does not satisfy
export type ReadonlyAndOther = Assert<HandlerConforms<typeof readonlyAndOther>>;

// A state of values and functions, which stay as they are.
declare const readonlyParts: {
  init(): WebSock.Ok<{ readonly names: readonly Id[]; readonly size: Size; readonly log: (text: Id) => void }>;
  handleIn(frame: WebSock.DataFrame, state: Parts): WebSock.Ok<Parts>;
  handleInfo(info: string, state: Parts): WebSock.Ok<Parts>;
};
type Parts = { names: Id[]; size: Size; log: (text: Id) => void };
type Id = string & { readonly brand: 'id' };
type Size = number & { readonly brand: 'size' };
// refused: Type '"2.4 init returns a state with readonly arrays; write 'as const' after its type alone: type: 'ok' as const"'
export type ReadonlyParts = Assert<HandlerConforms<typeof readonlyParts>>;

// ---- Close codes from a union, of which none can be sent ----

enum Received {
  NoStatus = 1005,
  Abnormal = 1006,
}
declare const received: Received;
const receivedCode = returning({ type: 'stop', close: { code: received }, state } as const);
// refused: Type '"4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode"' does not satisfy
export type ReceivedCode = Assert<HandlerConforms<typeof receivedCode>>;

const oneOfReceived = returning({ type: 'stop', close: { code: Received.NoStatus }, state } as const);
// refused: Type '"4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode"' does not satisfy
export type OneOfReceived = Assert<HandlerConforms<typeof oneOfReceived>>;

// ---- A result that spreads another one: detected because the helper is annotated, as SPEC.md advises ----

const ok = (state: Count): WebSock.Ok<Count> => ({ type: 'ok', state });
const say = (state: Count, data: string) => ({ ...ok(state), messages: [{ opcode: 'text', data }] }) as const;
const saying = {
  ...right,
  handleIn: (frame: WebSock.DataFrame, state: Count) => (frame.opcode === 'text' ? say(state, frame.data) : ok(state)),
};
// refused: 3.6 handleIn returns the property messages, which its result does not have; remove or rename it
export type Saying = Assert<HandlerConforms<typeof saying>>;

const stopped = (state: Count): WebSock.Stop<Count> => ({ type: 'stop', state });
const lost = (state: Count) => ({ ...stopped(state), close: { code: 1006 } }) as const;
const losing = {
  ...right,
  handleInfo: async (info: string, state: Count) => (info === '' ? lost(state) : stopped(state)),
};
// refused: 4.2 handleInfo returns a close code that must not be sent; see WebSock.CloseCode
export type Losing = Assert<HandlerConforms<typeof losing>>;
