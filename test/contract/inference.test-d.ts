// The inference of State, Info and Arg from a handler that is written inside the call of an upgrade.

import type { WebSock } from '@websock/spec';
import { expectType } from 'tsd';

interface UpgradeRequest {
  readonly path: string;
}
interface Visitor {
  readonly name: string;
}
interface Tick {
  readonly tick: number;
}
type Game = { readonly phase: 'lobby'; readonly name: string } | { readonly phase: 'over'; readonly score: number };

declare const upgrade: WebSock.Upgrade<UpgradeRequest>;
declare const upgradeToResponse: WebSock.Upgrade<UpgradeRequest, Promise<string>>;
declare const request: UpgradeRequest;
declare const visitor: Visitor;
declare const sleep: Promise<void>;
declare const maybe: boolean;

{
  // synchronous callbacks
  upgrade(
    request,
    {
      init(arg, mailbox) {
        expectType<Visitor>(arg);
        expectType<WebSock.Mailbox<unknown>>(mailbox);
        return { type: 'ok', state: { name: arg.name, count: 0 } };
      },
      handleIn(frame, state) {
        expectType<WebSock.DataFrame>(frame);
        expectType<{ name: string; count: number }>(state);
        if (frame.opcode === 'binary') return { type: 'stop', reason: 'normal', close: { code: 1003 }, state };
        return { type: 'push', messages: { opcode: 'text', data: frame.data }, state };
      },
      handleControl(frame, state) {
        expectType<WebSock.ControlFrame>(frame);
        expectType<{ name: string; count: number }>(state);
        return { type: 'ok', state };
      },
      handleInfo(info, state) {
        expectType<unknown>(info);
        return { type: 'ok', state: { ...state, count: state.count + 1 } };
      },
      terminate(reason, state) {
        expectType<WebSock.CloseReason>(reason);
        expectType<{ name: string; count: number }>(state);
      },
    },
    visitor,
  );
}

{
  // async callbacks
  upgrade(
    request,
    {
      async init(arg) {
        expectType<Visitor>(arg);
        await sleep;
        return { type: 'ok', state: { count: arg.name.length } };
      },
      async handleIn(_frame, state) {
        expectType<{ count: number }>(state);
        await sleep;
        if (maybe) return { type: 'reply', status: 'ok', messages: [], state };
        return { type: 'ok', state };
      },
      async handleInfo(_info, state) {
        expectType<{ count: number }>(state);
        await sleep;
        return { type: 'ok', state: { count: state.count + 1 } };
      },
      async terminate(_reason, state) {
        expectType<{ count: number }>(state);
        await sleep;
      },
    },
    visitor,
  );
}

{
  // arrow functions, synchronous and async
  upgrade(
    request,
    {
      init: async (arg) => ({ type: 'ok', state: [arg.name] }),
      handleIn: (_frame, state) => {
        expectType<string[]>(state);
        return maybe ? { type: 'ok', state } : Promise.resolve({ type: 'ok', state });
      },
      handleInfo: (_info, state) => ({ type: 'push', messages: [], state }),
    },
    visitor,
  );
}

{
  // Info from the parameter of handleInfo
  upgrade(
    request,
    {
      init: (arg) => ({ type: 'ok', state: arg.name }),
      handleIn: (_frame, state) => ({ type: 'ok', state }),
      handleInfo(info: Tick, state) {
        expectType<string>(state);
        return { type: 'ok', state: state + info.tick };
      },
    },
    visitor,
  );
}

{
  // Info from the mailbox parameter of init
  upgrade(
    request,
    {
      init(arg, mailbox: WebSock.Mailbox<Tick>) {
        mailbox.post({ tick: 1 });
        return { type: 'ok', state: arg.name };
      },
      handleIn: (_frame, state) => ({ type: 'ok', state }),
      handleInfo(info, state) {
        expectType<Tick>(info);
        return { type: 'ok', state: state + info.tick };
      },
    },
    visitor,
  );
}

{
  // a handler in a variable
  const handler = null as unknown as WebSock<number[], Tick, Visitor>;
  expectType<void>(upgrade(request, handler, visitor));
  expectType<void>(upgrade(request, handler, { name: 'alice' }, { idleTimeout: 1000, compress: true }));
  expectType<Promise<string>>(upgradeToResponse(request, handler, visitor));
}

{
  // the state as an explicit type argument, alone or with the others
  upgrade<Game>(
    request,
    {
      init: () => ({ type: 'ok', state: { phase: 'lobby', name: 'new' } }),
      handleIn: () => ({ type: 'ok', state: { phase: 'over', score: 1 } }),
      handleInfo(info, state) {
        expectType<unknown>(info);
        return { type: 'ok', state };
      },
    },
    undefined,
  );
  upgrade<Game, Tick, Visitor>(
    request,
    {
      init: (arg) => ({ type: 'ok', state: { phase: 'lobby', name: arg.name } }),
      handleIn: () => ({ type: 'ok', state: { phase: 'over', score: 1 } }),
      handleInfo: (info) => ({ type: 'ok', state: { phase: 'over', score: info.tick } }),
    },
    visitor,
  );
}

{
  // an arg that the handler ignores, may omit, or accepts whatever it is
  const echo = {
    init: () => ({ type: 'ok', state: undefined }),
    handleIn: (frame, state) => ({ type: 'push', messages: frame, state }),
    handleInfo: (_info, state) => ({ type: 'ok', state }),
  } satisfies WebSock<undefined>;
  upgrade(request, echo, undefined, { idleTimeout: 1 });
  const greeting = { ...echo, init: (_name?: string) => ({ type: 'ok', state: undefined }) as const };
  upgrade(request, greeting, 'alice');
  upgrade(request, greeting, undefined);
  const lenient = { ...echo, init: (..._args: unknown[]) => ({ type: 'ok', state: undefined }) as const };
  upgrade(request, lenient, { anything: 1 });
  const generic = { ...echo, init: <Arg>(_arg: Arg) => ({ type: 'ok', state: undefined }) as const };
  upgrade(request, generic, visitor);
}

{
  // inside a function that is generic in the handler's types
  const open = <State, Info, Arg>(handler: WebSock<State, Info, Arg>, arg: Arg) => upgrade(request, handler, arg);
  open(null as unknown as WebSock<number, Tick, Visitor>, visitor);
}
