// All mistakes in the results of one callback, and which one is reported.

import type { WebSock } from '../websock';
import type { DefinedKeys, ExcessPropertyFaultKey, OverlookedFaultKeys } from './overlooked';
import type { FirstInOrder, IsAny, IsUnion } from './utils';

/** The key in `FaultTexts` of a result's most fundamental mistake, by the order of `FaultKeysByPriority`. */
export type FirstResultFaultKey<Result> =
  IsAny<Result> extends true ? 'resultAny' : FirstInOrder<ResultFaultKeys<Result>, FaultKeysByPriority>;

/** Most fundamental first: a mistake can cause the ones below it. */
type FaultKeysByPriority = [
  'resultNothing',
  'resultNone',
  'resultAny',
  'typeWidened',
  'typeUnknown',
  'stateMissing',
  'stateReturnedAny',
  'stopCode',
  'stopError',
  'propertyExcess',
  'propertyAny',
  'messagesMissing',
  'messagesUndefined',
  'opcodeWidened',
  'messageParts',
  'messages',
  'messagePropertyExcess',
  'pingLong',
  'stopReasonWidened',
  'stopReasonText',
  'stopReasonError',
  'stopReason',
  'close',
  'closePropertyExcess',
  'code',
  'closeReasonLong',
  'resultMixed',
];

/** The keys in `FaultTexts` of all mistakes in a result. */
type ResultFaultKeys<Result> =
  | (Result extends { readonly type: infer Type } ? TypeFaultKey<Type> : 'resultNone')
  | (Result extends { readonly state: unknown } ? never : 'stateMissing')
  | (Result extends { readonly type: infer Type extends keyof PropertiesByType }
      ? ExcessPropertyFaultKey<Result, PropertiesByType[Type], 'propertyExcess'>
      : never)
  | (Result extends { readonly type: 'push' | 'reply' }
      ? MissingMessagesFaultKey<Result['messages' & keyof Result]>
      : never)
  | (Result extends { readonly messages?: infer Messages } ? MessagesFaultKey<Messages> : never)
  | StopFaultKey<Result>
  | (Result extends AnyStop ? StopReasonFaultKey<Result['reason' & keyof Result]> : never)
  | (Result extends { readonly close?: infer Close } ? CloseFaultKey<Close> : never)
  | MixedFaultKey<Result>
  | OverlookedFaultKeys<Result>;

interface AnyStop {
  readonly type: 'stop';
}

/** For a `code` or `error` on the stop itself, instead of in `close` or `reason`. */
type StopFaultKey<Result> = Result extends AnyStop
  ? StopFaultKeyByProperty[DefinedKeys<Result, keyof Result & keyof StopFaultKeyByProperty>]
  : never;

interface StopFaultKeyByProperty {
  code: 'stopCode';
  error: 'stopError';
}

/** Not for a type of `any`, which has a fault of higher priority. */
type TypeFaultKey<Type> = string extends Type
  ? 'typeWidened'
  : Type extends keyof PropertiesByType
    ? never
    : 'typeUnknown';

/** The properties of each result. For the `code` or `error` of a stop see `StopFaultKey`. */
interface PropertiesByType {
  ok: 'type' | 'state';
  push: 'type' | 'state' | 'messages';
  reply: 'type' | 'state' | 'messages' | 'status';
  stop: 'type' | 'state' | 'messages' | 'reason' | 'close';
}

type MissingMessagesFaultKey<Messages> = [Messages] extends [undefined]
  ? 'messagesMissing'
  : undefined extends Messages
    ? 'messagesUndefined'
    : never;

type MessagesFaultKey<Messages> = Messages extends undefined
  ? never
  : MessageFaultKey<Messages extends readonly (infer Message)[] ? Message : Messages>;

type MessageFaultKey<Message> = Message extends WebSock.Message
  ? never
  : Message extends { readonly opcode: infer Opcode }
    ? string extends Opcode
      ? 'opcodeWidened'
      : IsTakenApart<Message> extends true
        ? 'messageParts'
        : 'messages'
    : 'messages';

/** Whether the data of a message may be a string and may be bytes, as that of a frame that was taken apart. */
type IsTakenApart<Message> = Message extends { readonly data: infer Data }
  ? [Data] extends [WebSock.Message['data']]
    ? WebSock.DataFrame['data'] extends Data
      ? true
      : false
    : false
  : false;

/** Not for a reason of `any`, which has a fault of higher priority. A caught error is `unknown`. */
type StopReasonFaultKey<Reason> = unknown extends Reason
  ? 'stopReasonError'
  : Reason extends WebSock.StopReason | undefined
    ? never
    : Reason extends string
      ? string extends Reason
        ? 'stopReasonWidened'
        : 'stopReasonText'
      : Reason extends { readonly message: string }
        ? 'stopReasonError'
        : 'stopReason';

/** For one object with a union as its type, such as one with `...(some && { type: 'push', messages })`. */
type MixedFaultKey<Result> = Result extends { readonly type: infer Type extends keyof PropertiesByType }
  ? IsUnion<Type> extends true
    ? Result extends WebSock.HandleResult<unknown>
      ? never
      : 'resultMixed'
    : never
  : never;

type CloseFaultKey<Close> = Close extends WebSock.CloseDetail | undefined ? never : 'close';
