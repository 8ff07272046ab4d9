// A worker whose Durable Objects hibernate, one for each path `/OBJECT/…`. See hibernation.test.ts.

import { accept, createHibernation } from '@websock/adapter/cloudflare';
import type { WebSock } from '@websock/spec';

interface Environment {
  readonly SHUTDOWN: string;
  readonly HOST: {
    idFromName(name: string): unknown;
    get(id: unknown): { fetch(request: Request): Promise<Response> };
  };
}

interface Counter {
  readonly name: string;
  count: number;
  readonly mailbox: WebSock.Mailbox<string>;
}

/** Counts messages, in the ways in which a state can change. */
const counter = {
  init: ({ name }: { readonly name: string }, mailbox: WebSock.Mailbox<string>) => ({
    type: 'push',
    messages: { opcode: 'text', data: `init ${name}` },
    state: { name, count: 0, mailbox },
  }),
  async handleIn(frame, state) {
    const { name, count, mailbox } = state;
    if (frame.data === 'later') await new Promise((resolve) => setTimeout(resolve, 200));
    if (frame.data === 'throw') throw new Error('thrown');
    if (frame.data === 'stop') return { type: 'stop', close: { code: 4000 }, state };
    if (frame.data === 'mailbox.stop') mailbox.stop({ code: 4001 });
    if (frame.data === 'in place') {
      state.count += 1;
      return say(`${name} ${state.count}`, state);
    }
    const next = { ...state, count: count + 1 };
    return say(`${name} ${next.count}`, next);
  },
  handleInfo: (info, state) => say(`info ${info} ${state.name} ${state.count} ${state.mailbox.waiting}`, state),
  terminate({ type, code }, { name, count }) {
    console.error(`terminated ${name} ${type} ${code} ${count}`);
  },
} satisfies WebSock<Counter, string, { readonly name: string }>;

function say(data: string, state: Counter) {
  return { type: 'push', messages: { opcode: 'text', data }, state } as const;
}

interface Plain {
  readonly kept: Map<string, Uint8Array>;
}

/** Its state can be cloned, so it needs neither `save` nor `restore`. */
const plain = {
  init: () => ({ type: 'ok', state: { kept: new Map() } }),
  handleIn(frame, { kept }) {
    const [what = '', size] = String(frame.data).split(' ');
    if (what === 'function') return { type: 'ok', state: { kept: (() => {}) as never } };
    const sizes = [...kept].map(([name, { length }]) => `${name}=${length}`).join();
    const next = new Map([...kept, [what, new Uint8Array(Number(size))]]);
    return { type: 'push', messages: { opcode: 'text', data: `before: ${sizes}` }, state: { kept: next } };
  },
  handleInfo: (_info, state) => ({ type: 'ok', state }),
  terminate({ type, code }) {
    console.error(`terminated plain ${type} ${code}`);
  },
} satisfies WebSock<Plain, string>;

const unnamed = { ...plain } satisfies WebSock<Plain, string>;

export function host() {
  return {
    Host: class {
      readonly #sockets;

      constructor(ctx: any) {
        console.error(`constructed ${ctx.id.name}`);
        const restored: string[] = [];
        this.#sockets = createHibernation(
          ctx,
          ({ url }) => {
            const { pathname, searchParams } = new URL(url);
            const what = pathname.split('/')[2];
            const idleTimeout = searchParams.get('idleTimeout');
            const options = { protocol: 'counted', ...(idleTimeout ? { idleTimeout: Number(idleTimeout) } : {}) };
            if (what === 'counter') return accept(counter, { name: searchParams.get('name') ?? 'guest' }, options);
            if (what === 'plain') return accept(plain, undefined, options);
            if (what === 'unnamed') return accept(unnamed);
            if (what === 'small') return accept(plain, undefined, { maxMessageSize: 10 });
            return undefined;
          },
          {
            handlers: {
              counter: {
                handler: counter,
                save: ({ name, count }) => ({ name, count }),
                restore({ name, count }: { name: string; count: number }, mailbox) {
                  if (name === 'unrestorable') throw new Error('cannot be restored');
                  restored.push(name);
                  return { name, count, mailbox };
                },
              },
              plain,
            },
            autoResponse: { request: 'are you there?', response: 'yes' },
            onError: (error, { callback, connection }) =>
              console.error(`onError ${callback} ${connection?.id !== undefined} ${error}`),
            observer: {
              opened: ({ id }) => console.error(`opened ${id}`),
              closed: ({ id, protocol }, { rule, reason }) =>
                console.error(`closed ${id} ${protocol} ${rule} ${reason.type}`),
            },
          },
        );
        this.restored = restored;
      }

      readonly restored: string[];

      async fetch(request: Request): Promise<Response> {
        const { pathname, searchParams } = new URL(request.url);
        const [, , what] = pathname.split('/');
        if (what === 'post') {
          const mailboxes = this.#sockets.mailboxes('counter');
          for (const mailbox of mailboxes) mailbox.post(searchParams.get('info') ?? '');
          return Response.json({
            posted: mailboxes.length,
            all: this.#sockets.mailboxes().length,
            restored: this.restored,
          });
        }
        if (what === 'stop-all') {
          for (const mailbox of this.#sockets.mailboxes()) mailbox.stop({ code: 4002 });
          return new Response();
        }
        if (what === 'shutdown') {
          await this.#sockets.shutdown({ timeout: 1_000 });
          return new Response();
        }
        return (await this.#sockets.fetch(request)) ?? new Response('not mine', { status: 404 });
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
      async fetch(request: Request, { HOST, SHUTDOWN }: Environment): Promise<Response> {
        const { pathname } = new URL(request.url);
        if (pathname === SHUTDOWN) return new Response();
        return HOST.get(HOST.idFromName(pathname.split('/')[1] ?? '')).fetch(request);
      },
    },
  };
}
