// Hosts an application on node:http: `tsx test/toolkit/hosts/node.ts APPLICATION`. See host.ts.

import { pathToFileURL } from 'node:url';
import { type Accepted, accept, cannot, serve } from '@websock/adapter/node';
import type { Application } from './application.ts';
import { untilInputEnds } from './exit-with-parent.ts';

async function host(file: string): Promise<void> {
  const { default: application } = (await import(pathToFileURL(file).href)) as { default: Application };
  const route = ({ url, headers }: Request): Accepted | undefined => {
    const { pathname, search } = new URL(url);
    const offered = headers.get('sec-websocket-protocol') ?? '';
    const protocols = offered.split(',').flatMap((protocol) => protocol.trim() || []);
    const service = application({ url: pathname + search, protocols, limits: cannot });
    return service && accept(service.handler, service.arg, service.options);
  };
  const server = await serve(route, { port: 0, hostname: '127.0.0.1' });
  console.log(server.url);
  untilInputEnds(() => server.shutdown());
}

host(process.argv[2] as string);
