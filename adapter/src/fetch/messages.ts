// Messages and headers, between a connection and the sockets of Bun, Deno, Cloudflare and crossws.

import type { WebSock } from '@websock/spec';
import { subprotocol } from '../handshake.ts';
import type { CheckedOptions } from '../options.ts';

/** Bytes that are not shared memory. */
export type Bytes = InstanceType<Uint8ArrayConstructor>;

/** The frame of a message that the platform has delivered. From now on its bytes belong to the handler (rule 2.7). */
export function dataFrame(data: string | ArrayBuffer | Bytes): WebSock.DataFrame {
  if (typeof data === 'string') return { opcode: 'text', data };
  return { opcode: 'binary', data: data instanceof ArrayBuffer ? new Uint8Array(data) : data };
}

/** The data of a message, for a platform that cannot send shared memory, which the contract allows. */
export function unshared(data: string | ArrayBuffer | ArrayBufferView): string | ArrayBuffer | ArrayBufferView {
  if (!ArrayBuffer.isView(data) || data.buffer instanceof ArrayBuffer) return data;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}

/** The subprotocol of the response: the application's, if the client offered it. */
export function chosenProtocol(request: Request, { protocol }: CheckedOptions): string | undefined {
  return protocol === undefined ? undefined : subprotocol(request.headers.get('Sec-WebSocket-Protocol'), protocol);
}

/**
 * The header lines that the application adds to the 101 response, and its subprotocol.
 *
 * @param chosen - what `chosenProtocol` returned
 * @param onBun - adds an empty subprotocol otherwise, as Bun would answer with the first that the client offers
 */
export function handshakeHeaders(
  { headers }: CheckedOptions,
  chosen: string | undefined,
  onBun = false,
): [name: string, value: string][] {
  const lines = headers.map(([name, value]): [string, string] => [name, value]);
  if (chosen !== undefined || onBun) lines.push(['Sec-WebSocket-Protocol', chosen ?? '']);
  return lines;
}
