// Upgrades on Node.js: asks the route, then opens a connection, refuses the request, or leaves it to other listeners.

import { constants } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type ServerOptions, WebSocketServer } from 'ws';
import { type AcceptedUpgrade, type Adapter, type Decision, notFound } from '../adapter.ts';
import { LONGEST_DELAY } from '../connection/clock.ts';
import { Connection } from '../connection/connection.ts';
import type { ShutdownOptions } from '../connection/connections.ts';
import { refusalOf, subprotocol } from '../handshake.ts';
import type { CheckedOptions } from '../options.ts';
import type { Route } from '../route.ts';
import { stopGently } from '../serve.ts';
import { askRoute, bytesOf, type NodePlatform } from './http.ts';
import { NodeWire, ServerSocket } from './wire.ts';

/** What node:http passes to a listener of `upgrade`. */
export interface UpgradeRequest {
  /** The request. */
  readonly request: IncomingMessage;
  /** Its socket. */
  readonly socket: Duplex;
  /** The first bytes that the client sent after the request. */
  readonly head: Buffer;
}

/** The maximum message size in bytes, whatever `maxMessageSize` says: the longest string of Node.js. */
const MAX_MESSAGE_SIZE = constants.MAX_STRING_LENGTH;

/** The maximum number of fragments of a message: each takes time and memory (rule 2.3). */
const MAX_FRAGMENTS = 16_384;

/**
 * The maximum number of pieces in which the network may deliver a frame: `ws` shifts them off an array one by one, which
 * blocks the process for seconds if there are many. A frame of 10 MB in packets of 1 200 bytes has half as many.
 */
const MAX_PIECES = 16_384;

const NO_BYTES = Buffer.alloc(0);

/** Whether a socket is a WebSocket already, of this package or of another library: then it is being read. */
export function isTaken(socket: Duplex): boolean {
  return socket.listenerCount('data') > 0;
}

/** How many adapters have declined a socket. */
const declines = new WeakMap<Duplex, number>();

/** Counts another decline, and returns their number: when all listeners are adapters, the last one answers 404. */
function countDecline(socket: Duplex): number {
  const count = (declines.get(socket) ?? 0) + 1;
  declines.set(socket, count);
  return count;
}

/** Handles the upgrades of one adapter. */
export class UpgradeListener {
  readonly #adapter: Adapter;
  /** One server of `ws` for each set of options that connections share. */
  readonly #servers = new Map<string, WebSocketServer>();
  /** Sockets whose route is pending, or whose request has been refused. */
  readonly #sockets = new Set<Duplex>();
  /** The headers and the subprotocol of the handshake in progress; `ws` asks for them synchronously. */
  #headers: CheckedOptions['headers'] = [];
  #protocol: string | undefined;

  constructor(adapter: Adapter) {
    this.#adapter = adapter;
  }

