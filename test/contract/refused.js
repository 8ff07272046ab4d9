// What the contract rejects in JavaScript. For the comments see refused.ts.
// @ts-check

/** @typedef {import('@websock/spec').WebSock<{ count: number }, string, number>} Handler */

/** @type {Handler} */
export const wrongState = {
  // refused: Type 'string' is not assignable to type 'number'
  init: () => ({ type: 'ok', state: { count: 'one' } }),
  // refused: Type '"okay"' is not assignable to type
  handleIn: (_frame, state) => ({ type: 'okay', state }),
  handleInfo: (_info, state) => ({ type: 'ok', state }),
};

// refused: Class 'Counter' incorrectly implements interface
// refused: Property 'handleInfo' is missing in type 'Counter'
/** @implements {Handler} */
export class Counter {
  /** @type {Handler['init']} */
  init = (arg) => ({ type: 'ok', state: { count: arg } });
  /** @type {Handler['handleIn']} */
  handleIn = (_frame, state) => ({ type: 'ok', state });
}
