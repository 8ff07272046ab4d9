// The conformance suite: checks handlers and servers against the contract by their types alone. Types only.
//
// A handler is judged first, by the few tests of `Conforms`; only one that fails is explained. To add a fault, add its
// text to `Texts` and its check: in `FunctionFault`, for a callback; in `ResultFaults`, for a result that the contract
// refuses; in `Stray`, for one that it lets pass. `ResultOrder` says which of several faults of a result is told.

import type { WebSock } from './websock';

// ---- What users import ----

/**
 * `true` if a handler of type `Handler` fits the contract, else its faults as string literals: at most one for each
 * callback, each beginning with the number of the rule that it breaks.
 *
 * ```ts
 * export type _ = Assert<HandlerConforms<typeof chat>>;
 * // Type '"2.3 handleIn does not accept a binary frame; …"' does not satisfy the constraint 'true'.
 * ```
 *
 * A handler that is annotated (`const chat: WebSock<…> = …`) shows its annotation only. To have close codes,
 * lengths and misspelt callbacks checked as well, write `satisfies WebSock<…>`, or no annotation and `as const`.
 * Needs `strict`.
 */
export type HandlerConforms<Handler> = [true, AllConform<Handler>] extends [AllConform<Handler>, true]
  ? true
  : Faults<Handler>;

/**
 * `true` if a server's upgrade function of type `Upgrade` takes every right handler and refuses wrong ones, else what
 * it takes or refuses wrongly, as string literals: the first of each.
 *
 * ```ts
 * export type _ = Assert<ServerConforms<typeof upgrade>>;
 * ```
 *
 * The first parameter, what the server upgrades, may be of any type but `any`. Of an overloaded upgrade the last
 * signature is judged, less strictly: the compiler does not show more. Needs `strict`.
 */
export type ServerConforms<Upgrade> = [ServerFaults<Upgrade>] extends [never] ? true : ServerFaults<Upgrade>;

/**
 * Compiles if `Verdict` is `true`; else the compiler's error is the verdict. Export the alias, or the compiler may call
 * it unused.
 *
 * ```ts
 * export type _ = Assert<HandlerConforms<typeof chat>>;
 * ```
 */
export type Assert<Verdict extends true> = Verdict;

/**
 * For the signature of a server: `Handler` if it conforms, else its faults. So a wrong handler is refused where it is
 * given to the server, and the fault stands in the compiler's error: "not assignable to parameter of type '"2.3 …".
 *
 * ```ts
 * function upgrade<State, Info, Arg, Handler>(
 *   request: Request,
 *   handler: Checked<Handler> & WebSock<State, Info, Arg>,
 *   arg: Arg,
 *   options?: WebSock.ConnectionOptions,
 * ): void;
 * ```
 *
 * `Handler` is a type parameter that nothing else mentions. The contract beside it gives an inline handler the types of
 * its parameters, as `WebSock.Upgrade` does, and refuses `unknown`, which is let pass here: while the compiler infers,
 * every `Handler` is `unknown` at first, and a fault would be in the way. `any` is refused as `never`, because `any` is
 * assignable to a fault. `WebSock.Any` itself is let pass: who keeps many handlers has them checked where they are kept,
 * and their arg with them, which nothing checks here.
 */
export type Checked<Handler> = unknown extends Handler
  ? IsAny<Handler> extends true
    ? never
    : unknown
  : IsSame<Handler, WebSock.Any> extends true
    ? Handler
    : [Faults<Handler>] extends [never]
      ? Handler
      : Faults<Handler>;

// ---- The texts ----

/**
 * Every fault of a handler: rule, callback, what is wrong; what to do. `Callback` and `Other` are single names: a union
 * would multiply the texts. Short, because the compiler cuts an error after 320 characters.
 */
interface Texts<Callback extends string = string, Other extends string = string> {
  // The handler.
  handlerAny: '2.6 the handler is any; give it a type';
  handlerNever: '2.6 the handler is never; give it a type';
  handlerClass: '2.6 the handler is a class; give an instance of it';
  handlerNotObject: '2.6 the handler is not an object; give the object with the callbacks';
  handlerState: '2.4 the state of the handler is any; give it a type';
  handlerOther: '2.6 the handler does not fit; annotate it with WebSock to learn why';

  // A callback.
  missing: {
    init: '1.1 init is missing or misspelt; add it';
    handleIn: '2.3 handleIn is missing or misspelt; add it';
    handleInfo: '2.9 handleInfo is missing or misspelt; add it';
  };
  unknown: `2.5 ${Callback} is not a callback; do you mean ${Other}?`;
  any: `2.5 ${Callback} is any; give it a type`;
  notFunction: `2.5 ${Callback} is not a function; make it one`;
  arguments: `2.5 ${Callback} requires more than two arguments; it is given two`;
  this: `2.5 ${Callback} declares a this that is not the handler; remove it`;
  mailbox: '1.1 init does not accept a WebSock.Mailbox; annotate its second parameter';
  text: '2.3 handleIn does not accept a text frame; annotate it as WebSock.DataFrame';
  binary: '2.3 handleIn does not accept a binary frame; annotate it as WebSock.DataFrame';
  ping: '2.8 handleControl does not accept a ping; annotate it as WebSock.ControlFrame';
  pong: '2.8 handleControl does not accept a pong; annotate it as WebSock.ControlFrame';
  reason: '4.1 terminate does not accept every WebSock.CloseReason; annotate it so';
  info: '2.9 handleInfo does not accept every info of the mailbox of init; make them agree';

