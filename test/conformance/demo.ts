// Three handlers with common mistakes. `npm start` prints their faults.

import type { WebSock } from '@websock/spec';
import type { Assert, HandlerConforms } from '@websock/spec/conformance';

interface State {
  readonly count: number;
}

// Puts a message in an ok, which sends nothing.
const greeter = {
  init: () => ({ type: 'ok', messages: { opcode: 'text', data: 'welcome' }, state: { count: 0 } }) as const,
  handleIn: (_frame: WebSock.DataFrame, state: State) => ({ type: 'ok', state }) as const,
  handleInfo: (_info: unknown, state: State) => ({ type: 'ok', state }) as const,
};
// refused: 3.6 init returns the property messages, which its result does not have; remove or rename it
export type Greeter = Assert<HandlerConforms<typeof greeter>>;

// Accepts only text, and misspells a callback.
const counter = {
  init: () => ({ type: 'ok', state: { count: 0 } }) as const,
  handleIn: (frame: { opcode: 'text'; data: string }, state: State) =>
    ({ type: 'ok', state: { count: state.count + frame.data.length } }) as const,
  handleInfo: (_info: unknown, state: State) => ({ type: 'ok', state }) as const,
  handleControll: (_frame: WebSock.ControlFrame, state: State) => ({ type: 'ok', state }) as const,
};
// refused: 2.3 handleIn does not accept a binary frame; annotate it as WebSock.DataFrame
// refused: 2.5 handleControll is not a callback; did you mean handleControl?
export type Counter = Assert<HandlerConforms<typeof counter>>;

// Closes with a code that must not be sent.
class Closing {
  init() {
    return { type: 'stop', reason: 'normal', close: { code: 1006 }, state: { count: 0 } } as const;
  }
  async handleIn(_frame: WebSock.DataFrame, state: State) {
    return { type: 'ok', state } as const;
  }
  handleInfo(_info: unknown, state: State) {
    return { type: 'ok', state } as const;
  }
}
// refused: 4.2 init returns a close code that must not be sent; see WebSock.CloseCode
export type Closer = Assert<HandlerConforms<Closing>>;
