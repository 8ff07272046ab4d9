// Upgrades on Node.js: asks the route, then opens a connection, refuses the request, or leaves it to other listeners.

import { constants } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ServerOptions, WebSocketServer } from 'ws';
import { type AcceptedUpgrade, type Adapter, type Decision, unavailable } from '../adapter.ts';
import { LONGEST_DELAY } from '../connection/clock.ts';
import { Connection } from '../connection/connection.ts';
import type { ShutdownOptions } from '../connection/connections.ts';
import { asksForWebSocket, refusalOf, subprotocol } from '../handshake.ts';
import type { CheckedOptions } from '../options.ts';
import type { Route } from '../route.ts';
import { stopGently } from '../serve.ts';
import { askRoute, type NodePlatform, serveAsRequest } from './http.ts';
import { type Http2Server, isHttp2Server, isHttp2Stream, listenForStreams, prepareForWs } from './http2.ts';
import { type Receivers, Upgrade, type UpgradeRequest } from './upgrade.ts';
import { NodeWire, ServerSocket } from './wire.ts';

/** The maximum message size in bytes, whatever `maxMessageSize` says: the longest string of Node.js. */
const MAX_MESSAGE_SIZE = constants.MAX_STRING_LENGTH;

/** The maximum number of fragments of a message: each takes time and memory (rule 2.3). */
const MAX_FRAGMENTS = 16_384;

/**
 * The maximum number of pieces in which the network may deliver a frame: `ws` shifts them off an array one by one, which
 * blocks the process for seconds if there are many. A frame of 10 MB in packets of 1 200 bytes has half as many.
 */
const MAX_PIECES = 16_384;

/** A server that emits `upgrade`. */
export interface UpgradeServer {
  on(event: 'upgrade', listener: (...args: any[]) => void): unknown;
  off(event: 'upgrade', listener: (...args: any[]) => void): unknown;
  prependListener(event: 'upgrade', listener: (...args: any[]) => void): unknown;
  listeners(event: 'upgrade'): unknown[];
}

/** The listeners of all adapters, to tell them from those of other libraries. */
const ofAdapters = new WeakSet<object>();

/** The upgrades that more than one listener has received. */
const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/** The requests that `upgrade` of `createAdapter` has answered. */
const answered = new WeakSet<IncomingMessage>();

/** The receivers of an upgrade that a program handles itself: it may have other listeners. */
const PROGRAM = { adapters: 1, hasOthers: true };

/** How many adapters, and whether other libraries, listen for the upgrades of a server. */
function receiversOf(server: UpgradeServer): Receivers {
  const listeners = server.listeners('upgrade').filter((listener) => listener !== noteUpgrade);
  const adapters = listeners.filter((listener) => ofAdapters.has(listener as object)).length;
  const hasOthers = listeners.length > adapters;
  return { adapters, hasOthers, serveAsRequest: (upgrade) => serveAsRequest(server, upgrade) };
}

function upgradeOf(received: UpgradeRequest, receivers: Receivers): Upgrade {
  let upgrade = upgrades.get(received.request);
  if (!upgrade) {
    upgrade = new Upgrade(received, receivers);
    if (upgrade.isShared) upgrades.set(received.request, upgrade);
  }
  return upgrade;
}

/** The response to an earlier request that is still being sent: a client need not wait for it (RFC 9112 §9.3.2). */
function earlierResponse(socket: Duplex): ServerResponse | null | undefined {
  return (socket as { readonly _httpMessage?: ServerResponse | null })._httpMessage;
}

function afterEarlierResponses(socket: Duplex, run: () => void): void {
  const earlier = earlierResponse(socket);
  if (earlier) earlier.once('close', () => afterEarlierResponses(socket, run));
  else run();
}

/** The first listener: notes how many bytes had been sent before any other listener can answer. */
function noteUpgrade(this: UpgradeServer, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  upgradeOf({ request, socket, head }, receiversOf(this));
}

