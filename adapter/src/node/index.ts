// WebSock on Node.js: node:http, with the `ws` package.

import { constants } from 'node:buffer';
import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { type AddressInfo, Socket } from 'node:net';
import { type Duplex, Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import type { WebSock } from '@websock/spec';
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import {
  type AcceptedUpgrade,
  Adapter,
  type AdapterOptions,
  checkRoute,
  type Decision,
  notFound,
  unavailable,
} from '../adapter.ts';
import type { Cannot } from '../capabilities.ts';
import { LONGEST_DELAY } from '../connection/clock.ts';
import { Connection } from '../connection/connection.ts';
import type { ShutdownOptions } from '../connection/connections.ts';
import type { Wire } from '../connection/wire.ts';
import { describe } from '../describe.ts';
import { HOST, refusalOf, subprotocol } from '../handshake.ts';
import type { CheckedOptions } from '../options.ts';
import type { Route } from '../route.ts';
import { cannotListen, checkServe, type ServeOptions, type Serving, stopGently, urlOf } from '../serve.ts';

export type { AdapterOptions } from '../adapter.ts';
export type { Cannot, Capability } from '../capabilities.ts';
export type { ShutdownOptions } from '../connection/connections.ts';
export type { Bounds } from '../options.ts';
export type { ErrorContext, FailedCallback } from '../report.ts';
export { type Accepted, accept, type Route, type RouteResult } from '../route.ts';
export type { ServeOptions, Serving } from '../serve.ts';

/** What Node.js cannot do: nothing that the rules ask for is missing. */
export const cannot: Cannot = {};

/** What a route receives on Node.js beside the request. */
export interface NodePlatform {
  /** Node's own request: `request.socket.remoteAddress` is the client's address. */
  readonly request: IncomingMessage;
  /** The socket, which belongs to the adapter: look, do not write. */
  readonly socket: Duplex;
}

/** What node:http gives to a listener of `upgrade`. */
export interface UpgradeRequest {
  /** The request. */
  readonly request: IncomingMessage;
  /** Its socket. */
  readonly socket: Duplex;
  /** What the client sent behind the request. */
  readonly head: Buffer;
}

/** The most bytes of one message, whatever `maxMessageSize` says: no string of Node.js is longer. */
const LARGEST_MESSAGE = constants.MAX_STRING_LENGTH;

/** The most fragments of one message: each costs time and memory (rule 2.3). */
const MAX_FRAGMENTS = 16_384;

/**
 * The most pieces of a frame, as the network brings them: `ws` takes them out of a list one by one, which blocks the
 * process for seconds when there are many. A frame of 10 MB in packets of 1 200 bytes has half as many.
 */
const MAX_PIECES = 16_384;

/**
 * Listens on a port, and asks the route about every request.
 *
 * Rejects with an error that says why if the port cannot be listened on, with the `code` of the system (`EADDRINUSE`), and
 * with a TypeError for an invalid option.
 */
export async function serve(route: Route<NodePlatform>, options?: ServeOptions): Promise<Serving> {
  checkRoute('serve', route);
  const { port, hostname, adapter } = checkServe(options);
  const upgrades = new Upgrades(adapter);
  const server = createServer((request, response) => answer(adapter, route, request, response));
  server.on('upgrade', (request, socket, head) => upgrades.ask(route, { request, socket, head }, 1));
  await listen(server, port, hostname);
  server.on('error', (error) => adapter.connections.report(error, { callback: 'server' }));
  return {
    url: urlOf(hostname, (server.address() as AddressInfo).port),
    shutdown: (options) => {
      const over = upgrades.shutdown(options);
      return over.then(() => stop(server, adapter.connections.bounds.closeTimeout));
    },
  };
}

/**
 * Serves the WebSockets of a server that exists already: node:http, node:https, or any framework that gives access to
 * its server. The route is asked about upgrades only. Where it returns `undefined`, the socket is left to the server's
 * other listeners of `upgrade`; if there are none, the answer is 404.
 *
 * Throws a TypeError for an invalid option. After `shutdown` the adapter goes on refusing upgrades with 503; the server
 * itself is not closed.
 */
export function attach(
  server: HttpServer | HttpsServer,
  route: Route<NodePlatform>,
  options?: AdapterOptions,
): Pick<Serving, 'shutdown'> {
  if (typeof (server as Partial<HttpServer> | undefined)?.on !== 'function') {
    throw new TypeError('attach: the server is not one of node:http or node:https; pass what createServer() returned');
  }
  checkRoute('attach', route);
  const upgrades = new Upgrades(new Adapter('attach', options));
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgrades.ask(route, { request, socket, head }, server.listenerCount('upgrade'));
  });
  return { shutdown: (options) => upgrades.shutdown(options) };
}

