// Hono on Bun: serves the route on a path of the application.

import { type BunServer, createFetch } from '@websock/adapter/bun'; // or /deno
import { Hono } from 'hono';
import { route } from './authorise.ts';

const { fetch, websocket } = createFetch(route);

const app = new Hono<{ Bindings: BunServer }>();
app.get('/health', (context) => context.text('ok'));
app.get('/chat', async (context) => (await fetch(context.req.raw, context.env)) ?? context.notFound());

export default { fetch: app.fetch, websocket }; // on Deno: Deno.serve(app.fetch)
