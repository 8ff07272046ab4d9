import { type BunServer, createAdapter } from '@websock/adapter/bun';
import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';
import { collectGarbage } from '../bare/garbage.ts';
import { setupOf } from './extras.ts';

declare const Bun: { serve(options: object): { readonly port: number } };

const { options, handlerOf } = setupOf(process.env['ADAPTER_OPTIONS']);
const { upgrade, websocket, shutdown } = createAdapter(options);
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
