// Every exported name, and its exact type.

import type * as Package from '@websock/spec';
import type { WebSock } from '@websock/spec';
import { expectAssignable, expectNotAssignable, expectType } from 'tsd';

interface State {
  readonly count: number;
}
type Result = WebSock.Awaitable<WebSock.HandleResult<State>>;

{
  // the only export is a type; `default` is what an ES module imports from any CommonJS module
  expectType<never>(null as unknown as Exclude<keyof typeof Package, 'default'>);
}

{
  // the callbacks: three required, two optional, all readonly properties
  type Handler = WebSock<State, string, boolean>;
  expectType<'init' | 'handleIn' | 'handleControl' | 'handleInfo' | 'terminate'>(null as unknown as keyof Handler);
  const handler = null as unknown as Handler;
  expectType<(arg: boolean, mailbox: WebSock.Mailbox<string>) => Result>(handler.init);
  expectType<(frame: WebSock.DataFrame, state: State) => Result>(handler.handleIn);
  expectType<((frame: WebSock.ControlFrame, state: State) => Result) | undefined>(handler.handleControl);
  expectType<(info: string, state: State) => Result>(handler.handleInfo);
  expectType<((reason: WebSock.CloseReason, state: State) => unknown) | undefined>(handler.terminate);
  expectAssignable<Handler>({ init: handler.init, handleIn: handler.handleIn, handleInfo: handler.handleInfo });
  expectAssignable<Handler>({ ...handler, handleControl: undefined, terminate: undefined });
  expectNotAssignable<Handler>({ init: handler.init, handleIn: handler.handleIn });
  expectNotAssignable<Handler>({ init: handler.init, handleInfo: handler.handleInfo });
  expectNotAssignable<Handler>({ handleIn: handler.handleIn, handleInfo: handler.handleInfo });
}

{
  // the defaults: unknown for Info, undefined for Arg
  expectType<WebSock<State, unknown, undefined>>(null as unknown as WebSock<State>);
  expectType<WebSock<State, string, undefined>>(null as unknown as WebSock<State, string>);
}

{
  // frames
  expectType<'text' | 'binary'>(null as unknown as WebSock.DataOpcode);
  expectType<'ping' | 'pong'>(null as unknown as WebSock.ControlOpcode);
  expectType<'text' | 'binary' | 'ping' | 'pong'>(null as unknown as WebSock.Opcode);
  expectType<WebSock.DataOpcode>((null as unknown as WebSock.DataFrame).opcode);
  expectType<WebSock.ControlOpcode>((null as unknown as WebSock.ControlFrame).opcode);
  expectType<InstanceType<Uint8ArrayConstructor>>((null as unknown as WebSock.ControlFrame).data);
}

{
  // the members of the unions
  expectType<WebSock.TextFrame | WebSock.BinaryFrame>(null as unknown as WebSock.DataFrame);
  expectType<WebSock.TextMessage | WebSock.BinaryMessage | WebSock.ControlMessage>(null as unknown as WebSock.Message);
  expectType<'normal' | 'restart' | { readonly error: unknown }>(null as unknown as WebSock.StopReason);
}

{
  // messages
  const buffer = new ArrayBuffer(1);
  expectAssignable<WebSock.Message>({ opcode: 'text', data: '' });
  for (const data of [buffer, new Uint8Array(buffer), new Float64Array(1), new DataView(buffer)]) {
    expectAssignable<WebSock.Message>({ opcode: 'binary', data });
    expectAssignable<WebSock.Message>({ opcode: 'ping', data });
  }
  expectAssignable<WebSock.Message>({ opcode: 'ping' });
  expectAssignable<WebSock.Message>({ opcode: 'pong', data: 'still here' });
  expectAssignable<WebSock.Message>({ opcode: 'pong', data: undefined });
  expectAssignable<WebSock.Message>(null as unknown as WebSock.DataFrame);
  expectAssignable<WebSock.Message>(null as unknown as WebSock.ControlFrame);
  expectAssignable<WebSock.Messages>({ opcode: 'text', data: '' });
  expectAssignable<WebSock.Messages>([]);
  expectAssignable<WebSock.Messages>(
    Object.freeze([{ opcode: 'text', data: '' } as const, { opcode: 'ping' } as const]),
  );
}

