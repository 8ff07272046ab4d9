// Assertions whose errors say what was expected and what came instead.

import { inspect, isDeepStrictEqual } from 'node:util';

/** Throws unless both values are deeply equal. `what` names the value. */
export function equal(actual: unknown, expected: unknown, what = ''): void {
  if (!isDeepStrictEqual(actual, expected)) fail(what, show(expected), show(actual));
}

/** Throws unless `actual` has all properties of `expected`, deeply equal. It may have others. */
export function matches(actual: unknown, expected: unknown, what = ''): void {
  if (!includes(actual, expected)) fail(what, show(expected), show(actual));
}

/** Throws unless `condition` is true; `expected` says in words what it means. */
export function check(condition: boolean, expected: string, actual: unknown): void {
  if (!condition) fail('', expected, show(actual));
}

function fail(what: string, expected: string, actual: string): never {
  throw new Error(`${what && `${what}: `}expected ${expected}, but got ${actual}`);
}

function includes(actual: unknown, expected: unknown): boolean {
  if (typeof expected !== 'object' || expected === null || expected instanceof Uint8Array) {
    return isDeepStrictEqual(actual, expected);
  }
  if (typeof actual !== 'object' || actual === null) return false;
  if (Array.isArray(expected) && (!Array.isArray(actual) || actual.length !== expected.length)) return false;
  return Object.entries(expected).every(([key, value]) => includes((actual as Record<string, unknown>)[key], value));
}

function show(value: unknown): string {
  return inspect(value, { depth: 6, breakLength: 120, maxStringLength: 200, maxArrayLength: 20 });
}
