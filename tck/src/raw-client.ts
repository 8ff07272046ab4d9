// A client that speaks WebSocket by hand, for what no real client would send: malformed frames, frames in the packet of
// the handshake, silence where an answer is due.

import { connect, type Socket } from 'node:net';

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** A frame as bytes (RFC 6455 §5.2). Masked with zeros, as a client's must be masked, unless told otherwise. */
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
const PATIENCE = 10_000;

export interface RawOptions {
  /** The request line. */
  readonly request?: string;
  /** Headers, instead of those of a valid handshake. */
  readonly headers?: readonly string[];
  /** Headers beside them. */
  readonly more?: readonly string[];
  /** Bytes in the packet of the handshake. */
  readonly behind?: Buffer;
}

export class RawClient {
  /** The status line and the headers that the server answered with. */
  answer = '';
  #bytes = Buffer.alloc(0);
  #ended = false;
  #wake = () => {};

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    socket.on('error', () => {}); // the close tells
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on('end', () => socket.end());
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
    const socket = connect(Number(port), hostname);
    const client = new RawClient(socket);
    socket.setNoDelay(true);
    socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), options.behind ?? Buffer.alloc(0)]));
    await client.#until(() => client.#bytes.includes('\r\n\r\n') || client.#ended);
    const end = client.#bytes.indexOf('\r\n\r\n') + 4;
    client.answer = client.#bytes.subarray(0, Math.max(end, 0)).toString('latin1');
    client.#bytes = client.#bytes.subarray(Math.max(end, 0));
    return client;
  }

  /** The HTTP status of the answer. */
  get status(): number {
    return Number(/^HTTP\/1\.\d (\d+)/.exec(this.answer)?.[1] ?? 0);
  }

  send(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** The next frame that the server sends, or its end. */
  async next(): Promise<RawReceived> {
    let taken: RawReceived | undefined;
    await this.#until(() => {
      taken = this.#take();
      return taken !== undefined || this.#ended;
    });
    return taken ?? { end: true };
  }

  /** Frames until the close frame or the end: `[frames before it, its code]`; 0 if there was no close frame. */
  async untilClose(): Promise<[RawReceived[], number]> {
    const before: RawReceived[] = [];
    for (;;) {
      const received = await this.next();
      if ('end' in received) return [before, 0];
      if (received.opcode === CLOSE)
        return [before, received.payload.length >= 2 ? received.payload.readUInt16BE() : 1005];
      before.push(received);
    }
  }

  /** Waits until the server has ended the connection. */
  async ended(): Promise<void> {
    await this.#until(() => this.#ended);
  }

  /** Ends the connection at once, as a process that dies does. */
  cut(): void {
    this.socket.destroy();
  }

  #take(): RawReceived | undefined {
    const bytes = this.#bytes;
    if (bytes.length < 2) return undefined;
    const opcode = (bytes[0] as number) & 0x0f;
    const short = (bytes[1] as number) & 0x7f;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < head) return undefined;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : bytes.readUInt32BE(6);
    if (bytes.length < head + length) return undefined;
    const payload = Buffer.from(bytes.subarray(head, head + length));
    this.#bytes = bytes.subarray(head + length);
    return { opcode, payload };
  }

  async #until(done: () => boolean): Promise<void> {
    while (!done()) {
      await new Promise<void>((woken, tired) => {
        const timer = setTimeout(() => tired(new Error(`nothing came from the server for ${PATIENCE} ms`)), PATIENCE);
        this.#wake = () => {
          clearTimeout(timer);
          woken();
        };
      });
    }
  }
}
