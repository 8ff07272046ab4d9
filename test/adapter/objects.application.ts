// The worker of two Durable Objects, for the host of workerd: `/a/…` and `/b/…` lead to one each. See servers.test.ts.

import { accept, createFetch } from '@websock/adapter/cloudflare';
import type { WebSock } from '@websock/spec';
import type { Application } from '../toolkit/hosts/application.ts';

interface Environment {
  readonly SHUTDOWN: string;
  readonly HOST: {
    idFromName(name: string): unknown;
    get(id: unknown): { fetch(request: Request): Promise<Response> };
  };
}

const echo: WebSock<undefined> = {
  init: () => ({ type: 'ok', state: undefined }),
  handleIn: (frame) => ({ type: 'push', messages: frame, state: undefined }),
  handleInfo: () => ({ type: 'ok', state: undefined }),
};

export function host(_application: Application) {
  return {
    Host: class {
      readonly #environment: Environment;
      readonly #context: { waitUntil(promise: Promise<unknown>): void };
      readonly #sockets = createFetch<Environment>((request, { env, ctx }) => {
        const { pathname } = new URL(request.url);
        if (pathname.endsWith('/echo')) return accept(echo);
        if (pathname.endsWith('/platform')) return Response.json([typeof env.HOST.get, typeof ctx?.waitUntil]);
        return undefined;
      });

      constructor(context: { waitUntil(promise: Promise<unknown>): void }, environment: Environment) {
        this.#context = context;
        this.#environment = environment;
      }

      async fetch(request: Request): Promise<Response> {
        if (new URL(request.url).pathname.endsWith('/shutdown')) {
          await this.#sockets.shutdown();
          return new Response();
        }
        const response = await this.#sockets.fetch(request, this.#environment, this.#context);
        return response ?? new Response('not mine', { status: 404 });
      }
    },
    worker: {
      async fetch(request: Request, { HOST, SHUTDOWN }: Environment): Promise<Response> {
        const object = (name: string) => HOST.get(HOST.idFromName(name));
        if (new URL(request.url).pathname === SHUTDOWN) {
          await Promise.all(['a', 'b'].map((name) => object(name).fetch(new Request('http://host/shutdown'))));
          return new Response();
        }
        return object(new URL(request.url).pathname[1] as string).fetch(request);
      },
    },
  };
}

export default (() => undefined) satisfies Application;
