// Hosts the probe on createHibernation, inside workerd: each connection in a Durable Object of its own, so that each is
// evicted by itself, and the control connections in another one. The objects share the memory of the traces.

import { accept, cannot, createFetch, createHibernation } from '@websock/adapter/cloudflare';
import { type Command, obey, probe, restore, route, save } from '@websock/tck/probe';

interface Environment {
  /** The path of the request that shuts the server down. */
  readonly SHUTDOWN: string;
  readonly HOST: {
    idFromName(name: string): unknown;
    get(id: unknown): { fetch(url: string | Request, init?: RequestInit): Promise<Response> };
  };
}

/** workerd evicts an object that has been idle for 10 seconds. */
const EVICTION = 11_500;

const COMMAND = '/command';
const CONTROL = 'control';

/** The probes of this server, for a shutdown. */
const ids = new Set<string>();

export function host() {
  return {
    Host: class {
      readonly #sockets;
      readonly #control;
      readonly #environment: Environment;

      constructor(ctx: any, environment: Environment) {
        this.#environment = environment;
        this.#sockets = createHibernation(
          ctx,
          ({ url }) => {
            const service = route(url, cannot);
            return service && accept(service.handler, service.arg, service.options);
          },
          { handlers: { probe: { handler: probe, save, restore } } },
        );
        this.#control = createFetch(({ url }) => {
          const service = route(url, cannot, (command) => this.#perform(command));
          return service && accept(service.handler, service.arg, service.options);
        });
      }

      /** Traces are read without waking an object; other commands are for the object of the probe. */
      async #perform(command: Command): Promise<unknown> {
        if ('suspend' in command) {
          await new Promise((evicted) => setTimeout(evicted, EVICTION));
          return true;
        }
        const { post, stop, waiting, signal, release } = command as { readonly [name: string]: string };
        const id = post ?? stop ?? waiting ?? signal ?? release;
        if (id === undefined) return obey(command);
        return (await askObject(this.#environment, id, COMMAND, command)).json();
      }

      async fetch(request: Request): Promise<Response> {
        const { pathname } = new URL(request.url);
        if (pathname === COMMAND) {
          this.#sockets.mailboxes(); // restores the states of an object that has been evicted
          return Response.json(obey((await request.json()) as Command));
        }
        if (pathname === this.#environment.SHUTDOWN) {
          await this.#sockets.shutdown((await request.json()) as object);
          return new Response();
        }
        if (pathname.endsWith('/control')) return (await this.#control.fetch(request)) as Response;
        return (await this.#sockets.fetch(request)) ?? new Response(null, { status: 404 });
      }

      webSocketMessage(socket: unknown, data: string | ArrayBuffer) {
        this.#sockets.webSocketMessage(socket, data);
      }

      webSocketClose(socket: unknown, code: number, reason: string, wasClean: boolean) {
        this.#sockets.webSocketClose(socket, code, reason, wasClean);
      }

      webSocketError(socket: unknown, error: unknown) {
        this.#sockets.webSocketError(socket, error);
      }
    },
    worker: {
      async fetch(request: Request, environment: Environment): Promise<Response> {
        const { pathname, searchParams } = new URL(request.url);
        if (pathname === environment.SHUTDOWN) {
          const options = await request.json();
          await Promise.all(Array.from(ids, (id) => askObject(environment, id, pathname, options)));
          return new Response();
        }
        const id = searchParams.get('id') ?? CONTROL;
        if (id !== CONTROL) ids.add(id);
        return environment.HOST.get(environment.HOST.idFromName(id)).fetch(request);
      },
    },
  };
}

function askObject({ HOST }: Environment, id: string, path: string, body: unknown): Promise<Response> {
  return HOST.get(HOST.idFromName(id)).fetch(`http://host${path}`, { method: 'POST', body: JSON.stringify(body) });
}
