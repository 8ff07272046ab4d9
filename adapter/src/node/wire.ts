// One connection's socket: a WebSocket of the `ws` package, as the connection uses it.

import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebSock } from '@websock/spec';
import { WebSocket } from 'ws';
import type { Connection } from '../connection/connection.ts';
import type { Wire } from '../connection/wire.ts';
import type { EndRule } from '../observer.ts';
import { unsentBytes } from '../unsent.ts';
import { resetStream } from './http2.ts';
import { textFrame } from './text-frame.ts';

/** A WebSocket that reports the client's close frame and protocol errors: `ws` calls `close` for both. */
export class ServerSocket extends WebSocket {
  /** Called when `ws` has answered the client's close frame. */
  onClosedByClient: ((code: number, reason: string) => void) | undefined;
  /** The code that `ws` sent because of a protocol error; 1006 if it sent none. */
  errorCode = 1006;

  override close(code?: number, reason?: string | Buffer): void {
    const isOpen = this.readyState === WebSocket.OPEN;
    super.close(code, reason);
    if (code !== undefined && reason === undefined) {
      if (isOpen) this.errorCode = code;
    } else this.onClosedByClient?.(code ?? 1005, reason?.toString() ?? '');
  }

  /** Sends the server's own close frame. */
  closeByServer(code: number, reason: string): void {
    super.close(code, reason);
  }
}

/** The row of the table in rule 4.3, where the code of the close frame does not tell. */
function ruleOf(error: Error): EndRule | undefined {
  const { code = '' } = error as { readonly code?: string };
  if (code === 'WS_ERR_INVALID_CLOSE_CODE') return '4.3f';
  return code.startsWith('Z_') ? '4.3i' : undefined; // of zlib
}

/** The fragments that `ws` has received of an incomplete message. Undocumented, so it may be missing. */
interface WithReceiver {
  readonly _receiver?: { readonly _fragments?: Fragments };
}

/** `ws` makes a new list for each message. */
type Fragments = Uint8Array[] & { /** How many entries are copies. */ copies?: number };

/** The wires to uncork at the end of this turn; one list, as a broadcast sends to many. */
const corked: NodeWire[] = [];

function uncorkAll(): void {
  for (const wire of corked.splice(0)) wire.uncork();
}

export class NodeWire implements Wire {
  readonly #webSocket: ServerSocket;
  readonly #socket: Duplex;
  #sent: () => void = () => {};
  #corked = false;

  constructor(webSocket: ServerSocket, socket: Duplex) {
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  listen(connection: Connection<any, any, any>): void {
    const webSocket = this.#webSocket;
    const socket = this.#socket;
    this.#sent = () => connection.sent();
    webSocket.binaryType = 'arraybuffer'; // `ws` then copies each message, so its bytes are not reused (rule 2.7)
    webSocket.onClosedByClient = (code, reason) => connection.closing(code, reason);
    webSocket.on('message', (data, isBinary) => {
      if (isBinary) connection.data({ opcode: 'binary', data: new Uint8Array(data as ArrayBuffer) });
      else connection.data({ opcode: 'text', data: data.toString() });
    });
    webSocket.on('ping', (data) => {
      this.#cork(); // so that the answers to several pings are one write
      connection.control({ opcode: 'ping', data: new Uint8Array(data) });
    });
    webSocket.on('pong', (data) => connection.control({ opcode: 'pong', data: new Uint8Array(data) }));
    webSocket.on('error', (error) => connection.failed(error, webSocket.errorCode, ruleOf(error)));
    webSocket.on('close', (code, reason) => {
      if (code !== 1006) connection.closing(code, reason.toString());
      connection.gone();
    });
    socket.on('data', () => {
      connection.heard();
      this.#copyFragments(); // `ws` was the first listener, so it has parsed this packet
    });
    // The client has ended its side without a close frame, and `ws` ends ours. A plain socket with nothing left to send
    // closes by itself. Any other socket would stay open as long as the client reads nothing, so it gets a time limit.
    const isPlain = socket instanceof Socket && !('encrypted' in socket);
    socket.on('end', () => {
      if (isPlain && socket.writableLength === 0) return;
      const end = () => connection.closing(1006, '');
      if (webSocket.extensions === '') end();
      else setTimeout(end, 1_000).unref(); // messages may still be being inflated; by then most sockets have closed
    });
  }

  /**
   * Copies the fragments of one packet into one buffer: `ws` keeps views of what was read, and a view of one byte would
   * keep all 64 KiB of its packet in memory.
   */
  #copyFragments(): void {
    const fragments = (this.#webSocket as unknown as WithReceiver)._receiver?._fragments;
    if (!fragments || fragments.length === (fragments.copies ?? 0)) return;
    const added = fragments.splice(fragments.copies ?? 0);
    const size = added.reduce((total, { length }) => total + length, 0);
    const copy = Buffer.allocUnsafeSlow(size); // a view of Node's buffer pool would keep 8 KiB in memory
    let offset = 0;
    for (const fragment of added) {
      copy.set(fragment, offset);
      offset += fragment.length;
    }
    fragments.copies = fragments.push(copy);
  }

  /** Sends everything of this turn, such as the answers to all messages of one packet, in one write. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    if (corked.push(this) === 1) process.nextTick(uncorkAll);
  }

  uncork(): void {
    this.#corked = false;
    this.#socket.uncork();
  }

  send({ opcode, data = '' }: WebSock.Message): void {
    this.#cork();
    const isPlainText = typeof data === 'string' && opcode === 'text' && this.#webSocket.extensions === '';
    // `ws` would frame a text that goes to many clients for each of them, in two pieces.
    if (isPlainText && this.#webSocket.readyState === WebSocket.OPEN) this.#socket.write(textFrame(data), this.#sent);
    else if (opcode === 'ping' || opcode === 'pong') this.#webSocket[opcode](data, false, this.#sent);
    else this.#webSocket.send(data, { binary: opcode === 'binary' }, this.#sent);
  }

  unsent(): number {
    return unsentBytes(this.#webSocket.bufferedAmount, this.#socket);
  }

  close(code: number, reason: string): void {
    this.#webSocket.closeByServer(code, reason);
  }

  drop(): void {
    resetStream(this.#socket);
    this.#webSocket.terminate();
  }

  pause(): void {
    this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }

  ping(): void {
    this.#webSocket.ping();
  }
}
