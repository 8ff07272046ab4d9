// The part of the host that runs inside workerd: see cloudflare.ts.

import type { ShutdownOptions } from '@websock/adapter';
import { type CloudflareFetch, cannot, createFetch } from '@websock/adapter/cloudflare';
import { refusal } from '@websock/adapter/connection';
import { type Hosted, optionsOf, routeOf } from './application.ts';

interface Environment {
  /** The path of the request that shuts the server down; it cannot be guessed. */
  readonly SHUTDOWN: string;
  /** The options of the adapter, as JSON. */
  readonly OPTIONS: string;
  readonly HOST: {
    idFromName(name: string): unknown;
    get(id: unknown): { fetch(request: Request): Promise<Response> };
  };
}

// Uncaught errors of an application are reported, and the host keeps running.
declare const addEventListener: (
  type: string,
  listener: (event: { reason?: unknown; error?: unknown }) => void,
) => void;
addEventListener('unhandledrejection', ({ reason }) => console.error('unhandled rejection:', reason));
addEventListener('error', ({ error }) => console.error('uncaught:', error));

/** The Durable Object that has all connections, and the worker that forwards requests to it. */
export function host(hosted: Hosted) {
  return {
    Host: class {
      readonly #shutdownPath: string;
      readonly #sockets: CloudflareFetch;

      constructor(_state: unknown, { SHUTDOWN, OPTIONS }: Environment) {
        this.#shutdownPath = SHUTDOWN;
        this.#sockets = createFetch(routeOf(hosted, cannot), optionsOf(hosted, OPTIONS));
      }

      async fetch(request: Request): Promise<Response> {
        if (new URL(request.url).pathname === this.#shutdownPath) {
          await this.#sockets.shutdown((await request.json()) as ShutdownOptions);
          return new Response();
        }
        return (await this.#sockets.fetch(request)) ?? new Response(null, { status: 404 });
      }
    },
    worker: {
      async fetch(request: Request, { HOST }: Environment): Promise<Response> {
        // Forwarding an upgrade request that is not a GET to a Durable Object would fail.
        const refused = request.headers.has('upgrade') ? refusal(request) : undefined;
        return refused ?? HOST.get(HOST.idFromName('host')).fetch(request);
      },
    },
  };
}
