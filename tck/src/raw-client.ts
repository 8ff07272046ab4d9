// A WebSocket client that writes frames itself, to send what no real client sends: malformed frames, frames in the packet
// of the handshake request, no answer to a close frame.

import { connect, type Socket } from 'node:net';
import { PATIENCE } from './client.ts';

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/**
 * The bytes of a frame (RFC 6455 §5.2). Clients must mask their frames: unless `masked` is false, the masking key is 0.
 * `length` is the length in the header, if it differs from that of the payload.
 */
export function frame(
  opcode: number,
  payload: string | Uint8Array = '',
  { fin = true, masked = true, rsv = 0, length = Buffer.byteLength(payload) } = {},
): Buffer {
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const mask = masked ? 0x80 : 0;
  const head =
    length < 126
      ? Buffer.of(first, mask | length)
      : length < 2 ** 16
        ? Buffer.of(first, mask | 126, length >> 8, length & 0xff)
        : Buffer.concat([Buffer.of(first, mask | 127, 0, 0, 0, 0), uint32(length)]);
  return Buffer.concat([head, masked ? Buffer.alloc(4) : Buffer.alloc(0), Buffer.from(payload)]);
}

/** The same with another masking key. */
export function maskedFrame(opcode: number, payload: string | Uint8Array, mask: readonly number[]): Buffer {
  const plain = frame(opcode, payload);
  const start = plain.length - Buffer.byteLength(payload);
  for (let index = 0; index < 4; index++) plain[start - 4 + index] = mask[index] as number;
  for (let index = start; index < plain.length; index++) {
    plain[index] = (plain[index] as number) ^ (mask[(index - start) % 4] as number);
  }
  return plain;
}

export function closeFrame(code: number, reason = ''): Buffer {
  return frame(CLOSE, Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason)]));
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A frame from the server, or the end of the connection. */
export type RawReceived = { readonly opcode: number; readonly payload: Buffer } | { readonly end: true };

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';

export interface RawOptions {
  /** The request line. */
  readonly request?: string;
  /** Headers, instead of those of a valid handshake. */
  readonly headers?: readonly string[];
  /** Headers in addition to those. */
  readonly extraHeaders?: readonly string[];
  /** Bytes that are sent in the same packet as the handshake request. */
  readonly earlyBytes?: Buffer;
  /** How long to wait for the server, in ms. Default: 10 000. */
  readonly patience?: number;
  /** Keeps this half of the connection open when the server ends its own. */
  readonly halfOpen?: boolean;
}

export class RawClient {
  /** The status line and headers of the server's response. */
  answer = '';
  #chunks: Buffer[] = [];
  #size = 0;
  /** The number of bytes to read before the next frame can be parsed. */
  #needed = 2;
  #ended = false;
  #wake = () => {};

  private constructor(
    readonly socket: Socket,
    readonly patience: number,
    halfOpen: boolean,
  ) {
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
      this.#wake();
    });
    socket.on('error', () => {}); // the 'close' event follows
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
    if (!halfOpen) socket.on('end', () => socket.end());
  }

  /** Sends the handshake request, and reads the head of the response. */
  static async connect(url: string, options: RawOptions = {}): Promise<RawClient> {
    const { hostname, port, pathname, search, host } = new URL(url);
    const lines = [
      options.request ?? `GET ${pathname}${search} HTTP/1.1`,
      `Host: ${host}`,
      ...(options.headers ?? ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', KEY]),
      ...(options.extraHeaders ?? []),
    ];
    // Otherwise Node.js ends this half together with the server's, despite `halfOpen`.
    const socket = connect({ port: Number(port || 80), host: hostname, allowHalfOpen: true });
    const client = new RawClient(socket, options.patience ?? PATIENCE, options.halfOpen ?? false);
    socket.setNoDelay(true);
    socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), options.earlyBytes ?? Buffer.alloc(0)]));
    await client.#until(() => client.#bytes().includes('\r\n\r\n') || client.#ended, 'the response to the handshake');
    const bytes = client.#bytes();
    const end = bytes.indexOf('\r\n\r\n') + 4;
    if (end >= 4) {
      client.answer = bytes.subarray(0, end).toString('latin1');
      client.#chunks = [bytes.subarray(end)];
      client.#size -= end;
    }
    return client;
  }

  /** The HTTP status of the response. */
  get status(): number {
    return Number(/^HTTP\/1\.\d (\d+)/.exec(this.answer)?.[1] ?? 0);
  }

  /** The values of a response header, one for each line. */
  header(name: string): string[] {
    return [...this.answer.matchAll(new RegExp(`^${name}: *(.*?) *\\r$`, 'gim'))].map(([, value]) => value as string);
  }

  send(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** The next frame, or the end of the connection. Throws if neither comes in time; `expected` is part of the error. */
  async next(expected = 'a frame'): Promise<RawReceived> {
    let taken: RawReceived | undefined;
    await this.#until(() => {
      taken = this.#take();
      return taken !== undefined || this.#ended;
    }, expected);
    return taken ?? { end: true };
  }

  /** The next frame, or the end of the connection; `undefined` if neither comes within `ms` milliseconds. */
  async within(ms: number): Promise<RawReceived | undefined> {
    let taken: RawReceived | undefined;
    const done = () => {
      taken = this.#take();
      return taken !== undefined || this.#ended;
    };
    await this.#until(done, '', ms).catch(() => {});
    return taken ?? (this.#ended ? { end: true } : undefined);
  }

  /** The frames before the close frame, and its code: 0 if the connection ended without one. */
  async untilClose(): Promise<[RawReceived[], number]> {
    const { before, code } = await this.closing();
    return [before, code === 'no close frame' ? 0 : code];
  }

  /** The frames before the close frame, and its code and reason: 1005 and '' if it is empty. */
  async closing(): Promise<{ before: RawReceived[]; code: number | 'no close frame'; reason: string }> {
    const before: RawReceived[] = [];
    for (;;) {
      const received = await this.next('a close frame');
      if ('end' in received) return { before, code: 'no close frame', reason: '' };
      if (received.opcode === CLOSE) {
        const { payload } = received;
        return {
          before,
          code: payload.length >= 2 ? payload.readUInt16BE() : 1005,
          reason: payload.subarray(2).toString(),
        };
      }
      before.push(received);
    }
  }

  /** Waits for the end of the connection. */
  async ended(ms = this.patience): Promise<void> {
    await this.#until(() => this.#ended, 'the end of the connection', ms);
  }

  /** Closes the connection without a close frame. */
  cut(): void {
    this.socket.destroy();
  }

  #bytes(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Buffer;
  }

  #take(): RawReceived | undefined {
    if (this.#size < this.#needed) return undefined;
    const bytes = this.#bytes();
    const opcode = (bytes[0] as number) & 0x0f;
    const short = (bytes[1] as number) & 0x7f;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    this.#needed = head;
    if (bytes.length < head) return undefined;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : bytes.readUInt32BE(6);
    this.#needed = head + length;
    if (bytes.length < head + length) return undefined;
    this.#needed = 2;
    const payload = Buffer.from(bytes.subarray(head, head + length));
    this.#chunks = [bytes.subarray(head + length)];
    this.#size -= head + length;
    return { opcode, payload };
  }

  async #until(done: () => boolean, expected: string, ms = this.patience): Promise<void> {
    while (!done()) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`expected ${expected}, but nothing came from the server for ${ms} ms`)),
          ms,
        );
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
