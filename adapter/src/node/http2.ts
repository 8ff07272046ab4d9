// WebSockets over HTTP/2 (RFC 8441): streams that a CONNECT request with the `:protocol` websocket opens. The request is
// translated to an upgrade of HTTP/1.1, and the response back, as gateways do: all else is the same for both.

import { randomBytes } from 'node:crypto';
import { IncomingMessage } from 'node:http';
import type { Http2ServerResponse, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'; // types: it is not loaded
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { NO_BYTES, type WholeResponse } from './http.ts';
import type { Receivers, UpgradeRequest } from './upgrade.ts';

/** A server of node:http2. */
export interface Http2Server {
  on(event: string, listener: (...args: any[]) => void): unknown;
  off(event: string, listener: (...args: any[]) => void): unknown;
  listeners(event: string): unknown[];
}

export function isHttp2Server(server: object): server is Http2Server {
  return 'updateSettings' in server;
}

export function isHttp2Stream(socket: Duplex): socket is ServerHttp2Stream {
  return 'headersSent' in socket;
}

// ---- Requests ----

/** The listeners of all adapters, to tell them from those of other libraries. */
const ofAdapters = new WeakSet<object>();

/** The translated requests, as several adapters may receive the same stream. */
const requests = new WeakMap<ServerHttp2Stream, IncomingMessage>();

/**
 * Calls a listener for each WebSocket. A server receives them only with the setting `enableConnectProtocol`.
 *
 * @returns removes the listener
 */
export function listenForStreams(
  server: Http2Server,
  listener: (received: UpgradeRequest, receivers: Receivers) => void,
): () => void {
  const onStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    if (!isWebSocket(headers)) return;
    const request = requests.get(stream) ?? requestOf(stream, headers);
    requests.set(stream, request);
    listener({ request, socket: stream, head: NO_BYTES }, receiversOf(server));
  };
  ofAdapters.add(onStream);
  server.on('stream', onStream);
  if (!server.listeners('connect').includes(onConnect)) server.on('connect', onConnect);
  return () => {
    server.off('stream', onStream);
    if (receiversOf(server).adapters === 0) server.off('connect', onConnect);
  };
}

function isWebSocket(headers: IncomingHttpHeaders): boolean {
  return headers[':method'] === 'CONNECT' && `${headers[':protocol']}`.toLowerCase() === 'websocket';
}

/** How many adapters, and whether other libraries, listen for the streams of a server. */
function receiversOf(server: Http2Server): Receivers {
  const listeners = server.listeners('stream');
  const adapters = listeners.filter((listener) => ofAdapters.has(listener as object)).length;
  const compatibility = server.listeners('request').length > 0 ? 1 : 0; // emits `request` and `connect` for streams
  const proxies = server.listeners('connect').filter((listener) => listener !== onConnect).length;
  return { adapters, hasOthers: listeners.length - adapters - compatibility + proxies > 0 };
}

/**
 * Keeps Node.js from answering the CONNECT requests of WebSockets, as it does without a listener of `connect`. Answers the
 * others, unless there is another listener, as Node.js would.
 */
function onConnect(
  this: Http2Server,
  { headers, httpVersionMajor }: IncomingMessage,
  response: Http2ServerResponse | Duplex,
): void {
  if (this.listeners('connect').length > 1) return;
  if (httpVersionMajor < 2) (response as Duplex).destroy();
  else if (!isWebSocket(headers)) (response as Http2ServerResponse).writeHead(405).end();
}

