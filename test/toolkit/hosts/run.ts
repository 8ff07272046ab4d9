// What the hosts of Node.js, Bun and Deno share. The first argument is the file to host; ADAPTER_OPTIONS are the options
// of the adapter, as JSON.

import { pathToFileURL } from 'node:url';
import type { AdapterOptions, Cannot, Route, Serving } from '@websock/adapter';
import { type Hosted, optionsOf, routeOf } from './application.ts';
import { untilInputEnds } from './exit-with-parent.ts';

/** Hosts the file until the input of this process ends. `serve` listens at {@link LOOPBACK}. */
export async function run(
  cannot: Cannot,
  serve: (route: Route, options: AdapterOptions) => Promise<Pick<Serving, 'url' | 'shutdown'>>,
): Promise<void> {
  const file = pathToFileURL(process.argv[2] as string).href;
  const hosted = (await import(file)) as Hosted;
  const options = optionsOf(hosted, process.env['ADAPTER_OPTIONS']);
  const { url, shutdown } = await serve(routeOf(hosted, cannot), options);
  console.log(url);
  untilInputEnds(shutdown);
}

/** Where the hosts listen: a free port of the loopback interface. */
export const LOOPBACK = { port: 0, hostname: '127.0.0.1' };
