// The verdict on a server's upgrade function.

import type { WebSock } from '../websock';
import type { FullHandler, MustAccept, MustAcceptUnlessOverloaded, MustReject } from './server-calls';
import type { NeedsStrict, ServerFaultTexts } from './texts';
import type { FaultIfAny, FirstNonNever, IsAny, IsEqual, IsStrict, OrElse, Settled } from './tools';

/** `never` if the upgrade conforms, else its faults. Each member of a union is judged by itself. */
export type ServerFaults<Upgrade> = IsStrict extends true ? ServerFaultTexts[ServerFaultKeys<Upgrade>] : NeedsStrict;

type ServerFaultKeys<Upgrade> = [Upgrade] extends [never]
  ? 'upgradeNever'
  : IsAny<Upgrade> extends true
    ? 'upgradeAny'
    : Upgrade extends (...args: never) => infer Result
      ? OrElse<
          FirstNonNever<
            [
              IsOverloaded<Upgrade> extends true ? never : ParameterListFault<ParametersOf<Upgrade>, Result>,
              AnyParameterFault<ParametersOf<Upgrade>>,
              FaultIfAny<Settled<Result>, 'resultAny'>,
            ]
          >,
          CallFaults<Upgrade, ParametersOf<Upgrade>>
        >
      : 'notFunction';

/** With `unknown` for each type parameter; of the last overload. */
type ParametersOf<Upgrade> = Upgrade extends (...args: infer Params) => unknown ? Params : never;

// Wrong options make every call fail, so they are reported alone.
type CallFaults<Upgrade, Params extends unknown[]> = OrElse<
  OptionsFault<Params>,
  IsOverloaded<Upgrade> extends true
    ? FirstWronglyRejected<Upgrade, MustAccept> | FirstWronglyAccepted<(...args: Params) => void, MustReject>
    :
        | FirstWronglyRejected<Upgrade, [...MustAccept, ...MustAcceptUnlessOverloaded]>
        | FirstWronglyAccepted<Upgrade, MustReject>
>;

type FirstWronglyRejected<Upgrade, Calls> = Calls extends [[infer Fault, infer Call], ...infer Rest]
  ? Upgrade extends Call
    ? FirstWronglyRejected<Upgrade, Rest>
    : Fault
  : never;

type FirstWronglyAccepted<Upgrade, Calls> = Calls extends [[infer Fault, infer Call], ...infer Rest]
  ? Upgrade extends Call
    ? Fault
    : FirstWronglyAccepted<Upgrade, Rest>
  : never;

/** The compiler compares overloads as if their type parameters were `any`, so they need other tests. */
// Of the first signature of a function without parameters, compilers before 7.0 infer `unknown[]`.
type IsOverloaded<Upgrade> = Upgrade extends {
  (...args: infer First): unknown;
  (...args: infer Last): unknown;
}
  ? true extends IsEqual<First, Last> | IsEqual<First, unknown[]>
    ? false
    : true
  : false;

// ---- Parameters ----

/** The fault of an upgrade with too few or too many parameters, or with the handler or the options elsewhere. */
// Checked first: otherwise the other faults would describe a parameter that has another purpose. A handler of `never`
// is what a condition on a type parameter may leave of it.
type ParameterListFault<Params extends unknown[], Result> = Params extends
  | [unknown?, unknown?]
  | [unknown, unknown, unknown, unknown, unknown, ...unknown[]]
  ? FactoryFault<Params, Result>
  : true extends
        | HasProperty<Params[0], HandlerMarker>
        | HasProperty<Params[2], HandlerMarker | 'maxMessageSize'>
        | HasProperty<Params[3], HandlerMarker>
    ? FactoryFault<Params, Result>
    : true extends HasProperty<Params[1], HandlerMarker>
      ? never
      : FullHandler extends Params[1]
        ? never
        : [Params[1]] extends [never]
          ? never
          : 'parameters';

/** A framework's factory: `(handler, argOf, options?) => route`. */
type FactoryFault<Params extends unknown[], Result> =
  true extends HasProperty<Params[0], HandlerMarker>
    ? Result extends (...args: never) => unknown
      ? 'factory'
      : 'parameters'
    : 'parameters';

type HandlerMarker = 'handleIn' | 'handleInfo';

/** `true` if a parameter, or a member of its union, has one of some properties; of `any` that is not known. */
type HasProperty<Parameter, Key> =
  IsAny<Parameter> extends true
    ? never
    : Parameter extends unknown
      ? [keyof Parameter & Key] extends [never]
        ? never
        : true
      : never;

// Of the last overload; its type parameters stand there as `unknown`.
type AnyParameterFault<Params extends unknown[]> = FirstNonNever<
  [
    FaultIfAny<Params[0], 'requestAny'>,
    FaultIfAny<Params[1], 'handlerAny'>,
    FaultIfAny<Params[2], 'argAny'>,
    FaultIfAny<Params[3], 'optionsAny'>,
    Params[1] extends WebSock<infer State, infer Info, infer Arg>
      ? FaultIfAny<State | Info | Arg, 'handlerAny'>
      : never,
  ]
>;

/** An upgrade may have no options at all. */
type OptionsFault<Params extends unknown[]> = Params extends [unknown, unknown, unknown]
  ? never
  : Params extends [unknown, unknown, unknown, (infer Options)?]
    ? { readonly idleTimeout: string } extends Options
      ? 'optionsWrong'
      : WebSock.ConnectionOptions extends Options
        ? undefined extends Params[3]
          ? never
          : 'optionsRequired'
        : 'optionsWrong'
    : never;
