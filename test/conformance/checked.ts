// A server whose signature uses `Checked`: it rejects wrong handlers at the call, and infers as much as without it.

import type { WebSock } from '@websock/spec';
import type { Assert, Checked, ServerConforms } from '@websock/spec/conformance';

declare function upgrade<State, Info, Arg, Handler, Init>(
  request: string,
  handler: Checked<Handler> & WebSock<State, Info, Arg> & { readonly init: Init },
  arg: WebSock.ArgFor<Init, Arg>,
  options?: WebSock.ConnectionOptions,
): void;

export type Upgrade = Assert<ServerConforms<typeof upgrade>>;

interface Count {
  readonly count: number;
}

declare const annotated: WebSock<Count, string, number>;
upgrade('', annotated, 1, { idleTimeout: 1 });

declare const noInfo: WebSock<Count, never, undefined>;
upgrade('', noInfo, undefined);

const right = {
  init: (count: number): WebSock.Ok<Count> => ({ type: 'ok', state: { count } }),
  handleIn: (_frame: WebSock.DataFrame, state: Count) => ({ type: 'ok', state }) as const,
  handleInfo: async (_info: string, state: Count) => ({ type: 'ok', state }) as const,
};
upgrade('', right, 1);

class Room {
  private readonly secret: number = 1;
  readonly init = right.init;
  readonly handleInfo = right.handleInfo;
  handleIn(_frame: WebSock.DataFrame, state: Count): WebSock.HandleResult<Count> {
    return { type: 'ok', state: { count: state.count + this.secret } };
  }
}
upgrade('', new Room(), 1);

// State, info and arg are inferred from an inline handler.
upgrade(
  '',
  {
    init: (arg, mailbox: WebSock.Mailbox<Date>) => ({ type: 'ok', state: { length: arg.length, mailbox } }),
    handleIn: (frame, state) => {
      state.mailbox.post(new Date(state.length.toFixed()));
      return frame.opcode === 'text'
        ? { type: 'push', messages: { opcode: 'text', data: frame.data }, state }
        : { type: 'stop', reason: 'normal', state, close: { code: 1003 } };
    },
    handleInfo: (info, state) => ({ type: 'ok', state: { ...state, length: info.getTime() } }),
    terminate: (reason) => reason.type === 'remote' && reason.code,
  },
  'arg',
);
upgrade(
  '',
  {
    init: async (arg) => ({ type: 'ok', state: { arg } }),
    handleIn: async (_frame, state) => ({
      type: 'push',
      messages: [{ opcode: 'text', data: state.arg.trim() }],
      state,
    }),
    handleInfo: async (info: { text: string }, state) => ({ type: 'ok', state: { arg: info.text + state.arg } }),
  },
  'arg',
);

// A program that stores handlers of different types serves them as `WebSock.Any`.
declare const kept: WebSock.Any;
declare const arg: unknown;
upgrade('', kept, arg, { idleTimeout: 1 });
upgrade('', kept, undefined);
declare const rooms: ReadonlyMap<string, { readonly handler: WebSock.Any; readonly arg: string }>;
for (const room of [rooms.get('a'), rooms.get('b')]) if (room) upgrade('', room.handler, room.arg);
const keep = (handler: WebSock.Any) => upgrade('', handler, 1);
keep(right);

declare const anyState: WebSock<any, string, number>;
// refused: "2.4 the state of the handler is any; give it a type"
upgrade('', anyState, 1);

declare const anyAll: WebSock<any, any, any>;
// refused: "2.4 the state of the handler is any; give it a type"
upgrade('', anyAll, 1);

declare const anyReturned: Omit<typeof right, 'init'> & { init(count: number): { type: 'ok'; state: any } };
// refused: "2.4 init returns a state of any; give it a type"
upgrade('', anyReturned, 1);

declare const anyAndMore: WebSock.Any & { readonly name: string };
// refused: 2.4 terminate accepts a state of any; give it a type
upgrade('', anyAndMore, 1);

declare const anyOrOther: WebSock.Any | typeof anyState;
// refused: "2.4 the state of the handler is any; give it a type"
upgrade('', anyOrOther, 1);

const textOnly = {
  ...right,
  handleIn: (_frame: { opcode: 'text'; data: string }, state: Count) => right.init(state.count),
};
// refused: "2.3 handleIn does not accept a binary frame; annotate it as WebSock.DataFrame"
upgrade('', textOnly, 1);

const code = {
  ...right,
  handleIn: (_frame: WebSock.DataFrame, state: Count) =>
    ({ type: 'stop', reason: 'normal', state, close: { code: 1005 } }) as const,
};
// refused: "4.2 handleIn returns a close code that must not be sent; see WebSock.CloseCode"
upgrade('', code, 1);

// refused: "2.6 the handler is a class; pass an instance"
upgrade('', Room, 1);

// refused: Argument of type 'any' is not assignable to parameter of type 'never'
upgrade('', JSON.parse(''), 1);

declare const unknown: unknown;
// refused: Argument of type 'unknown' is not assignable to parameter of type
upgrade('', unknown, 1);

const inline = () =>
  upgrade(
    '',
    // refused: "4.2 handleInfo returns a close code that must not be sent; see WebSock.CloseCode"
    {
      init: () => ({ type: 'ok', state: { count: 1 } }),
      handleIn: (_frame, state) => ({ type: 'ok', state }),
      handleInfo: (_info, state) => ({ type: 'stop', reason: 'normal', state, close: { code: 1005 } }),
    },
    undefined,
  );
inline();

// refused: Argument of type 'string' is not assignable to parameter of type 'number'
upgrade('', right, 'one');

// refused: type 'ConnectionOptions'
upgrade('', right, 1, { idleTimout: 1 });

// Options in place of the arg, and an excess property of the arg.
const echo = {
  init: () => ({ type: 'ok', state: undefined }),
  handleIn: (frame, state) => ({ type: 'push', messages: frame, state }),
  handleInfo: (_info, state) => ({ type: 'ok', state }),
} satisfies WebSock<undefined>;
upgrade('', echo, undefined, { idleTimeout: 1 });
// refused: is not assignable to parameter of type 'undefined'
upgrade('', echo, { idleTimeout: 1 });

declare const member: WebSock<Count, string, { name: string; color?: string }>;
upgrade('', member, { name: 'alice', color: 'red' });
// refused: colour
upgrade('', member, { name: 'alice', colour: 'red' });
