// The server on Node.js. Bun and Deno need another import only: `/bun` or `/deno`.

import { accept, serve } from '@websock/adapter/node';
import { asker } from './stream.ts';
import { startUpstream } from './upstream.ts';

const local = process.env['UPSTREAM'] ? undefined : await startUpstream();
const upstream = process.env['UPSTREAM'] ?? local?.url ?? '';

const server = await serve(() => accept(asker, upstream), { port: Number(process.env['PORT'] ?? 8080) });
console.log(server.url);

async function stop(): Promise<void> {
  await server.shutdown();
  local?.close();
}
process.once('SIGINT', stop).once('SIGTERM', stop);
