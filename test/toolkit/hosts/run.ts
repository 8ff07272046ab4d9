// Shared by the hosts on Node.js, Bun and Deno. The first argument is the application's file; ADAPTER_OPTIONS has options
// of the adapter, as JSON.

import { pathToFileURL } from 'node:url';
import type { AdapterOptions, Cannot, Route, Serving } from '@websock/adapter';
import { type Application, routeOf } from './application.ts';
import { untilInputEnds } from './exit-with-parent.ts';

/** Hosts an application until the input of this process ends. `serve` listens on a free port of loopback. */
export async function run(
  cannot: Cannot,
  serve: (route: Route, options: AdapterOptions) => Promise<Serving>,
): Promise<void> {
  const file = pathToFileURL(process.argv[2] as string).href;
  const { default: application } = (await import(file)) as { default: Application };
  const { url, shutdown } = await serve(
    routeOf(application, cannot),
    JSON.parse(process.env['ADAPTER_OPTIONS'] ?? '{}'),
  );
  console.log(url);
  untilInputEnds(() => shutdown());
}

/** The address of all hosts. */
export const LOOPBACK = { port: 0, hostname: '127.0.0.1' };
