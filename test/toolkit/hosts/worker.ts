// What runs inside workerd to host an application: see cloudflare.ts beside it.

import { limits, shutdown, upgrade } from '../../../adapter/src/cloudflare.ts';
import { offeredIn, refusal } from '../../../adapter/src/handshake.ts';
import type { Application } from './application.ts';

interface Environment {
  /** The path of the request that shuts the server down; nobody can guess it. */
  readonly SHUTDOWN: string;
  readonly HOST: {
    idFromName(name: string): unknown;
    get(id: unknown): { fetch(request: Request): Promise<Response> };
  };
}

// What an application forgets to catch is reported, and harms nothing else.
declare const addEventListener: (
  type: string,
  listener: (event: { reason?: unknown; error?: unknown }) => void,
) => void;
addEventListener('unhandledrejection', ({ reason }) => console.error('unhandled rejection:', reason));
addEventListener('error', ({ error }) => console.error('uncaught:', error));

/** The Durable Object in which all connections live, and the worker that leads to it. */
export function host(application: Application) {
  return {
    Host: class {
      readonly #environment: Environment;

      constructor(_state: unknown, environment: Environment) {
        this.#environment = environment;
      }

      async fetch(request: Request): Promise<Response> {
        const { pathname, search } = new URL(request.url);
        if (pathname === this.#environment.SHUTDOWN) {
          await shutdown();
          return new Response();
        }
        const protocols = offeredIn(request.headers.get('sec-websocket-protocol'));
        const service = application({ url: pathname + search, protocols, limits });
        if (!service) return new Response(null, { status: 404 });
        try {
          return upgrade(request, service.handler, service.arg, service.options);
        } catch (error) {
          console.error(error); // workerd would not say which
          return new Response(null, { status: 500 });
        }
      }
    },
    worker: {
      async fetch(request: Request, { HOST }: Environment): Promise<Response> {
        const refused = request.headers.has('upgrade') ? refusal(request) : undefined;
        return refused ?? HOST.get(HOST.idFromName('host')).fetch(request);
      },
    },
  };
}
