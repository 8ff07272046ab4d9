import { type BunServer, createAdapter } from '@websock/adapter/bun';
import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';
import { collectGarbage } from '../bare/garbage.ts';
import { handlerOf } from './handlers.ts';
import { optionsOf } from './observer.ts';

declare const Bun: { serve(options: object): { readonly port: number } };

const { upgrade, websocket, shutdown } = createAdapter(optionsOf(process.env['ADAPTER_OPTIONS']));
const { port } = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  development: false,
  websocket,
  fetch(request: Request, server: BunServer) {
    if (request.headers.has('upgrade')) {
      return upgrade({ request, server }, handlerOf(new URL(request.url).pathname), undefined);
    }
    collectGarbage();
    return new Response();
  },
});
console.log(`ws://127.0.0.1:${port}`);

untilInputEnds(() => shutdown());
