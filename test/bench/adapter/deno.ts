import process from 'node:process';
import { createAdapter } from '@websock/adapter/deno';
import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';
import { collectGarbage } from '../bare/garbage.ts';
import { setupOf } from './extras.ts';

declare const Deno: {
  serve(
    options: { port: number; hostname: string; onListen(address: { port: number }): void },
    handler: (request: Request) => Response,
  ): unknown;
};

const { options, handlerOf } = setupOf(process.env['ADAPTER_OPTIONS']);
const { upgrade, shutdown } = createAdapter(options);
const onListen = ({ port }: { port: number }) => console.log(`ws://127.0.0.1:${port}`);
Deno.serve({ port: 0, hostname: '127.0.0.1', onListen }, (request) => {
  if (request.headers.has('upgrade')) return upgrade(request, handlerOf(new URL(request.url).pathname), undefined);
  collectGarbage();
  return new Response();
});

untilInputEnds(() => shutdown());
