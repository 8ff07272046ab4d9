// WebSock on Bun.
//
//   Bun.serve({ websocket, fetch: (request, server) => upgrade({ request, server }, handler, arg, options) });
//
// Call `upgrade` before any `await`: Bun refuses to upgrade a request once the client has sent more.

import type { WebSock } from '@websock/spec';
import type { Limits } from '../../tck/src/capabilities.ts';
import { Connection, type Wire } from './connection.ts';
import { refusal, subprotocol } from './handshake.ts';
import { type CheckedOptions, checkHandler, checkOptions } from './validate.ts';

// Bun has one limit for all connections of a server; each connection's own is checked on the whole message.
const LARGEST_MESSAGE = 100_000_000;

export { shutdown } from './connection.ts';

export const limits: Limits = {
  'refuse HTTP/1.0': 'the version cannot be read from a Request',
  'validateUtf8: false': 'Bun validates always',
  'large maxFrameSize': `Bun has one limit for all connections, here ${LARGEST_MESSAGE} bytes`,
  'timeout counts parts of messages': 'Bun tells of whole messages only',
};

/** What `Bun.serve` gives to `fetch`. */
export interface UpgradeRequest {
  readonly request: Request;
  readonly server: Server;
}

// Of Bun's own types, what is used here.
interface Server {
  upgrade(request: Request, options: { data: Link; headers: Record<string, string> }): boolean;
}

interface Socket {
  readonly data: Link;
  readonly readyState: number;
  binaryType?: string | undefined;
  send(data: Data, compress: boolean): number;
  ping(data: Data): number;
  pong(data: Data): number;
  getBufferedAmount(): number;
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

type Bytes = InstanceType<Uint8ArrayConstructor>;
type Data = any; // Bun's own types leave out the shared memory that Bun does send

const OPEN = 1;

/**
 * Turns a request into a connection that the handler serves, and returns nothing. A request that is not a valid upgrade
 * gets a response of 400 or 405 and reaches no callback (rule 1.5).
 *
 * Throws a TypeError for a handler or an option that is not one; Bun answers the client with 500.
 */
export const upgrade: WebSock.Upgrade<UpgradeRequest, Response | undefined> = (
  { request, server },
  handler,
  arg,
  options,
) => {
  checkHandler(handler);
  const checked = checkOptions(options);
  const refused = refusal(request);
  if (refused) return refused;
  if (!checked.compress) request.headers.delete('Sec-WebSocket-Extensions'); // or Bun would agree to compress
  // Without this header Bun would answer the first subprotocol that the client offers.
  const headers = { 'Sec-WebSocket-Protocol': subprotocol(request, checked.protocol) ?? '' };
  const upgraded = server.upgrade(request, { data: new Link(handler, arg, checked), headers });
  return upgraded ? undefined : new Response('no WebSocket upgrade', { status: 400 });
};

/** The `websocket` of `Bun.serve`. */
export const websocket = {
  maxPayloadLength: LARGEST_MESSAGE,
  backpressureLimit: 0, // no limit: beyond one, Bun drops messages (rule 5.2)
  idleTimeout: 0, // the connection has a clock of its own
  perMessageDeflate: true, // for those that ask for it
  open(socket: Socket) {
    socket.binaryType = 'uint8array'; // a message's bytes are its own (rule 2.7)
    socket.data.open(socket);
  },
  message: ({ data: { connection } }: Socket, data: string | Bytes) => connection.message(data),
  ping: ({ data: { connection } }: Socket, data: Uint8Array) =>
    connection.control({ opcode: 'ping', data: data as Bytes }),
  pong: ({ data: { connection } }: Socket, data: Uint8Array) =>
    connection.control({ opcode: 'pong', data: data as Bytes }),
  drain: ({ data }: Socket) => data.flushed(),
  close: ({ data }: Socket, code: number, reason: string) => data.closed(code, reason),
};

/** A connection and its socket. */
class Link implements Wire {
  readonly connection: Connection<any, any, any>;
  readonly #arg: unknown;
  readonly #compress: boolean;
  #socket!: Socket; // since open()
  #closing = false;
  /** Whether Bun may have buffered a message. */
  #buffers = false;
  #waiters: (() => void)[] = [];

  constructor(handler: WebSock.Any, arg: unknown, options: CheckedOptions) {
    this.connection = new Connection(this, handler, options);
    this.#arg = arg;
    this.#compress = options.compress;
  }

  open(socket: Socket): void {
    this.#socket = socket;
    this.connection.open(this.#arg);
  }

  isOpen(): boolean {
    return !this.#closing && this.#socket.readyState === OPEN;
  }

  send({ opcode, data = '' }: WebSock.Message): void {
    const socket = this.#socket;
    const sent = opcode === 'ping' || opcode === 'pong' ? socket[opcode](data) : socket.send(data, this.#compress);
    if (sent === -1) this.#buffers = true;
  }

  unsent(): number {
    return this.#buffers ? this.#socket.getBufferedAmount() : 0;
  }

  drained(): Promise<void> {
    return new Promise((settle) => {
      this.#waiters.push(settle);
      this.flushed();
    });
  }

  /** Bun has sent some of what it buffers. */
  flushed(): void {
    if (this.unsent() > 0) return;
    this.#buffers = false;
    for (const settle of this.#waiters.splice(0)) settle();
  }

  close(code: number, reason: string): void {
    this.#closing = true;
    // After its close(), Bun would hold a socket with unsent messages for as long as the client likes (rule 4.5).
    this.drained().then(() => this.#socket.close(code, reason));
  }

  closed(code: number, reason: string): void {
    this.#buffers = false; // nothing is sent any more
    this.flushed();
    // Only Bun itself gives a reason with 1006: the client has broken the protocol, and Bun has said so.
    const fault = code === 1006 && reason !== '';
    if (fault) this.connection.failed(new Error(reason));
    this.connection.closed(code, fault ? '' : reason);
  }

  drop(): void {
    this.#socket.terminate();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}
