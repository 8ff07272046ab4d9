// The chat with its page, `npm run demo`: one program for Node, Bun and Deno. PORT is where it listens, 8080 by default.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { localRooms } from './chat.ts';
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

async function demo(): Promise<void> {
  const { serve } =
    'Bun' in globalThis
      ? await import('@websock/adapter/bun')
      : 'Deno' in globalThis
        ? await import('@websock/adapter/deno')
        : await import('@websock/adapter/node');

  const rooms = localRooms();
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
  console.log(`${origin}\nOpen it in two windows. Ctrl-C ends it.`);

  let isEnding = false;
  async function end(): Promise<void> {
    if (isEnding) return; // npm and tsx pass a Ctrl-C on, which this process gets as well
    isEnding = true;
    await rooms.restart(); // the pages come back as soon as this program does
    await server.shutdown();
    process.exit();
  }
  process.on('SIGINT', end).on('SIGTERM', end);
}

demo().catch((error: Error) => {
  console.error(`${error.message}\nPORT sets the port: PORT=8081 npm run demo`);
  process.exit(1);
});
