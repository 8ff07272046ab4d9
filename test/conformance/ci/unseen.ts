// Mistakes that the types cannot detect; eslint.config.mjs does.

import type { WebSock } from '@websock/spec';

class Log implements WebSock<undefined> {
  async write(_text: string): Promise<void> {}
  init(): WebSock.Ok<undefined> {
    return { type: 'ok', state: undefined };
  }
  handleIn(frame: WebSock.DataFrame): WebSock.Ok<undefined> {
    // refused: @typescript-eslint/no-floating-promises
    this.write(String(frame.data));
    return { type: 'ok', state: undefined };
  }
  handleInfo(): WebSock.Ok<undefined> {
    return { type: 'ok', state: undefined };
  }
}

// refused: @typescript-eslint/unbound-method
export const handleIn: WebSock<undefined>['handleIn'] = new Log().handleIn;

// refused: @typescript-eslint/consistent-type-assertions
export const empty = () => ({}) as WebSock.Ok<undefined>;

const ok = (state: number) => ({ type: 'ok', state }) as const;
// refused: no-restricted-syntax
const say = (state: number, data: string) => ({ ...ok(state), messages: [{ opcode: 'text', data }] }) as const;
const push = (state: number, data: string) =>
  ({ ...ok(state), type: 'push', messages: [{ opcode: 'text', data }] }) as const;
export const answer = (frame: WebSock.DataFrame, state: number) =>
  frame.opcode === 'text' ? say(state, frame.data) : frame.data.length > 0 ? push(state, 'bytes') : ok(state);
