/** A value, as an error message names it; never fails, whatever code the value runs. */
export function describe(value: unknown): string {
  try {
    if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
    if (typeof value === 'function') return 'a function';
    if (typeof value === 'bigint') return 'a bigint';
    if (typeof value !== 'object' || value === null) return String(value);
    if (Array.isArray(value)) return 'a list';
    const name = Object.getPrototypeOf(value)?.constructor?.name;
    return typeof name === 'string' && name !== '' && name !== 'Object' ? `an object of ${name}` : 'an object';
  } catch {
    return 'an object that cannot be inspected';
  }
}