/**
 * An upgrade function and what belongs to it, for a server that decides about requests by itself:
 *
 *     server.on('upgrade', (request, socket, head) => upgrade({ request, socket, head }, handler, arg));
 *
 * Call `upgrade` before anything is awaited: until then Node.js ends the process when a client resets its socket.
 * Throws a TypeError for an invalid option.
 */
export function createAdapter(options?: AdapterOptions): {
  /**
   * Opens a connection, or answers a request that is not a valid upgrade with 4xx (rule 1.5). Throws a TypeError for an
   * invalid handler or option, after the client was answered with 500, and an Error if the socket has been upgraded.
   */
  readonly upgrade: WebSock.Upgrade<UpgradeRequest>;
  /** Refuses new upgrades with 503, and closes all connections with 1001. */
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
} {
  const adapter = new Adapter('createAdapter', options);
  const upgrades = new Upgrades(adapter);
  return {
    upgrade(upgradeRequest, handler, arg, options) {
      checkUpgrade(upgradeRequest);
      if (isTaken(upgradeRequest.socket)) {
        throw new Error('upgrade: this socket has been upgraded already; call upgrade once for each request');
      }
      let decision: AcceptedUpgrade | Response;
      try {
        decision = adapter.check(handler as WebSock.Any, arg, options);
      } catch (error) {
        upgrades.settle(upgradeRequest, new Response(null, { status: 500 }));
        throw error;
      }
      if (adapter.connections.isShuttingDown) decision = unavailable();
      upgrades.settle(upgradeRequest, decision);
    },
    shutdown: (options) => upgrades.shutdown(options),
  };
}

/** Throws a TypeError unless it is what an upgrade needs. */
function checkUpgrade(value: Partial<UpgradeRequest> | undefined): void {
  const { request, socket, head } = value ?? {};
  if (request?.headers && typeof socket?.unshift === 'function' && head instanceof Uint8Array) return;
  const needs = "{ request, socket, head }, what a listener of 'upgrade' receives";
  throw new TypeError(`upgrade: the first argument is ${describe(value)}; pass ${needs}`);
}

// ---- Upgrades ----

/** Whether a socket is a WebSocket by now, of this package or of another library: then somebody reads from it. */
function isTaken(socket: Duplex): boolean {
  return socket.listenerCount('data') > 0;
}

/** How many adapters did not want a socket. */
const passed = new WeakMap<Duplex, number>();

/** Counts one adapter more; returns how many there are. When all listeners are adapters, the last one answers 404. */
function passOn(socket: Duplex): number {
  const count = (passed.get(socket) ?? 0) + 1;
  passed.set(socket, count);
  return count;
}

/** The upgrades of one adapter. */
class Upgrades {
  readonly #adapter: Adapter;
  readonly #servers = new Map<string, WebSocketServer>();
  /** Sockets whose requests wait for the route, or have been refused. */
  readonly #sockets = new Set<Duplex>();
  /** The headers and the subprotocol of the handshake that is being answered; `ws` asks for them synchronously. */
  #headers: CheckedOptions['headers'] = [];
  #protocol: string | undefined;

  constructor(adapter: Adapter) {
    this.#adapter = adapter;
  }

