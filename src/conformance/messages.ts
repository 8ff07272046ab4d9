// The texts of all faults: the rule's number, the callback and the problem; then the remedy. Short, because the
// compiler truncates an error after 320 characters.

/** The faults of a handler. Pass a single name for each parameter; a union would produce every combination. */
export interface FaultTexts<Callback extends string = string, Other extends string = string> {
  // Handler.
  handlerAny: '2.6 the handler is any; give it a type';
  handlerNever: '2.6 the handler is never; give it a type';
  handlerUndefined: '2.6 the handler may be undefined; check it first';
  handlerPromise: '2.6 the handler is a promise; await it';
  handlerClass: '2.6 the handler is a class; pass an instance';
  handlerNotObject: '2.6 the handler is not an object; pass the object that has the callbacks';
  handlerState: '2.4 the state of the handler is any; give it a type';
  handlerOther: '2.6 the handler does not conform; annotate it as WebSock to see why';

  // Callback.
  missing: {
    init: '1.1 init is missing; add it';
    handleIn: '2.3 handleIn is missing; add it';
    handleInfo: '2.9 handleInfo is missing; add it';
  };
  missingRenamed: `2.5 ${Callback} is missing; rename ${Other} to it`;
  misnamed: `2.5 ${Callback} is not a callback; did you mean ${Other}?`;
  callbackHidden: `2.5 ${Callback} is private or protected; make it public`;
  callbackAny: `2.5 ${Callback} is any; give it a type`;
  callbackUntyped: `2.5 ${Callback} is of type Function; declare its parameters and result`;
  notFunction: `2.5 ${Callback} is not a function; make it one`;
  tooManyParameters: `2.5 ${Callback} requires more than two parameters; the server passes two`;
  foreignThis: `2.5 ${Callback} declares a this other than the handler; remove it`;
  mailbox: '1.1 init does not accept a WebSock.Mailbox; annotate its second parameter with it';
  text: '2.3 handleIn does not accept a text frame; annotate it as WebSock.DataFrame';
  binary: '2.3 handleIn does not accept a binary frame; annotate it as WebSock.DataFrame';
  frameOverloads: '2.3 handleIn has an overload for each kind of frame; add one for WebSock.DataFrame';
  ping: '2.8 handleControl does not accept a ping; annotate it as WebSock.ControlFrame';
  pong: '2.8 handleControl does not accept a pong; annotate it as WebSock.ControlFrame';
  terminateResult: '4.1 terminate returns messages or a close, which are not sent; return them from another callback';
  reason: '4.1 terminate does not accept every WebSock.CloseReason; annotate its parameter with it';
  info: '2.9 handleInfo does not accept every message that can be posted; make it agree with the mailbox of init';

  // State.
  stateAny: `2.4 ${Callback} accepts a state of any; give it a type`;
  stateNotAccepted: `2.4 ${Callback} does not accept the state that ${Other} returns; make them agree`;
  stateReadonly: `2.4 ${Callback} returns a state with readonly arrays; write 'as const' after its type alone: type: 'ok' as const`;
  stateNotAcceptedByOthers: `2.4 ${Callback} returns a state that other callbacks do not accept; make them agree`;

  // Result.
  resultAny: `3.6 ${Callback} returns any; annotate its result`;
  resultNothing: `3.6 ${Callback} may return undefined; return a result on every path`;
  resultNone: `3.6 ${Callback} returns a value that is not a result; return { type: 'ok', state }`;
  typeWidened: `3.6 ${Callback} returns a result whose type may be any string; write 'as const' after it`;
  typeUnknown: `3.6 ${Callback} returns a result of unknown type; use ok, push, reply or stop`;
  resultMixed: `3.6 ${Callback} returns one object as several types of result; return an object of its own for each`;
  stateMissing: `3.6 ${Callback} returns a result without a state; add it`;
  stateReturnedAny: `2.4 ${Callback} returns a state of any; give it a type`;
  propertyAny: `3.6 ${Callback} returns messages, a reason or a close of any; give them a type`;
  propertyExcess: `3.6 ${Callback} returns the property ${Other}, which its result does not have; remove or rename it`;
  messagesMissing: `3.6 ${Callback} returns a push or reply without messages; add them`;
  messagesUndefined: `3.6 ${Callback} returns messages that may be undefined; write messages ?? []`;
  messageParts: `3.6 ${Callback} returns an opcode and data that may not match; return the frame, or test its opcode first`;
  messages: `3.6 ${Callback} returns messages that cannot be sent; see WebSock.Message`;
  opcodeWidened: `3.6 ${Callback} returns a message whose opcode may be any string; write 'as const' after it`;
  messagePropertyExcess: `3.6 ${Callback} returns the property ${Other}, which its message does not have; remove or rename it`;
  pingLong: `3.6 ${Callback} returns ping or pong data over 125 bytes; shorten it`;
  stopCode: `4.2 ${Callback} returns a stop with a property code; write close: { code }`;
  stopError: `3.4 ${Callback} returns a stop with a property error; write reason: { error }`;
  stopReason: `3.4 ${Callback} returns an invalid reason to stop; use 'normal', 'restart' or { error }`;
  stopReasonError: `3.4 ${Callback} returns an error as its reason to stop; write reason: { error }`;
  stopReasonText: `3.4 ${Callback} returns a string as its reason to stop; write close: { code, reason }`;
  stopReasonWidened: `3.4 ${Callback} returns a reason to stop that may be any string; write 'as const' after it`;
  close: `4.2 ${Callback} returns an invalid close; see WebSock.CloseDetail`;
  closePropertyExcess: `4.2 ${Callback} returns the property ${Other}, which close does not have; remove or rename it`;
  code: `4.2 ${Callback} returns a close code that must not be sent; see WebSock.CloseCode`;
  closeReasonLong: `4.2 ${Callback} returns a close reason over 123 bytes; shorten it`;
}