{
  // results, whose properties can be read before type is tested
  expectType<WebSock.Ok<State> | WebSock.Push<State> | WebSock.Reply<State> | WebSock.Stop<State>>(
    null as unknown as WebSock.HandleResult<State>,
  );
  const result = null as unknown as WebSock.HandleResult<State>;
  expectType<'ok' | 'push' | 'reply' | 'stop'>(result.type);
  expectType<State>(result.state);
  expectType<WebSock.Messages | undefined>(result.messages);
  expectType<WebSock.StopReason | undefined>(result.reason);
  expectType<WebSock.StopReason | undefined>((null as unknown as WebSock.Stop<State>).reason);
  expectType<WebSock.CloseDetail | undefined>(result.close);
  expectType<unknown>(result.status);
  expectAssignable<WebSock.HandleResult<State>>({ type: 'ok', state: { count: 1 }, messages: undefined });
  expectAssignable<WebSock.HandleResult<undefined>>({ type: 'ok', state: undefined });
  expectAssignable<WebSock.HandleResult<undefined>>({ type: 'reply', messages: [], state: undefined });
  expectAssignable<WebSock.HandleResult<undefined>>({ type: 'stop', state: undefined });
  expectAssignable<WebSock.HandleResult<undefined>>({ type: 'stop', close: { code: 4001 }, state: undefined });
  expectNotAssignable<WebSock.HandleResult<undefined>>({ type: 'stop', code: 4001, state: undefined } as const);
  expectNotAssignable<WebSock.HandleResult<undefined>>({ type: 'stop', error: 'late', state: undefined } as const);
}

{
  // closing
  expectType<'normal' | 'restart' | { readonly error: unknown }>(null as unknown as WebSock.StopReason);
  expectAssignable<WebSock.CloseDetail>({ code: 4000 });
  expectAssignable<WebSock.CloseDetail>({ code: 4000, reason: 'late' });
  expectAssignable<WebSock.CloseCode>(1014);
  expectAssignable<WebSock.CloseCode>(4999);
  expectAssignable<number>(null as unknown as WebSock.CloseCode);
  expectType<1000 | 1001 | 1002 | 1003 | 1007 | 1008 | 1009 | 1011 | 1012 | 1013 | 1014>(
    null as unknown as WebSock.StandardCloseCode,
  );
  type Reasons = WebSock.NormalClose | WebSock.RemoteClose | WebSock.ShutdownClose | WebSock.TimeoutClose;
  expectType<Reasons | WebSock.ErrorClose>(null as unknown as WebSock.CloseReason);
  expectType<'normal' | 'remote' | 'shutdown' | 'timeout' | 'error'>((null as unknown as WebSock.CloseReason).type);
}

{
  // a literal close code, close reason or ping data keeps its type, so that it can be checked
  const infer = <Detail extends WebSock.CloseDetail>(detail: Detail) => detail;
  expectType<1005>(infer({ code: 1005 }).code);
  expectType<'late'>(infer({ code: 4000, reason: 'late' }).reason);
  const inferMessage = <Message extends WebSock.Message>(message: Message) => message;
  expectType<'beat'>(inferMessage({ opcode: 'ping', data: 'beat' }).data);
}

{
  // promises and other thenables
  expectAssignable<WebSock.Awaitable<number>>(1);
  expectAssignable<WebSock.Awaitable<number>>(Promise.resolve(1));
  expectAssignable<WebSock.Awaitable<number>>(null as unknown as PromiseLike<number>);
  expectNotAssignable<WebSock.Awaitable<number>>(Promise.resolve('1'));
  expectNotAssignable<WebSock.Awaitable<number>>(null as unknown as PromiseLike<string>);
  expectNotAssignable<WebSock.Awaitable<number>>(null as unknown as Promise<number> | Promise<string>);
  expectNotAssignable<WebSock.Awaitable<State>>(
    null as unknown as Promise<{ readonly count?: number }> | Promise<State>,
  );
  // a then that requires a callback, or does not accept null
  expectNotAssignable<WebSock.Awaitable<number>>(
    null as unknown as { then(onfulfilled: ((value: number) => unknown) | null): unknown },
  );
  expectNotAssignable<WebSock.Awaitable<number>>(
    null as unknown as { then(onfulfilled?: (value: number) => unknown): unknown },
  );
  expectNotAssignable<WebSock.Awaitable<number>>(null as unknown as { then: unknown });
  const awaitable = null as unknown as WebSock.Awaitable<number>;
  expectType<number>(null as unknown as Awaited<typeof awaitable>);
  expectAssignable<number | PromiseLike<number>>(awaitable);
  expectNotAssignable<number | PromiseLike<string>>(awaitable);
  if (typeof awaitable === 'object') awaitable.then((value) => expectType<number>(value));
}

{
  // the mailbox
  const mailbox = null as unknown as WebSock.Mailbox<string>;
  expectType<'post' | 'stop' | 'waiting' | 'signal'>(null as unknown as keyof WebSock.Mailbox<string>);
  expectType<(info: string) => void>(mailbox.post);
  expectType<(close?: WebSock.CloseDetail) => void>(mailbox.stop);
  expectType<number>(mailbox.waiting);
  expectType<WebSock.Signal>(mailbox.signal);
  mailbox.stop();
  mailbox.stop(undefined);
  mailbox.stop({ code: 4000, reason: 'late' });
  expectType<boolean>(mailbox.signal.aborted);
  expectType<any>(mailbox.signal.reason);
  expectType<void>(mailbox.signal.addEventListener('abort', () => {}));
  expectType<void>(mailbox.signal.removeEventListener('abort', () => {}));
  const { stop } = mailbox;
  expectAssignable<() => void>(stop);
}

