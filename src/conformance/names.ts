// Misnamed callbacks: typos, and the names that other libraries use.

import type { CallbackName, RequiredCallback } from './callbacks';
import type { FaultText } from './messages';
import type { PickOne } from './utils';

/** The callbacks by the names that they have in other libraries, in lower case. */
// Plain words stand here only for required callbacks, whose absence is an error anyway. For optional ones they could be
// helpers, such as `close`, `disconnect`, or an `onError` that a constructor keeps.
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
 * The faults of misnamed optional callbacks, which would never be called, if the callback itself is missing. For
 * required callbacks see `MissingFault`.
 */
export type MisnamedFaults<Handler> = keyof Handler extends CallbackName | symbol
  ? never
  : MisnamedFaultsAmong<Handler, Exclude<keyof Handler, CallbackName>>;

type MisnamedFaultsAmong<Handler, Key> = Key extends keyof Handler & string
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

/** The fault of a missing required callback, which names a function to rename if there is one. */
export type MissingFault<Handler, Callback extends RequiredCallback> = [MisnamedKey<Handler, Callback>] extends [never]
  ? FaultText<'missing', Callback>[Callback]
  : FaultText<`missingRenamed ${MisnamedKey<Handler, Callback>}`, Callback>;

type MisnamedKey<Handler, Callback extends RequiredCallback> = PickOne<
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

/** Whether two words are equal, or differ by one letter: replaced, added, omitted, or swapped with the next. */
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
