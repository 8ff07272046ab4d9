/** A write in progress, as Node.js and libuv count it. Undocumented, so each may be missing. */
interface WriteState {
  readonly _writableState?: { readonly writelen?: unknown };
  readonly _handle?: WriteHandle & { readonly _parent?: WriteHandle };
}

interface WriteHandle {
  readonly writeQueueSize?: unknown;
}

/**
 * How many of the bytes that `ws` has buffered are unsent. Node.js counts a write, which may join many messages, in full
 * until its last byte has been sent; its handle counts the bytes that remain.
 *
 * @param socket - the socket of Node.js below; anything else is ignored
 */
export function unsentBytes(buffered: number, socket: unknown): number {
  const { _writableState, _handle } = (socket ?? {}) as WriteState;
  const writing = _writableState?.writelen;
  const remaining = (_handle?._parent ?? _handle)?.writeQueueSize;
  if (typeof writing !== 'number' || typeof remaining !== 'number') return buffered;
  return buffered - writing + Math.min(writing, remaining);
}
