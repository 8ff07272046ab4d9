// `createFetch` fits what Bun's and Hono's own types expect, and nothing more. See ../platform-types.test.ts.

import { accept, type BunServer, createFetch } from '@websock/adapter/bun';
import type { WebSock } from '@websock/spec';
import { Hono } from 'hono';

const echo = {
  init: () => ({ type: 'ok', state: undefined }),
  handleIn: (frame, state) => ({ type: 'push', messages: frame, state }),
  handleInfo: (_info, state) => ({ type: 'ok', state }),
} satisfies WebSock<undefined>;
declare const member: boolean;
const always = createFetch(() => accept(echo));
const asked = createFetch(async (request, { server }) => (server.requestIP(request) ? accept(echo) : new Response()));
const maybe = createFetch(() => (member ? accept(echo) : undefined));
Bun.serve({ fetch: always.fetch, websocket: always.websocket });
Bun.serve({ fetch: asked.fetch, websocket: asked.websocket });
Bun.serve({ fetch: maybe.fetch, websocket: maybe.websocket });
const app = new Hono<{ Bindings: BunServer }>();
app.get('/a', (context) => always.fetch(context.req.raw, context.env));
app.get('/b', (context) => asked.fetch(context.req.raw, context.env));
app.get('/c', async (context) => (await maybe.fetch(context.req.raw, context.env)) ?? context.notFound());
app.mount('/d', always.fetch);
app.mount('/e', asked.fetch, { optionHandler: (context) => [context.env] });
// @ts-expect-error: the route may decline
app.mount('/f', maybe.fetch);
