// One upgrade request. Every listener of `upgrade` that the server has receives it: those of other libraries, too.

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type Adapter, notFound } from '../adapter.ts';
import { LONGEST_DELAY } from '../connection/clock.ts';
import { asksForWebSocket } from '../handshake.ts';
import { NO_BYTES, type Received, responseBytes, wholeResponse } from './http.ts';
import { isHttp2Stream, refuseStream, resetStream } from './http2.ts';

/** What node:http passes to a listener of `upgrade`. */
export interface UpgradeRequest {
  /** The request. */
  readonly request: IncomingMessage;
  /** Its socket. */
  readonly socket: Duplex;
  /** The first bytes that the client sent after the request. */
  readonly head: Buffer;
}

/** The listeners that receive an upgrade. */
export interface Receivers {
  /** The number of adapters of this package. */
  readonly adapters: number;
  /** Whether other libraries listen as well. */
  readonly hasOthers: boolean;
  /** Serves a request for another protocol as if it did not ask for one. */
  readonly serveAsRequest?: (upgrade: UpgradeRequest) => void;
}

/**
 * An upgrade request until it is answered. The listener that writes to the socket first has taken it; an adapter whose
 * route declines leaves it to the others. If no listener takes it, the adapters answer: immediately if there are no
 * listeners of other libraries, otherwise after a time limit, as those may be asynchronous and do not report that they
 * decline.
 */
export class Upgrade implements UpgradeRequest, Received {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly #receivers: Receivers;
  /** The number of adapters that have not decided. */
  #undecided: number;
  /** The answer if no listener takes the upgrade: 503 if an adapter would have, but is shutting down. */
  #fallback: Response | undefined;
  /** The adapter whose response is being sent. */
  #refusedBy: Adapter | undefined;
  #hasAnswered = false;
  /** Aborts the reading of that response's body. */
  #body: AbortController | undefined;
  #isOver = false;
  #left: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #writes: () => number;

  constructor({ request, socket, head }: UpgradeRequest, receivers: Receivers) {
    this.request = request;
    this.socket = socket;
    this.#receivers = receivers;
    this.#undecided = receivers.adapters;
    // While the route is pending, early data stays in the socket, so that the client's end is read after it. Another
    // library receives the same head, and may put it back itself.
    const putBack = !receivers.hasOthers && head.length > 0;
    if (putBack) socket.unshift(head);
    this.head = putBack ? NO_BYTES : head;
    this.#writes = countWrites(socket);
    // Node.js removes its own `error` listener before `upgrade`; without one, a reset would end the process.
    socket.on('error', ignore);
    socket.once('close', this.release);
  }

  get signal(): AbortSignal {
    if (!this.#left) {
      const left = new AbortController();
      const abort = () => left.abort();
      if (this.socket.destroyed || this.socket.readableEnded) abort();
      else this.socket.once('end', abort).once('close', abort);
      this.#left = left;
    }
    return this.#left.signal;
  }

  /** Whether more than one listener has received it. */
  get isShared(): boolean {
    const { adapters, hasOthers } = this.#receivers;
    return adapters > 1 || hasOthers;
  }

  /** Whether an adapter has answered, or is about to. */
  get isAnswered(): boolean {
    return this.#isOver || this.#refusedBy !== undefined || this.#isTaken;
  }

  /** Whether another listener, or another adapter, has answered. */
  get #isTaken(): boolean {
    return this.#isOver || this.socket.writableEnded || this.#writes() > 0;
  }

  /** The socket has another owner from now on, or has closed. */
  readonly release = (): void => {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#body?.abort();
    this.socket.off('error', ignore).off('close', this.release);
  };

  /** Whether it is too late to answer. Reports it, unless the client has left. */
  isLate(adapter: Adapter): boolean {
    if (this.socket.destroyed) return true;
    if (!this.#isTaken) return false;
    if (!this.#isOver) this.release();
    const error = new Error('the route answered an upgrade that another listener of the server has taken');
    adapter.connections.report(error, { callback: 'route' });
    return true;
  }

  /**
   * Leaves the upgrade to the other listeners.
   *
   * @param fallback - the answer if none of them takes it; by default 404
   */
  decline(adapter: Adapter, fallback?: Response): void {
    this.#fallback ??= fallback;
    this.#undecided -= 1;
    if (this.#undecided > 0 || this.#isOver || this.#refusedBy) return;
    if (!this.#receivers.hasOthers) this.answer(adapter);
    else this.#timer = setTimeout(() => this.answer(adapter), Math.min(adapter.routeTimeout, LONGEST_DELAY));
  }

  /** Answers for all adapters, if they have declined and no other listener has taken the upgrade. */
  answer(adapter: Adapter): void {
    if (this.#undecided > 0 || this.#isOver || this.#refusedBy) return;
    const { serveAsRequest } = this.#receivers;
    if (this.#isTaken) this.release();
    else if (serveAsRequest && !asksForWebSocket(this.request.headers.upgrade)) {
      this.release();
      serveAsRequest(this);
    } else this.refuse(adapter, this.#fallback ?? notFound(true));
  }

  /** Sends a response, then closes the socket, within a time limit whatever the client does (rule 4.5). */
  async refuse(adapter: Adapter, response: Response): Promise<void> {
    if (this.isLate(adapter)) {
      if (!response.bodyUsed) response.body?.cancel().catch(ignore);
      return;
    }
    const { socket } = this;
    const { connections } = adapter;
    this.#refusedBy = adapter;
    this.#body = new AbortController();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.drop(adapter), Math.min(connections.bounds.closeTimeout, LONGEST_DELAY));
    const failed = (error: unknown) => {
      if (!socket.destroyed) connections.report(error, { callback: 'route' });
    };
    const isHead = this.request.method === 'HEAD';
    const whole = await wholeResponse(response, isHead, this.#body.signal, failed);
    if (this.isLate(adapter)) return; // looks again: another listener may have answered meanwhile
    this.#hasAnswered = true;
    let { status } = whole;
    socket.resume(); // discards what else the client sends
    if (isHttp2Stream(socket)) status = refuseStream(socket, whole);
    else socket.end(responseBytes(whole, isHead));
    adapter.refused(this.request.url ?? '', status);
    await Promise.all([finished(socket, { readable: false }), finished(socket, { writable: false })]).catch(ignore);
    socket.destroy();
  }

  /** Whether this adapter has refused the upgrade, and its socket is still open. */
  isRefusedBy(adapter: Adapter): boolean {
    return this.#refusedBy === adapter && !this.#isOver;
  }

  /** Closes the socket of an upgrade that this adapter has refused. */
  drop(adapter: Adapter): void {
    if (!this.isRefusedBy(adapter)) return;
    if (this.#hasAnswered || !this.#isTaken) {
      resetStream(this.socket);
      this.socket.destroy();
    } else this.release();
  }
}

/**
 * Counts the bytes written to a socket from now on; the calls of `write` where the socket does not count bytes; of a stream
 * of HTTP/2, the responses.
 */
function countWrites(socket: Duplex): () => number {
  if (isHttp2Stream(socket)) return () => (socket.headersSent ? 1 : 0);
  const { bytesWritten } = socket as Partial<Socket>;
  if (bytesWritten !== undefined) return () => ((socket as Socket).bytesWritten ?? 0) - bytesWritten;
  let count = 0;
  const { write } = socket;
  socket.write = (...args: any[]) => {
    count += 1;
    return write.apply(socket, args as Parameters<typeof write>);
  };
  return () => count;
}

function ignore(): void {}