  // A state.
  stateAny: `2.4 ${Callback} takes a state of any; give it a type`;
  stateTaken: `2.4 ${Callback} does not accept the state that ${Other} returns; make them agree`;
  stateReturned: `2.4 ${Callback} returns a state that other callbacks do not accept; make them agree`;

  // A result.
  resultAny: `3.6 ${Callback} returns any; annotate its result`;
  resultNothing: `3.6 ${Callback} returns nothing on some branch; return a result`;
  resultNone: `3.6 ${Callback} returns what is not a result; return an object with a type`;
  typeWidened: `3.6 ${Callback} returns a result whose type may be any string; write 'as const' after it`;
  typeUnknown: `3.6 ${Callback} returns an unknown type; use ok, push, reply or stop`;
  stateMissing: `3.6 ${Callback} returns a result without a state; add it`;
  stateReturnedAny: `2.4 ${Callback} returns a state of any; give it a type`;
  partAny: `3.6 ${Callback} returns messages, a reason or a close of any; give them a type`;
  partMissing: `3.6 ${Callback} returns a result that lacks a property; see WebSock.HandleResult`;
  partStray: `3.6 ${Callback} returns the property ${Other}, which its result does not have; remove or rename it`;
  stopCode: `4.2 ${Callback} returns a stop with a code beside it; write close: { code }`;
  stopError: `3.4 ${Callback} returns a stop with an error beside it; write reason: { error }`;
  messages: `3.6 ${Callback} returns messages that cannot be sent; see WebSock.Message`;
  opcodeWidened: `3.6 ${Callback} returns a message whose opcode may be any string; write 'as const' after it`;
  messageStray: `3.6 ${Callback} returns the property ${Other}, which its message does not have; remove or rename it`;
  pingLong: `3.6 ${Callback} returns ping or pong data over 125 bytes; shorten it`;
  stopReason: `3.4 ${Callback} returns a wrong reason to stop; use 'normal', 'restart' or { error }`;
  stopReasonWidened: `3.4 ${Callback} returns a reason to stop that may be any string; write 'as const' after it`;
  close: `4.2 ${Callback} returns a wrong close; see WebSock.CloseDetail`;
  closeStray: `4.2 ${Callback} returns the property ${Other}, which close does not have; remove or rename it`;
  code: `4.2 ${Callback} returns a close code that may not be sent; see WebSock.CloseCode`;
  closeReasonLong: `4.2 ${Callback} returns a close reason over 123 bytes; shorten it`;
}

// ---- The verdict on a handler ----

/** `true` if all the handlers of a union conform, `never` if there are none. */
type AllConform<Handler> = Handler extends unknown ? Conforms<Handler> : never;

/** `never` if the handler conforms, else its faults. Takes the handlers of a union one by one. */
type Faults<Handler> = [Handler] extends [never]
  ? Texts['handlerNever']
  : IsAny<Handler> extends true
    ? Texts['handlerAny']
    : Handler extends unknown
      ? Conforms<Handler> extends true
        ? never
        : Explain<Handler>
      : never;

/**
 * Whether there are a state, an info and an arg with which the handler is a `WebSock`, and nothing is wrong that the
 * contract alone would let pass. If there are any, then those that its callbacks take will do.
 */
// `Same` is the handler too: where one of two names is tested, the other costs the compiler no work.
type Conforms<Handler, Same = Handler> =
  Handler extends Signatures<
    infer State,
    infer Info,
    infer Arg,
    infer InitResult,
    infer InResult,
    infer ControlResult,
    infer InfoResult
  >
    ? Handler extends WebSock<State, Info, Arg>
      ? [Stray<InitResult | InResult | ControlResult | InfoResult> | UnknownNames<Same>] extends [never]
        ? 0 extends 1 & State
          ? false
          : Handler extends AnyCallback
            ? IsAny<Same[keyof Same & Name]> extends true
              ? false
              : TakesThis<Handler>
            : Handler extends Called<Unused>
              ? true
              : TakesThis<Handler>
        : false
      : false
    : false;

/** Whether every `this` that a callback declares is the handler. */
type TakesThis<Handler> = Handler extends Called<Handler> ? true : false;

/** All that is to be learnt from the signatures of a handler, at once. */
// Several results, because from one the compiler would drop those that are subtypes of others, faults and all.
interface Signatures<State, Info, Arg, InitResult, InResult, ControlResult, InfoResult> {
  readonly init: (arg: Arg, mailbox: never) => InitResult;
  readonly handleIn: (frame: never, state: State) => InResult;
  readonly handleControl?: ((frame: never, state: State) => ControlResult) | undefined;
  readonly handleInfo: (info: Info, state: State) => InfoResult;
  readonly terminate?: ((reason: never, state: State) => unknown) | undefined;
}

/** Handlers with a callback that may be `any`. */
type AnyCallback = { readonly [Callback in Name]: { readonly [Key in Callback]: Unused } }[Name];

/** A handler whose callbacks may be called as methods of `This`. */
type Called<This> = { readonly [Callback in Name]?: ((this: This, ...args: never) => unknown) | undefined };

type Producer = 'init' | 'handleIn' | 'handleControl' | 'handleInfo';
type Name = Producer | 'terminate';
type Required = 'init' | 'handleIn' | 'handleInfo';

// ---- What is wrong with a result that the contract lets pass ----

