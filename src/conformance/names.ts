// Callbacks under another name: that of another contract, or a typo.

import type { CallbackName, RequiredCallback } from './callbacks';
import type { FaultText } from './texts';
import type { PickOne } from './tools';

/** Names under which other contracts have a callback, in lower case. */
// Plain words only for required callbacks, whose absence is an error anyway: otherwise they are names of helpers, as
// `close`, `drain`, `disconnect` and an `onError` that is kept as an option are.
interface ForeignCallbackNames {
  open: 'init';
  connect: 'init';
  initialize: 'init';
  oninit: 'init';
  onopen: 'init';
  onconnect: 'init';
  handleopen: 'init';
  websocketopen: 'init';
  message: 'handleIn';
  onmessage: 'handleIn';
  handlemessage: 'handleIn';
  websocketmessage: 'handleIn';
  oninfo: 'handleInfo';
  oncontrol: 'handleControl';
  onping: 'handleControl';
  handleping: 'handleControl';
  onpong: 'handleControl';
  handlepong: 'handleControl';
  onclose: 'terminate';
  ondisconnect: 'terminate';
  handleclose: 'terminate';
  handledisconnect: 'terminate';
  websocketclose: 'terminate';
  websocketerror: 'terminate';
  onterminate: 'terminate';
  handleterminate: 'terminate';
}

type Callable = (...args: never) => unknown;

/**
 * The functions of a handler that are optional callbacks by another name, and would never be called; only where the
 * callback itself is missing. A misnamed required callback is part of the fault that it is missing.
 */
export type MisnamedFaults<Handler> = keyof Handler extends CallbackName | symbol
  ? never
  : MisnamedAmong<Handler, Exclude<keyof Handler, CallbackName>>;

type MisnamedAmong<Handler, Key> = Key extends keyof Handler & string
  ? Handler[Key] extends Callable | undefined
    ? MisnamedFault<Key, Exclude<IntendedCallback<Lowercase<Key>>, keyof Handler | RequiredCallback>>
    : never
  : never;

type MisnamedFault<Key extends string, Intended> = Intended extends string
  ? FaultText<`misnamed ${Intended}`, Key>
  : never;

type IntendedCallback<Word extends string> = Word extends keyof ForeignCallbackNames
  ? ForeignCallbackNames[Word]
  : IsTypoOf<Word, 'handlecontrol'> extends true
    ? 'handleControl'
    : IsTypoOf<Word, 'terminate'> extends true
      ? 'terminate'
      : never;

/** The fault of a handler that lacks a required callback, and may have it under another name. */
export type MissingFault<Handler, Callback extends RequiredCallback> = [MeantAs<Handler, Callback>] extends [never]
  ? FaultText<'missing', Callback>[Callback]
  : FaultText<`missingRenamed ${MeantAs<Handler, Callback>}`, Callback>;

type MeantAs<Handler, Callback extends RequiredCallback> = PickOne<
  {
    [Key in Exclude<keyof Handler & string, CallbackName>]: Handler[Key] extends Callable
      ? Callback extends ForeignCallbackNames[Lowercase<Key> & keyof ForeignCallbackNames]
        ? Key
        : IsTypoOf<Lowercase<Key>, Lowercase<Callback>> extends true
          ? Key
          : never
      : never;
  }[Exclude<keyof Handler & string, CallbackName>]
>;

/** Whether two words differ by one letter (another, one too many, one too few, two swapped) or not at all. */
type IsTypoOf<Word, Name> = Word extends Name
  ? true
  : Word extends `${infer First}${infer Rest}`
    ? Name extends `${infer NameFirst}${infer NameRest}`
      ? First extends NameFirst
        ? IsTypoOf<Rest, NameRest>
        : Rest extends NameRest | Name
          ? true
          : Word extends NameRest
            ? true
            : Rest extends `${NameFirst}${infer Tail}`
              ? NameRest extends `${First}${Tail}`
                ? true
                : false
              : false
      : Rest extends ''
        ? true
        : false
    : Name extends `${infer _First}${infer Rest}`
      ? Rest extends ''
        ? true
        : false
      : false;
