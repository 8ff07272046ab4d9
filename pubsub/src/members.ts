import type { WebSock } from '@websock/spec';

/**
 * What can subscribe: a connection's mailbox, or another object with these three. `post` must not throw, and a signal that
 * never aborts is allowed.
 */
export type Subscriber<Info> = Pick<WebSock.Mailbox<Info>, 'post' | 'waiting' | 'signal'>;

let processId: string | undefined;
let lastId = 0;
const ids = new WeakMap<Subscriber<any>, string>();

/** The name of a mailbox on brokers. */
export function idOf(mailbox: Subscriber<any>): string {
  const known = ids.get(mailbox);
  if (known !== undefined) return known;
  processId ??= crypto.randomUUID(); // not earlier: Cloudflare has no random numbers outside of requests
  const id = `${processId}.${++lastId}`;
  ids.set(mailbox, id);
  return id;
}

/** What a mailbox holds until its connection ends: a subscription or a presence. */
export interface Held {
  /** Called when the connection has ended. */
  release(member: Member): void;
}

/** A mailbox that holds something. */
export interface Member {
  readonly mailbox: Subscriber<any>;
  readonly held: Set<Held>;
  readonly onAbort: () => void;
}

/** The mailboxes that hold something, with one listener of `signal` for each. */
export class Members {
  readonly #members = new Map<Subscriber<any>, Member>();

  find(mailbox: Subscriber<any>): Member | undefined {
    return this.#members.get(mailbox);
  }

  /** Lets the mailbox hold something; `undefined` if its connection has ended. */
  hold(mailbox: Subscriber<any>, held: Held): Member | undefined {
    const known = this.#members.get(mailbox);
    if (known) {
      known.held.add(held);
      return known;
    }
    const { signal } = mailbox;
    if (signal.aborted) return undefined;
    const all = new Set<Held>([held]);
    const member: Member = {
      mailbox,
      held: all,
      onAbort: () => {
        this.#members.delete(mailbox);
        for (const each of all) each.release(member);
      },
    };
    this.#members.set(mailbox, member);
    signal.addEventListener('abort', member.onAbort);
    return member;
  }

  /** Takes off what a mailbox holds. */
  drop(member: Member, held: Held): void {
    member.held.delete(held);
    if (member.held.size === 0) this.#forget(member);
  }

  clear(): void {
    for (const member of this.#members.values()) this.#forget(member);
  }

  #forget({ mailbox, onAbort }: Member): void {
    this.#members.delete(mailbox);
    mailbox.signal.removeEventListener('abort', onAbort);
  }
}
