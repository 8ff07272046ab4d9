import type { WebSock } from '@websock/spec';
import { describe } from './describe.ts';

/**
 * Throws a TypeError unless `handler` has every callback that the contract requires.
 *
 * @param caller - the function that the message names, such as `'accept'`
 */
export function checkHandler(handler: unknown, caller = 'upgrade'): asserts handler is WebSock.Any {
  checkCallbacks(handler, caller, 'handleIn');
}

/** Throws a TypeError unless `handler` has the required callbacks, of which `receives` is called with messages. */
export function checkCallbacks(handler: unknown, caller: string, receives: 'handleIn' | 'handleMessage'): void {
  if (typeof handler === 'function') {
    const name = handler.name || 'it';
    throw new TypeError(`${caller}: the handler is a class or function; pass an instance, such as "new ${name}()"`);
  }
  if (typeof handler !== 'object' || handler === null) {
    const remedy = `pass an object with init, ${receives} and handleInfo`;
    throw new TypeError(`${caller}: the handler is ${describe(handler)}; ${remedy}`);
  }
  for (const name of ['init', receives, 'handleInfo', 'handleControl', 'terminate'] as const) {
    const callback = (handler as Record<string, unknown>)[name];
    const optional = name === 'handleControl' || name === 'terminate';
    if (typeof callback === 'function' || (optional && callback === undefined)) continue;
    const problem = callback === undefined ? 'is missing' : `is ${describe(callback)}`;
    throw new TypeError(`${caller}: the handler's ${name} ${problem}; it must be a function`);
  }
}
