// For platforms.test.ts and its neighbors. The path of a request chooses the handler, and the query its parameters. Each
// handler writes its end to standard error: `PATH ended: REASON`.

import type { WebSock } from '@websock/spec';
import { type Application, service } from '../toolkit/hosts/application.ts';

type Result = WebSock.HandleResult<undefined>;

const ok: Result = { type: 'ok', state: undefined };

const text = (data: string): Result => ({ type: 'push', messages: { opcode: 'text', data }, state: undefined });

/** The connections of `/thrown-out`, by the code with which `/throw-out` stops them. */
const victims = new Map<number, { readonly mailbox: WebSock.Mailbox<unknown>; stoppedAt: number }>();

const handlers: { readonly [path: string]: (query: URLSearchParams) => Partial<WebSock<undefined, unknown>> } = {
  /** Sends every type of data that the contract allows. */
  '/kinds': () => ({
    handleIn() {
      const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(7);
      const messages: WebSock.Message[] = [
        { opcode: 'ping', data: 'ping' },
        { opcode: 'pong', data: Uint8Array.of(1) },
        { opcode: 'binary', data: new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2) },
        { opcode: 'binary', data: shared.subarray(1) },
        { opcode: 'text', data: 'half a pair: \ud83d' },
      ];
      return { type: 'push', messages, state: undefined };
    },
  }),

  /** Returns immediately, and sends nothing. */
  '/sink': () => ({}),

  /** Never settles. */
  '/stuck': () => ({ handleIn: () => new Promise(() => {}) }),

  '/echo': () => ({
    handleIn: (frame) => ({ type: 'push', messages: frame, state: undefined }),
  }),

  /**
   * Sends `count` messages of 1 MB, each from `handleInfo`, and then stops, or sends a text: on the first message, or after
   * `after` milliseconds.
   */
  '/pour': (query) => {
    const million = new Uint8Array(1_000_000);
    const count = Number(query.get('count'));
    let post: (info: number) => void;
    const pour = () => {
      for (let sent = 0; sent <= count; sent++) post(sent);
    };
    return {
      init(_arg, mailbox) {
        post = mailbox.post;
        if (query.has('after')) setTimeout(pour, Number(query.get('after')));
        return ok;
      },
      handleIn() {
        pour();
        return ok;
      },
      handleInfo(info) {
        if (info !== count) return { type: 'push', messages: { opcode: 'binary', data: million }, state: undefined };
        return query.has('stop') ? { type: 'stop', state: undefined } : text('done');
      },
    };
  },

  /** Sends `count` messages of `size` bytes, by default 1 MB, in one result, and stops, with the code `close`. */
  '/pour-and-stop': (query) => {
    const messages = Array.from({ length: Number(query.get('count')) }, () => ({
      opcode: 'binary' as const,
      data: new Uint8Array(Number(query.get('size') ?? 1_000_000)),
    }));
    const close = query.has('close') ? { code: Number(query.get('close')) } : undefined;
    return { handleIn: () => ({ type: 'stop', messages, close, state: undefined }) };
  },

  /** Sends 30 messages of 1 MB in one result. Writes how soon `terminate` comes after `/throw-out`. */
  '/thrown-out': (query) => {
    const code = Number(query.get('code'));
    return {
      init(_arg, mailbox) {
        victims.set(code, { mailbox, stoppedAt: Number.NaN });
        return ok;
      },
      handleIn() {
        const data = new Uint8Array(1_000_000);
        const messages = Array.from({ length: 30 }, () => ({ opcode: 'binary' as const, data }));
        return { type: 'push', messages, state: undefined };
      },
      terminate({ type, code }) {
        const ms = Date.now() - (victims.get(code)?.stoppedAt ?? Number.NaN);
        console.error(`/thrown-out terminated: ${type} ${code}, after ${ms} ms`);
      },
    };
  },

  /** Posts to the connection of `/thrown-out` with this `code`, and stops it. */
  '/throw-out': (query) => ({
    handleIn() {
      const code = Number(query.get('code'));
      const victim = victims.get(code);
      victim?.mailbox.post('queued');
      if (victim) victim.stoppedAt = Date.now();
      victim?.mailbox.stop({ code });
      return ok;
    },
  }),

  /** Posts `count` messages to itself, and sends a text on the last. */
  '/infos': (query) => ({
    init(_arg, { post }) {
      const last = Number(query.get('count')) - 1;
      for (let info = 0; info <= last; info++) post(info);
      return ok;
    },
    handleInfo: (info) => (info === Number(query.get('count')) - 1 ? text('all') : ok),
  }),

  /** Throws a value that cannot be inspected. */
  '/hostile': () => ({
    handleIn() {
      const refuse = () => {
        throw new Error('do not look at me');
      };
      throw new Proxy(new Error('hostile'), {
        get: refuse,
        has: refuse,
        ownKeys: refuse,
        getOwnPropertyDescriptor: refuse,
        getPrototypeOf: refuse,
      });
    },
    terminate() {},
  }),
};

const application: Application = ({ url }) => {
  const { pathname, searchParams } = new URL(url, 'ws://host');
  const callbacks = handlers[pathname]?.(searchParams);
  if (!callbacks) return undefined;
  const handler: WebSock<undefined, unknown> = {
    init: () => ok,
    handleIn: () => ok,
    handleInfo: () => ok,
    terminate(reason) {
      const error = reason.type === 'error' ? { error: String(reason.error) } : {};
      console.error(`${pathname} ended: ${JSON.stringify({ ...reason, ...error })}`);
    },
    ...callbacks,
  };
  return service(handler, undefined, JSON.parse(searchParams.get('options') ?? '{}'));
};

export default application;
