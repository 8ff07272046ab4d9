// Hosts an application on crossws's own adapter for node:http: `tsx test/toolkit/hosts/crossws.ts APPLICATION`. See host.ts.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { cannot, toHooks } from '@websock/adapter/crossws';
import nodeAdapter from 'crossws/adapters/node';
import { type Application, routeOf } from './application.ts';
import { untilInputEnds } from './exit-with-parent.ts';

async function host(file: string): Promise<void> {
  const { default: application } = (await import(pathToFileURL(file).href)) as { default: Application };
  const options = JSON.parse(process.env['ADAPTER_OPTIONS'] ?? '{}');
  const hooks = toHooks(routeOf(application, cannot), options);
  const crossws = nodeAdapter({ hooks, idleTimeout: 0 });
  const server = createServer((_request, response) => response.writeHead(404).end());
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {}); // crossws does not listen for it until the hook `upgrade` has settled
    crossws.handleUpgrade(request, socket, head);
  });
  server.listen(0, '127.0.0.1', () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));
  untilInputEnds(() => hooks.shutdown());
}

host(process.argv[2] as string);
