// Type mutations of src/ that no type test can detect, each with the reason. type-mutations.ts reports entries that no
// longer match a surviving mutation.

/** Mutations without a visible effect, by file, declaration, text and kind. */
export interface Equivalent {
  /** Default: any. */
  readonly file?: string;
  /** The declarations that contain them. Default: any. */
  readonly of?: readonly string[];
  /** Part of the line, or of the changed text. Default: any. */
  readonly line?: string;
  readonly kind: RegExp;
  readonly why: string;
}

export const equivalents: readonly Equivalent[] = [
  {
    file: 'websock.ts',
    line: 'readonly type?: undefined;',
    kind: /^(without|unknown)/,
    why: 'it improves error messages on TypeScript 5.0, which contract/compilers.test.ts checks; mutations run on 7.0',
  },
  {
    of: ['Signal'],
    line: 'AbortSignal',
    kind: /^(true branch|optional|any|unknown)/,
    why: 'it matters where the compiler knows AbortSignal, which contract/compilers.test.ts checks by platform-signal.ts',
  },
  {
    of: ['NotAResult', 'Promised'],
    kind: /^not readonly$/,
    why: 'the property matters only for assignability, which ignores readonly',
  },
  {
    of: ['Promised'],
    kind: /^(any|unknown)$/,
    why: 'the results are not used; any saves the compiler work, which bench/types.test.ts checks',
  },
  {
    of: ['Promised'],
    kind: /^required$/,
    why: 'it matters without strictFunctionTypes, which package/consumers.test.ts checks',
  },
  {
    of: ['Awaitable'],
    kind: /^(without (\(Promise<T> & NotAResult\)|NotAResult|Promised<T>)|unknown: NotAResult)$/,
    why: 'it improves error messages, which contract/messages.test.ts compares, and the cost',
  },
  {
    file: 'websock.ts',
    line: 'interface Any extends WebSock<any, any, any>',
    kind: /^unknown$/,
    why: 'Info and Arg are used only in init and handleInfo, which it redeclares; State is detected',
  },
  {
    file: 'websock.ts',
    line: 'type StateOf<Handler',
    kind: /^(any|unknown)$/,
    why: 'the constraint excludes the false branch',
  },
  {
    of: [
      'IsAny',
      'IsEqual',
      'IsUnion',
      'IsOverloaded',
      'IsTypoOf',
      'HasAnyState',
      'IsHidden',
      'IsHelper',
      'IsHelperResult',
      'AcceptsPartOf',
      'AcceptsFunction',
      'IsTakenApart',
      'IsReadonlyOnly',
    ],
    kind: /^(true|false) branch never: true$/,
    why: 'their results are tested with `extends true`, which is true for `never` as for `true`',
  },
  {
    of: ['IsEqual'],
    kind: /^(true|false) branch never: [12]$/,
    why: 'only the condition is compared; `never` is assignable to the other side',
  },
  {
    of: ['SlowlyCheckedResult', 'WithoutMessages'],
    kind: /^without/,
    why: 'TypeScript 7.0 itself reports missing properties; messages.test.ts checks older compilers',
  },
  {
    of: ['SlowResultFaultKeys'],
    line: 'Result extends Without',
    kind: /^(without \(Result extends Without|true branch (as false|never))/,
    why: 'TypeScript 7.0 itself reports missing properties; messages.test.ts checks older compilers',
  },
  {
    of: ['SharedData', 'SlowlyCheckedObject', 'OverlookedMessageFaultKeys'],
    line: 'Shared',
    kind: /^(without|true branch (as false|never))/,
    why: 'TypeScript 5.9 and later reject a SharedArrayBuffer themselves; messages.test.ts checks older compilers',
  },
  {
    of: ['ArgFor'],
    kind: /^any: unknown$/,
    why: 'every result is assignable to it',
  },
  {
    of: ['IsHelper'],
    kind: /^false branch never: false$/,
    why: 'only functions are passed',
  },
  {
    of: ['AcceptsPartOf'],
    kind: /^false branch never: false$/,
    why: 'only whether `true` is among the results of the inner condition matters',
  },
  {
    of: ['IsSendableCode'],
    kind: /^false branch never: (true|false)$/,
    why: 'its result is tested with `extends false`, true for `never` as for `false`; other types than numbers have another fault',
  },
  {
    of: ['MixedFaultKey'],
    kind: /^false branch as true: never$/,
    why: 'every result that the contract rejects for another reason is known to have a fault of higher priority',
  },
  {
    of: ['TerminateFaultKey'],
    kind: /^true branch as false: never$/,
    why: 'a shortcut that saves work, with the same result',
  },
  {
    of: ['OverrideFaults'],
    kind: /^without CallbackName$/,
    why: 'only the faults of callbacks are read',
  },
  {
    of: ['FunctionWithoutThis'],
    kind: /^false branch never: Fn$/,
    why: 'anything but a function is not a callback, or the undefined of an optional one, which stays optional',
  },
  {
    of: ['IsStrict'],
    kind: /^((true|false) branch|without 1$)/,
    why: 'only consumers.test.ts compiles without strict',
  },
  {
    of: ['HandlerFaults', 'ServerFaults', 'Assert'],
    line: 'NeedsStrict',
    kind: /branch (as|never)/,
    why: 'only consumers.test.ts compiles without strict',
  },
  {
    of: ['IsOverloaded'],
    kind: /^false branch (never: false|as true)$/,
    why: 'on TypeScript 7.0 every function looks overloaded; messages.test.ts checks it on 5.0',
  },
  {
    of: ['IsOverloaded'],
    kind: /^without IsEqual<First, unknown\[\]>$/,
    why: 'TypeScript 7.0 infers `[]` as the first parameters of a function without any; messages.test.ts checks it on 5.0',
  },
  {
    of: [
      'OnlyAny',
      'PostsByMethod',
      'Thenable',
      'AnyOpcode',
      'WithCode',
      'WithError',
      'AnyCode',
      'OversizedControl',
      'OversizedReason',
    ],
    kind: /^without the property/,
    why: 'more types take the slow path, with the same result',
  },
  {
    of: [
      'IsConforming',
      'OverlookedFaultKeys',
      'OverlookedObjectFaultKeys',
      'OverlookedCloseFaultKeys',
      'ExcessPropertyFaultKey',
      'SlowResultFaultKeys',
      'MisnamedFaults',
      'HasAnyState',
    ],
    kind: /^(true|false) branch as/,
    why: 'a shortcut that saves work, with the same result',
  },
  {
    of: [
      'ResultKeys',
      'OverlookedFaultKeys',
      'OverlookedObjectFaultKeys',
      'OverlookedCloseFaultKeys',
      'ExcessPropertyFaultKey',
      'MisnamedFaults',
    ],
    kind: /^without ('opcode'|'data'|'code'|'error'|'reason'|symbol|Known|CallbackName|ResultKeys)$/,
    why: 'the shortcut is taken less often, with the same result',
  },
  {
    of: ['ResultFaultKeys'],
    kind: /^false branch as true: never$/,
    line: 'AnyStop ? StopReasonFaultKey',
    why: 'the reason of a result other than stop has a fault of higher priority',
  },
  {
    of: ['IsTypoOf'],
    kind: /^false branch never: false$/,
    why: 'its last branch is never taken: two empty words are equal',
  },
];
