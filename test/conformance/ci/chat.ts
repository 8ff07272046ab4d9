// The handler of a project, which CI checks in three ways.

import type { WebSock } from '@websock/spec';

interface State {
  readonly said: number;
}

export const chat = {
  init: () => ({ type: 'ok', state: { said: 0 } }) as const,
  handleIn: (frame: WebSock.DataFrame, { said }: State) =>
    ({ type: 'push', messages: [frame], state: { said: said + 1 } }) as const,
  handleInfo: (_info: unknown, state: State) => ({ type: 'ok', state }) as const,
};
