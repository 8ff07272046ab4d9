// `createFetch` fits what Cloudflare's own types expect, and nothing more. See ../platform-types.test.ts.

import { DurableObject } from 'cloudflare:workers';
import { accept, type CloudflarePlatform, createFetch } from '@websock/adapter/cloudflare';
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
