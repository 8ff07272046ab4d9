// What runs inside workerd to host an application: see cloudflare.ts beside it.

import { type CloudflareFetch, cannot, createFetch } from '@websock/adapter/cloudflare';
import { refusal } from '@websock/adapter/connection';
import { type Application, routeOf } from './application.ts';

interface Environment {
  /** The path of the request that shuts the server down; nobody can guess it. */
  readonly SHUTDOWN: string;
  /** The options of the adapter, as JSON. */
  readonly OPTIONS: string;
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
      readonly #shutdownPath: string;
      readonly #sockets: CloudflareFetch;

      constructor(_state: unknown, { SHUTDOWN, OPTIONS }: Environment) {
        this.#shutdownPath = SHUTDOWN;
        this.#sockets = createFetch(routeOf(application, cannot), JSON.parse(OPTIONS));
      }

      async fetch(request: Request): Promise<Response> {
        if (new URL(request.url).pathname === this.#shutdownPath) {
          await this.#sockets.shutdown();
          return new Response();
        }
        return (await this.#sockets.fetch(request)) ?? new Response(null, { status: 404 });
      }
    },
    worker: {
      async fetch(request: Request, { HOST }: Environment): Promise<Response> {
        // On its way to a Durable Object a request to upgrade that is not a GET would fail.
        const refused = request.headers.has('upgrade') ? refusal(request) : undefined;
        return refused ?? HOST.get(HOST.idFromName('host')).fetch(request);
      },
    },
  };
}
