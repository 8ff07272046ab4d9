// Replaces toolkit/hosts/worker.ts.

import { type CloudflareAdapter, createAdapter } from '@websock/adapter/cloudflare';
import { type Setup, setupOf } from './extras.ts';

interface Environment {
  /** The extra to measure, as JSON. */
  readonly OPTIONS: string;
  readonly HOST: { idFromName(name: string): unknown; get(id: unknown): { fetch(request: Request): unknown } };
}

export function host() {
  return {
    Host: class {
      readonly #adapter: CloudflareAdapter;
      readonly #setup: Setup;

      constructor(_state: unknown, { OPTIONS }: Environment) {
        this.#setup = setupOf(OPTIONS);
        this.#adapter = createAdapter(this.#setup.options);
      }

      fetch(request: Request): Response {
        if (!request.headers.has('upgrade')) return new Response();
        return this.#adapter.upgrade(request, this.#setup.handlerOf(new URL(request.url).pathname), undefined);
      }
    },
    worker: { fetch: (request: Request, { HOST }: Environment) => HOST.get(HOST.idFromName('host')).fetch(request) },
  };
}
