// Hosts an application on Bun: `bun test/toolkit/hosts/bun.ts APPLICATION`. See host.ts.

import { limits, shutdown, type UpgradeRequest, upgrade, websocket } from '../../../adapter/src/bun.ts';
import { offeredIn } from '../../../adapter/src/handshake.ts';
import type { Application } from './application.ts';
import { untilInputEnds } from './exit-with-parent.ts';

declare const Bun: {
  serve(options: {
    port: number;
    hostname: string;
    development: boolean;
    websocket: typeof websocket;
    fetch(request: Request, server: UpgradeRequest['server']): Response | undefined;
  }): { readonly port: number; stop(now: boolean): unknown };
};

async function host(file: string): Promise<void> {
  const { default: application } = (await import(file)) as { default: Application };
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    development: false,
    websocket,
    fetch(request, server) {
      const { pathname, search } = new URL(request.url);
      const protocols = offeredIn(request.headers.get('sec-websocket-protocol'));
      const service = application({ url: pathname + search, protocols, limits });
      if (!service) return new Response(null, { status: 404 });
      return upgrade({ request, server }, service.handler, service.arg, service.options);
    },
  });
  console.log(`ws://127.0.0.1:${server.port}`);
  untilInputEnds(async () => {
    await shutdown();
    await server.stop(true);
  });
}

host(process.argv[2] as string);