  /**
   * Asks the route about an upgrade, and does what it says.
   *
   * @param listeners - how many listeners have received it
   */
  ask(route: Route<NodePlatform>, { request, socket, head }: UpgradeRequest, listeners: number): void {
    this.#hold(socket);
    // While the route is awaited, what the client has sent stays in the socket, so that its end comes behind it. Another
    // listener has received the same head, and may put it there itself.
    const early = listeners === 1 && head.length > 0;
    if (early) socket.unshift(head);
    const settle = (decision: Decision) => {
      if (listeners > 1 && isTaken(socket)) this.#leave(socket, decision);
      else if (decision === undefined && passOn(socket) < listeners) this.#sockets.delete(socket);
      else this.settle({ request, socket, head: early ? NOTHING : head }, decision ?? notFound(true));
    };
    const decision = decide(this.#adapter, route, request, socket, true);
    if (decision instanceof Promise) decision.then(settle);
    else settle(decision);
  }

  /** Opens a connection, or refuses it. */
  settle({ request, socket, head }: UpgradeRequest, decision: AcceptedUpgrade | Response): void {
    // Not by `instanceof`: to name Response loads Node's fetch, and V8 then collects garbage more often.
    const refused = 'status' in decision ? decision : refusalOfNode(request);
    if (refused || socket.destroyed) this.#hold(socket); // otherwise `ws` does, from now on
    if (socket.destroyed) return;
    if (refused) this.#refuse(socket, refused, request.method === 'HEAD');
    else this.#open({ request, socket, head }, decision as AcceptedUpgrade);
  }

  async shutdown(options?: ShutdownOptions): Promise<void> {
    await this.#adapter.shutdown(options);
    const closed = [...this.#sockets].map((socket) => new Promise((settle) => socket.once('close', settle)));
    await stopGently(Promise.all(closed), 1_000, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  /** Keeps a reset from ending the process: at `upgrade`, Node.js has removed its own listener of errors. */
  #hold(socket: Duplex): void {
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    socket.on('error', ignore);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** Leaves a socket to the listener that has taken it. */
  #leave(socket: Duplex, decision: Decision): void {
    this.#sockets.delete(socket);
    if (decision === undefined || socket.destroyed) return;
    const error = new Error('the route answered an upgrade that another listener of the server has taken');
    this.#adapter.connections.report(error, { callback: 'route' });
  }

  /** Answers with a response, then ends the socket, in a bounded time whatever the client does (rule 4.5). */
  async #refuse(socket: Duplex, response: Response, isHead: boolean): Promise<void> {
    const { closeTimeout } = this.#adapter.connections.bounds;
    const timer = setTimeout(() => socket.destroy(), Math.min(closeTimeout, LONGEST_DELAY));
    socket.once('close', () => clearTimeout(timer));
    const failed = (error: unknown) => {
      if (!socket.destroyed) this.#adapter.connections.report(error, { callback: 'route' });
    };
    socket.resume(); // what else the client sends goes nowhere
    socket.end(await bytesOf(response, socket, isHead, failed)); // does nothing if the socket is gone
    await Promise.all([finished(socket, { readable: false }), finished(socket, { writable: false })]).catch(ignore);
    socket.destroy();
  }

  #open({ request, socket, head }: UpgradeRequest, { handler, arg, options }: AcceptedUpgrade): void {
    this.#sockets.delete(socket);
    this.#headers = options.headers;
    this.#protocol = subprotocol(request.headers['sec-websocket-protocol'], options.protocol);
    // For the headers: `ws` leaves the encoding of strings to the socket.
    if (options.headers.length > 0) socket.setDefaultEncoding('latin1');
    this.#serverFor(options).handleUpgrade(request, socket, head, (webSocket) => {
      if (options.headers.length > 0) socket.setDefaultEncoding('utf8'); // for text messages
      const wire = new NodeWire(webSocket as ServerSocket, socket);
      const connection = new Connection(this.#adapter.connections, wire, handler, options);
      wire.listen(connection);
      connection.open(arg);
    });
  }

