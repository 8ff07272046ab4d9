// The handlers that the adapter serves, by path; bare/work.ts does the same work without the adapter.

import type { WebSock } from '@websock/spec';
import { echo } from '../../../examples/echo/echo.ts';

const asynchronous = {
  init: () => ({ type: 'ok', state: undefined }),
  async handleIn(frame, state) {
    await undefined;
    return { type: 'push', messages: frame, state };
  },
  handleInfo: (_info, state) => ({ type: 'ok', state }),
} satisfies WebSock<undefined>;

type Mailbox = WebSock.Mailbox<WebSock.DataFrame>;

const toItself = {
  init: (_arg, mailbox) => ({ type: 'ok', state: mailbox }),
  handleIn(frame, mailbox) {
    mailbox.post(frame);
    return { type: 'ok', state: mailbox };
  },
  handleInfo: (frame, mailbox) => ({ type: 'push', messages: frame, state: mailbox }),
} satisfies WebSock<Mailbox, WebSock.DataFrame>;

const counting = {
  init: () => ({ type: 'ok', state: { count: 0 } }),
  handleIn: (frame, { count }) => ({ type: 'push', messages: frame, state: { count: count + 1 } }),
  handleInfo: (_info, state) => ({ type: 'ok', state }),
} satisfies WebSock<{ readonly count: number }>;

const room = new Set<Mailbox>();

const member = {
  init(_arg, mailbox) {
    room.add(mailbox);
    return { type: 'ok', state: mailbox };
  },
  handleIn(frame, state) {
    for (const mailbox of room) mailbox.post(frame);
    return { type: 'ok', state };
  },
  handleInfo: (frame, state) => ({ type: 'push', messages: frame, state }),
  terminate: (_reason, mailbox) => room.delete(mailbox),
} satisfies WebSock<Mailbox, WebSock.DataFrame>;

const handlers: { readonly [path: string]: WebSock.Any } = {
  '/async': asynchronous,
  '/post': toItself,
  '/room': member,
  '/count': counting,
};

export function handlerOf(path: string): WebSock.Any {
  return handlers[path] ?? echo;
}
