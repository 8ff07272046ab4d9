// The conformance suite: checks handlers and servers against the contract by their types. Types only.
//
// The files of conformance/:
//
//   messages      the text of every fault
//   handler       the verdict on a handler; the faults of a wrong one
//   callbacks     the names of the callbacks, and types that match or infer their signatures
//   overlooked    mistakes in a result that the contract accepts
//   results       all mistakes in a result, by priority
//   state         the callback to blame for an incompatible state
//   names         misnamed callbacks
//   server        the verdict on a server, from the calls in server-calls
//   utils         general-purpose type functions
//   capabilities  what a server may be unable to do, by name
//
// To add a fault, add its text to `FaultTexts` in messages, and its check: for a callback to `SignatureFault` in
// handler, for a result that the contract rejects to `ResultFaultKeys` in results, for a result that the contract
// accepts to `OverlookedFaultKeys` in overlooked.

import type { HandlerFaults, IsEveryMemberConforming } from './conformance/handler';
import type { NeedsStrict } from './conformance/messages';
import type { ServerFaults } from './conformance/server';
import type { IsAny, IsEqual, IsStrict } from './conformance/utils';
import type { WebSock } from './websock';

export type { Cannot, Capability } from './conformance/capabilities';

/**
 * `true` if a handler of type `Handler` conforms to the contract. Otherwise its faults, as string literals: at most one
 * for each callback, each beginning with the number of the rule that it breaks.
 *
 * ```ts
 * export type _ = Assert<HandlerConforms<typeof chat>>;
 * // Type '"2.3 handleIn does not accept a binary frame; …"' does not satisfy the constraint 'true'.
 * ```
 *
 * Of an annotated handler (`const chat: WebSock<…> = …`) only the annotation is visible. To have close codes, lengths
 * and misspelled callbacks checked too, write `satisfies WebSock<…>`, or no annotation and `as const`. Without
 * `strict`, the only verdict is `'the suite needs strict'`.
 */
export type HandlerConforms<Handler> =
  IsStrict extends IsEveryMemberConforming<Handler>
    ? false extends IsEveryMemberConforming<Handler>
      ? HandlerFaults<Handler>
      : true
    : HandlerFaults<Handler>;

/**
 * `true` if a server's upgrade function of type `Upgrade` accepts right handlers and rejects wrong ones. Otherwise the
 * first right one that it rejects and the first wrong one that it accepts, as string literals.
 *
 * ```ts
 * export type _ = Assert<ServerConforms<typeof upgrade>>;
 * ```
 *
 * The first parameter, the request, may have any type except `any`. Overloaded functions are checked less strictly,
 * because the compiler shows only their last signature.
 */
export type ServerConforms<Upgrade> = [ServerFaults<Upgrade>] extends [never] ? true : ServerFaults<Upgrade>;

/**
 * Compiles if `Verdict` is `true`; otherwise the compiler's error contains the verdict. Export the alias to avoid a
 * report that it is unused.
 *
 * ```ts
 * export type _ = Assert<HandlerConforms<typeof chat>>;
 * ```
 */
export type Assert<Verdict extends IsStrict extends true ? true : [NeedsStrict]> = Verdict;

/**
 * For the signature of a server: `Handler` if it conforms, otherwise its faults. A wrong handler is then an error at
 * the call, which contains the fault: "not assignable to parameter of type '"2.3 …".
 *
 * ```ts
 * function upgrade<State, Info, Arg, Handler, Init>(
 *   request: Request,
 *   handler: Checked<Handler> & WebSock<State, Info, Arg> & { readonly init: Init },
 *   arg: WebSock.ArgFor<Init, Arg>,
 *   options?: WebSock.ConnectionOptions,
 * ): void;
 * ```
 *
 * `Handler` is a type parameter that is used nowhere else; for `Init` see `WebSock.Upgrade`. The intersection with the
 * contract infers the parameters of an inline handler, and rejects `unknown`, which `Checked` itself accepts: every
 * `Handler` is `unknown` at the start of inference. `any` becomes `never`, because `any` is assignable to a fault.
 * `WebSock.Any` is accepted: code that stores handlers of different types should check each handler, and its `arg`,
 * where it stores them.
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
