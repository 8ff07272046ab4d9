// The Phoenix server on Node.js. Bun and Deno need another import only: `/bun` or `/deno`.

import { serve } from '@websock/adapter/node';
import { route } from './route.ts';

const server = await serve(route, { port: Number(process.env['PORT'] ?? 8080) });
console.log(server.url);

process.once('SIGINT', () => server.shutdown()).once('SIGTERM', () => server.shutdown());
