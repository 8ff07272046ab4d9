// Mutations of src/ that no type test can notice, each with the reason why. mutate.ts reports an entry that no longer
// agrees with any.

/** Mutations that change nothing that anybody could see, by file, text and kind. */
export interface Equivalent {
  /** Default: any, for declarations whose name is unique. */
  readonly file?: string;
  /** The declarations in which they are. Default: any. */
  readonly of?: readonly string[];
  /** Words of the line, or of the text that is changed. Default: any. */
  readonly line?: string;
  readonly kind: RegExp;
  readonly why: string;
}

export const equivalents: readonly Equivalent[] = [
  {
    file: 'websock.ts',
    line: 'readonly type?: undefined;',
    kind: /^(without|unknown)/,
    why: 'it betters the words of errors on TypeScript 5.0, where contract/compilers.test.ts notices; here is 7.0',
  },
  {
    of: ['NotAResult', 'Promised'],
    kind: /^not readonly$/,
    why: 'assignability, for which alone the property is there, does not look at readonly',
  },
  {
    of: ['Promised'],
    kind: /^(any|unknown)$/,
    why: 'nobody looks at the results; any saves the compiler work, which bench/types.test.ts notices',
  },
  {
    of: ['Promised'],
    kind: /^required$/,
    why: 'it matters without strictFunctionTypes, where package/consumers.test.ts notices',
  },
  {
    of: ['Awaitable'],
    kind: /^(without (\(Promise<T> & NotAResult\)|NotAResult|Promised<T>)|unknown: NotAResult)$/,
    why: 'it betters the words of errors, which contract/messages.test.ts compares, and what they cost',
  },
  {
    file: 'websock.ts',
    line: 'interface Any extends WebSock<any, any, any>',
    kind: /^unknown$/,
    why: 'Info and Arg stand only in init and handleInfo, which it declares again; State is noticed',
  },
  {
    file: 'websock.ts',
    line: 'type StateOf<Handler',
    kind: /^(any|unknown)$/,
    why: 'its last branch is never taken, because its constraint lets nothing else in',
  },
  {
    of: ['IsAny', 'IsEqual', 'IsUnion', 'IsOverloaded', 'IsTypoOf', 'HasAnyState', 'IsHidden'],
    kind: /^(true|false) branch never: true$/,
    why: 'they are asked by `extends true`, which `never` passes as `true` does',
  },
  {
    of: ['IsEqual'],
    kind: /^(true|false) branch never: [12]$/,
    why: 'what is compared is the test between them; `never` is assignable to what the other side has',
  },
  {
    of: ['NeedsSlowCheck', 'WithoutMessages'],
    kind: /^without/,
    why: 'TypeScript 7.0 refuses what is lacking itself; messages.test.ts notices on the others',
  },
  {
    of: ['SilentFaultsSlow'],
    line: 'Result extends Without',
    kind: /^(without \(Result extends Without|true branch (as false|never))/,
    why: 'TypeScript 7.0 refuses what is lacking itself; messages.test.ts notices on the others',
  },
  {
    of: ['SharedData', 'ObjectNeedsSlowCheck', 'SilentMessageFault'],
    line: 'Shared',
    kind: /^(without|true branch (as false|never))/,
    why: 'TypeScript 5.9 and later refuse a SharedArrayBuffer themselves; messages.test.ts notices on the others',
  },
  {
    of: ['OverrideFaults'],
    kind: /^without CallbackName$/,
    why: 'only the faults of callbacks are asked for',
  },
  {
    of: ['FunctionWithoutThis'],
    kind: /^false branch never: Fn$/,
    why: 'what is no function is no callback, or the undefined of an optional one, which stays optional',
  },
  {
    of: ['IsStrict'],
    kind: /^((true|false) branch|without 1$)/,
    why: 'every test but consumers.test.ts is strict, which notices',
  },
  {
    of: ['HandlerFaults', 'ServerFaults', 'Assert'],
    line: 'NeedsStrict',
    kind: /branch (as|never)/,
    why: 'every test but consumers.test.ts is strict, which notices',
  },
  {
    of: ['IsOverloaded'],
    kind: /^false branch (never: false|as true)$/,
    why: 'TypeScript 7.0 takes every function for an overloaded one; messages.test.ts notices on 5.0',
  },
  {
    of: ['IsOverloaded'],
    kind: /^without IsEqual<First, unknown\[\]>$/,
    why: 'TypeScript 7.0 infers `[]` for the first signature of what takes nothing; messages.test.ts notices on 5.0',
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
    why: 'more is looked at twice, which costs the compiler more and finds no more',
  },
  {
    of: [
      'Conforms',
      'SilentFaults',
      'SilentObjectFault',
      'SilentCloseFault',
      'ExcessKeys',
      'SilentFaultsSlow',
      'MisnamedFaults',
      'HasAnyState',
    ],
    kind: /^(true|false) branch as/,
    why: 'a shortcut around what comes to the same, and costs the compiler more',
  },
  {
    of: ['ResultKeys', 'SilentFaults', 'SilentObjectFault', 'SilentCloseFault', 'ExcessKeys', 'MisnamedFaults'],
    kind: /^without ('opcode'|'data'|'code'|'error'|'reason'|symbol|Known|CallbackName|ResultKeys)$/,
    why: 'the shortcut is taken less often, and what comes after it finds the same',
  },
  {
    of: ['ResultFaults'],
    kind: /^false branch as true: never$/,
    line: 'AnyStop ? StopReasonFault',
    why: 'a reason of what is no stop has a fault that is told before this one',
  },
  {
    of: ['IsTypoOf'],
    kind: /^false branch never: false$/,
    why: 'its last branch is never taken: two empty words are the same',
  },
];
