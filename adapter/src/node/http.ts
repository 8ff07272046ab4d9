// HTTP on Node.js: requests as the web standard has them, and responses to them.

import * as http from 'node:http';
import type { Socket } from 'node:net';
import { type Duplex, Readable } from 'node:stream';
import { setImmediate as eventLoop } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { type Adapter, type Decision, notFound } from '../adapter.ts';
import { HOST } from '../handshake.ts';
import { guardBody } from '../response.ts';
import type { Route } from '../route.ts';
import { cannotListen, stopGently } from '../serve.ts';
import type { UpgradeRequest } from './upgrade.ts';

/** What a route receives on Node.js in addition to the request. */
export interface NodePlatform {
  /**
   * Node's own request: `request.socket.remoteAddress` is the client's address. That of a WebSocket over HTTP/2 has been
   * translated to an upgrade of HTTP/1.1, with the `httpVersion` 2.0.
   */
  readonly request: http.IncomingMessage;
  /** The client's socket; over HTTP/2, its stream. The adapter reads and writes it; a route must not. */
  readonly socket: Duplex;
}

export const NO_BYTES: Buffer = Buffer.alloc(0);

// ---- Requests ----

/** A request, as the adapter received it from Node.js. */
export interface Received {
  readonly request: http.IncomingMessage;
  readonly socket: Duplex;
  /** Aborts when the client leaves. Made when it is first asked for, as most routes do not use it. */
  readonly signal: AbortSignal;
  /** Whether other listeners received it as well. */
  readonly isShared?: boolean;
}

/** Asks the route what to do with a request. */
export function askRoute(
  adapter: Adapter,
  route: Route<NodePlatform>,
  received: Received,
  isUpgrade: boolean,
): Decision | Promise<Decision> {
  const { request, socket, isShared = false } = received;
  const asked = requestOf(received, isUpgrade);
  if (!asked) return new Response('Bad Request\n', { status: 400 });
  return adapter.decide(route, asked, { request, socket }, isShared);
}

/** A web-standard request; `undefined` if its URL, host or method is not allowed there, and for an upgrade with a body. */
function requestOf(received: Received, isUpgrade: boolean): Request | undefined {
  const message = received.request;
  const { method = 'GET', headers, rawHeaders } = message;
  const url = urlOf(message);
  if (url === undefined) return undefined;
  // Node.js does not read the body of an upgrade
  if (isUpgrade && (Number(headers['content-length'] ?? 0) !== 0 || 'transfer-encoding' in headers)) return undefined;
  try {
    const copy = new Headers();
    for (let index = 0; index < rawHeaders.length; index += 2) {
      copy.append(rawHeaders[index] as string, rawHeaders[index + 1] as string);
    }
    const hasBody = method !== 'GET' && method !== 'HEAD' && !isUpgrade;
    // Nothing is read before the route reads: Node.js discards an unread body, so that the next request can be served.
    const strategy = { highWaterMark: 0 };
    const body = hasBody
      ? { body: Readable.toWeb(message, { strategy }) as ReadableStream, duplex: 'half' as const }
      : {};
    return newRequest(url, { method, headers: copy, ...body }, received);
  } catch {
    return undefined;
  }
}

type RequestClass<Parameters extends unknown[], Instance> = new (
  url: string,
  init: RequestInit,
  ...more: Parameters
) => Instance;

let ReceivedRequest: RequestClass<[Received], Request> | undefined;

/** A request with the signal of what was received. The class is made here, as a mention of `Request` loads Node's fetch. */
function newRequest(url: string, init: RequestInit, received: Received): Request {
  ReceivedRequest ??= class extends (Request as RequestClass<[], Omit<Request, 'signal'>>) {
    readonly #received: Received;

    constructor(url: string, init: RequestInit, received: Received) {
      super(url, init);
      this.#received = received;
    }

    get signal(): AbortSignal {
      return this.#received.signal;
    }
  };
  return new ReceivedRequest(url, init, received);
}

