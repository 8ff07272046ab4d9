// The chat server, on Node.js, Bun or Deno. PORT is its port, 8080 by default. With REDIS_URL, all servers of that Redis share
// their rooms; without it, the rooms are in memory.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { redis } from '@websock/pubsub/redis';
import { createRooms } from './chat.ts';
import { chatRoute } from './route.ts';

const hostname = '127.0.0.1';

const files = new Map(
  [
    ['/', 'index.html', 'text/html'],
    ['/chat.css', 'chat.css', 'text/css'],
    ['/chat.js', 'chat.js', 'text/javascript'],
    ['/icon.svg', 'icon.svg', 'image/svg+xml'],
  ].map(([path, file, type]) => [
    path,
    {
      type: `${type}; charset=utf-8`,
      content: readFileSync(join(import.meta.dirname, 'page', file as string), 'utf8'),
    },
  ]),
);

async function main(): Promise<void> {
  const { serve } =
    'Bun' in globalThis
      ? await import('@websock/adapter/bun')
      : 'Deno' in globalThis
        ? await import('@websock/adapter/deno')
        : await import('@websock/adapter/node');

  const url = process.env['REDIS_URL'];
  const rooms = createRooms(url === undefined ? undefined : redis(createClient({ url })));
  const origins = new Set<string>();
  const log = (line: string) => console.error(line);
  const route = chatRoute({ rooms, origins, file: (path) => files.get(path), log });

  const server = await serve(route, {
    port: Number(process.env['PORT'] ?? 8080),
    hostname,
    onError: (error, { callback }) => console.error(`${callback} failed:`, error),
  });
  const { origin } = new URL(server.url.replace('ws:', 'http:'));
  origins.add(origin).add(origin.replace(hostname, 'localhost'));
  console.log(`${origin}\nOpen it in two windows. Ctrl-C stops the server.`);

  let isEnding = false;
  async function end(): Promise<void> {
    if (isEnding) return; // npm and tsx forward a Ctrl-C that this process has received, too
    isEnding = true;
    // the pages connect again as soon as the server is back
    await server.shutdown({ close: { code: 1012, reason: 'back in a moment' } });
    await rooms.close();
    process.exit();
  }
  process.on('SIGINT', end).on('SIGTERM', end);
}

main().catch((error: Error) => {
  console.error(`${error.message}\nPORT sets the port: PORT=8081 npm start`);
  process.exit(1);
});
