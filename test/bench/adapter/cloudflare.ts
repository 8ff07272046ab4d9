// Replaces toolkit/hosts/worker.ts.

import { type CloudflareAdapter, createAdapter } from '@websock/adapter/cloudflare';
import { handlerOf } from './handlers.ts';
import { optionsOf } from './observer.ts';

interface Environment {
  /** The options of the adapter, as JSON. */
  readonly OPTIONS: string;
  readonly HOST: { idFromName(name: string): unknown; get(id: unknown): { fetch(request: Request): unknown } };
}

export function host() {
  return {
    Host: class {
      readonly #adapter: CloudflareAdapter;

      constructor(_state: unknown, { OPTIONS }: Environment) {
        this.#adapter = createAdapter(optionsOf(OPTIONS));
      }

      fetch(request: Request): Response {
        if (!request.headers.has('upgrade')) return new Response();
        return this.#adapter.upgrade(request, handlerOf(new URL(request.url).pathname), undefined);
      }
    },
    worker: { fetch: (request: Request, { HOST }: Environment) => HOST.get(HOST.idFromName('host')).fetch(request) },
  };
}