/** The upgrades of one adapter. */
export class UpgradeListener {
  readonly #adapter: Adapter;
  /** One server of `ws` for each set of options that connections share. */
  readonly #servers = new Map<string, WebSocketServer>();
  /** Upgrades whose route is pending. */
  readonly #pending = new Set<Upgrade>();
  /** Upgrades that have been refused, or will be unless another listener takes them. */
  readonly #refused = new Set<Upgrade>();
  /** The headers of the handshake in progress; `ws` asks for them synchronously. */
  #headers: CheckedOptions['headers'] = [];
  /** Why `ws` refused the handshake in progress. */
  #handshakeError: Error | undefined;
  #detach = () => {};

  constructor(adapter: Adapter) {
    this.#adapter = adapter;
  }

  /** Asks a route about the upgrades of a server, until a shutdown has ended the connections. */
  listen(server: UpgradeServer, route: Route<NodePlatform>): void {
    const listener = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const receivers = receiversOf(server);
      const ask = () => this.#ask(route, upgradeOf({ request, socket, head }, receivers));
      if (!earlierResponse(socket) || receivers.hasOthers) ask();
      else {
        socket.on('error', () => {}); // Node.js has removed its own listener
        afterEarlierResponses(socket, () => {
          if (!socket.destroyed) ask();
        });
      }
    };
    if (receiversOf(server).hasOthers) {
      server.off('upgrade', noteUpgrade);
      server.prependListener('upgrade', noteUpgrade);
    }
    ofAdapters.add(listener);
    server.on('upgrade', listener);
    const stopStreams = isHttp2Server(server) ? this.#listenForStreams(server, route) : undefined;
    this.#detach = () => {
      server.off('upgrade', listener);
      if (receiversOf(server).adapters === 0) server.off('upgrade', noteUpgrade);
      stopStreams?.();
    };
  }

  #listenForStreams(server: Http2Server, route: Route<NodePlatform>): () => void {
    return listenForStreams(server, (received, receivers) => {
      const upgrade = upgradeOf(received, receivers);
      // One that answers a stream without looking would throw if it came second, so it comes first, and has taken it.
      if (receivers.hasOthers) process.nextTick(() => this.#ask(route, upgrade));
      else this.#ask(route, upgrade);
    });
  }

  #ask(route: Route<NodePlatform>, upgrade: Upgrade): void {
    if (!asksForWebSocket(upgrade.request.headers.upgrade)) {
      upgrade.decline(this.#adapter);
      return;
    }
    this.#pending.add(upgrade);
    const apply = (decision: Decision) => {
      if (!this.#pending.delete(upgrade)) return; // the shutdown has ended before
      if (decision === undefined) upgrade.decline(this.#adapter);
      else if (this.#adapter.connections.isShuttingDown) this.#refuseUnlessTaken(upgrade);
      else this.#respond(upgrade, decision);
    };
    const decision = askRoute(this.#adapter, route, upgrade, true);
    if (decision instanceof Promise) decision.then(apply);
    else apply(decision);
  }

  /**
   * Answers an upgrade that a program has decided about itself. Throws if it has been answered before.
   *
   * @param decide - checks the handler and its options; if it throws, the answer is 500
   */
  respond(received: UpgradeRequest, decide: () => AcceptedUpgrade): void {
    const { request } = received;
    if (answered.has(request) || upgrades.get(request)?.isAnswered) {
      throw new Error('upgrade: this request has been answered already; call upgrade once for each request');
    }
    answered.add(request);
    const refuse = (response: Response) => this.#refuse(new Upgrade(received, PROGRAM), response);
    let accepted: AcceptedUpgrade;
    try {
      accepted = decide();
    } catch (error) {
      refuse(new Response(null, { status: 500 }));
      throw error;
    }
    const refusal = this.#adapter.connections.isShuttingDown ? unavailable() : checkHandshake(request);
    if (refusal) refuse(refusal);
    else if (!received.socket.destroyed) {
      const error = this.#open(received, accepted);
      if (error) refuse(error);
    }
  }

  /** Carries out the decision of the route. */
  #respond(upgrade: Upgrade, decision: AcceptedUpgrade | Response): void {
    // Not `instanceof Response`: referencing Response loads fetch, and V8 then collects garbage more often.
    const refusal = 'status' in decision ? decision : checkHandshake(upgrade.request);
    if (refusal) this.#refuse(upgrade, refusal);
    else if (!upgrade.isLate(this.#adapter)) {
      const error = this.#open(upgrade, decision as AcceptedUpgrade);
      if (error) this.#refuse(upgrade, error);
      else upgrade.release();
    }
  }

  #refuse(upgrade: Upgrade, response: Response): void {
    this.#rememberRefused(upgrade);
    upgrade.refuse(this.#adapter, response);
  }

  /** Leaves to other listeners what this adapter would have taken; the answer is 503 if they do not take it (rule 1.6). */
  #refuseUnlessTaken(upgrade: Upgrade): void {
    this.#rememberRefused(upgrade);
    upgrade.decline(this.#adapter, unavailable());
  }

  #rememberRefused(upgrade: Upgrade): void {
    if (upgrade.socket.destroyed) return; // the client has left
    this.#refused.add(upgrade);
    upgrade.socket.once('close', () => this.#refused.delete(upgrade));
  }

  async shutdown(options?: ShutdownOptions): Promise<void> {
    await this.#adapter.shutdown(options);
    this.#detach();
    for (const upgrade of this.#pending) this.#refuseUnlessTaken(upgrade);
    this.#pending.clear();
    for (const upgrade of this.#refused) upgrade.answer(this.#adapter);
    const refused = [...this.#refused].filter((upgrade) => upgrade.isRefusedBy(this.#adapter));
    const closed = refused.map(({ socket }) => new Promise((resolve) => socket.once('close', resolve)));
    await stopGently(Promise.all(closed), 1_000, () => {
      for (const upgrade of refused) upgrade.drop(this.#adapter);
    });
  }

  /** Opens a connection. Returns a response if `ws` finds a header that it cannot accept. */
  #open(
    { request, socket, head }: UpgradeRequest,
    { handler, arg, options, context }: AcceptedUpgrade,
  ): Response | undefined {
    const { headers } = request;
    const handshake = {
      method: 'GET',
      headers: {
        upgrade: 'websocket', // the request may have a list (RFC 6455 §4.2.1)
        'sec-websocket-version': '13',
        'sec-websocket-key': headers['sec-websocket-key'],
        'sec-websocket-extensions': headers['sec-websocket-extensions'],
        'sec-websocket-protocol': subprotocol(headers['sec-websocket-protocol'], options.protocol),
      },
    };
    this.#headers = options.headers;
    this.#handshakeError = undefined;
    if (isHttp2Stream(socket)) prepareForWs(socket);
    // For the headers: `ws` writes them as a string, in the socket's default encoding.
    if (options.headers.length > 0) socket.setDefaultEncoding('latin1');
    this.#serverFor(options).handleUpgrade(handshake as IncomingMessage, socket, head, (webSocket) => {
      if (options.headers.length > 0) socket.setDefaultEncoding('utf8');
      const wire = new NodeWire(webSocket as ServerSocket, socket);
      const connection = new Connection(this.#adapter.connections, wire, handler, options, context);
      wire.listen(connection);
      connection.open(arg, webSocket.protocol || undefined);
    });
    const error = this.#handshakeError as Error | undefined;
    return error && new Response(`${error.message}.\n`, { status: 400 });
  }

  /** Connections with the same options share a server of `ws`: making one costs more than a handshake. */
  #serverFor(options: CheckedOptions): WebSocketServer {
    const { compress, maxMessageSize, validateUtf8 } = options;
    const key = `${compress} ${maxMessageSize} ${validateUtf8}`;
    let server = this.#servers.get(key);
    if (!server) {
      if (this.#servers.size >= 100) this.#servers.clear(); // it is only a cache
      server = new WebSocketServer(wsOptions(options));
      server.on('wsClientError', (error) => {
        this.#handshakeError = error;
      });
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

function wsOptions(options: CheckedOptions): WsOptions {
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
    // The connection has its own limits for both: it watches the bytes that are buffered for sending.
    closeTimeout: LONGEST_DELAY,
    maxPendingAutoPongs: 0,
  };
}
