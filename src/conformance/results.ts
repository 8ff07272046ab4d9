// What is wrong with the results of one callback: all of it, or the first that matters.

import type { WebSock } from '../websock';
import type { DefinedKeys, ExcessKeys, SilentFaults } from './silent';
import type { FirstInOrder, IsAny } from './tools';

/** The key in `FaultTexts` of the first thing wrong with a result, in the order of `ResultFaultPriority`. */
export type FirstResultFault<Result> =
  IsAny<Result> extends true ? 'resultAny' : FirstInOrder<ResultFaults<Result>, ResultFaultPriority>;

/** Most fundamental first: a fault can hide those after it. */
type ResultFaultPriority = [
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
];

/** The keys in `FaultTexts` of everything that is wrong with a result. */
type ResultFaults<Result> =
  | (Result extends { readonly type: infer Type } ? TypeFault<Type> : 'resultNone')
  | (Result extends { readonly state: unknown } ? never : 'stateMissing')
  | (Result extends { readonly type: infer Type extends keyof ResultProperties }
      ? ExcessKeys<Result, ResultProperties[Type], 'propertyExcess'>
      : never)
  | (Result extends { readonly type: 'push' | 'reply' } ? MissingMessages<Result['messages' & keyof Result]> : never)
  | (Result extends { readonly messages?: infer Messages } ? MessagesFault<Messages> : never)
  | StopFault<Result>
  | (Result extends AnyStop ? StopReasonFault<Result['reason' & keyof Result]> : never)
  | (Result extends { readonly close?: infer Close } ? CloseFault<Close> : never)
  | SilentFaults<Result>;

interface AnyStop {
  readonly type: 'stop';
}

/** A close code or an error that stands on a stop itself. */
type StopFault<Result> = Result extends AnyStop
  ? StopFaults[DefinedKeys<Result, keyof Result & keyof StopFaults>]
  : never;

interface StopFaults {
  code: 'stopCode';
  error: 'stopError';
}

/** A type of `any` has a fault of its own, before this one. */
type TypeFault<Type> = string extends Type
  ? 'typeWidened'
  : Type extends keyof ResultProperties
    ? never
    : 'typeUnknown';

/** The properties that each result may have. A code or an error of a stop has a fault of its own. */
interface ResultProperties {
  ok: 'type' | 'state';
  push: 'type' | 'state' | 'messages';
  reply: 'type' | 'state' | 'messages' | 'status';
  stop: 'type' | 'state' | 'messages' | 'reason' | 'close';
}

type MissingMessages<Messages> = [Messages] extends [undefined]
  ? 'messagesMissing'
  : undefined extends Messages
    ? 'messagesUndefined'
    : never;

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

/** `unknown` is what a `catch` gives. A reason of `any` has a fault of its own, before this one. */
type StopReasonFault<Reason> = unknown extends Reason
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

type CloseFault<Close> = Close extends WebSock.CloseDetail | undefined ? never : 'close';
