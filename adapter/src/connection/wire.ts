import type { WebSock } from '@websock/spec';

/**
 * A socket, as a connection uses it: what the author of another server implements.
 *
 * Optional methods are abilities. Leave out what the platform cannot do, and name it in the server's `cannot`. No method
 * may throw, except `send`. All but `unsent` are called only between `open` and `gone`.
 */
export interface Wire {
  /**
   * Sends a message, or buffers it; while the connection lives, it must not be lost (rule 5.2). Leaves out opcodes that
   * the platform cannot send (rule 2.8). Not called once the connection has ended. If it throws, the callback that
   * returned the message counts as failed.
   */
  send(message: WebSock.Message): void;

  /**
   * The number of bytes that are buffered for sending, those of the close frame included; 0 if the platform hides it.
   * When the number falls, bytes have been sent: the finer its steps, the better a slow client is told from one that has
   * stopped reading (rules 4.5 and 5.3). When it falls to 0, or below `maxUnsentBytes`, call `Connection.sent`.
   *
   * Called only when the messages sent since the last call may have exceeded `maxUnsentBytes`, and then until the client
   * has caught up or the socket has closed.
   */
  unsent(): number;

  /**
   * Whether `unsent` falls only when a whole message, or more, has been sent. A slow client then has more time for a large
   * message (rule 5.3). Default: false.
   */
  readonly coarseUnsent?: boolean;

  /**
   * Sends a close frame behind the messages. Called at most once, with a code that a server may send and a reason of at
   * most 123 bytes. The connection then waits, for a limited time, for the server to call `Connection.gone`.
   */
  close(code: number, reason: string): void;

  /**
   * Closes the socket immediately, or abandons it where the platform cannot. Called at most once, and last; the
   * connection then counts the socket as gone.
   */
  drop(): void;

  /**
   * Stops reading from the client; what has been read already may still arrive. Without `pause` and `resume`, the
   * connection buffers a limited number of messages and then closes with 1013, and `Connection.data` calls a handler
   * that is free at once (rule 5.1).
   */
  pause?(): void;

  /** Resumes reading. Called only after `pause`. */
  resume?(): void;

  /**
   * Sends an empty ping. Without it there is no heartbeat (rule 4.6), and no `idleTimeout` by default: a client that
   * only listens could not show that it is alive.
   */
  ping?(): void;
}
