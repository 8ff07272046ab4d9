// Three servers in one process: `servers.application.ts PLATFORM`, on Node.js, Bun and Deno. See servers.test.ts.
//
// The test controls the second and the third by requests to the first. No server may affect another.

import type { Accepted, Serving } from '@websock/adapter';
import type { WebSock } from '@websock/spec';
import { echo } from '../../examples/echo/echo.ts';
import { untilInputEnds } from '../toolkit/hosts/exit-with-parent.ts';

/** What the entries of those platforms have in common. */
interface Entry {
  accept(handler: WebSock<undefined>): Accepted;
  serve(
    route: (request: Request, platform: any) => Accepted | Response | undefined | Promise<Accepted | Response>,
    options: object,
  ): Promise<Serving>;
}

async function run(name: string): Promise<void> {
  const { accept, serve } = (await import(`@websock/adapter/${name}`)) as Entry;
  const pending: { route?: () => void; handler?: () => void; third?: () => void } = {};
  const errors: string[] = [];
  const stuck: WebSock<undefined> = {
    ...echo,
    handleIn: () =>
      new Promise((resolve) => {
        pending.handler = () => resolve({ type: 'ok', state: undefined });
      }),
  };

  const second = await serve(
    (request, platform) => {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === '/echo') return accept(echo);
      if (pathname === '/stuck') return accept(stuck);
      if (pathname === '/wait') {
        return new Promise((resolve) => {
          pending.route = () => resolve(accept(echo));
        });
      }
      if (pathname === '/later') return new Promise((resolve) => setTimeout(() => resolve(accept(echo)), 10));
      if (pathname === '/platform') return Response.json(Object.keys(describe(name, request, platform)));
      if (pathname === '/error') return Response.error();
      if (pathname === '/answer') return answer(request, Number(searchParams.get('status') ?? 200));
      if (pathname === '/throw') throw new Error('no route');
      return undefined;
    },
    {
      port: 0,
      hostname: '127.0.0.1',
      closeTimeout: 500,
      onError(error: unknown, { callback }: { callback: string }) {
        errors.push(`${callback}: ${error}`);
        throw new Error('the reporter fails, too');
      },
    },
  );

  /** Has no connections: its routes are pending. */
  const third = await serve(
    (request) => {
      const { pathname } = new URL(request.url);
      return new Promise((resolve) => {
        if (pathname === '/never') return;
        pending.third = () => resolve(pathname === '/echo' ? accept(echo) : new Response('in time\n'));
      });
    },
    { port: 0, hostname: '127.0.0.1' },
  );

  const first = await serve(
    async (request) => {
      const { pathname, searchParams } = new URL(request.url);
      switch (pathname) {
        case '/echo':
          return accept(echo);
        case '/second':
          return new Response(second.url);
        case '/connections':
          return Response.json(first.connections);
        case '/errors':
          return Response.json(errors);
        case '/pending':
          return Response.json(Object.keys(pending).sort());
        case '/settle':
          pending[searchParams.get('what') as keyof typeof pending]?.();
          return new Response();
        case '/third':
          return new Response(third.url);
        case '/shutdown-third':
          await third.shutdown({ timeout: 1_000 });
          return new Response();
        case '/shutdown':
          await second.shutdown({ timeout: Number(searchParams.get('timeout')) });
          return new Response();
        default: {
          const { port, hostname } = new URL(second.url);
          const { message, code, cause } = await serve(() => undefined, { port: Number(port), hostname }).catch(
            (e) => e,
          );
          return Response.json({ message, code, cause: String(cause) });
        }
      }
    },
    { port: 0, hostname: '127.0.0.1' },
  );
  console.log(first.url);
  untilInputEnds(() => Promise.all([first.shutdown(), second.shutdown(), third.shutdown()]));
}

async function answer(request: Request, status: number): Promise<Response> {
  return new Response(status === 200 ? `${request.method}: ${await request.text()}\n` : null, { status });
}

/** Describes the second argument of a route; throws if it is not that of the platform. */
function describe(name: string, request: Request, platform: any): object {
  const address =
    name === 'node'
      ? platform.request.socket.remoteAddress
      : name === 'bun'
        ? platform.server.requestIP(request).address
        : platform.remoteAddr.hostname;
  if (address !== '127.0.0.1') throw new Error(`the client's address is ${address}`);
  return { address };
}

run(process.argv[2] as string);