/**
 * The keys in `Texts` of what is wrong with results, in a promise or not, though the contract takes them; behind that
 * of a stray property, its name.
 */
// Each result of every handler goes through here. So tests against types that are the same for all come first, of which
// the compiler copies nothing, and chains stand where unions would be as right.
type Stray<Result> = Result extends Suspect
  ? StraySuspect<Result>
  : keyof Result extends ResultKeys | 'code' | 'error'
    ? StrayParts<Result>
    : StrayResult<Result>;

type ResultKeys = 'type' | 'state' | 'status' | 'messages' | 'reason' | 'close' | symbol;

type StrayParts<Result> = StrayPart<Result['messages' & keyof Result]> | StrayPart<Result['close' & keyof Result]>;

type StrayResult<Result> = StrayKeys<Result, ResultKeys, 'partStray'> | StrayParts<Result>;

/** Promises, results with a part that may be `any`, as it is assignable to a type that nobody uses, and `Lacking`. */
// One with a type of any is `Lacking`, and messages or a close of any are seen by `StrayPart`.
type Suspect = Thenable | AnyState | AnyReason | WithCode | WithError | Lacking;

interface Unused {
  readonly '@websock/spec': 'unused';
}
interface Thenable {
  readonly then: unknown;
}
interface AnyType {
  readonly type: Unused;
}
interface AnyState {
  readonly state: Unused;
}
interface AnyReason {
  readonly reason: Unused;
}
// The contract's own results have them as `?: undefined`, at most.
interface WithCode {
  readonly code: unknown;
}
interface WithError {
  readonly error: unknown;
}

/** What lacks its messages. To a literal beside others the compiler adds them as `?: undefined`. */
interface Lacking {
  readonly type: 'push' | 'reply';
  readonly messages?: never;
}

type StraySuspect<Result> =
  Result extends Promise<infer Value>
    ? Stray<Value>
    : Result extends PromiseLike<infer Value>
      ? Stray<Value>
      :
          | (Result extends AnyType ? IfAny<Result['type'], 'resultAny'> : never)
          | (Result extends AnyState ? IfAny<Result['state'], 'stateReturnedAny'> : never)
          | (Result extends AnyReason ? IfAny<Result['reason'], 'partAny'> : never)
          | StopFault<Result>
          | (Result extends Lacking ? PartFault<Result, Result['type']> : never)
          | StrayResult<Result>;

/** The same of messages and of a close. */
type StrayPart<Part> = Part extends readonly unknown[] ? StrayObject<Part[number]> : StrayObject<Part>;

type StrayObject<Part> = Part extends SuspectPart
  ? Part extends Coded
    ? StrayClose<Part>
    : StrayMessage<Part>
  : keyof Part extends 'opcode' | 'data' | symbol
    ? never
    : StrayMessage<Part>;

/** What must be looked at: any, long control messages, and every close. */
type SuspectPart = AnyOpcode | AnyData | LongControl | Coded;

interface AnyOpcode {
  readonly opcode: Unused;
}
interface AnyData {
  readonly data: Unused;
}
interface LongControl {
  readonly opcode: WebSock.ControlOpcode;
  readonly data: Over125;
}
interface Coded {
  readonly code: unknown;
  readonly opcode?: undefined;
}

type StrayMessage<Message> =
  IsAny<Message> extends true
    ? 'partAny'
    : Message extends { readonly opcode: infer Opcode; readonly data?: infer Data }
      ?
          | IfAny<Opcode | Data, 'partAny'>
          | StrayKeys<Message, 'opcode' | 'data', 'messageStray'>
          | (Opcode extends WebSock.ControlOpcode ? (Data extends Over125 ? 'pingLong' : never) : never)
      : never;

type StrayClose<Close extends Coded> = Close extends SuspectClose
  ? StraySuspectClose<Close>
  : keyof Close extends 'code' | 'reason' | symbol
    ? StrayCode<Close['code']>
    : StraySuspectClose<Close>;

type SuspectClose = AnyCode | LongReason;

interface AnyCode {
  readonly code: Unused;
}
interface LongReason {
  readonly reason: Over123;
}

type StraySuspectClose<Close> = Close extends { readonly code: infer Code; readonly reason?: infer Reason }
  ?
      | IfAny<Code | Reason, 'partAny'>
      | StrayKeys<Close, 'code' | 'reason', 'closeStray'>
      | StrayCode<Code>
      | (Reason extends Over123 ? 'closeReasonLong' : never)
  : never;

/** `Fault`, and a name behind it, for each property other than `Known`. The compiler's `other?: undefined` is none. */
type StrayKeys<Value, Known, Fault extends string> = keyof Value extends Known | symbol
  ? never
  : `${Fault} ${Defined<Value, Exclude<keyof Value & (string | number), Known>>}`;

/** Those of some properties that are not `undefined`. A name that is no literal would make no legible text. */
type Defined<Value, Key extends keyof Value> = Key extends unknown
  ? [Value[Key], IsAny<Value[Key]>] extends [undefined, false]
    ? never
    : {} extends { [Index in Key]: never }
      ? '[key: string]'
      : Key
  : never;

/** Literal codes only: of a `number` nothing is known. Rule 4.2 allows 3000 to 4999 besides those by name. */
type StrayCode<Code> = Code extends WebSock.StandardCloseCode
  ? never
  : Code extends number
    ? {} extends { [Key in `${Code}`]: never }
      ? never
      : `${Code}` extends `${'3' | '4'}${Digit}${infer Tens}${infer Ones}`
        ? [Tens, Ones] extends [Digit, Digit]
          ? never
          : 'code'
        : 'code'
    : never;

