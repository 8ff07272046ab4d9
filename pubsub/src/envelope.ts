// What is sent over a broker: a line of options in ASCII, and the message as the codec has encoded it.
//
//   v                    volatile
//   x<process>.<number>  except: a mailbox of a process
//
// Options are joined by a space; without any, the line is empty.

import type { Bytes } from './codec.ts';

export interface Envelope {
  readonly volatile: boolean;
  /** The mailbox to leave out, as {@link mailboxId} names it; `''` for none. */
  readonly except: string;
  readonly body: Bytes;
}

const LINE_FEED = 10;
const MAX_HEADER = 100;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export function seal({ volatile, except, body }: Envelope): Bytes {
  const header = encoder.encode(`${[volatile ? 'v' : '', except && `x${except}`].filter(Boolean).join(' ')}\n`);
  const bytes = new Uint8Array(header.length + body.length);
  bytes.set(header);
  bytes.set(body, header.length);
  return bytes;
}

/** Throws for bytes that {@link seal} has not made. */
export function unseal(bytes: Bytes): Envelope {
  const end = bytes.subarray(0, MAX_HEADER).indexOf(LINE_FEED);
  if (end < 0) throw new Error('a message on the broker is not one of @websock/pubsub');
  const options = decoder.decode(bytes.subarray(0, end)).split(' ');
  const except = options.find((option) => option.startsWith('x'))?.slice(1) ?? '';
  return { volatile: options.includes('v'), except, body: bytes.subarray(end + 1) };
}
