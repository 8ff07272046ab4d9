// Replaces toolkit/hosts/worker.ts.

import { createAdapter } from '@websock/adapter/cloudflare';
import { handlerOf } from './handlers.ts';

interface Environment {
  readonly HOST: { idFromName(name: string): unknown; get(id: unknown): { fetch(request: Request): unknown } };
}

export function host() {
  const { upgrade } = createAdapter();
  return {
    Host: class {
      fetch(request: Request): Response {
        if (!request.headers.has('upgrade')) return new Response();
        return upgrade(request, handlerOf(new URL(request.url).pathname), undefined);
      }
    },
    worker: { fetch: (request: Request, { HOST }: Environment) => HOST.get(HOST.idFromName('host')).fetch(request) },
  };
}
