// The echo handler on Deno.

import { accept, serve } from '@websock/adapter/deno';
import { echo } from './echo.ts';

const server = await serve(() => accept(echo), { port: Number(process.env['PORT'] ?? 8080) });
console.log(server.url);

process.once('SIGINT', () => server.shutdown()).once('SIGTERM', () => server.shutdown());