  /** One server of `ws` for all connections with the same options: making one costs more than a handshake. */
  #serverFor(options: CheckedOptions): WebSocketServer {
    const { compress, maxMessageSize, validateUtf8 } = options;
    const key = `${compress} ${maxMessageSize} ${validateUtf8}`;
    let server = this.#servers.get(key);
    if (!server) {
      if (this.#servers.size >= 100) this.#servers.clear(); // they are kept for speed alone
      server = new WebSocketServer(settings(options, () => this.#protocol ?? false));
      server.on('headers', (lines) => {
        for (const [name, value] of this.#headers) lines.push(`${name}: ${value}`);
      });
      this.#servers.set(key, server);
    }
    return server;
  }
}

const NOTHING = Buffer.alloc(0);

function ignore(): void {}

// `ws` knows these; its types do not name them yet.
type Settings = ServerOptions & { closeTimeout: number; maxPendingAutoPongs: number };

function settings(options: CheckedOptions, handleProtocols: () => string | false): Settings {
  const maxPayload = Math.min(options.maxMessageSize, LARGEST_MESSAGE);
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
    // The machine has bounds for both: of closing, which sees what is still being sent, and of what waits to be sent.
    closeTimeout: LONGEST_DELAY,
    maxPendingAutoPongs: 0,
  };
}

// ---- The wire ----

/** A WebSocket that shows when the client's close frame comes, or a fault of the client: `ws` then calls `close`. */
class ServerSocket extends WebSocket {
  /** Called when `ws` has answered the client's close frame. */
  onClosing: ((code: number, reason: string) => void) | undefined;
  /** The code with which `ws` closed because of a fault; 1006 if it could not. */
  faultCode = 1006;

  override close(code?: number, reason?: string | Buffer): void {
    const open = this.readyState === WebSocket.OPEN;
    super.close(code, reason);
    if (code !== undefined && reason === undefined) {
      if (open) this.faultCode = code;
    } else this.onClosing?.(code ?? 1005, reason?.toString() ?? '');
  }

  /** Sends the server's own close frame. */
  begin(code: number, reason: string): void {
    super.close(code, reason);
  }
}

/** What `ws` holds of a message whose last fragment is yet to come; not documented, and may be missing. */
interface Receiving {
  readonly _receiver?: { readonly _fragments?: Fragments };
}

/** A list that counts what is copied of it: for each message `ws` makes another one. */
type Fragments = Uint8Array[] & { copies?: number };

/** What Node.js and libuv know of a write that is under way; neither is documented, and each may be missing. */
interface Internals {
  readonly _writableState?: { readonly writelen?: unknown };
  readonly _handle?: { readonly writeQueueSize?: unknown; readonly _parent?: { readonly writeQueueSize?: unknown } };
}

/** What is uncorked when this turn is over: all in one step, as a broadcast sends to many. */
const corked: NodeWire[] = [];

function uncork(): void {
  for (const wire of corked.splice(0)) wire.uncork();
}

class NodeWire implements Wire {
  readonly #webSocket: ServerSocket;
  readonly #socket: Duplex;
  #sent: () => void = ignore;
  #corked = false;

  constructor(webSocket: ServerSocket, socket: Duplex) {
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  listen(connection: Connection<any, any, any>): void {
    const webSocket = this.#webSocket;
    const socket = this.#socket;
    this.#sent = () => connection.sent();
    webSocket.binaryType = 'arraybuffer'; // a message's bytes are its own (rule 2.7)
    webSocket.onClosing = (code, reason) => connection.closing(code, reason);
    webSocket.on('message', (data, isBinary) => {
      if (isBinary) connection.data({ opcode: 'binary', data: new Uint8Array(data as ArrayBuffer) });
      else connection.data({ opcode: 'text', data: data.toString() });
    });
    webSocket.on('ping', (data) => {
      this.#cork(); // for the answers to the pings behind it
      connection.control({ opcode: 'ping', data: new Uint8Array(data) });
    });
    webSocket.on('pong', (data) => connection.control({ opcode: 'pong', data: new Uint8Array(data) }));
    webSocket.on('error', (error) => connection.failed(error, webSocket.faultCode));
    webSocket.on('close', (code, reason) => {
      if (code !== 1006) connection.closing(code, reason.toString());
      connection.gone();
    });
    socket.on('data', () => {
      connection.heard();
      this.#copyFragments(); // `ws`, which listened first, has read them
    });
    // The client has ended its side without a close frame, and `ws` ends ours. A plain socket that has nothing to send then
    // closes now; otherwise, if the client reads nothing either, it would stay indefinitely.
    const plain = socket instanceof Socket && !('encrypted' in socket);
    socket.on('end', () => {
      if (plain && socket.writableLength === 0) return;
      const end = () => connection.closing(1006, '');
      if (webSocket.extensions === '') end();
      else setTimeout(end, 1_000).unref(); // messages may still be inflated; most sockets are gone by then
    });
  }

  /**
   * Copies the fragments of one packet together: `ws` holds views of what was read, so that a single byte would keep the
   * 64 KiB that came with it.
   */
  #copyFragments(): void {
    const fragments = (this.#webSocket as unknown as Receiving)._receiver?._fragments;
    if (!fragments || fragments.length === (fragments.copies ?? 0)) return;
    const added = fragments.splice(fragments.copies ?? 0);
    const copy = Buffer.allocUnsafeSlow(added.reduce((size, { length }) => size + length, 0)); // of a pool, 8 KiB would stay
    let size = 0;
    for (const fragment of added) {
      copy.set(fragment, size);
      size += fragment.length;
    }
    fragments.copies = fragments.push(copy);
  }

  /** What is sent in one turn, such as the answers to all that came in one packet, is one write to the system. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    if (corked.push(this) === 1) process.nextTick(uncork);
  }

  uncork(): void {
    this.#corked = false;
    this.#socket.uncork();
  }

  send({ opcode, data = '' }: WebSock.Message): void {
    this.#cork();
    if (opcode === 'ping' || opcode === 'pong') this.#webSocket[opcode](data, false, this.#sent);
    else this.#webSocket.send(data, { binary: opcode === 'binary' }, this.#sent);
  }

  unsent(): number {
    const waiting = this.#webSocket.bufferedAmount;
    // Node.js counts a write as a whole until its last byte has gone; its handle counts the bytes.
    const { _writableState, _handle } = this.#socket as Internals;
    const writing = _writableState?.writelen;
    const left = (_handle?._parent ?? _handle)?.writeQueueSize;
    if (typeof writing !== 'number' || typeof left !== 'number') return waiting;
    return waiting - writing + Math.min(writing, left);
  }

  close(code: number, reason: string): void {
    this.#webSocket.begin(code, reason);
  }

  drop(): void {
    this.#webSocket.terminate();
  }

  pause(): void {
    this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }

  ping(): void {
    this.#webSocket.ping();
  }
}

// ---- HTTP ----

function decide(
  adapter: Adapter,
  route: Route<NodePlatform>,
  request: IncomingMessage,
  socket: Duplex,
  isUpgrade: boolean,
): Decision | Promise<Decision> {
  const asked = requestOf(request, isUpgrade);
  if (!asked) return new Response('Bad Request\n', { status: 400 });
  return adapter.decide(route, asked, { request, socket });
}

/**
 * The request as the web standard has it; `undefined` for a URL, a host or a method that it does not allow, and for an
 * upgrade with a body, which Node.js does not read.
 */
function requestOf(message: IncomingMessage, isUpgrade: boolean): Request | undefined {
  const { method = 'GET', url = '/', headers, rawHeaders, socket } = message;
  const { host = 'localhost' } = headers; // HTTP/1.0 need not name one
  if (!HOST.test(host)) return undefined;
  if (isUpgrade && (Number(headers['content-length'] ?? 0) !== 0 || 'transfer-encoding' in headers)) return undefined;
  try {
    const scheme = 'encrypted' in socket ? 'https' : 'http';
    const copy = new Headers();
    for (let index = 0; index < rawHeaders.length; index += 2) {
      copy.append(rawHeaders[index] as string, rawHeaders[index + 1] as string);
    }
    const hasBody = method !== 'GET' && method !== 'HEAD' && !isUpgrade;
    // Nothing is read before the route reads: Node.js then discards what is left, and the next request can come.
    const strategy = { highWaterMark: 0 };
    const body = hasBody
      ? { body: Readable.toWeb(message, { strategy }) as ReadableStream, duplex: 'half' as const }
      : {};
    return new Request(url.startsWith('/') ? `${scheme}://${host}${url}` : url, { method, headers: copy, ...body });
  } catch {
    return undefined;
  }
}

/** The answer to a request that is not a valid upgrade; `undefined` if it is one (rule 1.5). */
function refusalOfNode({ method, headers, httpVersion }: IncomingMessage): Response | undefined {
  if (httpVersion === '1.0') return new Response('A WebSocket upgrade needs HTTP/1.1.\n', { status: 400 });
  return refusalOf(method, (name) => headers[name.toLowerCase()] as string | undefined);
}

/** The most bytes of a response to an upgrade: it is read to its end before it is sent. */
const LARGEST_REFUSAL = 10_000_000;

/** A response as it is written to a socket that is then closed. */
async function bytesOf(
  response: Response,
  socket: Duplex,
  isHead: boolean,
  failed: (error: unknown) => void,
): Promise<Buffer> {
  let body: Buffer;
  try {
    body = await bodyOf(response, socket);
  } catch (error) {
    failed(error);
    return bytesOf(new Response(null, { status: 500 }), socket, isHead, failed);
  }
  const lines = [`HTTP/1.1 ${response.status} ${response.statusText || (STATUS_CODES[response.status] ?? '')}`];
  for (const [name, value] of response.headers) {
    if (!HOP_BY_HOP.test(name)) lines.push(`${name}: ${value}`);
  }
  lines.push('Connection: close');
  if (response.status !== 204 && response.status !== 304) lines.push(`Content-Length: ${body.byteLength}`);
  const head = Buffer.from([...lines, '', ''].join('\r\n'), 'latin1');
  return isHead ? head : Buffer.concat([head, body]);
}

/** The body of a response; cancelled when the client is gone, as it may never end. */
async function bodyOf({ body }: Response, socket: Duplex): Promise<Buffer> {
  if (!body) return NOTHING;
  const readable = Readable.fromWeb(body as WebStream);
  socket.once('close', () => readable.destroy());
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of readable) {
    length += chunk.byteLength;
    if (length > LARGEST_REFUSAL) {
      throw new RangeError(`the body of an answer to an upgrade has more than ${LARGEST_REFUSAL} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

const HOP_BY_HOP = /^(connection|content-length|transfer-encoding|keep-alive)$/i;

/** Answers a request that is not an upgrade. */
async function answer(
  adapter: Adapter,
  route: Route<NodePlatform>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const decision = (await decide(adapter, route, request, request.socket, false)) ?? notFound(false);
    const { status, statusText, headers, body } = decision instanceof Response ? decision : tooLate();
    response.writeHead(status, statusText || STATUS_CODES[status], [...headers].flat());
    if (body) await pipeline(Readable.fromWeb(body as WebStream), response);
    else response.end();
  } catch (error) {
    const left = (error as { code?: unknown } | undefined)?.code === 'ERR_STREAM_PREMATURE_CLOSE';
    if (!left) adapter.connections.report(error, { callback: 'route' }); // the body has failed, perhaps behind the headers
    response.destroy();
  }
}

type WebStream = Parameters<typeof Readable.fromWeb>[0];

/** Node.js hands a valid upgrade to the listeners of `upgrade`; what has become of it here cannot be upgraded. */
function tooLate(): Response {
  return new Response('Connect with a WebSocket client.\n', { status: 426, headers: { Upgrade: 'websocket' } });
}

function listen(server: HttpServer, port: number, hostname: string | undefined): Promise<void> {
  return new Promise((settle, reject) => {
    const failed = (cause: Error) => reject(cannotListen(port, hostname, cause));
    server.once('error', failed);
    server.listen({ port, host: hostname }, () => {
      server.off('error', failed);
      settle();
    });
  });
}

/** Stops listening; requests that are being answered have a bounded time. */
async function stop(server: HttpServer, bound: number): Promise<void> {
  await new Promise<void>((settle) => {
    const end = () => {
      server.closeAllConnections();
      settle();
    };
    const timer = setTimeout(end, Math.min(bound, LONGEST_DELAY));
    server.close(() => {
      clearTimeout(timer);
      settle();
    });
    server.closeIdleConnections();
  });
}
