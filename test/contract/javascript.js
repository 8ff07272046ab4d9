// The contract in JavaScript: JSDoc types, checked by the compiler.
// @ts-check

/**
 * @typedef {import('@websock/spec').WebSock<{ count: number }, string, number>} Handler
 * @typedef {import('@websock/spec').WebSock.DataFrame} DataFrame
 * @typedef {import('@websock/spec').WebSock.HandleResult<{ count: number }>} Result
 */

/** @type {Handler} */
export const counter = {
  init: (arg) => ({ type: 'ok', state: { count: arg } }),
  handleIn: (frame, state) =>
    frame.opcode === 'text' && frame.data.startsWith('more')
      ? { type: 'push', messages: { opcode: 'text', data: 'yes' }, state: { count: state.count + 1 } }
      : { type: 'ok', state },
  handleInfo: async (info, state) => ({ type: 'ok', state: { count: state.count + info.length } }),
};

/** @implements {Handler} */
export class Counter {
  /**
   * @param {number} arg
   * @returns {Result}
   */
  init(arg) {
    return { type: 'ok', state: { count: arg } };
  }

  /**
   * @param {DataFrame} _frame
   * @param {{ count: number }} state
   * @returns {Promise<Result>}
   */
  async handleIn(_frame, state) {
    return { type: 'stop', reason: 'normal', state };
  }

  /**
   * @param {string} _info
   * @param {{ count: number }} state
   * @returns {Result}
   */
  handleInfo(_info, state) {
    return { type: 'ok', state };
  }
}
