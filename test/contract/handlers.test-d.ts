// The forms of a handler, and `any`, `never` and `unknown` as each type parameter.

import type { WebSock } from '@websock/spec';
import { expectAssignable, expectNotAssignable, expectType } from 'tsd';

interface State {
  readonly count: number;
}

{
  // annotated
  const handler: WebSock<State, string, number> = {
    init: (arg) => ({ type: 'ok', state: { count: arg } }),
    handleIn: (_frame, state) => ({ type: 'ok', state }),
    handleInfo: (info, { count }) => ({ type: 'push', messages: { opcode: 'text', data: info }, state: { count } }),
  };
  expectType<WebSock<State, string, number>>(handler);
}

{
  // with satisfies, which keeps the type of the literal
  const handler = {
    init: (arg) => ({ type: 'ok', state: { count: arg } }),
    handleIn: (_frame, state) => ({ type: 'ok', state }),
    handleInfo: (_info, state) => ({ type: 'ok', state }),
    size: 3,
  } satisfies WebSock<State, string, number> & { size: number };
  expectType<number>(handler.size);
  expectAssignable<WebSock<State, string, number>>(handler);
}

{
  // a class with methods, private fields and helpers, whose callbacks use this
  class Counter implements WebSock<State, string, number> {
    #total = 0;
    init(arg: number): WebSock.Ok<State> {
      return { type: 'ok', state: { count: arg } };
    }
    async handleIn(frame: WebSock.DataFrame, state: State): Promise<WebSock.HandleResult<State>> {
      this.#total += frame.data.length;
      return this.pushTotal(state);
    }
    handleInfo(_info: string, state: State): WebSock.HandleResult<State> {
      return { type: 'ok', state };
    }
    terminate(): void {}
    private pushTotal(state: State): WebSock.HandleResult<State> {
      return { type: 'push', messages: { opcode: 'text', data: String(this.#total) }, state };
    }
  }
  expectAssignable<WebSock<State, string, number>>(new Counter());
  expectAssignable<WebSock.Any>(new Counter());
  expectType<State>(null as unknown as WebSock.StateOf<Counter>);
  expectType<string>(null as unknown as WebSock.InfoOf<Counter>);
  expectType<number>(null as unknown as WebSock.ArgOf<Counter>);
}

{
  // every handler is assignable to Any, and its callbacks can be called
  type States = [WebSock<any>, WebSock<unknown>, WebSock<void>, WebSock<undefined>, WebSock<State>];
  type Infos = [WebSock<State, any>, WebSock<State, never>, WebSock<State, unknown>, WebSock<State, string | number>];
  type Args = [WebSock<State, 1>, WebSock<State, 1, any>, WebSock<State, 1, never>, WebSock<State, 1, unknown>];
  expectAssignable<WebSock.Any>(null as unknown as States[number] | Infos[number] | Args[number]);
  const any = null as unknown as WebSock.Any;
  expectType<WebSock.Awaitable<WebSock.HandleResult<any>>>(any.init('arg', null as unknown as WebSock.Mailbox<string>));
  expectType<WebSock.Awaitable<WebSock.HandleResult<any>>>(any.handleInfo('info', 'state'));
  const upgrade = null as unknown as WebSock.Upgrade<string>;
  expectType<void>(upgrade('/', any, 'arg'));
  expectAssignable<WebSock<any, any, any>>(any);

  // anything else is not
  type TextFrame = { opcode: 'text'; data: string };
  expectNotAssignable<WebSock.Any>({ ...any, handleIn: (_frame: TextFrame) => ({ type: 'ok', state: 1 }) as const });
  expectNotAssignable<WebSock.Any>({ init: any.init, handleIn: any.handleIn });
  expectNotAssignable<WebSock.Any>({});
  expectNotAssignable<WebSock.Any>(null as unknown as WebSock<never, never, never>); // there is no value of never
}

{
  // StateOf, InfoOf and ArgOf return any, never and unknown unchanged
  type Ends<Handler extends WebSock.Any> = [WebSock.StateOf<Handler>, WebSock.InfoOf<Handler>, WebSock.ArgOf<Handler>];
  expectType<[any, any, any]>(null as unknown as Ends<WebSock<any, any, any>>);
  expectType<[any, any, any]>(null as unknown as Ends<WebSock.Any>);
  expectType<[unknown, unknown, unknown]>(null as unknown as Ends<WebSock<unknown, unknown, unknown>>);
  expectType<[State, never, never]>(null as unknown as Ends<WebSock<State, never, never>>);
  expectType<[void, unknown, undefined]>(null as unknown as Ends<WebSock<void>>);
}

{
  // handlers with different type parameters are not assignable to each other
  expectNotAssignable<WebSock<unknown>>(null as unknown as WebSock<State, unknown, unknown>);
  expectNotAssignable<WebSock<State, string>>(null as unknown as WebSock<State, never>);
  expectNotAssignable<WebSock<State, string>>(null as unknown as WebSock<State, unknown>);
  expectNotAssignable<WebSock<State, string, unknown>>(null as unknown as WebSock<State, string, number>);
  expectAssignable<WebSock<State, string, number>>(null as unknown as WebSock<State, string, unknown>);
}

{
  // a generic factory
  const once = <Value>(first: Value): WebSock<Value, never, unknown> => ({
    init: () => ({ type: 'ok', state: first }),
    handleIn: (_frame, state) => ({ type: 'ok', state }),
    handleInfo: (_info, state) => ({ type: 'ok', state }),
  });
  expectType<WebSock<number[], never, unknown>>(once([1]));
}
