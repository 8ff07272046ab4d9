// The verdict on a server's upgrade function.

import type { WebSock } from '../websock';
import type { NeedsStrict, ServerFaultTexts } from './messages';
import type { FullHandler, MustAccept, MustAcceptUnlessOverloaded, MustReject } from './server-calls';
import type { FaultIfAny, FirstNonNever, IsAny, IsEqual, IsStrict, OrElse, Settled } from './utils';

/** `never` if the upgrade conforms, otherwise its faults. Each member of a union is judged separately. */
export type ServerFaults<Upgrade> = IsStrict extends true ? ServerFaultTexts[ServerFaultKeys<Upgrade>] : NeedsStrict;

type ServerFaultKeys<Upgrade> = [Upgrade] extends [never]
  ? 'upgradeNever'
  : IsAny<Upgrade> extends true
    ? 'upgradeAny'
    : Upgrade extends (...args: never) => infer Result
      ? OrElse<
          FirstNonNever<
            [
              IsOverloaded<Upgrade> extends true ? never : ParameterListFaultKey<ParametersOf<Upgrade>, Result>,
              AnyParameterFaultKey<ParametersOf<Upgrade>>,
              FaultIfAny<Settled<Result>, 'resultAny'>,
            ]
          >,
          CallFaultKeys<Upgrade, ParametersOf<Upgrade>>
        >
      : 'notFunction';

/** The parameters, with `unknown` for each type parameter; those of the last overload. */
type ParametersOf<Upgrade> = Upgrade extends (...args: infer Params) => unknown ? Params : never;

// If the options are wrong, every call fails, so no other fault is reported.
type CallFaultKeys<Upgrade, Params extends unknown[]> = OrElse<
  OptionsFaultKey<Params>,
  IsOverloaded<Upgrade> extends true
    ? FirstRejectedCallKey<Upgrade, MustAccept> | FirstAcceptedCallKey<(...args: Params) => void, MustReject>
    :
        | FirstRejectedCallKey<Upgrade, [...MustAccept, ...MustAcceptUnlessOverloaded]>
        | FirstAcceptedCallKey<Upgrade, MustReject>
>;

type FirstRejectedCallKey<Upgrade, Calls> = Calls extends [[infer Fault, infer Call], ...infer Rest]
  ? Upgrade extends Call
    ? FirstRejectedCallKey<Upgrade, Rest>
    : Fault
  : never;

type FirstAcceptedCallKey<Upgrade, Calls> = Calls extends [[infer Fault, infer Call], ...infer Rest]
  ? Upgrade extends Call
    ? Fault
    : FirstAcceptedCallKey<Upgrade, Rest>
  : never;

/** Whether there are several signatures, which the compiler compares as if their type parameters were `any`. */
// For a function without parameters, compilers before 7.0 infer `unknown[]` as the first signature.
type IsOverloaded<Upgrade> = Upgrade extends {
  (...args: infer First): unknown;
  (...args: infer Last): unknown;
}
  ? true extends IsEqual<First, Last> | IsEqual<First, unknown[]>
    ? false
    : true
  : false;

// ---- Parameters ----

/** For too few or too many parameters, or a handler or options in the wrong position. */
// Checked first, because the other faults would describe a parameter with another purpose. A handler of `never` is
// allowed: a conditional type, such as `Checked`, may be `never` for `unknown`.
type ParameterListFaultKey<Params extends unknown[], Result> = Params extends
  | [unknown?, unknown?]
  | [unknown, unknown, unknown, unknown, unknown, ...unknown[]]
  ? FactoryFaultKey<Params, Result>
  : true extends
        | HasProperty<Params[0], HandlerMarker>
        | HasProperty<Params[2], HandlerMarker | 'maxMessageSize'>
        | HasProperty<Params[3], HandlerMarker>
    ? FactoryFaultKey<Params, Result>
    : true extends HasProperty<Params[1], HandlerMarker>
      ? never
      : FullHandler extends Params[1]
        ? never
        : [Params[1]] extends [never]
          ? never
          : 'parameters';

/** Distinguishes a factory of routes, `(handler, argOf, options?) => route`, which frameworks have. */
type FactoryFaultKey<Params extends unknown[], Result> =
  true extends HasProperty<Params[0], HandlerMarker>
    ? Result extends (...args: never) => unknown
      ? 'factory'
      : 'parameters'
    : 'parameters';

type HandlerMarker = 'handleIn' | 'handleInfo';

/** `true` if a parameter, or a member of its union, has one of the properties; otherwise, and for `any`, `never`. */
type HasProperty<Parameter, Key> =
  IsAny<Parameter> extends true
    ? never
    : Parameter extends unknown
      ? [keyof Parameter & Key] extends [never]
        ? never
        : true
      : never;

type AnyParameterFaultKey<Params extends unknown[]> = FirstNonNever<
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

/** For options of the wrong type, or only some of them. An upgrade without options is right. */
type OptionsFaultKey<Params extends unknown[]> = Params extends [unknown, unknown, unknown]
  ? never
  : Params extends [unknown, unknown, unknown, (infer Options)?]
    ? { readonly idleTimeout: string } extends Options
      ? 'optionsWrong'
      : WebSock.ConnectionOptions extends Options
        ? undefined extends Params[3]
          ? keyof WebSock.ConnectionOptions extends keyof Exclude<Options, undefined>
            ? never
            : 'optionsMissing'
          : 'optionsRequired'
        : 'optionsWrong'
    : never;
