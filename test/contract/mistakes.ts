// Twenty common mistakes, synchronous and async, each on lines of its own. The errors of each compiler are in
// mistakes/; messages.test.ts compares them.

import type { WebSock } from '@websock/spec';

interface State {
  readonly count: number;
}

export const sync: WebSock<State, string> = {
  init: () => ({
    type: 'ok',
    state: { count: 'one' },
  }),
  handleIn: (_frame, state) => ({
    type: 'okay',
    state,
  }),
  handleControl: (_frame, state) => ({
    type: 'ok',
    messages: { opcode: 'text', data: 'lost' },
    state,
  }),
  handleInfo: (info, state) => ({
    type: 'stop',
    reason: info,
    state,
  }),
};

export const async: WebSock<State, string> = {
  init: async () => ({
    type: 'ok',
    state: { count: 'one' },
  }),
  handleIn: async (_frame, state) => ({
    type: 'okay',
    state,
  }),
  handleControl: async (_frame, state) => ({
    type: 'ok',
    messages: { opcode: 'text', data: 'lost' },
    state,
  }),
  handleInfo: async (_info, state) => ({
    type: 'push',
    messages: { opcode: 'txt', data: '' },
    state,
  }),
};

export const handlers: readonly WebSock<State, string>[] = [
  {
    ...sync,
    handleIn: (_frame, state) => ({
      type: 'push',
      messages: { opcode: 'txt', data: '' },
      state,
    }),
  },
  {
    ...sync,
    handleIn: (_frame, state) => ({
      type: 'stop',
      code: 4001,
      state,
    }),
  },
  {
    ...sync,
    handleIn: (_frame, state) => ({
      type: 'stop',
      close: { code: '4001' },
      state,
    }),
  },
  {
    ...sync,
    handleIn: () => ({
      type: 'ok',
    }),
  },
  {
    ...sync,
    handleIn: (_frame, state) => ({
      type: 'push',
      state,
    }),
  },
  {
    ...sync,
    handleIn: (frame, state) => {
      if (frame.opcode === 'text') return { type: 'ok', state };
    },
  },
  {
    ...sync,
    handleIn: (_frame, state) => state,
  },
  {
    ...sync,
    handleIn: (frame, state) => ({
      type: 'ok',
      state: { count: state.count + frame.data.trim().length },
    }),
  },
  {
    ...sync,
    handleIn: (_frame, state) => ({
      type: 'push',
      messages: [{ opcode: 'text', data: new Uint8Array(1) }],
      state,
    }),
  },
  {
    ...sync,
    handleInfo: (info: number, state) => ({ type: 'ok', state: { count: state.count + info } }),
  },
  {
    ...sync,
    handleIn: async (_frame, state) => ({
      type: 'stop',
      reason: 'done',
      state,
    }),
  },
  {
    ...sync,
    handelControl: sync.handleControl,
  },
];
