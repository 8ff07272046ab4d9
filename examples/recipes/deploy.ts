// Drains the server on deploy, and reports errors.

import { serve } from '@websock/adapter/node';
import { route } from './authorise.ts';

const server = await serve(route, {
  port: Number(process.env['PORT'] ?? 8080),
  onError: (error, { callback }) => console.error(JSON.stringify({ callback, error: String(error) })),
});
console.log(server.url);

process.once('SIGTERM', () => server.shutdown({ spread: 5_000, timeout: 10_000 })); // then the process ends by itself
