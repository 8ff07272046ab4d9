import type { WebSock } from '@websock/spec';

/**
 * A socket, as a connection uses it. Implement it to serve handlers on another platform.
 *
 * Omit optional methods that the platform does not support, and declare the limitation in the server's `cannot`. No method
 * may throw, except `send`. All but `unsent` are called only between `Connection.open` and `Connection.gone`.
 */
export interface Wire {
  /**
   * Sends a message, or buffers it. The message must not be lost while the connection is open (rule 5.2), unless the
   * platform cannot send its opcode (rule 2.8). Not called once the connection has ended. If it throws, the callback that
   * returned the message counts as failed.
   */
  send(message: WebSock.Message): void;

  /**
   * The number of bytes that are buffered for sending, including the close frame; 0 if the platform hides it. A fall means
   * progress: the finer its steps, the better the connection distinguishes a slow client from one that has stopped reading
   * (rules 4.5 and 5.3). When the number falls to 0, or below `maxUnsentBytes`, call `Connection.sent`.
   *
   * Called when the messages sent since the last call may exceed `maxUnsentBytes`, and for each ping and pong from the
   * client; then repeatedly until the client has caught up. After the end, called until the socket has closed.
   */
  unsent(): number;

  /**
   * Whether `unsent` falls only when a whole message or more has been sent. If so, a slow client gets more time for a large
   * message (rule 5.3). Default: false.
   */
  readonly coarseUnsent?: boolean;

  /**
   * Saves the state that a callback has returned, before its messages are sent, for a server that suspends connections (rule
   * 7.2). If it throws, the result is invalid (rule 3.6).
   */
  save?(state: unknown): void;

  /**
   * Receives the promise of a callback, for a server that suspends connections: it must not suspend this one before the
   * promise settles (rule 7.1).
   */
  pending?(result: PromiseLike<unknown>): void;

  /**
   * Sends a close frame after the buffered messages. Called at most once, with a code that a server may send and a reason
   * of at most 123 bytes of UTF-8. The connection then waits for `Connection.gone`, for a limited time.
   */
  close(code: number, reason: string): void;

  /**
   * Closes the socket immediately, or abandons it if the platform cannot. Called at most once, and last; the connection then
   * treats the socket as gone.
   */
  drop(): void;

  /**
   * Stops reading from the client. Data that has already been read may still be delivered. Without `pause` and `resume`, the
   * connection queues a limited number of messages, and then closes with 1013 (rule 5.1); and `Connection.data` calls an
   * idle handler immediately.
   */
  pause?(): void;

  /** Resumes reading. Called only after `pause`. */
  resume?(): void;

  /**
   * Sends an empty ping. Without this method there is no heartbeat (rule 4.6), and `idleTimeout` has no default: a client
   * that only listens could not show that it is alive.
   */
  ping?(): void;
}
