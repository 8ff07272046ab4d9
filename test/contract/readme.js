// The JavaScript example of the README; readme.test.ts compares it.

/** @type {import('@websock/spec').WebSock<number, unknown, undefined>} */
export const counter = {
  init: () => ({ type: 'ok', state: 0 }),
  handleIn: (_frame, count) => ({ type: 'push', messages: { opcode: 'text', data: `${count}` }, state: count + 1 }),
  handleInfo: (_info, count) => ({ type: 'ok', state: count }),
};
