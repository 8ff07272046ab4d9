// A client that speaks WebSocket by hand, for what no real client would send: malformed frames, frames in the packet of
// the handshake, silence where an answer is due.

import { connect, type Socket } from 'node:net';
import { PATIENCE } from './client.ts';

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** A frame as bytes (RFC 6455 §5.2). Masked with zeros, as a client's must be masked, unless `masked` is false. */
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

/** The same, masked with a key that is not zeros. */
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

/** What the server sent, as one frame; or how the connection ended. */
export type RawReceived =
  | { readonly opcode: number; readonly payload: Buffer; readonly code?: number }
  | { readonly end: true };

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';

export interface RawOptions {
  /** The request line. */
  readonly request?: string;
  /** Headers, instead of those of a valid handshake. */
  readonly headers?: readonly string[];
  /** Headers beside them. */
  readonly more?: readonly string[];
  /** Bytes in the packet of the handshake. */
  readonly behind?: Buffer;
  /** How long to wait for the server, in ms. */
  readonly patience?: number;
  /** Leaves it to the test to answer the end of the server's stream, which a client otherwise does by itself. */
  readonly halfOpen?: boolean;
}

export class RawClient {
  /** The status line and the headers that the server answered with. */
  answer = '';
  #chunks: Buffer[] = [];
  #size = 0;
  /** How many bytes must be there before there is a frame. */
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
    socket.on('error', () => {}); // the close tells
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
    if (!halfOpen) socket.on('end', () => socket.end());
  }

  /** Sends a request, and reads the head of its answer. */
  static async connect(url: string, options: RawOptions = {}): Promise<RawClient> {
    const { hostname, port, pathname, search, host } = new URL(url);
    const lines = [
      options.request ?? `GET ${pathname}${search} HTTP/1.1`,
      `Host: ${host}`,
      ...(options.headers ?? ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', KEY]),
      ...(options.more ?? []),
    ];
    // Otherwise Node would answer the end of the server's stream by itself.
    const socket = connect({ port: Number(port || 80), host: hostname, allowHalfOpen: true });
    const client = new RawClient(socket, options.patience ?? PATIENCE, options.halfOpen ?? false);
    socket.setNoDelay(true);
    socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), options.behind ?? Buffer.alloc(0)]));
    await client.#until(() => client.#bytes().includes('\r\n\r\n') || client.#ended, 'the answer to the handshake');
    const bytes = client.#bytes();
    const end = bytes.indexOf('\r\n\r\n') + 4;
    if (end >= 4) {
      client.answer = bytes.subarray(0, end).toString('latin1');
      client.#chunks = [bytes.subarray(end)];
      client.#size -= end;
    }
    return client;
  }

  /** The HTTP status of the answer. */
  get status(): number {
    return Number(/^HTTP\/1\.\d (\d+)/.exec(this.answer)?.[1] ?? 0);
  }

  /** The values of a header of the answer, one for each line. */
  header(name: string): string[] {
    return [...this.answer.matchAll(new RegExp(`^${name}: *(.*?) *\\r$`, 'gim'))].map(([, value]) => value as string);
  }

  send(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** The next frame that the server sends, or its end; throws when nothing comes, and names what was awaited. */
  async next(awaited = 'a frame'): Promise<RawReceived> {
    let taken: RawReceived | undefined;
    await this.#until(() => {
      taken = this.#take();
      return taken !== undefined || this.#ended;
    }, awaited);
    return taken ?? { end: true };
  }

  /** The next frame or end, if it comes within some milliseconds. */
  async within(ms: number): Promise<RawReceived | undefined> {
    let taken: RawReceived | undefined;
    const done = () => {
      taken = this.#take();
      return taken !== undefined || this.#ended;
    };
    await this.#until(done, '', ms).catch(() => {});
    return taken ?? (this.#ended ? { end: true } : undefined);
  }

  /** Frames until the close frame or the end: `[frames before it, its code]`; 0 if there was no close frame. */
  async untilClose(): Promise<[RawReceived[], number]> {
    const { before, code } = await this.closing();
    return [before, code === 'no close frame' ? 0 : code];
  }

  /** Frames until the close frame or the end, and the code and reason of the close frame: 1005 and '' if it is empty. */
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

  /** Waits until the connection has ended, by the server or by this client. */
  async ended(ms = this.patience): Promise<void> {
    await this.#until(() => this.#ended, 'the end of the connection', ms);
  }

  /** Ends the connection immediately, as a process that dies does. */
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

  async #until(done: () => boolean, awaited: string, ms = this.patience): Promise<void> {
    while (!done()) {
      await new Promise<void>((woken, tired) => {
        const timer = setTimeout(
          () => tired(new Error(`awaited ${awaited}, but nothing came from the server for ${ms} ms`)),
          ms,
        );
        this.#wake = () => {
          clearTimeout(timer);
          woken();
        };
      });
    }
  }
}
