// Hosts an application on node:http: `tsx test/toolkit/hosts/node.ts APPLICATION`. See host.ts.

import { pathToFileURL } from 'node:url';
import { cannot, serve } from '@websock/adapter/node';
import { type Application, routeOf } from './application.ts';
import { untilInputEnds } from './exit-with-parent.ts';

async function host(file: string): Promise<void> {
  const { default: application } = (await import(pathToFileURL(file).href)) as { default: Application };
  const options = JSON.parse(process.env['ADAPTER_OPTIONS'] ?? '{}');
  const server = await serve(routeOf(application, cannot), { ...options, port: 0, hostname: '127.0.0.1' });
  console.log(server.url);
  untilInputEnds(() => server.shutdown());
}

host(process.argv[2] as string);
