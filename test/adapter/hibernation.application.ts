// A worker whose Durable Objects hibernate, one for each path `/OBJECT/…`. See hibernation.test.ts.

import { accept, createHibernation } from '@websock/adapter/cloudflare';
import { json } from '@websock/adapter/json';
import { limitMessages } from '@websock/adapter/limits';
import { type Broker, createPresence, createPubSub } from '@websock/pubsub';
import type { WebSock } from '@websock/spec';
import * as z from 'zod';

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

/** Settles the callbacks that wait for another request. */
const gates = new Map<string, () => void>();

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
    if (frame.data === 'gate') await new Promise<void>((open) => gates.set(name, open));
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

const typed = json({ in: z.object({ add: z.number() }), out: z.object({ total: z.number() }) })({
  init: () => ({ type: 'ok', state: 0 }),
  handleMessage: ({ add }, total) => ({ type: 'push', messages: { total: total + add }, state: total + add }),
  handleInfo: (_info, state) => ({ type: 'ok', state }),
});

const THREE = { perSecond: 0.001, burst: 3, over: 'stop' } as const;
const limited = limitMessages(counter, THREE);
const limitedTwice = limitMessages(limitMessages(typed, { ...THREE, perSecond: 1e6, burst: 10 }), THREE);

/** Delivers nothing. */
const silent: Broker = {
  order: 'topic',
  open() {},
  subscribe: async () => {},
  unsubscribe: async () => {},
  publish: async () => {},
  close: async () => {},
};

/** Leaves pending what a client names. */
const pending = ({ HOST }: Environment) =>
  ({
    init: () => ({ type: 'ok', state: undefined }),
    handleIn(frame, state) {
      if (frame.data === 'setTimeout') setTimeout(() => {}, 60_000);
      if (frame.data === 'setInterval') setInterval(() => {}, 5_000);
      if (frame.data === 'presence over a broker') createPresence(createPubSub({ broker: silent }));
      if (frame.data === 'presence') createPresence(createPubSub());
      if (frame.data === 'fetch') void HOST.get(HOST.idFromName('late')).fetch(new Request('http://host/late/answer'));
      return { type: 'push', messages: frame, state };
    },
    handleInfo: (_info, state) => ({ type: 'ok', state }),
  }) satisfies WebSock<undefined>;

interface Member {
  readonly name: string;
  readonly mailbox: WebSock.Mailbox<string>;
}

/** A room in the memory of an object. */
function createRoom() {
  const lines = createPubSub<string>();
  const who = createPresence<string>(lines);
  const join = (name: string, mailbox: WebSock.Mailbox<string>): Member => {
    void lines.subscribe('room', mailbox);
    void who.track('room', mailbox, name);
    const { signal } = mailbox;
    signal.addEventListener('abort', () => console.error(`aborted ${name} ${signal.reason.cause.code}`));
    return { name, mailbox };
  };
  const member = {
    init: (name: string, mailbox) => ({ type: 'ok', state: join(name, mailbox) }),
    handleIn: (_frame, state) => ({ type: 'push', messages: { opcode: 'text', data: `I am ${state.name}` }, state }),
    handleInfo: (line, state) => ({
      type: 'push',
      messages: { opcode: 'text', data: `${line}, ${state.name}; ${state.mailbox.waiting} more` },
      state,
    }),
  } satisfies WebSock<Member, string, string>;
  return { lines, who, join, member };
}

export const host = () => hostOn(class {});

/** @param Base - `DurableObject`, or a class without it */
export function hostOn(Base: new (...args: any[]) => object) {
  return {
    Host: class extends Base {
      readonly #sockets;
      readonly #storage;
      readonly #abort: () => void;
      readonly #room = createRoom();
      #isLoaded = false;

      constructor(ctx: any, env: Environment) {
        super(ctx, env);
        ctx.blockConcurrencyWhile(async () => {
          await ctx.storage.get('anything');
          this.#isLoaded = true;
        });
        this.#storage = ctx.storage;
        this.#abort = () => ctx.abort('deploy');
        console.error(`constructed ${ctx.id.name}`);
        const restored: string[] = [];
        const kept = pending(env);
        const { member } = this.#room;
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
            if (what === 'typed') return accept(typed);
            if (what === 'limited') return accept(limited, { name: 'limited' });
            if (what === 'limitedTwice') return accept(limitedTwice);
            if (what === 'pending') return accept(kept);
            if (what === 'member') return accept(member, searchParams.get('name') ?? 'guest');
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
              typed,
              limited: {
                handler: limited,
                save: ({ name, count }) => ({ name, count }),
                restore: (saved: { name: string; count: number }, mailbox) => ({ ...saved, mailbox }),
              },
              limitedTwice,
              pending: kept,
              member: {
                handler: member,
                save: ({ name }) => name,
                restore: (name: string, mailbox) => this.#restoreMember(name, mailbox),
              },
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
        if (what === 'publish') {
          const { lines, who } = this.#room;
          for (const line of ['first', 'second', 'third']) await lines.publish('room', line);
          return Response.json(who.list('room'));
        }
        if (what === 'waiting') {
          const mailboxes = this.#sockets.mailboxes('member');
          for (const mailbox of mailboxes) for (const line of ['one', 'two']) mailbox.post(line);
          return Response.json(mailboxes.map(({ waiting }) => waiting));
        }
        if (what === 'alarm') {
          await this.#storage.setAlarm(Date.now() + Number(searchParams.get('ms')));
          return Response.json({});
        }
        if (what === 'answer') {
          await new Promise((resolve) => setTimeout(resolve, 60_000));
          return new Response();
        }
        if (what === 'deploy') this.#abort();
        if (what === 'release') {
          gates.get(searchParams.get('name') ?? '')?.();
          return Response.json({});
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

      #restoreMember(name: string, mailbox: WebSock.Mailbox<string>) {
        if (!this.#isLoaded) throw new Error('restored before the constructor has loaded its data');
        return this.#room.join(name, mailbox);
      }

      async alarm() {
        await this.#room.lines.publish('room', 'alarm');
        for (const mailbox of this.#sockets.mailboxes('counter')) mailbox.post('alarm');
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
