import process from 'node:process';
import { createAdapter } from '@websock/adapter/deno';
import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';
import { collectGarbage } from '../bare/garbage.ts';
import { handlerOf } from './handlers.ts';
import { optionsOf } from './observer.ts';

declare const Deno: {
  serve(
    options: { port: number; hostname: string; onListen(address: { port: number }): void },
    handler: (request: Request) => Response,
  ): unknown;
};

const { upgrade, shutdown } = createAdapter(optionsOf(process.env['ADAPTER_OPTIONS']));
const onListen = ({ port }: { port: number }) => console.log(`ws://127.0.0.1:${port}`);
Deno.serve({ port: 0, hostname: '127.0.0.1', onListen }, (request) => {
  if (request.headers.has('upgrade')) return upgrade(request, handlerOf(new URL(request.url).pathname), undefined);
  collectGarbage();
  return new Response();
});

untilInputEnds(() => shutdown());
