// Mistakes in a result that the contract accepts: `any`, excess properties, close codes and lengths.
//
// Every result of every handler is checked here, so this is written to cost the compiler little. First come tests
// against types that are the same for all handlers, because they need no instantiation. For the same reason some
// conditions are nested that could be a union.

import type { WebSock } from '../websock';
import type { OnlyAny } from './callbacks';
import type { FaultIfAny, IsAny } from './utils';

/**
 * The keys in `FaultTexts` of mistakes that the contract accepts, in a result or a promise of it. The key of an excess
 * property is followed by a space and the property's name.
 */
export type OverlookedFaultKeys<Result> = Result extends SlowlyCheckedResult
  ? Result extends Promise<infer Value>
    ? OverlookedFaultKeys<Value>
    : SlowResultFaultKeys<Result>
  : keyof Result extends ResultKeys | 'code' | 'error'
    ? MessageAndCloseFaultKeys<Result>
    : OverlookedPropertyFaultKeys<Result>;

type ResultKeys = 'type' | 'state' | 'status' | 'messages' | 'reason' | 'close' | symbol;

type MessageAndCloseFaultKeys<Result> =
  | OverlookedValueFaultKeys<Result['messages' & keyof Result]>
  | OverlookedValueFaultKeys<Result['close' & keyof Result]>;

type OverlookedPropertyFaultKeys<Result> =
  | ExcessPropertyFaultKey<Result, ResultKeys, 'propertyExcess'>
  | MessageAndCloseFaultKeys<Result>;

/**
 * Matches a result that is unusual in some way. Messages or a close of `any` are found in `OverlookedObjectFaultKeys`.
 */
type SlowlyCheckedResult =
  | null
  | void
  | Thenable
  | AnyType
  | AnyState
  | AnyReason
  | WithCode
  | WithError
  | WithoutMessages
  | WithoutType;

interface Thenable {
  readonly then: unknown;
}
interface AnyType {
  readonly type: OnlyAny;
}
interface AnyState {
  readonly state: OnlyAny;
}
interface AnyReason {
  readonly reason: OnlyAny;
}
// The contract's own results declare these as `?: undefined`, which does not match.
interface WithCode {
  readonly code: unknown;
}
interface WithError {
  readonly error: unknown;
}
// In a union of literals, the compiler adds missing properties as `?: undefined`, which the contract may accept.
interface WithoutMessages {
  readonly type: 'push' | 'reply';
  readonly messages?: never;
}
interface WithoutType {
  readonly type?: never;
}

type SlowResultFaultKeys<Result> =
  Result extends PromiseLike<infer Value>
    ? OverlookedFaultKeys<Value>
    :
        | (Result extends null | void ? 'resultNothing' : never)
        | (Result extends AnyType ? FaultIfAny<Result['type'], 'resultAny'> : never)
        | (Result extends AnyState ? FaultIfAny<Result['state'], 'stateReturnedAny'> : never)
        | (Result extends AnyReason ? FaultIfAny<Result['reason'], 'propertyAny'> : never)
        | (Result extends WithoutMessages ? 'messagesMissing' : never)
        | (Result extends WithoutType ? 'resultNone' : never)
        | OverlookedPropertyFaultKeys<Result>;

// ---- The result of terminate, which is ignored ----

/** For messages or a close, which the author expects to be sent. */
export type TerminateFaultKey<Result> = Result extends void
  ? never
  : Result extends PromiseLike<infer Value>
    ? TerminateFaultKey<Value>
    : IsAny<Result> extends true
      ? never
      : [SentPart<Result>] extends [never]
        ? never
        : 'terminateResult';

type SentPart<Result> =
  | Extract<Result, { readonly type: 'stop' }>
  | Extract<ElementOf<Result>, WithOpcode>
  | (Result extends { readonly messages?: infer Messages; readonly close?: infer Close }
      ? Extract<ElementOf<Messages>, WithOpcode> | Extract<Close, WithCode>
      : never);

type ElementOf<List> = List extends readonly (infer Element)[] ? Element : List;

export interface WithOpcode {
  readonly opcode: unknown;
}

// ---- Messages and close ----

type OverlookedValueFaultKeys<Value> = Value extends readonly unknown[]
  ? OverlookedObjectFaultKeys<Value[number]>
  : OverlookedObjectFaultKeys<Value>;