type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9';

// Each `${any}` that something follows takes one character. So a pattern of n and a `${string}` is "at least n".
type Four = `${any}${any}${any}${any}`;
type Twenty = `${Four}${Four}${Four}${Four}${Four}`;
type Over123 = `${Twenty}${Twenty}${Twenty}${Twenty}${Twenty}${Twenty}${Four}${string}`;
type Over125 = `${any}${any}${Over123}`;

// ---- Callbacks by another name ----

/** Names under which other contracts have a callback, in lower case. */
// Not `open`, `message`, `close`, `error`, `drain` or `disconnect`: handlers have helpers of these names.
interface Aliases {
  onopen: 'init';
  onconnect: 'init';
  handleopen: 'init';
  websocketopen: 'init';
  onmessage: 'handleIn';
  handlemessage: 'handleIn';
  websocketmessage: 'handleIn';
  oncontrol: 'handleControl';
  onping: 'handleControl';
  handleping: 'handleControl';
  onpong: 'handleControl';
  handlepong: 'handleControl';
  onclose: 'terminate';
  onerror: 'terminate';
  ondisconnect: 'terminate';
  handleclose: 'terminate';
  handledisconnect: 'terminate';
  websocketclose: 'terminate';
  websocketerror: 'terminate';
  onterminate: 'terminate';
  handleterminate: 'terminate';
}

/** The functions of a handler that are callbacks by another name, and would never be called. Helpers do not count. */
type UnknownNames<Handler> = keyof Handler extends Name | symbol
  ? never
  : UnknownAmong<Handler, Exclude<keyof Handler, Name>>;

type UnknownAmong<Handler, Key> = Key extends keyof Handler & string
  ? Handler[Key] extends ((...args: never) => unknown) | undefined
    ? UnknownName<Key, Meant<Handler, Lowercase<Key>>>
    : never
  : never;

type UnknownName<Key extends string, Meant> = Meant extends string ? Texts<Key, Meant>['unknown'] : never;

/** The optional callbacks are easily misspelt: all else is right then. A required one is reported as missing. */
type Meant<Handler, Key extends string> = Key extends keyof Aliases
  ? Aliases[Key] extends Required
    ? Extract<Aliases[Key], keyof Handler>
    : Exclude<Aliases[Key], keyof Handler>
  : IsSlip<Key, 'handlecontrol'> extends true
    ? 'handleControl'
    : IsSlip<Key, 'terminate'> extends true
      ? 'terminate'
      : never;

/** Whether two words differ by one letter (another, one too many, one too few, two swapped) or not at all. */
type IsSlip<Word, Right> = Word extends Right
  ? true
  : Word extends `${infer First}${infer Rest}`
    ? Right extends `${infer RightFirst}${infer RightRest}`
      ? First extends RightFirst
        ? IsSlip<Rest, RightRest>
        : Rest extends RightRest | Right
          ? true
          : Word extends RightRest
            ? true
            : Rest extends `${RightFirst}${infer Tail}`
              ? RightRest extends `${First}${Tail}`
                ? true
                : false
              : false
      : Rest extends ''
        ? true
        : false
    : Right extends `${infer _First}${infer Rest}`
      ? Rest extends ''
        ? true
        : false
      : false;

// ---- The explanation, for a handler that failed ----

/** The faults of a handler that does not conform. */
type Explain<Handler> = Handler extends abstract new (
  ...args: never
) => unknown
  ? Texts['handlerClass']
  : Handler extends (...args: never) => unknown
    ? Texts['handlerNotObject']
    : IsWebSockOfAny<Handler> extends true
      ? Texts['handlerState']
      : Handler extends object
        ? Either<
            | CallbackFault<Handler, 'init'>
            | CallbackFault<Handler, 'handleIn'>
            | CallbackFault<Handler, 'handleControl'>
            | CallbackFault<Handler, 'handleInfo'>
            | CallbackFault<Handler, 'terminate'>
            | UnknownNames<Handler>,
            Texts['handlerOther']
          >
        : Texts['handlerNotObject'];

/** Whether the handler is annotated with a state of `any`. */
type IsWebSockOfAny<Handler> =
  IsSame<Handler, WebSock.Any> extends true
    ? true
    : Handler extends WebSock<infer State, infer Info, infer Arg>
      ? IsAny<State> extends true
        ? IsSame<Handler, WebSock<State, Info, Arg>>
        : false
      : false;

/** The first fault of one callback. */
type CallbackFault<Handler, Callback extends Name> = Callback extends keyof Handler
  ? IsAny<Handler[Callback]> extends true
    ? Texts<Callback>['any']
    : undefined extends Handler[Callback]
      ? Callback extends Required
        ? Texts['missing'][Callback]
        : FunctionFault<Handler, Callback, Exclude<Handler[Callback], undefined>>
      : FunctionFault<Handler, Callback, Handler[Callback]>
  : Callback extends Required
    ? Texts['missing'][Callback]
    : never;

type FunctionFault<Handler, Callback extends Name, Function> = Function extends (...args: never) => unknown
  ? First<
      [
        Function extends (first: never, second: never) => unknown ? never : Texts<Callback>['arguments'],
        Handler extends { [Key in Callback]?: Called<Handler>[Key] } ? never : Texts<Callback>['this'],
        IsAny<StateTaken<Handler, Callback>> extends true ? Texts<Callback>['stateAny'] : never,
        InputFault<Handler, Callback, Function>,
        Callback extends Producer ? Text<ResultFault<Returned<Handler, Callback>>, Callback> : never,
        StateFault<Handler, Callback>,
      ]
    >
  : Texts<Callback>['notFunction'];

