import type { WebSock } from '@websock/spec';
import { checkClose } from './close.ts';

/** What a mailbox does to its connection. */
export interface MailboxTarget<Info> {
  post(info: Info): void;
  stop(close?: WebSock.CloseDetail): void;
  readonly waiting: number;
  readonly signal: AbortSignal;
  /** The mailbox for `init`, if it has been made before. */
  readonly mailbox?: WebSock.Mailbox<Info>;
}

/** The mailbox that `init` receives. */
export class ConnectionMailbox<Info> implements WebSock.Mailbox<Info> {
  // Functions of their own, as they may be detached (rule 6.5).
  readonly post: (info: Info) => void;
  readonly stop: (close?: WebSock.CloseDetail) => void;
  readonly #connection: MailboxTarget<Info>;

  constructor(connection: MailboxTarget<Info>) {
    this.post = (info) => connection.post(info);
    this.stop = (close) => connection.stop(close);
    this.#connection = connection;
  }

  get waiting(): number {
    return this.#connection.waiting;
  }

  get signal(): AbortSignal {
    return this.#connection.signal;
  }
}

/** What `terminate` receives after `mailbox.stop(close)` (rules 4.3q and 6.6). */
export function stopReason(close: WebSock.CloseDetail | undefined): WebSock.CloseReason {
  if (close === undefined) return { type: 'normal', code: 1000, reason: '' };
  try {
    const { code, text } = checkClose('mailbox.stop was called with', close);
    return { type: 'normal', code, reason: text };
  } catch (error) {
    return { type: 'error', error, code: 1011, reason: '' };
  }
}
