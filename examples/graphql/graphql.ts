// GraphQL over WebSocket: hosts the server of graphql-ws, which implements the subprotocol `graphql-transport-ws`.
//
// That server sends messages at any time, not only while a callback runs. They go to an outbox, and the handler is woken
// through its mailbox to send them.

import type { WebSock } from '@websock/spec';
import { CloseCode, makeServer, type Server, type ServerOptions } from 'graphql-ws';

/** What the route has read from the request. */
export interface Upgrade<Extra> {
  /** The negotiated subprotocol; `''` if there is none. */
  readonly protocol: string;
  /** Passed to resolvers and hooks as `ctx.extra`. */
  readonly extra: Extra;
}

/** One connection of the server of graphql-ws. */
class Session<Extra> {
  readonly #outbox: { readonly data: string; readonly sent: () => void }[] = [];
  readonly #wake: () => void;
  readonly #closed: (code: number, reason: string) => Promise<void>;
  #listener: (data: string) => Promise<void> = async () => {};
  #end: Pick<WebSock.Stop<unknown>, 'reason' | 'close'> | undefined;

  constructor(server: Server<Extra>, { protocol, extra }: Upgrade<Extra>, wake: () => void) {
    this.#wake = wake;
    this.#closed = server.opened(
      {
        protocol,
        send: (data) => this.#send(data),
        close: (code = 1000, reason = '') => this.stop('normal', code, reason),
        onMessage: (listener) => {
          this.#listener = listener;
        },
      },
      extra,
    );
  }

  /** Handles a message of the client. Does not wait for the operation, which may last as long as the connection. */
  receive(data: string): void {
    this.#listener(data).catch((error) => {
      console.error('graphql-ws:', error); // a close frame may not reach the client any more
      this.stop({ error }, CloseCode.InternalServerError, 'Internal server error');
    });
  }

  /** Resolves when the message has been passed on; graphql-ws waits for that before it pulls the next result. */
  #send(data: string): Promise<void> {
    if (this.#end) return Promise.resolve();
    return new Promise((sent) => {
      if (this.#outbox.push({ data, sent }) === 1) this.#wake();
    });
  }

  /** Closes the connection after the messages in the outbox. Later calls have no effect. */
  stop(reason: WebSock.StopReason, code: number, text: string): void {
    if (this.#end) return;
    this.#end = { reason, close: { code, reason: text } };
    this.#wake();
  }

  /** Takes all messages out of the outbox, as the result of a callback. */
  flush(): WebSock.HandleResult<this> {
    const messages = this.#outbox.splice(0).map(({ data, sent }): WebSock.Message => {
      sent();
      return { opcode: 'text', data };
    });
    return this.#end ? { type: 'stop', ...this.#end, messages, state: this } : { type: 'push', messages, state: this };
  }

  /** Ends all operations after the end of the connection. */
  async ended(reason: WebSock.CloseReason): Promise<void> {
    this.#end ??= { reason: 'normal' };
    this.flush(); // sends nothing, but resolves the promises that operations wait for
    await this.#closed(reason.code, reason.reason);
  }
}

/** A handler that serves GraphQL. `options` are those of graphql-ws: schema, context, authorization and so on. */
export function graphql<Extra>(
  options: ServerOptions<Record<string, unknown>, Extra>,
): WebSock<Session<Extra>, 'wake', Upgrade<Extra>> {
  const server = makeServer(options);
  return {
    init: (upgrade, mailbox) => new Session(server, upgrade, () => mailbox.post('wake')).flush(),

    handleIn(frame, session) {
      if (frame.opcode === 'text') session.receive(frame.data);
      else session.stop('normal', CloseCode.BadRequest, 'Invalid message received');
      return session.flush();
    },

    handleInfo: (_wake, session) => session.flush(),

    terminate: (reason, session) => session.ended(reason),
  };
}