/** What a callback is given and does not accept. */
type InputFault<Handler, Callback, Function> = Callback extends 'init'
  ? Accepts<Function, [never, WebSock.Mailbox<any>], 'mailbox'>
  : Callback extends 'handleIn'
    ? First<
        [
          Accepts<Function, [Extract<WebSock.DataFrame, { opcode: 'text' }>, never], 'text'>,
          Accepts<Function, [WebSock.DataFrame, never], 'binary'>,
        ]
      >
    : Callback extends 'handleControl'
      ? First<
          [
            Accepts<Function, [WebSock.ControlFrame & { opcode: 'ping' }, never], 'ping'>,
            Accepts<Function, [WebSock.ControlFrame, never], 'pong'>,
          ]
        >
      : Callback extends 'handleInfo'
        ? Accepts<Function, [Posted<Handler>, never], 'info'>
        : Accepts<Function, [WebSock.CloseReason, never], 'reason'>;

type Accepts<Function, Given extends [unknown, unknown], Fault extends keyof Texts> = Function extends (
  first: Given[0],
  second: Given[1],
) => unknown
  ? never
  : Texts[Fault];

/** What `init`'s mailbox may be posted; `never` if it takes none. */
type Posted<Handler> = Handler extends { readonly init: (arg: never, mailbox: infer Mailbox) => unknown }
  ? Mailbox extends { readonly post: (info: infer Info) => void }
    ? Info
    : never
  : never;

/** The key in `Texts` of the first thing wrong with the results of one callback. */
type ResultFault<Result> = IsAny<Result> extends true ? 'resultAny' : FirstOf<ResultFaults<Result>, ResultOrder>;

/** The faults that hide others come first. */
type ResultOrder = [
  'resultNothing',
  'resultNone',
  'resultAny',
  'typeWidened',
  'typeUnknown',
  'stateMissing',
  'stateReturnedAny',
  'stopCode',
  'stopError',
  'partStray',
  'partMissing',
  'partAny',
  'opcodeWidened',
  'messages',
  'messageStray',
  'pingLong',
  'stopReasonWidened',
  'stopReason',
  'close',
  'closeStray',
  'code',
  'closeReasonLong',
];

/** The keys in `Texts` of all that is wrong with a result. */
type ResultFaults<Result> =
  | (Result extends null | void ? 'resultNothing' : never)
  | (Result extends { readonly type: infer Type } ? TypeFault<Type> : 'resultNone')
  | (Result extends { readonly state: unknown } ? never : 'stateMissing')
  | (Result extends { readonly type: keyof Properties } ? PartFault<Result, Result['type']> : never)
  | StopFault<Result>
  | (Result extends { readonly messages?: infer Messages } ? MessagesFault<Messages> : never)
  | (Result extends AnyStop ? ReasonFault<Result[keyof Result & 'reason']> : never)
  | (Result extends { readonly close?: infer Close } ? CloseFault<Close> : never)
  | Stray<Result>;

/** A close code or an error that stands on a stop itself. */
type StopFault<Result> = Result extends AnyStop ? StopFaults[Defined<Result, keyof Result & keyof StopFaults>] : never;

interface AnyStop {
  readonly type: 'stop';
}

interface StopFaults {
  code: 'stopCode';
  error: 'stopError';
}

type TypeFault<Type> =
  IsAny<Type> extends true
    ? 'resultAny'
    : string extends Type
      ? 'typeWidened'
      : Type extends keyof Properties
        ? never
        : 'typeUnknown';

/** The properties that each result has; `true` if it must. */
interface Properties {
  ok: { type: true; state: true };
  push: { type: true; state: true; messages: true };
  reply: { type: true; state: true; messages: true; status: false };
  stop: { type: true; state: true; reason: false; messages: false; close: false };
}

type PartFault<Result, Type extends keyof Properties> =
  | StrayKeys<Result, keyof Properties[Type], 'partStray'>
  | {
      [Key in keyof Properties[Type]]: Properties[Type][Key] extends true ? PartMissing<Result, Key> : never;
    }[keyof Properties[Type]];

// Required, because the compiler adds `messages?: undefined` to a union of literals.
type PartMissing<Result, Key> = Result extends { readonly [Part in Key & string]: unknown } ? never : 'partMissing';

type MessagesFault<Messages> = Messages extends undefined
  ? never
  : MessageFault<Messages extends readonly (infer Message)[] ? Message : Messages>;

type MessageFault<Message> = Message extends WebSock.Message
  ? never
  : Message extends { readonly opcode: infer Opcode }
    ? string extends Opcode
      ? 'opcodeWidened'
      : 'messages'
    : 'messages';

type ReasonFault<Reason> = Reason extends WebSock.StopReason | undefined
  ? never
  : string extends Reason
    ? 'stopReasonWidened'
    : 'stopReason';

type CloseFault<Close> = Close extends WebSock.CloseDetail | undefined ? never : 'close';

// ---- Which callback is to blame for a state ----

// One mistake must accuse one callback. A state that several callbacks refuse is the fault of the one that returns it;
// a state that one callback alone refuses is the fault of that one.

