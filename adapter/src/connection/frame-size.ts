import type { WebSock } from '@websock/spec';

/** Whether a message has more bytes than `size`. */
export function isLargerThan(data: string | Uint8Array, size: number): boolean {
  if (typeof data !== 'string') return data.byteLength > size;
  // A UTF-16 unit is at most 3 bytes of UTF-8, so most texts need not be encoded to know.
  return data.length > size || (data.length * 3 > size && new TextEncoder().encode(data).byteLength > size);
}

/** An upper limit of a message's bytes as a frame: 3 for each UTF-16 unit, 10 of the header (RFC 6455 §5.2). */
export function maxFrameSize({ data = '' }: WebSock.Message): number {
  return 10 + (typeof data === 'string' ? data.length * 3 : data.byteLength);
}
