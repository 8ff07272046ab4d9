// The conformance suite: checks handlers and servers against the contract by their types alone. Types only.
//
// Read on in conformance/:
//
//   texts         every fault, in words
//   handler       the verdict on a handler, then the explanation for one that fails
//   callbacks     the callbacks by name, and what their signatures say
//   silent        what is wrong with a result although the contract lets it pass
//   results       all that is wrong with a result, and which of it is reported
//   state         which callback is to blame for a state
//   names         callbacks under another name
//   server        the verdict on a server, by the calls in server-calls
//   tools         type functions that know nothing of all this
//   capabilities  what a server may be unable to do, by name
//
// To add a fault, add its text to `FaultTexts` and its check: in handler's `SignatureFault`, for a callback; in results'
// `ResultFaults`, for a result that the contract rejects; in silent's `SilentFaults`, for one that it lets pass.

import type { EveryMemberConforms, HandlerFaults } from './conformance/handler';
import type { ServerFaults } from './conformance/server';
import type { NeedsStrict } from './conformance/texts';
import type { IsAny, IsEqual, IsStrict } from './conformance/tools';
import type { WebSock } from './websock';

export type { Cannot, Capability } from './conformance/capabilities';

/**
 * `true` if a handler of type `Handler` fits the contract, else its faults as string literals: at most one for each
 * callback, each beginning with the number of the rule that it breaks.
 *
 * ```ts
 * export type _ = Assert<HandlerConforms<typeof chat>>;
 * // Type '"2.3 handleIn does not accept a binary frame; …"' does not satisfy the constraint 'true'.
 * ```
 *
 * A handler that is annotated (`const chat: WebSock<…> = …`) shows its annotation only. To have close codes, lengths and
 * misspelled callbacks checked as well, write `satisfies WebSock<…>`, or no annotation and `as const`. In a project
 * without `strict` there is no verdict: every export of the suite says so.
 */
export type HandlerConforms<Handler> =
  IsStrict extends EveryMemberConforms<Handler>
    ? false extends EveryMemberConforms<Handler>
      ? HandlerFaults<Handler>
      : true
    : HandlerFaults<Handler>;

/**
 * `true` if a server's upgrade function of type `Upgrade` accepts every right handler and rejects wrong ones, else what
 * it accepts or rejects wrongly, as string literals: the first of each.
 *
 * ```ts
 * export type _ = Assert<ServerConforms<typeof upgrade>>;
 * ```
 *
 * The first parameter, what the server upgrades, may be of any type except `any`. Of an overloaded upgrade the last
 * signature is judged, less strictly: the compiler does not show more.
 */
export type ServerConforms<Upgrade> = [ServerFaults<Upgrade>] extends [never] ? true : ServerFaults<Upgrade>;

/**
 * Compiles if `Verdict` is `true`; otherwise the compiler's error shows the verdict. Export the alias, so that it is not
 * reported as unused.
 *
 * ```ts
 * export type _ = Assert<HandlerConforms<typeof chat>>;
 * ```
 */
export type Assert<Verdict extends IsStrict extends true ? true : [NeedsStrict]> = Verdict;

/**
 * For the signature of a server: `Handler` if it conforms, else its faults. This rejects a wrong handler at the call
 * site, with the fault in the compiler's error: "not assignable to parameter of type '"2.3 …".
 *
 * ```ts
 * function upgrade<State, Info, Arg, Handler>(
 *   request: Request,
 *   handler: Checked<Handler> & WebSock<State, Info, Arg>,
 *   arg: Arg,
 *   options?: WebSock.ConnectionOptions,
 * ): void;
 * ```
 *
 * `Handler` is a type parameter that nothing else mentions. The contract beside it gives an inline handler the types of
 * its parameters, as `WebSock.Upgrade` does, and rejects `unknown`. Here `unknown` passes, because during inference every
 * `Handler` starts as `unknown`. `any` is rejected as `never`, because `any` is assignable to a fault. `WebSock.Any`
 * passes: code that stores handlers of different types should check each one where it is stored, including its `arg`.
 */
export type Checked<Handler> = unknown extends Handler
  ? IsAny<Handler> extends true
    ? never
    : unknown
  : IsEqual<Handler, WebSock.Any> extends true
    ? Handler
    : [HandlerFaults<Handler>] extends [never]
      ? Handler
      : HandlerFaults<Handler>;
