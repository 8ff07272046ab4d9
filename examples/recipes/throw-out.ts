// Throws a user out: closes all connections that the user has in this process, after a logout or a ban.

import type { WebSock } from '@websock/spec';
import { member } from './room.ts';

const online = new Map<string, Set<WebSock.Mailbox<never>>>();

/** Puts a connection on the list of its user, until it ends. */
function enlist(user: string, mailbox: WebSock.Mailbox<never>): void {
  const { signal } = mailbox;
  if (signal.aborted) return; // the client left while `init` awaited something
  const mailboxes = online.get(user) ?? new Set();
  online.set(user, mailboxes.add(mailbox));
  signal.addEventListener('abort', () => {
    mailboxes.delete(mailbox);
    if (mailboxes.size === 0) online.delete(user);
  });
}

export const listed: typeof member = {
  ...member,
  init(user, mailbox) {
    enlist(user, mailbox);
    return member.init(user, mailbox);
  },
};

export const isOnline = (user: string): boolean => online.has(user);

/** Call this after the user's sessions have been deleted, so that the clients are refused when they come back. */
export function throwOut(user: string): void {
  // 4000 to 4999 are for applications (RFC 6455 §7.4.2); reconnect.js stays away after them
  for (const mailbox of online.get(user) ?? []) mailbox.stop({ code: 4001, reason: 'signed out' });
}
