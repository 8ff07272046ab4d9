// The most common mistakes, and the compiler errors for them, which the table "Reading compiler errors" in README.md
// quotes. For the comments see refused.ts.

import type { WebSock } from '@websock/spec';

const right = {
  init: () => ({ type: 'ok', state: 0 }),
  handleIn: (_frame, state) => ({ type: 'ok', state }),
  handleInfo: (_info, state) => ({ type: 'ok', state }),
} satisfies WebSock<number>;

const result = (state: number) => ({ type: 'ok', state });
const message = (data: string) => ({ opcode: 'text', data });

export const elsewhere = {
  ...right,
  // refused before 7.0: Type 'string' is not assignable to type '"ok"'
  // refused: Type 'string' is not assignable to type
  init: () => result(0),
  // refused: Type 'string' is not assignable to type '"text"'
  handleInfo: (_info, state) => ({ type: 'push', messages: message('hello'), state }),
} satisfies WebSock<number>;

export const forgetful = {
  ...right,
  // refused: Type 'undefined' is not assignable to type 'Awaitable<HandleResult<number>>'
  handleIn: (frame, state) => {
    if (frame.opcode === 'text') return { type: 'ok', state };
  },
} satisfies WebSock<number>;

export const silent = {
  ...right,
  // refused: is not assignable to type 'undefined'
  init: () => ({ type: 'ok', state: 0, messages: { opcode: 'text', data: 'hello' } }),
} satisfies WebSock<number>;

export const hasty = {
  ...right,
  handleIn(frame, state) {
    // refused: does not exist on type 'string | Uint8Array
    frame.data.trim();
    // refused: Expected 0 arguments
    if (frame.opcode === 'binary') frame.data.toString('utf8');
    return { type: 'ok', state };
  },
  // refused: is of type 'unknown'
  handleInfo: (info, state) => ({ type: 'ok', state: info + state }),
} satisfies WebSock<number>;

export const apart = {
  ...right,
  // refused: string | Uint8Array
  handleIn: ({ opcode, data }, state) => ({ type: 'push', messages: { opcode, data }, state }),
} satisfies WebSock<number>;

declare const upgrade: WebSock.Upgrade<string>;

// refused: is not assignable to parameter of type 'undefined'
upgrade('/', right, { idleTimeout: 1_000 });

upgrade(
  '/',
  {
    init: () => ({ type: 'ok', state: { last: null } }),
    // refused: is not assignable to type 'null'
    handleIn: (frame) => ({ type: 'ok', state: { last: frame.data } }),
    handleInfo: (_info, state) => ({ type: 'ok', state }),
  },
  undefined,
);

upgrade(
  '/',
  {
    init: () => ({ type: 'ok', state: 0 }),
    handleIn(_frame, state) {
      // refused: does not exist on type 'WebSock<State, Info,
      return { type: 'ok', state: this.next(state) };
    },
    handleInfo: (_info, state) => ({ type: 'ok', state }),
  },
  undefined,
);

export class Unwritten implements WebSock<number> {
  // refused: Property 'init' has no initializer
  init: () => WebSock.Ok<number>;
  handleIn = right.handleIn;
  handleInfo = right.handleInfo;
}