type OverlookedObjectFaultKeys<Value> = Value extends SlowlyCheckedObject
  ? Value extends CloseLike
    ? OverlookedCloseFaultKeys<Value>
    : OverlookedMessageFaultKeys<Value>
  : keyof Value extends 'opcode' | 'data' | symbol
    ? never
    : OverlookedMessageFaultKeys<Value>;

type SlowlyCheckedObject = AnyOpcode | OversizedControl | SharedData | CloseLike;

interface AnyOpcode {
  readonly opcode: OnlyAny;
}
interface OversizedControl {
  readonly opcode: WebSock.ControlOpcode;
  readonly data: Over125;
}
// Before TypeScript 5.9, a `SharedArrayBuffer` is assignable to `ArrayBuffer`. `any` matches, too.
interface SharedData {
  readonly data: { readonly [Symbol.toStringTag]: 'SharedArrayBuffer' };
}
interface CloseLike {
  readonly code: unknown;
  readonly opcode?: undefined;
}

type OverlookedMessageFaultKeys<Message> =
  IsAny<Message> extends true
    ? 'propertyAny'
    : Message extends { readonly opcode: infer Opcode; readonly data?: infer Data }
      ?
          | FaultIfAny<Opcode | Data, 'propertyAny'>
          | (Opcode extends WebSock.ControlOpcode
              ?
                  | (Data extends Over125 ? 'pingLong' : never)
                  | ExcessPropertyFaultKey<Message, 'opcode' | 'data', 'messagePropertyExcess'>
              : never)
          | (Message extends SharedData ? 'messages' : never)
      : never;

type OverlookedCloseFaultKeys<Close extends CloseLike> = Close extends SlowlyCheckedClose
  ? SlowCloseFaultKeys<Close>
  : keyof Close extends 'code' | 'reason' | symbol
    ? CloseCodeFaultKey<Close['code']>
    : SlowCloseFaultKeys<Close>;

type SlowlyCheckedClose = AnyCode | OversizedReason;

interface AnyCode {
  readonly code: OnlyAny;
}
interface OversizedReason {
  readonly reason: Over123;
}

type SlowCloseFaultKeys<Close> = Close extends { readonly code: infer Code; readonly reason?: infer Reason }
  ?
      | FaultIfAny<Code | Reason, 'propertyAny'>
      | ExcessPropertyFaultKey<Close, 'code' | 'reason', 'closePropertyExcess'>
      | CloseCodeFaultKey<Code>
      | (Reason extends Over123 ? 'closeReasonLong' : never)
  : never;

/** For literals, if none of their union can be sent. An enum of all codes, or a `number`, may be a valid code. */
type CloseCodeFaultKey<Code> = IsSendableCode<Code> extends false ? 'code' : never;

type IsSendableCode<Code> = Code extends WebSock.StandardCloseCode
  ? true
  : Code extends number
    ? {} extends { [Key in `${Code}`]: never }
      ? true
      : `${Code}` extends `${'3' | '4'}${Digit}${infer Tens}${infer Ones}`
        ? [Tens, Ones] extends [Digit, Digit]
          ? true
          : false
        : false
    : true;

type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9';

// Each `${any}` but the last matches exactly one character, so n of them and a `${string}` match at least n characters.
type Chars4 = `${any}${any}${any}${any}`;
type Chars20 = `${Chars4}${Chars4}${Chars4}${Chars4}${Chars4}`;
type Over123 = `${Chars20}${Chars20}${Chars20}${Chars20}${Chars20}${Chars20}${Chars4}${string}`;
type Over125 = `${any}${any}${Over123}`;

// ---- Excess properties ----

/** `Fault`, a space and a name, for each property that is not one of `Known`. */
export type ExcessPropertyFaultKey<Value, Known, Fault extends string> = keyof Value extends Known | symbol
  ? never
  : `${Fault} ${DefinedKeys<Value, Exclude<keyof Value & (string | number), Known>>}`;

/**
 * The keys among `Key` whose property has a value: neither a method, which an instance of a class may have, nor the
 * `other?: undefined` that the compiler adds in unions of literals. An index signature is `[key: string]`.
 */
export type DefinedKeys<Value, Key extends keyof Value> = Key extends unknown
  ? [Value[Key], IsAny<Value[Key]>] extends [((...args: never) => unknown) | undefined, false]
    ? never
    : {} extends { [Index in Key]: never }
      ? '[key: string]'
      : Key
  : never;
