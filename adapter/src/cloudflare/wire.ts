// A socket of workerd, and what its events mean.

import type { WebSock } from '@websock/spec';
import { isSendableCode, truncateReason } from '../connection/close.ts';
import type { Connection } from '../connection/connection.ts';
import type { Wire } from '../connection/wire.ts';
import { dataFrame } from '../fetch/messages.ts';

// The part of workerd's types that is used here.
declare const WebSocketPair: new () => { 0: object; 1: CloudflareSocket };

/** A pair of sockets: the client's, for the response, and the server's. */
export function createPair(): { readonly webSocket: object; readonly socket: CloudflareSocket } {
  const { 0: webSocket, 1: socket } = new WebSocketPair();
  return { webSocket, socket };
}

export interface CloudflareSocket {
  readonly readyState: number;
  binaryType: 'blob' | 'arraybuffer';
  accept(options: { allowHalfOpen: boolean }): void;
  addEventListener(type: 'message', listener: (event: { readonly data: string | ArrayBuffer }) => void): void;
  addEventListener(type: 'close', listener: (event: CloseEvent) => void): void;
  addEventListener(type: 'error', listener: (event: { readonly message?: string }) => void): void;
  send(data: string | ArrayBuffer | ArrayBufferView): void;
  close(code?: number, reason?: string): void;
  /** Keeps a clone of a value with the socket, while its Durable Object hibernates. */
  serializeAttachment(value: unknown): void;
  deserializeAttachment(): unknown;
}

interface CloseEvent {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/** A socket and its connection. */
export class CloudflareWire implements Wire {
  protected readonly socket: CloudflareSocket;
  #connection!: Connection<any, any, any>; // since serve()
  #dropped = false;
  #closed = false;

  constructor(socket: CloudflareSocket) {
    this.socket = socket;
  }

  /** The events of the socket are for this connection. */
  serve(connection: Connection<any, any, any>): void {
    this.#connection = connection;
  }

  listen(): void {
    const { socket } = this;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => this.received(data));
    socket.addEventListener('close', (event) => this.closed(event));
    socket.addEventListener('error', ({ message }) => this.failed(message));
  }

  // ---- What workerd tells ----

  received(data: string | ArrayBuffer): void {
    if (this.#dropped) throw new Error('the connection has ended'); // the throw closes the socket
    this.#connection.data(dataFrame(data));
  }

  closed({ code, reason, wasClean }: CloseEvent): void {
    const connection = this.#connection;
    if (!wasClean) {
      this.#answer(); // or workerd would keep the socket until garbage collection
      connection.gone();
      return;
    }
    const empty = code === 1005 && reason === '';
    // Only clients send 1010; a reason that `truncateReason` shortens does not fit a control frame (RFC 6455 §5.5).
    if (empty || ((isSendableCode(code) || code === 1010) && truncateReason(reason) === reason)) {
      if (empty) this.#answer();
      else this.#answer(code, reason);
      connection.closing(code, reason);
    } else {
      this.#answer(1002);
      const error = new Error(`the client sent an invalid close frame, with the code ${code} (rule 4.3)`);
      connection.failed(error, 1002, '4.3f');
    }
    connection.gone();
  }

  /** After a protocol error, for which workerd has closed the connection, there is no close event. */
  failed(message = ''): void {
    const code = /protocolError\.statusCode = (\d+)/.exec(message)?.[1];
    if (code !== undefined) this.#connection.failed(new Error(message), Number(code));
    this.#connection.gone();
  }

  // ---- What the connection calls ----

  send({ opcode, data = '' }: WebSock.Message): void {
    // Without toWellFormed, workerd would send a lone surrogate as bytes that are not UTF-8.
    if (opcode === 'text') this.socket.send((data as string).toWellFormed());
    else if (opcode === 'binary') this.socket.send(data);
  }

  unsent(): number {
    return 0;
  }

  close(code: number, reason: string): void {
    this.#answer(code, reason.toWellFormed());
  }

  drop(): void {
    this.#dropped = true;
  }

  #answer(code?: number, reason?: string): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSocket(this.socket, code, reason);
  }
}

/** Closes a socket, or answers the client's close frame, if that is still possible. */
export function closeSocket(socket: CloudflareSocket, code?: number, reason?: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // It is closed; or, outside a Durable Object, it belongs to another request.
  }
}