  /**
   * Asks the route about an upgrade, and does as it decides.
   *
   * @param listeners - how many listeners of `upgrade` the server has
   */
  ask(route: Route<NodePlatform>, { request, socket, head }: UpgradeRequest, listeners: number): void {
    this.#ignoreSocketErrors(socket);
    // While the route is pending, early data stays in the socket, so that the client's end is read after it. Another
    // listener receives the same head, and may put it back itself.
    const putBack = listeners === 1 && head.length > 0;
    if (putBack) socket.unshift(head);
    const apply = (decision: Decision) => {
      if (listeners > 1 && isTaken(socket)) this.#leaveToOthers(socket, decision);
      else if (decision === undefined && countDecline(socket) < listeners) this.#sockets.delete(socket);
      else this.respond({ request, socket, head: putBack ? NO_BYTES : head }, decision ?? notFound(true));
    };
    const decision = askRoute(this.#adapter, route, request, socket, true);
    if (decision instanceof Promise) decision.then(apply);
    else apply(decision);
  }

  /** Opens a connection, or refuses the request. */
  respond({ request, socket, head }: UpgradeRequest, decision: AcceptedUpgrade | Response): void {
    // Not `instanceof Response`: referencing Response loads fetch, and V8 then collects garbage more often.
    const refusal = 'status' in decision ? decision : checkHandshake(request);
    if (refusal || socket.destroyed) this.#ignoreSocketErrors(socket); // otherwise `ws` handles them from now on
    if (socket.destroyed) return;
    if (refusal) this.#refuse(socket, refusal, request.method === 'HEAD');
    else this.#open({ request, socket, head }, decision as AcceptedUpgrade);
  }

  async shutdown(options?: ShutdownOptions): Promise<void> {
    await this.#adapter.shutdown(options);
    const closed = [...this.#sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    await stopGently(Promise.all(closed), 1_000, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  /** Node.js removes its own `error` listener before `upgrade`; without one, a reset would end the process. */
  #ignoreSocketErrors(socket: Duplex): void {
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    socket.on('error', ignore);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** Leaves a socket to the listener that has taken it. */
  #leaveToOthers(socket: Duplex, decision: Decision): void {
    this.#sockets.delete(socket);
    if (decision === undefined || socket.destroyed) return;
    const error = new Error('the route answered an upgrade that another listener of the server has taken');
    this.#adapter.connections.report(error, { callback: 'route' });
  }

  /** Sends a response, then closes the socket, within a time limit whatever the client does (rule 4.5). */
  async #refuse(socket: Duplex, response: Response, isHead: boolean): Promise<void> {
    const { closeTimeout } = this.#adapter.connections.bounds;
    const timer = setTimeout(() => socket.destroy(), Math.min(closeTimeout, LONGEST_DELAY));
    socket.once('close', () => clearTimeout(timer));
    const failed = (error: unknown) => {
      if (!socket.destroyed) this.#adapter.connections.report(error, { callback: 'route' });
    };
    socket.resume(); // discards what else the client sends
    socket.end(await bytesOf(response, socket, isHead, failed)); // does nothing if the socket has closed
    await Promise.all([finished(socket, { readable: false }), finished(socket, { writable: false })]).catch(ignore);
    socket.destroy();
  }

  #open({ request, socket, head }: UpgradeRequest, { handler, arg, options, context }: AcceptedUpgrade): void {
    this.#sockets.delete(socket);
    this.#headers = options.headers;
    this.#protocol = subprotocol(request.headers['sec-websocket-protocol'], options.protocol);
    // For the headers: `ws` writes them as a string, in the socket's default encoding.
    if (options.headers.length > 0) socket.setDefaultEncoding('latin1');
    this.#serverFor(options).handleUpgrade(request, socket, head, (webSocket) => {
      if (options.headers.length > 0) socket.setDefaultEncoding('utf8');
      const wire = new NodeWire(webSocket as ServerSocket, socket);
      const connection = new Connection(this.#adapter.connections, wire, handler, options, context);
      wire.listen(connection);
      connection.open(arg);
    });
  }

  /** Connections with the same options share a server of `ws`: making one costs more than a handshake. */
  #serverFor(options: CheckedOptions): WebSocketServer {
    const { compress, maxMessageSize, validateUtf8 } = options;
    const key = `${compress} ${maxMessageSize} ${validateUtf8}`;
    let server = this.#servers.get(key);
    if (!server) {
      if (this.#servers.size >= 100) this.#servers.clear(); // it is only a cache
      server = new WebSocketServer(wsOptions(options, () => this.#protocol ?? false));
      server.on('headers', (lines) => {
        for (const [name, value] of this.#headers) lines.push(`${name}: ${value}`);
      });
      this.#servers.set(key, server);
    }
    return server;
  }
}

/** The response to a request that is not a valid upgrade; `undefined` if it is valid (rule 1.5). */
function checkHandshake({ method, headers, httpVersion }: IncomingMessage): Response | undefined {
  if (httpVersion === '1.0') return new Response('A WebSocket upgrade needs HTTP/1.1.\n', { status: 400 });
  return refusalOf(method, (name) => headers[name.toLowerCase()] as string | undefined);
}

/** The types of `ws` do not include these two yet. */
type WsOptions = ServerOptions & { closeTimeout: number; maxPendingAutoPongs: number };

function wsOptions(options: CheckedOptions, handleProtocols: () => string | false): WsOptions {
  const maxPayload = Math.min(options.maxMessageSize, MAX_MESSAGE_SIZE);
  return {
    noServer: true,
    clientTracking: false,
    WebSocket: ServerSocket,
    perMessageDeflate: options.compress,
    maxPayload,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: Math.max(MAX_PIECES, Math.ceil(maxPayload / 600)),
    skipUTF8Validation: !options.validateUtf8,
    handleProtocols,
    // The connection has its own limits for both: it watches the bytes that are buffered for sending.
    closeTimeout: LONGEST_DELAY,
    maxPendingAutoPongs: 0,
  };
}

function ignore(): void {}