/** The verdict of every export in a project without `strict`. */
export type NeedsStrict = 'the suite needs strict';

/** The text of a fault: `Fault` is a key of `FaultTexts`, or a key, a space and the name in its text. */
export type FaultText<Fault, Callback extends string> = Fault extends keyof FaultTexts
  ? FaultTexts<Callback>[Fault]
  : Fault extends `${infer Key extends keyof FaultTexts} ${infer Name}`
    ? FaultTexts<Callback, Name>[Key]
    : never;

/** The faults of a server. */
export interface ServerFaultTexts {
  // Upgrade.
  upgradeAny: '1.1 the upgrade is any; give it a type';
  upgradeNever: '1.1 the upgrade is never; give it a type';
  notFunction: '1.1 the upgrade is not a function; pass the function itself';
  factory: '1.1 the upgrade returns a route; pass the (request, handler, arg, options?) function that the route calls';
  parameters: '1.1 the upgrade has unexpected parameters; declare (request, handler, arg, options?)';
  requestAny: '1.1 the request of the upgrade is any; give it a type';
  handlerAny: '1.1 the handler of the upgrade is any, or a WebSock of any; declare WebSock<State, Info, Arg>';
  argAny: '1.1 the arg of the upgrade is any; declare the Arg of the handler';
  optionsAny: '1.1 the options of the upgrade are any; declare WebSock.ConnectionOptions';
  optionsRequired: '1.1 the upgrade requires options; make them optional';
  optionsWrong: '1.5 the upgrade accepts options of the wrong type; declare WebSock.ConnectionOptions';
  optionsMissing: '1.5 the upgrade does not accept every option; declare WebSock.ConnectionOptions';
  resultAny: '1.1 the upgrade returns any; give its result a type';

  // Right handlers that it rejects.
  plain: '2.6 the upgrade rejects a plain handler; declare WebSock<State, Info, Arg>, each a type parameter';
  otherState: '2.6 the upgrade rejects a handler of another state; let State be a type parameter';
  undefinedState: '2.6 the upgrade rejects a handler whose state is undefined; do not constrain State';
  nullState: '2.6 the upgrade rejects a handler whose state is null; do not constrain State';
  numberState: '2.6 the upgrade rejects a handler whose state is a number; do not constrain State';
  everyInfo: '2.9 the upgrade rejects a handler that accepts every posted message; let Info be a type parameter';
  noInfo: '2.9 the upgrade rejects a handler that accepts no posted message; do not constrain Info';
  otherArg: '1.1 the upgrade rejects a handler of another arg; let Arg be a type parameter';
  argOfState: '1.1 the upgrade rejects a handler whose arg is its state; do not constrain Arg';
  noArg: '1.1 the upgrade rejects a handler without an arg; do not constrain Arg';
  withoutOptional: '2.5 the upgrade rejects a handler without the optional callbacks; declare WebSock<State, Info, Arg>';
  withOptional: '2.5 the upgrade rejects a handler with the optional callbacks; declare WebSock<State, Info, Arg>';
  async: '2.1 the upgrade rejects a handler of async callbacks; declare WebSock<State, Info, Arg>';
  privates: '2.5 the upgrade rejects an instance of a class with private fields; declare WebSock<State, Info, Arg>';

  // Wrong handlers that it accepts.
  withoutInit: '1.1 the upgrade accepts a handler without init; declare WebSock<State, Info, Arg>';
  withoutHandleIn: '2.3 the upgrade accepts a handler without handleIn; declare WebSock<State, Info, Arg>';
  withoutHandleInfo: '2.9 the upgrade accepts a handler without handleInfo; declare WebSock<State, Info, Arg>';
  textOnly: '2.3 the upgrade accepts a handler of text frames only; declare WebSock<State, Info, Arg>';
  stateReturned: '2.4 the upgrade accepts a handler that returns a state it does not accept; declare WebSock<State, Info, Arg>';
  moreState: '2.4 the upgrade accepts a handler that needs more state than init gives; declare WebSock<State, Info, Arg>';
  otherInfo: '2.9 the upgrade accepts a handler whose mailbox and handleInfo disagree; declare WebSock<State, Info, Arg>';
  nothing: '3.6 the upgrade accepts a handler that returns nothing; declare WebSock<State, Info, Arg>';
  wrongArg: '1.1 the upgrade accepts an arg that init does not; declare the Arg of the handler';
}
