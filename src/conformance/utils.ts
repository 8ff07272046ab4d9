// General-purpose type functions.

/** Whether `strictNullChecks` and `strictFunctionTypes` are on; without them, no verdict is reliable. */
export type IsStrict = undefined extends 0 ? false : ((a: 1) => void) extends (a: 1 | 2) => void ? false : true;

export type IsAny<Type> = 0 extends 1 & Type ? true : false;

/** `Fault` if the type is `any`, otherwise `never`. */
export type FaultIfAny<Type, Fault> = IsAny<Type> extends true ? Fault : never;

export type IsEqual<One, Other> =
  (<Type>() => Type extends One ? 1 : 2) extends <Type>() => Type extends Other ? 1 : 2 ? true : false;

export type IsUnion<Type, All = Type> = Type extends unknown ? ([All] extends [Type] ? false : true) : false;

/** The value of a promise or thenable, one level deep. `Awaited` would cost more, and look into results. */
export type Settled<Result> = Result extends PromiseLike<infer Value> ? Value : Result;

/** `Faults`, or `Other` if there are none. */
export type OrElse<Faults, Other> = [Faults] extends [never] ? Other : Faults;

/** The first element of a list that is not `never`. */
export type FirstNonNever<List extends unknown[]> = List extends [infer Head, ...infer Rest]
  ? [Head] extends [never]
    ? FirstNonNever<Rest>
    : Head
  : never;

/** The first element of a list that is in the union `Types`, alone or followed by a space and a name. */
export type FirstInOrder<Types, List extends string[]> = List extends [
  infer Head extends string,
  ...infer Rest extends string[],
]
  ? OrElse<PickOne<Extract<Types, Head | `${Head} ${string}`>>, FirstInOrder<Types, Rest>>
  : never;

/** One member of a union; which one is unspecified. */
// From an intersection of functions, the compiler infers the last signature.
export type PickOne<Union> = (Union extends unknown ? (one: () => Union) => void : never) extends (
  all: infer All,
) => void
  ? All extends () => infer One
    ? One
    : never
  : never;
