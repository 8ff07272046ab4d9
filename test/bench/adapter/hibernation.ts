// Connections that hibernate on Cloudflare. Replaces toolkit/hosts/worker.ts.

import { accept, createHibernation } from '@websock/adapter/cloudflare';
import { handlerOf } from './handlers.ts';

interface Environment {
  readonly HOST: { idFromName(name: string): unknown; get(id: unknown): { fetch(request: Request): unknown } };
}

const handlers = { echo: handlerOf('/'), counting: handlerOf('/count') };

export function host() {
  return {
    Host: class {
      readonly #ctx;
      readonly #sockets;

      constructor(ctx: any) {
        this.#ctx = ctx;
        const route = ({ url }: Request) => accept(handlerOf(new URL(url).pathname), undefined);
        this.#sockets = createHibernation(ctx, route, { handlers });
      }

      fetch(request: Request) {
        if (request.headers.has('upgrade')) return this.#sockets.fetch(request);
        const saved = this.#ctx.getWebSockets().map((socket: any) => socket.deserializeAttachment());
        // As JSON; V8 takes as many bytes for null as for undefined.
        return new Response(JSON.stringify(saved, (_name, value) => value ?? null));
      }

      webSocketMessage(socket: unknown, data: string | ArrayBuffer): void {
        this.#sockets.webSocketMessage(socket, data);
      }

      webSocketClose(socket: unknown, code: number, reason: string, wasClean: boolean): void {
        this.#sockets.webSocketClose(socket, code, reason, wasClean);
      }

      webSocketError(socket: unknown, error: unknown): void {
        this.#sockets.webSocketError(socket, error);
      }
    },
    worker: { fetch: (request: Request, { HOST }: Environment) => HOST.get(HOST.idFromName('host')).fetch(request) },
  };
}
