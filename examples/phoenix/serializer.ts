// The V2 serializer of Phoenix channels. A text message is a JSON array. A binary message has one byte for its kind, one for
// the length of each field, the fields, and the payload.

import type { WebSock } from '@websock/spec';

/** A JSON object, or bytes. */
export type Payload = { readonly [name: string]: unknown } | Uint8Array;

export interface ChannelMessage {
  /** The join of the topic that the message belongs to; `null` for a broadcast. */
  readonly joinRef: string | null;
  /** The push that a reply answers; `null` if no reply is expected. */
  readonly ref: string | null;
  readonly topic: string;
  readonly event: string;
  readonly payload: Payload;
}

const PUSH = 0;
const REPLY = 1;
const BROADCAST = 2;

/** Decodes a message of a client; throws a `TypeError` if it is malformed. */
export function decode(frame: WebSock.DataFrame): ChannelMessage {
  return frame.opcode === 'text' ? decodeText(frame.data) : decodeBinary(frame.data);
}

/** Encodes a push to one member, or a broadcast, which has no `joinRef`. */
export function encode({ joinRef, ref, topic, event, payload }: ChannelMessage): WebSock.Message {
  if (!(payload instanceof Uint8Array)) return text([joinRef, ref, topic, event, payload]);
  return joinRef === null ? binary(BROADCAST, [topic, event], payload) : binary(PUSH, [joinRef, topic, event], payload);
}

/** Encodes the reply to a message with a `ref`. */
export function encodeReply(
  { joinRef, ref, topic }: Omit<ChannelMessage, 'event' | 'payload'>,
  status: string,
  response: Payload,
): WebSock.Message {
  if (!(response instanceof Uint8Array)) return text([joinRef, ref, topic, 'phx_reply', { status, response }]);
  return binary(REPLY, [joinRef ?? '', ref ?? '', topic, status], response);
}

const text = (value: unknown): WebSock.Message => ({ opcode: 'text', data: JSON.stringify(value) });

function decodeText(data: string): ChannelMessage {
  const message: unknown = parse(data);
  if (!Array.isArray(message) || message.length < 5) throw new TypeError('a message is an array of five elements');
  const [joinRef, ref, topic, event, payload] = message as unknown[];
  if (!isRef(joinRef) || !isRef(ref)) throw new TypeError('join_ref and ref are strings or null');
  if (typeof topic !== 'string' || typeof event !== 'string') throw new TypeError('topic and event are strings');
  if (typeof payload !== 'object' || payload === null) throw new TypeError('a payload is an object');
  return { joinRef, ref, topic, event, payload: payload as Payload };
}

const isRef = (value: unknown): value is string | null => value === null || typeof value === 'string';

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw new TypeError('a text message is JSON');
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Clients send only pushes, with the fields join_ref, ref, topic and event. */
function decodeBinary(data: Uint8Array): ChannelMessage {
  if (data[0] !== PUSH) throw new TypeError('a binary message from a client is a push');
  let start = 5;
  const [joinRef, ref, topic, event] = [1, 2, 3, 4].map((index) => {
    const end = start + (data[index] ?? 0);
    if (end > data.length) throw new TypeError('a binary message is shorter than the lengths in its header');
    const field = decoder.decode(data.subarray(start, end));
    start = end;
    return field;
  }) as [string, string, string, string];
  return { joinRef: joinRef || null, ref: ref || null, topic, event, payload: data.subarray(start) };
}

function binary(kind: number, fields: readonly string[], payload: Uint8Array): WebSock.Message {
  const encoded = fields.map((field) => encoder.encode(field));
  const tooLong = encoded.findIndex(({ length }) => length > 255);
  if (tooLong >= 0) throw new RangeError(`"${fields[tooLong]}" does not fit the 255 bytes of a field`);
  const parts = [Uint8Array.of(kind, ...encoded.map(({ length }) => length)), ...encoded, payload];
  const data = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    data.set(part, offset);
    offset += part.length;
  }
  return { opcode: 'binary', data };
}