type StateFault<Handler, Callback extends Name> = First<
  [
    StateBlame<Handler, 'init', Callback>,
    StateBlame<Handler, 'handleIn', Callback>,
    StateBlame<Handler, 'handleControl', Callback>,
    StateBlame<Handler, 'handleInfo', Callback>,
  ]
>;

type StateBlame<Handler, Source extends Producer, Callback extends Name> =
  Callback extends Blamed<Handler, Source>
    ? Callback extends Source
      ? Texts<Callback>['stateReturned']
      : Texts<Callback, Source>['stateTaken']
    : never;

/** The callbacks to blame if the state that `Source` returns is not accepted everywhere. */
type Blamed<Handler, Source extends Producer> = Source extends 'init'
  ? BlamedForInit<Handler, Refusers<Handler, 'init'>>
  : Source extends BlamedForInit<Handler, Refusers<Handler, 'init'>>
    ? never
    : BlamedForOther<
        Handler,
        Source,
        Exclude<Refusers<Handler, Source>, BlamedForInit<Handler, Refusers<Handler, 'init'>>>
      >;

/** Several refuse the first state, and no callback that goes on with it takes it: then it is `init`. */
type BlamedForInit<Handler, Refusing> = [Refusing] extends [never]
  ? never
  : IsUnion<Refusing> extends true
    ? [Exclude<Takers<Handler>, Refusing | 'terminate'>] extends [never]
      ? 'init'
      : Refusing
    : Refusing;

/** A callback that takes what it returns is right, and the one that refuses it wrong, unless there are several. */
type BlamedForOther<Handler, Source extends Producer, Refusing> = [Refusing] extends [never]
  ? never
  : Source extends Exclude<Takers<Handler>, Refusing>
    ? IsUnion<Refusing> extends true
      ? Source
      : Refusing
    : Source;

/** The callbacks that do not accept the state that `Source` returns. */
type Refusers<Handler, Source extends Producer> = {
  [Callback in Exclude<Name, 'init'>]: [StateReturned<Handler, Source>] extends [StateTaken<Handler, Callback>]
    ? never
    : Callback;
}[Exclude<Name, 'init'>];

/** The callbacks that look at the state. */
type Takers<Handler> = {
  [Callback in Exclude<Name, 'init'>]: unknown extends StateTaken<Handler, Callback> ? never : Callback;
}[Exclude<Name, 'init'>];

/** The state that a callback takes; `unknown` if it does not look at it, or there is no such callback. */
type StateTaken<Handler, Callback> = Callback extends Exclude<Name, 'init'> & keyof Handler
  ? Exclude<Handler[Callback], undefined> extends (first: never, state: infer State) => unknown
    ? State
    : unknown
  : unknown;

type StateReturned<Handler, Callback> =
  Returned<Handler, Callback> extends infer Result
    ? IsAny<Result> extends true
      ? never
      : Result extends { readonly state: infer State }
        ? State
        : never
    : never;

/** What a callback returns, in a promise or not; `never` if there is no such callback. */
// Not `ReturnType`: that is `any` for a function with a parameter of `never`.
type Returned<Handler, Callback> = Callback extends keyof Handler
  ? Exclude<Handler[Callback], undefined> extends (...args: never) => infer Result
    ? Settled<Result>
    : never
  : never;

// ---- Servers ----

/** `never` if the upgrade conforms, else its faults. Takes the upgrades of a union one by one. */
type ServerFaults<Upgrade> = [Upgrade] extends [never]
  ? ServerTexts['never']
  : IsAny<Upgrade> extends true
    ? ServerTexts['any']
    : Upgrade extends (...args: never) => infer Response
      ? Either<
          First<
            [
              IsOverloaded<Upgrade> extends true ? never : ShapeFault<ParametersOf<Upgrade>>,
              AnyParameter<ParametersOf<Upgrade>>,
              IsAny<Settled<Response>> extends true ? ServerTexts['response'] : never,
            ]
          >,
          CallFaults<Upgrade, ParametersOf<Upgrade>>
        >
      : ServerTexts['notFunction'];

/** With `unknown` for each type parameter; of the last overload. */
type ParametersOf<Upgrade> = Upgrade extends (...args: infer Parameters) => unknown ? Parameters : never;

// Wrong options make every call impossible, so they are told alone.
type CallFaults<Upgrade, Parameters extends unknown[]> = Either<
  OptionsFault<Parameters>,
  IsOverloaded<Upgrade> extends true
    ? FirstRefused<Upgrade, RightCalls> | FirstTaken<(...args: Parameters) => void, WrongCalls>
    : FirstRefused<Upgrade, [...RightCalls, ...RightCallsOfOne]> | FirstTaken<Upgrade, WrongCalls>
>;

/** The compiler compares overloads as if their type parameters were `any`, so they need other tests. */
// Of the first signature of a function that takes nothing, compilers before 7.0 infer `unknown[]`.
type IsOverloaded<Upgrade> = Upgrade extends {
  (...args: infer First): unknown;
  (...args: infer Last): unknown;
}
  ? true extends IsSame<First, Last> | IsSame<First, unknown[]>
    ? false
    : true
  : false;

