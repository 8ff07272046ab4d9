/** Describes a value for an error message. Never throws, even if inspecting the value runs code that throws. */
export function describe(value: unknown): string {
  try {
    if (typeof value === 'string') return quote(value.length > 40 ? `${value.slice(0, 40)}…` : value);
    if (typeof value === 'function') return 'a function';
    if (typeof value !== 'object' || value === null) return String(value);
    if (Array.isArray(value)) return 'an array';
    const name = Object.getPrototypeOf(value)?.constructor?.name;
    return typeof name === 'string' && name !== '' && name !== 'Object' ? `an instance of ${name}` : 'an object';
  } catch {
    return 'an object that cannot be inspected';
  }
}

/** Puts a text in quotes and on one line, so that a value cannot forge a line of a log. */
function quote(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"')}'`;
}