/** The URL of a request, with the scheme of its connection; `undefined` if the host or the target is invalid. */
function urlOf({ url = '/', headers, socket }: http.IncomingMessage): string | undefined {
  const { host = 'localhost' } = headers; // optional in HTTP/1.0
  if (!HOST.test(host)) return undefined;
  const scheme = (socket as Partial<TLSSocket>).encrypted ? 'https' : 'http';
  if (url.startsWith('/')) return `${scheme}://${host}${url}`;
  // The absolute form, as proxies receive it, has a host of its own (RFC 9112 §3.2.2).
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return undefined;
  const target = new URL(url);
  return `${scheme}://${target.host}${target.pathname}${target.search}`;
}

/**
 * Serves an upgrade to another protocol as an ordinary request: a server may ignore the header (RFC 9110 §7.8). Node.js
 * has parsed it as an upgrade, so it gets to read the request once more, without that header.
 */
export function serveAsRequest(server: object, { request, socket, head }: UpgradeRequest): void {
  const { method, url, httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.toLowerCase() !== 'upgrade') lines.push(`${name}: ${rawHeaders[index + 1]}`);
  }
  (socket as Partial<Socket>).setTimeout?.(0); // one that an earlier request may have left
  socket.unshift(Buffer.concat([Buffer.from([...lines, '', ''].join('\r\n'), 'latin1'), head]));
  // Not by `emit('connection')`: the server's other listeners have seen this connection.
  const { _connectionListener } = http as unknown as { _connectionListener(this: object, socket: Duplex): void };
  _connectionListener.call(server, socket);
}

// ---- Responses ----

/** `sendNodeResponse` of srvx. */
type Send = (response: http.ServerResponse, answer: Response) => Promise<void>;

/** A request that is not an upgrade. */
class HttpRequest implements Received {
  readonly request: http.IncomingMessage;
  readonly socket: Duplex;
  readonly #response: http.ServerResponse;
  #left: AbortController | undefined;

  constructor(request: http.IncomingMessage, response: http.ServerResponse) {
    this.request = request;
    this.socket = request.socket;
    this.#response = response;
  }

  get signal(): AbortSignal {
    if (!this.#left) {
      this.#left = new AbortController();
      if (this.#response.destroyed) this.#onClose();
      else this.#response.once('close', () => this.#onClose());
    }
    return this.#left.signal;
  }

  #onClose(): void {
    if (!this.#response.writableEnded) this.#left?.abort();
  }
}

/** Answers a request that is not an upgrade. */
export async function answer(
  adapter: Adapter,
  route: Route<NodePlatform>,
  message: http.IncomingMessage,
  response: http.ServerResponse,
  send: Send,
): Promise<void> {
  const decision = await askRoute(adapter, route, new HttpRequest(message, response), false);
  const failed = (error: unknown) => {
    if (!response.destroyed) adapter.connections.report(error, { callback: 'route' });
  };
  await sendResponse(response, responseOf(decision), send, failed);
}

/** The response to a request that is not an upgrade; Node.js emits `upgrade` for one that is. */
function responseOf(decision: Decision): Response {
  if (decision === undefined) return notFound(false);
  if (decision instanceof Response) return decision;
  return new Response('Connect with a WebSocket client.\n', { status: 426, headers: { Upgrade: 'websocket' } });
}

/** Sends a response. If it cannot be sent, or its body fails at once, the client gets a 500. */
async function sendResponse(
  response: http.ServerResponse,
  answer: Response,
  send: Send,
  report: (error: unknown) => void,
): Promise<void> {
  let body: ReadableStream | null = null;
  try {
    const isRead = response.req.method !== 'HEAD' && !response.destroyed; // otherwise `send` cancels the body
    const guarded = isRead ? await guardBody(answer, report) : answer;
    const { status, statusText, headers } = guarded;
    body = guarded.body;
    const sent = send(response, new Response(body, { status, statusText: statusText || reasonOf(status), headers }));
    setImmediate(() => {
      if (!response.writableEnded && !response.destroyed) response.flushHeaders(); // before the first chunk has come
    });
    await sent;
  } catch (error) {
    report(error);
    body?.cancel(error).catch(ignore);
    if (response.headersSent) response.destroy();
    else response.writeHead(500).end('Internal Server Error\n');
  }
}

function reasonOf(status: number): string {
  return http.STATUS_CODES[status] ?? '';
}

/** The largest body of a response to an upgrade, in bytes: it is read in full before it is sent. */
const MAX_REFUSAL_BYTES = 10_000_000;

/** A response whose body has been read. */
export interface WholeResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  readonly content: Buffer;
}