interface ServerTexts {
  any: '1.1 the upgrade is any; give it a type';
  never: '1.1 the upgrade is never; give it a type';
  notFunction: '1.1 the upgrade is not a function; give the function itself';
  shape: '1.1 the upgrade has other parameters; take (request, handler, arg, options?)';
  request: '1.1 the request of the upgrade is any; give it a type';
  handler: '1.1 the handler of the upgrade is any, or a WebSock of any; take WebSock<State, Info, Arg>';
  arg: '1.1 the arg of the upgrade is any; take the Arg of the handler';
  options: '1.1 the options of the upgrade are any; take WebSock.ConnectionOptions';
  optionsRequired: '1.1 the upgrade requires options; make them optional';
  wrongOptions: '1.5 the upgrade takes options of the wrong type; take WebSock.ConnectionOptions';
  response: '1.1 the upgrade returns any; give it a type';
}

/** The fault of an upgrade with too few or too many parameters, or with the handler or the options elsewhere. */
// First, because all else would be told of a parameter that is meant for something else. A handler of `never` is what a
// condition on a type parameter may leave of it.
type ShapeFault<Parameters extends unknown[]> = Parameters extends
  | [unknown?, unknown?]
  | [unknown, unknown, unknown, unknown, unknown, ...unknown[]]
  ? ServerTexts['shape']
  : true extends
        | Has<Parameters[0], HandlerKey>
        | Has<Parameters[2], HandlerKey | 'maxMessageSize'>
        | Has<Parameters[3], HandlerKey>
    ? ServerTexts['shape']
    : true extends Has<Parameters[1], HandlerKey>
      ? never
      : Full extends Parameters[1]
        ? never
        : [Parameters[1]] extends [never]
          ? never
          : ServerTexts['shape'];

type HandlerKey = 'handleIn' | 'handleInfo';

/** `true` if a parameter, or one of its union, has one of some properties; of `any` that is not known. */
type Has<Parameter, Key> =
  IsAny<Parameter> extends true
    ? never
    : Parameter extends unknown
      ? [keyof Parameter & Key] extends [never]
        ? never
        : true
      : never;

// Of the last overload; its type parameters stand there as `unknown`.
type AnyParameter<Parameters extends unknown[]> = First<
  [
    IsAny<Parameters[0]> extends true ? ServerTexts['request'] : never,
    IsAny<Parameters[1]> extends true ? ServerTexts['handler'] : never,
    IsAny<Parameters[2]> extends true ? ServerTexts['arg'] : never,
    IsAny<Parameters[3]> extends true ? ServerTexts['options'] : never,
    Parameters[1] extends WebSock<infer State, infer Info, infer Arg>
      ? IsAny<State | Info | Arg> extends true
        ? ServerTexts['handler']
        : never
      : never,
  ]
>;

/** A call of an upgrade. It can be made if the upgrade is assignable to it. */
type Call<Handler, Arg> = (request: never, handler: Handler, arg: Arg, options: WebSock.ConnectionOptions) => unknown;

/** The calls that must be possible, each behind the fault of an upgrade of which it is not. */
type RightCalls = [
  [
    '2.6 the upgrade refuses a plain handler; take WebSock<State, Info, Arg>, each a type parameter',
    Call<WebSock<Count, string, string>, string>,
  ],
  [
    '2.6 the upgrade refuses a handler of another state; let State be a type parameter',
    Call<WebSock<string[], string, string>, string>,
  ],
  [
    '2.6 the upgrade refuses a handler whose state is undefined; do not constrain State',
    Call<WebSock<undefined, string, string>, string>,
  ],
  [
    '2.9 the upgrade refuses a handler that takes every info; let Info be a type parameter',
    Call<WebSock<Count, unknown, string>, string>,
  ],
  [
    '1.1 the upgrade refuses a handler of another arg; let Arg be a type parameter',
    Call<WebSock<Count, string, boolean>, boolean>,
  ],
  [
    '1.1 the upgrade refuses a handler whose arg is its state; do not constrain Arg',
    Call<WebSock<Count, string, Count>, Count>,
  ],
  [
    '1.1 the upgrade refuses a handler without an arg; do not constrain Arg',
    Call<WebSock<Count, string, undefined>, undefined>,
  ],
  [
    '2.5 the upgrade refuses a handler without the optional callbacks; take WebSock<State, Info, Arg>',
    Call<Minimal, string>,
  ],
  ['2.5 the upgrade refuses a handler with the optional callbacks; take WebSock<State, Info, Arg>', Call<Full, string>],
  ['2.1 the upgrade refuses a handler of async callbacks; take WebSock<State, Info, Arg>', Call<Async, string>],
  [
    '2.5 the upgrade refuses a handler that is a class with private fields; take WebSock<State, Info, Arg>',
    Call<Private, string>,
  ],
];

/** The same for an upgrade that is not overloaded. */
type RightCallsOfOne = [
  [
    '2.9 the upgrade refuses a handler that takes no info; do not constrain Info',
    Call<WebSock<Count, never, string>, string>,
  ],
];

/** The calls that must not be possible, each behind the fault of an upgrade of which it is. */
type WrongCalls = [
  ['1.1 the upgrade takes a handler without init; take WebSock<State, Info, Arg>', Call<Omit<Full, 'init'>, string>],
  [
    '2.3 the upgrade takes a handler without handleIn; take WebSock<State, Info, Arg>',
    Call<Omit<Full, 'handleIn'>, string>,
  ],
  [
    '2.9 the upgrade takes a handler without handleInfo; take WebSock<State, Info, Arg>',
    Call<Omit<Full, 'handleInfo'>, string>,
  ],
  ['2.3 the upgrade takes a handler of text frames only; take WebSock<State, Info, Arg>', Call<TextOnly, string>],
  [
    '2.4 the upgrade takes a handler that returns another state than it takes; take WebSock<State, Info, Arg>',
    Call<OtherState, string>,
  ],
  [
    '2.4 the upgrade takes a handler that needs more state than init gives; take WebSock<State, Info, Arg>',
    Call<MoreState, string>,
  ],
  [
    '2.9 the upgrade takes a handler whose mailbox and handleInfo disagree; take WebSock<State, Info, Arg>',
    Call<OtherInfo, string>,
  ],
  ['3.6 the upgrade takes a handler that returns nothing; take WebSock<State, Info, Arg>', Call<Nothing, string>],
  ['1.1 the upgrade takes an arg that init does not; take the Arg of the handler', Call<Full, number>],
];

