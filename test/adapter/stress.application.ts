// The application of the stress tests: the kit's probe, also behind an asynchronous route; a busy room; and a handler with
// hostile results.

import type { WebSock } from '@websock/spec';
import { route } from '../../tck/src/probe.ts';
import { type Application, service } from '../toolkit/hosts/application.ts';

const application: Application = ({ url, cannot }) => {
  const { pathname, searchParams } = new URL(url, 'ws://host');
  const probe = route(url, cannot);
  if (pathname.startsWith('/late/')) {
    const wait = Number(searchParams.get('wait'));
    return new Promise((resolve) => setTimeout(resolve, wait, wait % 2 === 0 ? probe : undefined));
  }
  if (probe) return probe;
  if (pathname === '/room') return service(room, undefined);
  if (pathname === '/hostile') return service(hostile, undefined);
  return undefined;
};
export default application;

const members = new Set<WebSock.Mailbox<string>>();

/** Sends each text to all members; `members?` is answered with their number. */
const room: WebSock<WebSock.Mailbox<string>, string> = {
  init(_arg, mailbox) {
    members.add(mailbox);
    return { type: 'push', messages: { opcode: 'text', data: 'welcome' }, state: mailbox };
  },
  handleIn({ data }, state) {
    if (data === 'members?') {
      return { type: 'push', messages: { opcode: 'text', data: `${members.size} members` }, state };
    }
    for (const mailbox of members) mailbox.post(String(data));
    return { type: 'ok', state };
  },
  handleInfo: (data, state) => ({ type: 'push', messages: { opcode: 'text', data }, state }),
  terminate(_reason, state) {
    members.delete(state);
  },
};

const text = (data: string) => ({ opcode: 'text', data });
const ok = { type: 'ok', state: 1 };
const fail = (): never => {
  throw new Error('hostile');
};
const throwing = new Proxy({}, { get: fail, has: fail, getPrototypeOf: fail, ownKeys: fail });

const thenable = (then: (resolve: (value: unknown) => void) => void) =>
  Object.defineProperty({}, 'then', { value: then });
const getter = (object: object, name: string, get: () => unknown) => Object.defineProperty(object, name, { get });
const rethrow = (value: unknown) => () => {
  throw value;
};

/** Functions for a callback to call, and whether their result is valid (rule 3.6). */
export const results: readonly (readonly [label: string, isValid: boolean, make: () => unknown])[] = [
  ['a frozen result', true, () => Object.freeze({ ...ok })],
  ['a result without a prototype', true, () => Object.assign(Object.create(null), ok)],
  [
    'a result of getters',
    true,
    () =>
      getter(
        getter({}, 'type', () => 'ok'),
        'state',
        () => 1,
      ),
  ],
  [
    'a thenable that resolves twice',
    true,
    () =>
      thenable((resolve) => {
        resolve(ok);
        resolve('again');
      }),
  ],
  [
    'a thenable that resolves, then throws',
    true,
    () =>
      thenable((resolve) => {
        resolve(ok);
        fail();
      }),
  ],
  ['a list that claims to be long', false, () => ({ type: 'push', messages: new Array(1_000_000_000), state: 1 })],
  ['a thenable that throws', false, () => thenable(fail)],
  ['a then that cannot be read', false, () => getter({}, 'then', fail)],
  ['a state that cannot be read', false, () => getter({ type: 'ok' }, 'state', fail)],
  ['a message that cannot be read', false, () => ({ type: 'push', messages: [text('unsent'), throwing], state: 1 })],
  ['a result that cannot be inspected', false, () => throwing],
  ['a type that cannot be inspected', false, () => ({ type: throwing, state: 1 })],
  ['a symbol', false, () => Symbol('hostile')],
  ['a throw of null', false, rethrow(null)],
  ['a throw of a symbol', false, rethrow(Symbol('hostile'))],
  ['a throw of a value that cannot be inspected', false, rethrow(throwing)],
  ['a rejection with a value that cannot be inspected', false, () => Promise.reject(throwing)],
  ['a promise of a promise that rejects', false, async () => Promise.reject(undefined)],
];

const hostile: WebSock<unknown> = {
  init: () => ({ type: 'ok', state: 1 }),
  handleIn: (frame, state) => {
    if (frame.data === 'still here?') return { type: 'push', messages: frame, state };
    return results[Number(frame.data)]?.[2]() as WebSock.Ok<number>;
  },
  handleInfo: (_info, state) => ({ type: 'ok', state }),
};
