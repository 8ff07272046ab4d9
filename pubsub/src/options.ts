import { describe } from './describe.ts';

/** Throws a TypeError unless the options are an object with no other names. */
export function checkOptions(caller: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${caller}: the options are ${describe(options)}; pass an object`);
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    throw new TypeError(`${caller}: there is no option "${name}"; the options are ${names.join(', ')}`);
  }
}

/** Throws a TypeError unless the option is a finite number, at least 1; returns it. */
export function checkNumber(caller: string, name: string, value: unknown, unit: string): number {
  if (typeof value === 'number' && value >= 1 && Number.isFinite(value)) return value;
  throw new TypeError(
    `${caller}: the option "${name}" is ${describe(value)}; it must be a number of ${unit}, at least 1`,
  );
}

/** Throws a TypeError unless the option is a function; returns it. */
export function checkFunction<Value>(caller: string, name: string, value: Value): Value {
  if (typeof value === 'function') return value;
  throw new TypeError(`${caller}: ${name} is ${describe(value)}; pass a function`);
}

/** Throws a TypeError unless the option is a string; returns it. */
export function checkString(caller: string, name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`${caller}: the option "${name}" is ${describe(value)}; it must be a string`);
}

/** The longest topic. Encoded in base64 it still fits into a command of NATS, which has at most 4 096 bytes. */
const MAX_TOPIC_LENGTH = 1_000;

/** Throws a TypeError unless the value can name a topic. */
export function checkTopic(caller: string, topic: unknown): void {
  const must = `it must be a string of at most ${MAX_TOPIC_LENGTH} characters, without lone surrogates`;
  if (typeof topic !== 'string') throw new TypeError(`${caller}: the topic is ${describe(topic)}; ${must}`);
  if (topic.length > MAX_TOPIC_LENGTH) {
    throw new TypeError(`${caller}: the topic ${describe(topic)} has ${topic.length} characters; ${must}`);
  }
  if (!(topic as string & { isWellFormed(): boolean }).isWellFormed()) {
    throw new TypeError(`${caller}: the topic ${describe(topic)} has a lone surrogate; ${must}`);
  }
}
