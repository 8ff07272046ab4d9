// Type functions that know nothing of handlers or servers.

/** Whether the project is compiled with `strictNullChecks` and `strictFunctionTypes`; without them no verdict holds. */
export type IsStrict = undefined extends 0 ? false : ((a: 1) => void) extends (a: 1 | 2) => void ? false : true;

export type IsAny<Type> = 0 extends 1 & Type ? true : false;

/** `Fault` if the type is `any`, else `never`. */
export type FaultIfAny<Type, Fault> = IsAny<Type> extends true ? Fault : never;

export type IsEqual<One, Other> =
  (<Type>() => Type extends One ? 1 : 2) extends <Type>() => Type extends Other ? 1 : 2 ? true : false;

export type IsUnion<Type, All = Type> = Type extends unknown ? ([All] extends [Type] ? false : true) : false;

/** What a promise or thenable gives, one level deep. Not `Awaited`, which costs more and looks into results. */
export type Settled<Result> = Result extends PromiseLike<infer Value> ? Value : Result;

/** `Faults`, or `Other` if there are none. */
export type OrElse<Faults, Other> = [Faults] extends [never] ? Other : Faults;

/** The first of a list that is not `never`. */
export type FirstNonNever<List extends unknown[]> = List extends [infer Head, ...infer Rest]
  ? [Head] extends [never]
    ? FirstNonNever<Rest>
    : Head
  : never;

/** The first of a list that is one of `Types`, alone or with a name behind it. */
export type FirstInOrder<Types, List extends string[]> = List extends [
  infer Head extends string,
  ...infer Rest extends string[],
]
  ? OrElse<PickOne<Extract<Types, Head | `${Head} ${string}`>>, FirstInOrder<Types, Rest>>
  : never;

/** One member of a union; which one is unspecified. */
// Of several signatures the compiler infers from the last.
export type PickOne<Union> = (Union extends unknown ? (one: () => Union) => void : never) extends (
  all: infer All,
) => void
  ? All extends () => infer One
    ? One
    : never
  : never;
