import { describe } from './describe.ts';
import { checkFunction } from './options.ts';

/** Bytes. `Uint8Array<ArrayBuffer>` on TypeScript 5.7 and later, `Uint8Array` before. */
export type Bytes = InstanceType<Uint8ArrayConstructor>;

/** How messages are written for other processes. All processes of a broker need the same. */
export interface Codec<Info> {
  /** The bytes of a message. What it throws, `publish` throws. */
  readonly encode: (message: Info) => Bytes;
  /** The message of the bytes. What it throws is reported to `onError`, and counts as a gap of the topic. */
  readonly decode: (bytes: Bytes) => Info;
}

/** A codec, and what subscribers of this process get where no broker is needed. */
export interface CopyingCodec<Info> extends Codec<Info> {
  /** Throws what `encode` throws. Returns a function that gives a copy, the same as a decoded one, or throws what `decode` throws. */
  readonly copy: (message: Info) => () => Info;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** JSON in UTF-8. Refuses what JSON would drop or change. */
export const jsonCodec: CopyingCodec<any> = {
  encode: (message) => encoder.encode(JSON.stringify(copyJson(message, 'the message', 0))),
  decode: (bytes) => JSON.parse(decoder.decode(bytes)),
  copy(message) {
    const copy = copyJson(message, 'the message', 0);
    return () => copy;
  },
};

/** Throws a TypeError unless the value is a codec; returns it. */
export function checkCodec<Info>(codec: Codec<Info>): CopyingCodec<Info> {
  checkFunction('createPubSub', 'codec.encode', codec?.encode);
  checkFunction('createPubSub', 'codec.decode', codec?.decode);
  const encode = (message: Info) => {
    const bytes: unknown = codec.encode(message);
    if (bytes instanceof Uint8Array) return bytes as Bytes;
    throw new TypeError(`publish: codec.encode returned ${describe(bytes)}; it must return a Uint8Array`);
  };
  const decode = (bytes: Bytes) => codec.decode(bytes);
  const copy = (message: Info) => {
    const bytes = encode(message);
    return () => decode(bytes);
  };
  return { encode, decode, copy };
}

const MAX_DEPTH = 1_000;

/** A copy of a value, as JSON would bring it to another process. Throws a TypeError if JSON would change it. */
export function copyJson(value: unknown, path: string, depth: number): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value + 0; // JSON has no -0
      break;
    case 'object': {
      if (value === null) return value;
      if (depth > MAX_DEPTH)
        throw new TypeError(`${path.slice(0, 80)}… contains itself, or is nested too deeply for JSON`);
      if (Array.isArray(value)) {
        const copy: unknown[] = [];
        for (let index = 0; index < value.length; index++) {
          copy.push(copyJson(value[index], `${path}[${index}]`, depth + 1));
        }
        return copy;
      }
      const prototype = Object.getPrototypeOf(value);
      // of this realm or another
      if (prototype !== null && Object.getPrototypeOf(prototype) !== null) break;
      if ('toJSON' in value) break;
      const copy: Record<string, unknown> = {};
      for (const key of Object.keys(value)) {
        const property = (value as Record<string, unknown>)[key];
        if (property === undefined) continue; // an optional property, which JSON leaves out
        const copied = copyJson(property, `${path}.${key}`, depth + 1);
        if (key === '__proto__')
          Object.defineProperty(copy, key, { value: copied, enumerable: true, writable: true, configurable: true });
        else copy[key] = copied;
      }
      return copy;
    }
  }
  throw new TypeError(
    `${path} is ${describe(value)}, which JSON cannot express; convert it, or give createPubSub a codec`,
  );
}
