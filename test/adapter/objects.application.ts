// A worker with two Durable Objects, at `/a/…` and `/b/…`. See servers.test.ts.

import { accept, type Context, createFetch } from '@websock/adapter/cloudflare';
import { echo } from '../../examples/echo/echo.ts';
import type { Application } from '../toolkit/hosts/application.ts';

interface Environment {
  readonly SHUTDOWN: string;
  readonly HOST: {
    idFromName(name: string): unknown;
    get(id: unknown): { fetch(request: Request): Promise<Response> };
  };
}

/** Outside a Durable Object. Its `terminate` is still pending when the client has left. */
const plain = createFetch(() =>
  accept<undefined, unknown>({
    ...echo,
    async terminate() {
      await new Promise((resolve) => setTimeout(resolve, 200));
      console.error('terminate is done');
    },
  }),
);

export function host(_application: Application) {
  return {
    Host: class {
      readonly #environment: Environment;
      readonly #context: Context;
      readonly #sockets = createFetch<Environment>((request, { env, ctx }) => {
        const { pathname } = new URL(request.url);
        if (pathname.endsWith('/echo')) return accept(echo);
        if (pathname.endsWith('/later')) return new Promise((resolve) => setTimeout(() => resolve(accept(echo)), 10));
        if (pathname.endsWith('/platform')) return Response.json([typeof env.HOST.get, typeof ctx?.waitUntil]);
        return undefined;
      });

      constructor(context: Context, environment: Environment) {
        this.#context = context;
        this.#environment = environment;
      }

      async fetch(request: Request): Promise<Response> {
        if (new URL(request.url).pathname.endsWith('/connections')) return Response.json(this.#sockets.connections);
        if (new URL(request.url).pathname.endsWith('/shutdown')) {
          await this.#sockets.shutdown();
          return new Response();
        }
        const response = await this.#sockets.fetch(request, this.#environment, this.#context);
        return response ?? new Response('not mine', { status: 404 });
      }
    },
    worker: {
      async fetch(request: Request, environment: Environment, context: Context): Promise<Response> {
        const { HOST, SHUTDOWN } = environment;
        const { pathname } = new URL(request.url);
        const object = (name: string) => HOST.get(HOST.idFromName(name));
        if (pathname === '/plain') return (await plain.fetch(request, environment, context)) as Response;
        if (pathname === SHUTDOWN) {
          await Promise.all(['a', 'b'].map((name) => object(name).fetch(new Request('http://host/shutdown'))));
          return new Response();
        }
        return object(pathname[1] as string).fetch(request);
      },
    },
  };
}

export default (() => undefined) satisfies Application;
