// Broadcasts to a room. A client that reads slowly misses lines, and does not delay the others.

import type { WebSock } from '@websock/spec';

type Member = { readonly name: string; readonly mailbox: WebSock.Mailbox<'unread'>; readonly unread: string[] };
const room = new Set<Member>();

function say(line: string) {
  for (const { mailbox, unread } of room) {
    if (unread.length === 0) mailbox.post('unread'); // once for all unread lines
    unread.push(line);
    if (unread.length > 1_000) unread.shift(); // the client reads too slowly, and misses the oldest line
  }
}

export const member = {
  init(name, mailbox) {
    const state = { name, mailbox, unread: [] };
    room.add(state); // after everything that can throw: then `terminate` would not be called
    say(`* ${name} is here`);
    return { type: 'ok', state };
  },
  handleIn(frame, state) {
    if (frame.opcode === 'text') say(`${state.name}: ${frame.data}`);
    return { type: 'ok', state };
  },
  // is called only while at most `maxUnsentBytes` are unsent
  handleInfo(_unread, state) {
    const messages = state.unread.splice(0).map((data) => ({ opcode: 'text' as const, data }));
    return { type: 'push', messages, state };
  },
  terminate: (_reason, state) => room.delete(state),
} satisfies WebSock<Member, 'unread', string>;
