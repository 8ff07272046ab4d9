// GraphQL over WebSocket: hosts the server core of graphql-ws, which speaks the subprotocol `graphql-transport-ws`.
//
// The core answers when an operation has something to say, not when a callback runs. So it speaks into an outbox, and
// the mailbox is only told that there is something in it.

import type { WebSock } from '@websock/spec';
import { CloseCode, makeServer, type Server, type ServerOptions } from 'graphql-ws';

/** The client, as the application has read it from the request. */
export interface Visit<Extra> {
  /** The subprotocol that was agreed on; `''` if none was. */
  readonly protocol: string;
  /** What the core hands to resolvers and hooks as `ctx.extra`. */
  readonly extra: Extra;
}

/** The core's side of one connection. */
class Session<Extra> {
  readonly #outbox: { readonly data: string; readonly sent: () => void }[] = [];
  readonly #wake: () => void;
  readonly #closed: (code: number, reason: string) => Promise<void>;
  #listener: (data: string) => Promise<void> = async () => {};
  #end: Pick<WebSock.Stop<unknown>, 'reason' | 'close'> | undefined;

  constructor(server: Server<Extra>, { protocol, extra }: Visit<Extra>, wake: () => void) {
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

  /** What the client said. An operation is not waited for: it may run as long as the connection. */
  receive(data: string): void {
    this.#listener(data).catch((error) => {
      console.error('graphql-ws:', error); // the connection may be over, with nobody else to tell
      this.stop({ error }, CloseCode.InternalServerError, 'Internal server error');
    });
  }

  /** Settles when the message is with the server: the core waits for that before it asks a subscription for more. */
  #send(data: string): Promise<void> {
    if (this.#end) return Promise.resolve();
    return new Promise((sent) => {
      if (this.#outbox.push({ data, sent }) === 1) this.#wake();
    });
  }

  /** Closes the connection after what has been sent. The first end counts. */
  stop(reason: WebSock.StopReason, code: number, text: string): void {
    if (this.#end) return;
    this.#end = { reason, close: { code, reason: text } };
    this.#wake();
  }

  /** Everything that waits to be said, as a result. */
  flush(): WebSock.HandleResult<this> {
    const messages = this.#outbox.splice(0).map(({ data, sent }): WebSock.Message => {
      sent();
      return { opcode: 'text', data };
    });
    return this.#end ? { type: 'stop', ...this.#end, messages, state: this } : { type: 'push', messages, state: this };
  }

  /** The connection is over: ends what still runs. */
  async over(reason: WebSock.CloseReason): Promise<void> {
    this.#end ??= { reason: 'normal' };
    this.flush(); // nobody will read it, but operations wait for it
    await this.#closed(reason.code, reason.reason);
  }
}

/**
 * A handler that serves GraphQL as `options` say: schema, context, authorization and so on, see graphql-ws.
 */
export function graphql<Extra>(
  options: ServerOptions<Record<string, unknown>, Extra>,
): WebSock<Session<Extra>, 'wake', Visit<Extra>> {
  const server = makeServer(options);
  return {
    init: (visit, mailbox) => new Session(server, visit, () => mailbox.post('wake')).flush(),

    handleIn(frame, session) {
      if (frame.opcode === 'text') session.receive(frame.data);
      else session.stop('normal', CloseCode.BadRequest, 'Invalid message received');
      return session.flush();
    },

    handleInfo: (_wake, session) => session.flush(),

    terminate: (reason, session) => session.over(reason),
  };
}
