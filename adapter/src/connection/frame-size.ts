import type { WebSock } from '@websock/spec';

/** Whether a message is larger than `size` bytes. */
export function isLargerThan(data: string | Uint8Array, size: number): boolean {
  if (typeof data !== 'string') return data.byteLength > size;
  // A UTF-16 unit is at most 3 bytes of UTF-8, so most texts need not be encoded.
  return data.length > size || (data.length * 3 > size && byteLengthOf(data) > size);
}

const encoder = new TextEncoder();

/** The size of data in bytes; of text, as UTF-8. */
export function byteLengthOf(data: string | ArrayBuffer | ArrayBufferView): number {
  return typeof data === 'string' ? encoder.encode(data).byteLength : data.byteLength;
}

/** An upper limit of a frame's size in bytes: 3 for each UTF-16 unit, and 10 for the header (RFC 6455 §5.2). */
export function maxFrameSize({ data = '' }: WebSock.Message): number {
  return 10 + (typeof data === 'string' ? data.length * 3 : data.byteLength);
}
