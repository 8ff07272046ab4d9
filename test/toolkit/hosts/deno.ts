// Hosts an application on Deno: `deno run --allow-all test/toolkit/hosts/deno.ts APPLICATION`. See host.ts.

import { pathToFileURL } from 'node:url';
import { limits, shutdown, upgrade } from '../../../adapter/src/deno.ts';
import { offeredIn } from '../../../adapter/src/handshake.ts';
import type { Application } from './application.ts';
import { untilInputEnds } from './exit-with-parent.ts';

declare const Deno: {
  serve(
    options: { port: number; hostname: string; onListen(address: { port: number }): void },
    handler: (request: Request) => Response,
  ): { shutdown(): Promise<void> };
};

async function host(file: string): Promise<void> {
  const { default: application } = (await import(pathToFileURL(file).href)) as { default: Application };
  const onListen = ({ port }: { port: number }) => console.log(`ws://127.0.0.1:${port}`);
  const server = Deno.serve({ port: 0, hostname: '127.0.0.1', onListen }, (request) => {
    const { pathname, search } = new URL(request.url);
    const protocols = offeredIn(request.headers.get('sec-websocket-protocol'));
    const service = application({ url: pathname + search, protocols, limits });
    if (!service) return new Response(null, { status: 404 });
    return upgrade(request, service.handler, service.arg, service.options);
  });
  untilInputEnds(async () => {
    await shutdown();
    await server.shutdown();
  });
}

host(process.argv[2] as string);