/** The request of a stream as an upgrade of HTTP/1.1. */
function requestOf(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): IncomingMessage {
  const { ':authority': authority, ':path': path, ':scheme': scheme, ...others } = headers;
  const request = new IncomingMessage(stream as unknown as Socket);
  // That of the session, which has the addresses; when the stream has ended, it has none.
  Object.defineProperty(request, 'socket', { get: () => stream.session?.socket ?? stream });
  request.httpVersion = '2.0';
  request.httpVersionMajor = 2;
  request.httpVersionMinor = 0;
  request.method = 'GET';
  request.url = /^https?$/.test(scheme ?? '') ? path : ''; // no other scheme is valid (RFC 8441 §5); '' is answered with 400
  request.headers = {
    ...Object.fromEntries(Object.entries(others).filter(([name]) => !name.startsWith(':'))),
    host: authority ?? headers.host ?? '',
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': randomBytes(16).toString('base64'), // clients need not send one (RFC 8441 §5)
  };
  request.rawHeaders = Object.entries(request.headers).flat() as string[];
  request.complete = true;
  request.push(null);
  return request;
}

// ---- Responses ----

/** Headers that have no meaning in HTTP/2, or no place in the answer to a WebSocket (RFC 9113 §8.2.2; RFC 8441 §5). */
const OF_HTTP1 =
  /^(connection|content-length|http2-settings|keep-alive|proxy-connection|sec-websocket-accept|te|transfer-encoding|upgrade)$/;

function sendHead(
  stream: ServerHttp2Stream,
  status: number,
  headers: Iterable<readonly [name: string, value: string]>,
  endStream = false,
): void {
  const head: Record<string, string | string[]> = Object.create(null);
  for (const [anyCase, value] of headers) {
    const name = anyCase.toLowerCase();
    const earlier = head[name];
    if (name === 'set-cookie') head[name] = [...(earlier ?? []), value];
    else if (!OF_HTTP1.test(name)) head[name] = earlier === undefined ? value : `${earlier}, ${value}`;
  }
  stream.respond({ ...head, ':status': status }, { endStream });
}

/**
 * Sends a response that refuses. A success would accept, and 426 needs the header Upgrade: both become 400.
 *
 * @returns the status
 */
export function refuseStream(stream: ServerHttp2Stream, { status, headers, content }: WholeResponse): number {
  const sent = status >= 300 && status !== 426 ? status : 400;
  sendHead(stream, sent, headers, content.length === 0);
  if (content.length > 0) stream.end(content);
  return sent;
}

// ---- Streams as sockets of `ws` ----

/** The error code CANCEL, which aborts a stream as a TCP reset does a socket (RFC 8441 §5). */
const CANCEL = 8;

/**
 * The bytes of a write, or of several that are joined, at most: Node.js counts a write as unsent until its last byte has
 * been sent, but a client that reads slowly must be distinguished from one that has stopped (rule 5.3).
 */
const MAX_WRITE = 131_072;

/** Lets `ws` write to a stream: first the response of HTTP/1.1, then frames. */
export function prepareForWs(stream: ServerHttp2Stream): void {
  const { _writev } = stream;
  const write = stream.write.bind(stream) as (chunk: string | Buffer, ...rest: unknown[]) => boolean;
  stream.write = (chunk: string | Buffer, ...rest: unknown[]): boolean => {
    if (!stream.headersSent) {
      const lines = [...(chunk as string).matchAll(/^([^:\r\n]+):[\t ]*(.*?)[\t ]*\r$/gm)];
      sendHead(
        stream,
        200,
        lines.map(([, name, value]) => [name as string, value as string]),
      );
      return true;
    }
    let left = chunk;
    if (chunk.length > MAX_WRITE) {
      let bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      for (; bytes.length > MAX_WRITE; bytes = bytes.subarray(MAX_WRITE)) {
        write(bytes.subarray(0, MAX_WRITE));
      }
      left = bytes;
    }
    return write(left, ...rest);
  };
  Object.defineProperty(stream, '_writev', {
    get: () => (stream.writableLength > MAX_WRITE ? undefined : _writev),
  });
  // Node.js closes a stream that the client has reset with the code NO_ERROR only when all its data has been read.
  stream.once('aborted', () => process.nextTick(() => stream.destroy()));
}

/** Aborts a stream, and no other of its session; for a socket of HTTP/1.1 it does nothing. */
export function resetStream(socket: Duplex): void {
  if (isHttp2Stream(socket)) socket.close(CANCEL);
}
