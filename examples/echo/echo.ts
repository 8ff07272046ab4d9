// Echo: sends every message back. The smallest useful handler; it keeps no state.

import type { WebSock } from '@websock/spec';

export const echo = {
  init: () => ({ type: 'ok', state: undefined }),
  handleIn: (frame, state) => ({ type: 'push', messages: frame, state }),
  handleInfo: (_info, state) => ({ type: 'ok', state }),
} satisfies WebSock<undefined>;