/** An upgrade may take no options at all. */
type OptionsFault<Parameters extends unknown[]> = Parameters extends [unknown, unknown, unknown]
  ? never
  : Parameters extends [unknown, unknown, unknown, (infer Options)?]
    ? { readonly idleTimeout: string } extends Options
      ? ServerTexts['wrongOptions']
      : WebSock.ConnectionOptions extends Options
        ? undefined extends Parameters[3]
          ? never
          : ServerTexts['optionsRequired']
        : ServerTexts['wrongOptions']
    : never;

interface Count {
  readonly count: number;
}

interface Named extends Count {
  readonly name: string;
}

interface Minimal extends Pick<WebSock<Count, string, string>, 'init' | 'handleIn' | 'handleInfo'> {}

interface Full extends Minimal {
  readonly handleControl: (frame: WebSock.ControlFrame, state: Count) => WebSock.HandleResult<Count>;
  readonly terminate: (reason: WebSock.CloseReason, state: Count) => void;
}

interface Async {
  readonly init: (arg: string) => Promise<WebSock.Ok<Count>>;
  readonly handleIn: (frame: WebSock.DataFrame, state: Count) => Promise<WebSock.HandleResult<Count>>;
  readonly handleInfo: (info: string, state: Count) => PromiseLike<WebSock.HandleResult<Count>>;
  readonly terminate: () => Promise<void>;
}

declare class Private {
  private readonly rooms: string[];
  protected join(room: string): void;
  init(arg: string): WebSock.HandleResult<Count>;
  handleIn(frame: WebSock.DataFrame, state: Count): WebSock.HandleResult<Count>;
  handleInfo(info: string, state: Count): WebSock.HandleResult<Count>;
}

interface TextOnly extends Omit<Full, 'handleIn'> {
  readonly handleIn: (
    frame: Extract<WebSock.DataFrame, { opcode: 'text' }>,
    state: Count,
  ) => WebSock.HandleResult<Count>;
}

interface OtherState extends Omit<Full, 'handleIn'> {
  readonly handleIn: (frame: WebSock.DataFrame, state: Count) => WebSock.HandleResult<string>;
}

interface MoreState extends Omit<Full, 'handleIn'> {
  readonly handleIn: (frame: WebSock.DataFrame, state: Named) => WebSock.HandleResult<Count>;
}

interface OtherInfo extends Omit<Full, 'handleInfo'> {
  readonly handleInfo: (info: number, state: Count) => WebSock.HandleResult<Count>;
}

interface Nothing extends Omit<Full, 'handleIn'> {
  readonly handleIn: () => void;
}

type FirstRefused<Upgrade, Calls> = Calls extends [[infer Fault, infer Call], ...infer Rest]
  ? Upgrade extends Call
    ? FirstRefused<Upgrade, Rest>
    : Fault
  : never;

type FirstTaken<Upgrade, Calls> = Calls extends [[infer Fault, infer Call], ...infer Rest]
  ? Upgrade extends Call
    ? Fault
    : FirstTaken<Upgrade, Rest>
  : never;

// ---- Tools ----

type IsAny<Type> = 0 extends 1 & Type ? true : false;

type IfAny<Type, Fault> = IsAny<Type> extends true ? Fault : never;

type IsSame<One, Other> =
  (<Type>() => Type extends One ? 1 : 2) extends <Type>() => Type extends Other ? 1 : 2 ? true : false;

type IsUnion<Type, All = Type> = Type extends unknown ? ([All] extends [Type] ? false : true) : false;

type Settled<Result> = Result extends PromiseLike<infer Value> ? Value : Result;

/** `Faults`, or `Other` if there are none. */
type Either<Faults, Other> = [Faults] extends [never] ? Other : Faults;

/** The first of a list that is not `never`. */
type First<List extends unknown[]> = List extends [infer Head, ...infer Rest]
  ? [Head] extends [never]
    ? First<Rest>
    : Head
  : never;

/** The first of a list that is one of `Types`, alone or with a name behind it. */
type FirstOf<Types, List extends string[]> = List extends [infer Head extends string, ...infer Rest extends string[]]
  ? Either<OneOf<Extract<Types, Head | `${Head} ${string}`>>, FirstOf<Types, Rest>>
  : never;

/** A member of a union: which one, is the compiler's own affair. */
// Of several signatures the compiler infers from the last.
type OneOf<Union> = (Union extends unknown ? (one: () => Union) => void : never) extends (all: infer All) => void
  ? All extends () => infer One
    ? One
    : never
  : never;

/** The text of a fault; of one with a name behind it, with that name. */
type Text<Fault, Callback extends string> = Fault extends keyof Texts
  ? Texts<Callback>[Fault]
  : Fault extends `${infer Key extends keyof Texts} ${infer Name}`
    ? Texts<Callback, Name>[Key]
    : never;
