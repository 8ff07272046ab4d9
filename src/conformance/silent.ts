// What is wrong with a result although the contract lets it pass: `any`, excess properties, codes and lengths.
//
// Every result of every handler goes through here, so this is written for the compiler's sake: tests against types that
// are the same for all handlers come first, of which it copies nothing; and chains stand where unions would be as right.

import type { WebSock } from '../websock';
import type { OnlyAny } from './callbacks';
import type { FaultIfAny, IsAny } from './tools';

/**
 * The keys in `FaultTexts` of what is wrong with results, in a promise or not, although the contract accepts them. The
 * key of an excess property is followed by the name of the property.
 */
export type SilentFaults<Result> = Result extends NeedsSlowCheck
  ? Result extends Promise<infer Value>
    ? SilentFaults<Value>
    : SilentFaultsSlow<Result>
  : keyof Result extends ResultKeys | 'code' | 'error'
    ? SilentPropertyFaults<Result>
    : SilentFaultsByKey<Result>;

type ResultKeys = 'type' | 'state' | 'status' | 'messages' | 'reason' | 'close' | symbol;

type SilentPropertyFaults<Result> =
  | SilentPropertyFault<Result['messages' & keyof Result]>
  | SilentPropertyFault<Result['close' & keyof Result]>;

type SilentFaultsByKey<Result> = ExcessKeys<Result, ResultKeys, 'propertyExcess'> | SilentPropertyFaults<Result>;

// Messages or a close of any are found by `SilentPropertyFault`.
type NeedsSlowCheck =
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
// The contract's own results have these as `?: undefined`, at most.
interface WithCode {
  readonly code: unknown;
}
interface WithError {
  readonly error: unknown;
}
// To a literal beside others the compiler adds what it lacks as `?: undefined`, which the contract may accept.
interface WithoutMessages {
  readonly type: 'push' | 'reply';
  readonly messages?: never;
}
interface WithoutType {
  readonly type?: never;
}

type SilentFaultsSlow<Result> =
  Result extends PromiseLike<infer Value>
    ? SilentFaults<Value>
    :
        | (Result extends null | void ? 'resultNothing' : never)
        | (Result extends AnyType ? FaultIfAny<Result['type'], 'resultAny'> : never)
        | (Result extends AnyState ? FaultIfAny<Result['state'], 'stateReturnedAny'> : never)
        | (Result extends AnyReason ? FaultIfAny<Result['reason'], 'propertyAny'> : never)
        | (Result extends WithoutMessages ? 'messagesMissing' : never)
        | (Result extends WithoutType ? 'resultNone' : never)
        | SilentFaultsByKey<Result>;

// ---- Messages and closes ----

type SilentPropertyFault<Value> = Value extends readonly unknown[]
  ? SilentObjectFault<Value[number]>
  : SilentObjectFault<Value>;

type SilentObjectFault<Value> = Value extends ObjectNeedsSlowCheck
  ? Value extends CloseLike
    ? SilentCloseFault<Value>
    : SilentMessageFault<Value>
  : keyof Value extends 'opcode' | 'data' | symbol
    ? never
    : SilentMessageFault<Value>;

type ObjectNeedsSlowCheck = AnyOpcode | OversizedControl | SharedData | CloseLike;

interface AnyOpcode {
  readonly opcode: OnlyAny;
}
interface OversizedControl {
  readonly opcode: WebSock.ControlOpcode;
  readonly data: Over125;
}
// Before TypeScript 5.9 a `SharedArrayBuffer` is assignable to `ArrayBuffer`. So is `any`, always.
interface SharedData {
  readonly data: { readonly [Symbol.toStringTag]: 'SharedArrayBuffer' };
}
interface CloseLike {
  readonly code: unknown;
  readonly opcode?: undefined;
}

type SilentMessageFault<Message> =
  IsAny<Message> extends true
    ? 'propertyAny'
    : Message extends { readonly opcode: infer Opcode; readonly data?: infer Data }
      ?
          | FaultIfAny<Opcode | Data, 'propertyAny'>
          | ExcessKeys<Message, 'opcode' | 'data', 'messagePropertyExcess'>
          | (Opcode extends WebSock.ControlOpcode ? (Data extends Over125 ? 'pingLong' : never) : never)
          | (Message extends SharedData ? 'messages' : never)
      : never;

type SilentCloseFault<Close extends CloseLike> = Close extends CloseNeedsSlowCheck
  ? SilentCloseFaultSlow<Close>
  : keyof Close extends 'code' | 'reason' | symbol
    ? CloseCodeFault<Close['code']>
    : SilentCloseFaultSlow<Close>;

type CloseNeedsSlowCheck = AnyCode | OversizedReason;

interface AnyCode {
  readonly code: OnlyAny;
}
interface OversizedReason {
  readonly reason: Over123;
}

type SilentCloseFaultSlow<Close> = Close extends { readonly code: infer Code; readonly reason?: infer Reason }
  ?
      | FaultIfAny<Code | Reason, 'propertyAny'>
      | ExcessKeys<Close, 'code' | 'reason', 'closePropertyExcess'>
      | CloseCodeFault<Code>
      | (Reason extends Over123 ? 'closeReasonLong' : never)
  : never;

/** Checks literals only; a plain `number` could be anything. */
type CloseCodeFault<Code> = Code extends WebSock.StandardCloseCode
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

// Each `${any}` that something follows matches one character. So a pattern of n and a `${string}` is "at least n".
type Chars4 = `${any}${any}${any}${any}`;
type Chars20 = `${Chars4}${Chars4}${Chars4}${Chars4}${Chars4}`;
type Over123 = `${Chars20}${Chars20}${Chars20}${Chars20}${Chars20}${Chars20}${Chars4}${string}`;
type Over125 = `${any}${any}${Over123}`;

// ---- Excess properties ----

/** `Fault`, followed by a name, for each property that is not one of `Known`. */
export type ExcessKeys<Value, Known, Fault extends string> = keyof Value extends Known | symbol
  ? never
  : `${Fault} ${DefinedKeys<Value, Exclude<keyof Value & (string | number), Known>>}`;

/**
 * Those of some properties that carry a value. Not methods, which an instance of a class may have; nor the
 * `other?: undefined` that the compiler adds to unions of literals. An index signature has no legible name.
 */
export type DefinedKeys<Value, Key extends keyof Value> = Key extends unknown
  ? [Value[Key], IsAny<Value[Key]>] extends [((...args: never) => unknown) | undefined, false]
    ? never
    : {} extends { [Index in Key]: never }
      ? '[key: string]'
      : Key
  : never;
