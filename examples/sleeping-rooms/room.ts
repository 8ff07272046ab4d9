// A room for each path, `/kitchen?name=ann`, in a Durable Object that hibernates while no messages arrive.

import { accept, createHibernation, type HibernationContext } from '@websock/adapter/cloudflare';
import type { WebSock } from '@websock/spec';

interface State {
  readonly name: string;
  readonly lines: number;
}

export class Room {
  readonly #built = Date.now();
  readonly #sockets;

  constructor(ctx: HibernationContext) {
    this.#sockets = createHibernation(ctx, ({ url }) => accept(this.#member, nameIn(url)), {
      handlers: { member: this.#member },
    });
  }

  readonly #member = {
    init: (name: string) => ({ type: 'ok', state: { name, lines: 0 } }),
    handleIn: (frame, { name, lines }) => {
      // A list in memory would be empty after the object has slept.
      for (const mailbox of this.#sockets.mailboxes()) mailbox.post(`${name} (${lines + 1}): ${frame.data}`);
      return { type: 'ok', state: { name, lines: lines + 1 } };
    },
    handleInfo: (line, state) => ({ type: 'push', messages: { opcode: 'text', data: line }, state }),
  } satisfies WebSock<State, string, string>;

  async fetch(request: Request): Promise<Response> {
    if (request.headers.has('Upgrade')) return this.#sockets.fetch(request);
    return new Response(`${Date.now() - this.#built}\n`); // the age of the object, in ms
  }

  webSocketMessage(socket: unknown, data: string | ArrayBuffer): void {
    this.#sockets.webSocketMessage(socket, data);
  }

  webSocketClose(socket: unknown, code: number, reason: string, wasClean: boolean): void {
    this.#sockets.webSocketClose(socket, code, reason, wasClean);
  }

  webSocketError(socket: unknown, error: unknown): void {
    this.#sockets.webSocketError(socket, error);
  }
}

const nameIn = (url: string) => new URL(url).searchParams.get('name') ?? 'guest';

export default {
  fetch: (request: Request, { ROOM }: any) => ROOM.get(ROOM.idFromName(new URL(request.url).pathname)).fetch(request),
};
