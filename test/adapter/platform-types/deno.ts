// `createFetch` fits what Deno's own types expect, and nothing more. See ../platform-types.test.ts.

import { accept, createFetch, type DenoPlatform, type Route } from '@websock/adapter/deno';
import type { WebSock } from '@websock/spec';

const echo = {
  init: () => ({ type: 'ok', state: undefined }),
  handleIn: (frame, state) => ({ type: 'push', messages: frame, state }),
  handleInfo: (_info, state) => ({ type: 'ok', state }),
} satisfies WebSock<undefined>;
declare const member: boolean;
Deno.serve(createFetch(() => accept(echo)).fetch);
Deno.serve(
  { port: 1 },
  createFetch(async (_request, info) => {
    info.remoteAddr;
    return member ? accept(echo) : new Response();
  }).fetch,
);
export default { fetch: createFetch(() => accept(echo)).fetch } satisfies Deno.ServeDefaultExport;
export const object = createFetch(() => accept(echo)) satisfies Deno.ServeDefaultExport;
const response: Response = createFetch(() => accept(echo)).fetch(new Request(''), {} as DenoPlatform);
const maybe: Response | undefined = createFetch(() => (member ? accept(echo) : undefined)).fetch(
  new Request(''),
  {} as DenoPlatform,
);
const later: Response | Promise<Response | undefined> = createFetch(async () =>
  member ? accept(echo) : undefined,
).fetch(new Request(''), {} as DenoPlatform);
// @ts-expect-error: the route may decline
Deno.serve(createFetch(() => (member ? accept(echo) : undefined)).fetch);
// @ts-expect-error: a Route may decline
Deno.serve(createFetch((() => accept(echo)) as Route).fetch);
createFetch((_request) => (member ? accept(echo) : new Promise((resolve) => resolve(accept(echo)))));
// @ts-expect-error: no decision
createFetch(() => 'x');

export { later, maybe, response };