/**
 * Reads the body of a response, which is sent only after it. If the body fails, returns a response with the status 500.
 *
 * @param signal - cancels the body
 * @param report - receives the error of a body that fails
 */
export async function wholeResponse(
  response: Response,
  isHead: boolean,
  signal: AbortSignal,
  report: (error: unknown) => void,
): Promise<WholeResponse> {
  let content = NO_BYTES;
  let { status, statusText, headers, body } = response;
  if (isHead) body?.cancel().catch(ignore);
  else if (body) {
    ({ status, statusText, headers, body } = await guardBody(response, report));
    try {
      content = await readBody(body as ReadableStream<Uint8Array>, signal, report);
    } catch {
      return wholeResponse(new Response(null, { status: 500 }), isHead, signal, report); // it has been reported
    }
  }
  return { status, statusText, headers, content };
}

/** A response as bytes, for a socket that is closed after it. */
export function responseBytes({ status, statusText, headers, content }: WholeResponse, isHead: boolean): Buffer {
  const lines = [`HTTP/1.1 ${status} ${statusText || reasonOf(status)}`];
  for (const [name, value] of headers) {
    if (!HOP_BY_HOP.test(name)) lines.push(`${name}: ${value}`);
  }
  lines.push('Connection: close');
  if (!isHead && status !== 204 && status !== 304) lines.push(`Content-Length: ${content.byteLength}`);
  return Buffer.concat([Buffer.from([...lines, '', ''].join('\r\n'), 'latin1'), content]);
}

/** Reads a body in full; until `signal` cancels it, as it may be endless. */
async function readBody(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  report: (error: unknown) => void,
): Promise<Buffer> {
  const reader = body.getReader();
  const cancel = () => reader.cancel().catch(ignore);
  if (signal.aborted) cancel();
  else signal.addEventListener('abort', cancel, { once: true });
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    chunks.push(chunk.value);
    length += chunk.value.byteLength;
    if (length > MAX_REFUSAL_BYTES) {
      cancel();
      const error = new RangeError(`the body of the response to an upgrade is larger than ${MAX_REFUSAL_BYTES} bytes`);
      report(error);
      throw error;
    }
    if (chunks.length % 100 === 0) await eventLoop(); // a stream from memory never waits for it
  }
  return Buffer.concat(chunks, length);
}

const HOP_BY_HOP = /^(connection|content-length|transfer-encoding|keep-alive)$/i;

function ignore(): void {}

// ---- The server of `serve` ----

/** Rejects with an error that says why if the server cannot listen. */
export function listen(server: http.Server, port: number, hostname: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error) => reject(cannotListen(port, hostname, cause));
    server.once('error', failed);
    server.listen({ port, host: hostname }, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

/** Stops listening. Waits at most `timeout` ms for pending responses, then closes their sockets. */
export async function stop(server: http.Server, timeout: number): Promise<void> {
  const stopped = new Promise<unknown>((resolve) => server.close(resolve));
  server.closeIdleConnections();
  await stopGently(stopped, timeout, () => server.closeAllConnections());
}
