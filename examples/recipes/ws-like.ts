// Connects a library that expects sockets of `ws`, such as tRPC or Hocuspocus: `accept(wsLike(library), request)`.

import { EventEmitter } from 'node:events';
import type { WebSock } from '@websock/spec';

type Outgoing = Omit<WebSock.Push<never>, 'state'> | Omit<WebSock.Stop<never>, 'state'>;

class Socket extends EventEmitter {
  readyState = 1; // OPEN
  readonly #mailbox: WebSock.Mailbox<Outgoing>;
  constructor(mailbox: WebSock.Mailbox<Outgoing>) {
    super();
    this.#mailbox = mailbox;
  }
  send(data: string | Uint8Array<ArrayBuffer>, sent?: () => void): void {
    const message = typeof data === 'string' ? { opcode: 'text' as const, data } : { opcode: 'binary' as const, data };
    this.#mailbox.post({ type: 'push', messages: message });
    sent?.();
  }
  ping = (): void => this.#mailbox.post({ type: 'push', messages: { opcode: 'ping' } });
  close = (code = 1000, reason = ''): void => this.#mailbox.post({ type: 'stop', close: { code, reason } });
  terminate = (): void => this.close();
}

export const wsLike = <Request>(connected: (socket: Socket, request: Request) => void) =>
  ({
    init(request, mailbox) {
      const socket = new Socket(mailbox);
      connected(socket, request);
      return { type: 'ok', state: socket };
    },
    handleIn(frame, socket) {
      socket.emit('message', Buffer.from(frame.data as string), frame.opcode === 'binary');
      return { type: 'ok', state: socket };
    },
    handleControl(frame, socket) {
      socket.emit(frame.opcode, Buffer.from(frame.data));
      return { type: 'ok', state: socket };
    },
    handleInfo: (outgoing, socket) => ({ ...outgoing, state: socket }),
    terminate({ code, reason }, socket) {
      socket.readyState = 3; // CLOSED
      socket.emit('close', code, Buffer.from(reason));
    },
  }) satisfies WebSock<Socket, Outgoing, Request>;
