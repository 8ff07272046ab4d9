// `createFetch` fits what Cloudflare's own types expect, and nothing more. See ../platform-types.test.ts.

import { DurableObject } from 'cloudflare:workers';
import { accept, type CloudflarePlatform, createFetch, createHibernation } from '@websock/adapter/cloudflare';
import type { WebSock } from '@websock/spec';

const echo = {
  init: () => ({ type: 'ok', state: undefined }),
  handleIn: (frame, state) => ({ type: 'push', messages: frame, state }),
  handleInfo: (_info, state) => ({ type: 'ok', state }),
} satisfies WebSock<undefined>;
interface Env {
  readonly ROOM: DurableObjectNamespace;
  readonly KEY: string;
}
export class Room extends DurableObject<Env> {
  override readonly fetch = createFetch(() => accept(echo)).fetch;
}
export class Lobby extends DurableObject<Env> {
  readonly #sockets = createFetch<Env>(async (_request, { env }) => (env.KEY ? accept(echo) : new Response(env.KEY)));
  override fetch(request: Request) {
    return this.#sockets.fetch(request, this.env, this.ctx);
  }
}
export const plain = createFetch(() => accept(echo)) satisfies ExportedHandler;
export const explicit = createFetch<Env>((_request, { env }) =>
  env.KEY ? accept(echo) : new Response(),
) satisfies ExportedHandler<Env>;
export const annotated = createFetch((_request, { env }: CloudflarePlatform<Env>) =>
  env.KEY ? accept(echo) : new Response(),
) satisfies ExportedHandler<Env>;
export default { fetch: createFetch(() => accept(echo)).fetch } satisfies ExportedHandler<Env>;
// @ts-expect-error: the bindings have no type here
createFetch((_request, { env }) => new Response(env.KEY));
// @ts-expect-error: the route declines
createFetch(() => undefined) satisfies ExportedHandler;

// ---- Hibernation ----

interface State {
  readonly name: string;
  readonly mailbox: WebSock.Mailbox<string>;
}
declare const member: WebSock<State, string, { readonly name: string }>;

export class Sleeping extends DurableObject<Env> {
  readonly #sockets = createHibernation(
    this.ctx,
    (_request, { env }: CloudflarePlatform<Env>) => accept(member, { name: env.KEY }),
    {
      handlers: {
        member: {
          handler: member,
          save: ({ name }) => name,
          restore: (name: string, mailbox) => {
            mailbox.post('back');
            // @ts-expect-error: the mailbox is the handler's
            mailbox.post(5);
            return { name, mailbox };
          },
        },
        echo,
      },
      autoResponse: { request: 'ping', response: 'pong' },
    },
  );
  override fetch(request: Request) {
    for (const mailbox of this.#sockets.mailboxes('member')) mailbox.post('hello');
    // @ts-expect-error: there is no such handler
    this.#sockets.mailboxes('stranger');
    return this.#sockets.fetch(request, this.env);
  }
  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer) {
    this.#sockets.webSocketMessage(socket, data);
  }
  override webSocketClose(...event: [WebSocket, number, string, boolean]) {
    this.#sockets.webSocketClose(...event);
  }
  override webSocketError(socket: WebSocket, error: unknown) {
    this.#sockets.webSocketError(socket, error);
  }
}
declare const ctx: DurableObjectState;
const route = () => accept(member, { name: 'ann' });
// @ts-expect-error: a state with a mailbox cannot be cloned
createHibernation(ctx, route, { handlers: { member } });
// @ts-expect-error: both are needed
createHibernation(ctx, route, { handlers: { member: { handler: member, save: ({ name }) => name } } });
createHibernation(ctx, route, {
  handlers: {
    member: {
      handler: member,
      // @ts-expect-error: the state has no such property
      save: ({ nickname }) => nickname,
      // @ts-expect-error: this is not the state
      restore: (name: string) => ({ name }),
    },
  },
});
declare const counted: WebSock<{ count: number; seen: Map<string, Date>; bytes: Uint8Array; list: string[] }>;
createHibernation(ctx, () => accept(counted), { handlers: { counted } });
declare const method: WebSock<{ count: number; add(): void }>;
// @ts-expect-error: a state with a method cannot be cloned
createHibernation(ctx, () => accept(method), { handlers: { method } });
