// For observer.test.ts, on every platform. Writes what the observer and `onError` receive to standard error, as JSON.

import { type AdapterOptions, accept, type ConnectionInfo, type Route } from '@websock/adapter';
import type { WebSock } from '@websock/spec';

type Arg = { readonly name: string };
type State = { readonly mailbox: WebSock.Mailbox<string> };

const million = new Uint8Array(1_000_000);

/** Ends in as many ways as a handler can, as the client's text says. */
const ends: WebSock<State, string, Arg> = {
  init: (_arg, mailbox) => ({ type: 'ok', state: { mailbox } }),
  handleIn(frame, state) {
    const { mailbox } = state;
    switch (frame.data) {
      case 'stop':
        return { type: 'stop', close: { code: 4001 }, state };
      case 'restart':
        return { type: 'stop', reason: 'restart', state };
      case 'error':
        return { type: 'stop', reason: { error: new Error('no') }, state };
      case 'throw':
        throw new Error('thrown');
      case 'invalid':
        return { type: 'push', state } as unknown as WebSock.HandleResult<State>;
      case 'mailbox.stop':
        mailbox.stop({ code: 4002 });
        return { type: 'ok', state };
      case 'invalid mailbox.stop':
        mailbox.stop({ code: 1005 });
        return { type: 'ok', state };
      case 'post':
        for (const info of ['one', 'two', 'three']) mailbox.post(info);
        return { type: 'ok', state };
      case 'wait':
        return new Promise((resolve) => setTimeout(() => resolve({ type: 'ok', state }), 50));
      case 'pour':
        return { type: 'push', messages: Array(30).fill({ opcode: 'binary', data: million }), state };
      case 'stuck':
        return new Promise((resolve) => setTimeout(() => resolve({ type: 'ok', state }), 500));
      default:
        return { type: 'push', messages: [frame, { opcode: 'text', data: 'größe' }], state };
    }
  },
  handleInfo: (_info, state) => ({ type: 'ok', state }),
  terminate: () => {},
};

export const route: Route = ({ url }) => {
  const { pathname, searchParams } = new URL(url);
  if (pathname === '/nothing') return undefined;
  if (pathname === '/refuse') return new Response('who are you?', { status: 401 });
  if (pathname === '/fail') throw new Error('no route');
  const options = JSON.parse(searchParams.get('options') ?? '{}');
  return accept(ends, { name: pathname.slice(1) }, { protocol: 'observed', ...options });
};

/** Of a connection, the same object each time. */
const seen = new Map<ConnectionInfo, string>();

function describe(connection: ConnectionInfo): object {
  const { id, arg, protocol, openedAt } = connection;
  const isSame = seen.get(connection) === id;
  const isNew = !isSame && ![...seen.values()].includes(id);
  seen.set(connection, id);
  return { ...(arg as Arg), protocol, isSame, isNew, isNow: Math.abs(Date.now() - openedAt) < 60_000 };
}

const write = (event: string, value: object) => console.error(`${event} ${JSON.stringify(value)}`);

export const options: AdapterOptions = {
  stallTimeout: 1_000,
  closeTimeout: 1_000,
  maxHeldMessages: 100,
  observer: {
    refused: (refusal) => write('refused', refusal),
    opened: (connection) => {
      write('opened', describe(connection));
      if (JSON.stringify(connection.arg).includes('hostile')) throw new Error('opened fails');
    },
    handled: (connection, { callback, ms, waiting }) => {
      const { name } = connection.arg as Arg;
      write('handled', { name, callback, waiting, isSlow: ms >= 49, isFast: ms < 49 });
      if (name.includes('hostile')) throw new Error('handled fails');
    },
    closed: (connection, { reason, ms, ...more }) => {
      const { type, code } = reason;
      const isSame = seen.get(connection) === connection.id;
      seen.delete(connection);
      write('closed', {
        ...(connection.arg as Arg),
        isSame,
        type,
        code,
        isLong: ms >= 49,
        ...more,
      });
      if (JSON.stringify(connection.arg).includes('hostile')) return Promise.reject(new Error('closed fails'));
      return undefined;
    },
  },
  onError(error, { callback, connection }) {
    const isSame = connection && seen.get(connection) === connection.id;
    write('onError', { callback, error: String(error), name: (connection?.arg as Arg | undefined)?.name, isSame });
  },
};