{
  // the options, all optional
  expectAssignable<WebSock.ConnectionOptions>({});
  expectAssignable<WebSock.ConnectionOptions>({
    idleTimeout: Number.POSITIVE_INFINITY,
    heartbeat: false,
    compress: true,
    maxMessageSize: 1,
    validateUtf8: false,
    protocol: 'chat',
    headers: { 'Set-Cookie': ['a=1', 'b=2'], Server: 'here' },
  });
  expectType<'idleTimeout' | 'heartbeat' | 'compress' | 'maxMessageSize' | 'validateUtf8' | 'protocol' | 'headers'>(
    null as unknown as keyof WebSock.ConnectionOptions,
  );
  expectAssignable<WebSock.ConnectionOptions>({ idleTimeout: undefined, heartbeat: undefined, headers: undefined });
}

{
  // the upgrade
  type Expected = <S, I = unknown, A = undefined, Init = unknown>(
    request: string,
    handler: WebSock<S, I, A> & { readonly init: Init },
    arg: WebSock.ArgFor<Init, A>,
    options?: WebSock.ConnectionOptions,
  ) => number;
  expectType<Expected>(null as unknown as WebSock.Upgrade<string, number>);
  expectAssignable<WebSock.Upgrade<string, void>>(null as unknown as WebSock.Upgrade<string>);
}

{
  // the arg that an upgrade accepts
  expectType<string>(null as unknown as WebSock.ArgFor<(arg: string) => unknown, string>);
  expectType<string | undefined>(null as unknown as WebSock.ArgFor<(arg?: string) => unknown, string | undefined>);
  expectType<string>(null as unknown as WebSock.ArgFor<(...args: unknown[]) => unknown, string>);
  expectType<undefined>(null as unknown as WebSock.ArgFor<() => unknown, string>);
  expectType<string>(null as unknown as WebSock.ArgFor<unknown, string>);
}

{
  // the type parameters of a handler type
  type Handler = WebSock<State, string, boolean>;
  expectType<State>(null as unknown as WebSock.StateOf<Handler>);
  expectType<string>(null as unknown as WebSock.InfoOf<Handler>);
  expectType<boolean>(null as unknown as WebSock.ArgOf<Handler>);
}

{
  // every property is readonly, and optional only where declared so
  type Bytes = InstanceType<Uint8ArrayConstructor>;
  type Text = { readonly opcode: 'text'; readonly data: string };
  expectType<Readonly<WebSock<State>>>(null as unknown as WebSock<State>);
  expectType<Text | { readonly opcode: 'binary'; readonly data: Bytes }>(null as unknown as WebSock.DataFrame);
  expectType<{ readonly opcode: 'ping' | 'pong'; readonly data: Bytes }>(null as unknown as WebSock.ControlFrame);
  expectType<Readonly<WebSock.Message>>(null as unknown as WebSock.Message);
  expectType<Readonly<WebSock.Ok<State>>>(null as unknown as WebSock.Ok<State>);
  expectType<Readonly<WebSock.Push<State>>>(null as unknown as WebSock.Push<State>);
  expectType<Readonly<WebSock.Reply<State>>>(null as unknown as WebSock.Reply<State>);
  expectType<Readonly<WebSock.Stop<State>>>(null as unknown as WebSock.Stop<State>);
  expectType<Readonly<WebSock.CloseDetail>>(null as unknown as WebSock.CloseDetail);
  expectType<Readonly<WebSock.Mailbox<string>>>(null as unknown as WebSock.Mailbox<string>);
  interface Closed<Type> {
    readonly type: Type;
    readonly code: number;
    readonly reason: string;
  }
  interface Failed extends Closed<'error'> {
    readonly error: unknown;
  }
  expectType<Closed<'normal'> | Closed<'remote'> | Closed<'shutdown'> | Closed<'timeout'> | Failed>(
    null as unknown as WebSock.CloseReason,
  );
  expectType<{
    readonly idleTimeout?: number | undefined;
    readonly heartbeat?: boolean | undefined;
    readonly compress?: boolean | undefined;
    readonly maxMessageSize?: number | undefined;
    readonly validateUtf8?: boolean | undefined;
    readonly protocol?: string | undefined;
    readonly headers?: { readonly [name: string]: string | readonly string[] } | undefined;
  }>(null as unknown as WebSock.ConnectionOptions);
  expectAssignable<WebSock.Stop<1>>({
    type: 'stop',
    reason: undefined,
    state: 1,
    close: undefined,
    messages: undefined,
    code: undefined,
    error: undefined,
  });
  expectAssignable<WebSock.Reply<1>>({ type: 'reply', status: undefined, messages: [], state: 1 });
  expectAssignable<WebSock.CloseDetail>({ code: 1000, reason: undefined });
  expectNotAssignable<WebSock.CloseDetail>({ reason: 'late' });
  expectType<WebSock.Mailbox<any>>(null as unknown as Parameters<WebSock.Any['init']>[1]);
  expectType<any>(null as unknown as Parameters<WebSock.Any['init']>[0]);
  expectType<any>(null as unknown as Parameters<WebSock.Any['handleInfo']>[1]);
}
