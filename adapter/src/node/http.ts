// HTTP on Node.js: requests as the web standard has them, responses as node:http sends them, and the server of `serve`.

import { type Server as HttpServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { type Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Adapter, type Decision, notFound } from '../adapter.ts';
import { LONGEST_DELAY } from '../connection/clock.ts';
import { HOST } from '../handshake.ts';
import type { Route } from '../route.ts';
import { cannotListen } from '../serve.ts';

/** What a route receives on Node.js in addition to the request. */
export interface NodePlatform {
  /** Node's own request: `request.socket.remoteAddress` is the client's address. */
  readonly request: IncomingMessage;
  /** The client's socket. The adapter reads and writes it; a route must not. */
  readonly socket: Duplex;
}

/** Asks the route what to do with a request. */
export function askRoute(
  adapter: Adapter,
  route: Route<NodePlatform>,
  message: IncomingMessage,
  socket: Duplex,
  isUpgrade: boolean,
): Decision | Promise<Decision> {
  const request = requestOf(message, isUpgrade);
  if (!request) return new Response('Bad Request\n', { status: 400 });
  return adapter.decide(route, request, { request: message, socket });
}

/**
 * A web-standard request; `undefined` if its URL, host or method is not allowed there, and for an upgrade with a body,
 * which Node.js does not read.
 */
function requestOf(message: IncomingMessage, isUpgrade: boolean): Request | undefined {
  const { method = 'GET', url = '/', headers, rawHeaders, socket } = message;
  const { host = 'localhost' } = headers; // optional in HTTP/1.0
  if (!HOST.test(host)) return undefined;
  if (isUpgrade && (Number(headers['content-length'] ?? 0) !== 0 || 'transfer-encoding' in headers)) return undefined;
  try {
    const scheme = 'encrypted' in socket ? 'https' : 'http';
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
    return new Request(url.startsWith('/') ? `${scheme}://${host}${url}` : url, { method, headers: copy, ...body });
  } catch {
    return undefined;
  }
}

/** Answers a request that is not an upgrade. */
export async function answer(
  adapter: Adapter,
  route: Route<NodePlatform>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const decision = (await askRoute(adapter, route, request, request.socket, false)) ?? notFound(false);
    const { status, statusText, headers, body } = decision instanceof Response ? decision : upgradeRequired();
    response.writeHead(status, statusText || STATUS_CODES[status], [...headers].flat());
    if (body) await pipeline(Readable.fromWeb(body as WebStream), response);
    else response.end();
  } catch (error) {
    const clientLeft = (error as { code?: unknown } | undefined)?.code === 'ERR_STREAM_PREMATURE_CLOSE';
    if (!clientLeft) adapter.connections.report(error, { callback: 'route' }); // the body failed, perhaps after the headers
    response.destroy();
  }
}

/** The largest body of a response to an upgrade, in bytes: it is read in full before it is sent. */
const MAX_REFUSAL_BYTES = 10_000_000;

/**
 * A response as bytes, for a socket that is closed after it. If its body fails, a response with the status 500 instead.
 *
 * @param failed - receives the error of a body that failed
 */
export async function bytesOf(
  response: Response,
  socket: Duplex,
  isHead: boolean,
  failed: (error: unknown) => void,
): Promise<Buffer> {
  let body: Buffer;
  try {
    body = await readBody(response, socket);
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

/** Reads a body in full. Cancels it when the client leaves, as it may be endless. */
async function readBody({ body }: Response, socket: Duplex): Promise<Buffer> {
  if (!body) return Buffer.alloc(0);
  const readable = Readable.fromWeb(body as WebStream);
  socket.once('close', () => readable.destroy());
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of readable) {
    length += chunk.byteLength;
    if (length > MAX_REFUSAL_BYTES) {
      throw new RangeError(`the body of the response to an upgrade is larger than ${MAX_REFUSAL_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

const HOP_BY_HOP = /^(connection|content-length|transfer-encoding|keep-alive)$/i;

type WebStream = Parameters<typeof Readable.fromWeb>[0];

/** The route accepted a request that is not an upgrade: Node.js emits `upgrade` for those that are. */
function upgradeRequired(): Response {
  return new Response('Connect with a WebSocket client.\n', { status: 426, headers: { Upgrade: 'websocket' } });
}

/** Rejects with an error that says why if the server cannot listen. */
export function listen(server: HttpServer, port: number, hostname: string | undefined): Promise<void> {
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
export async function stop(server: HttpServer, timeout: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const force = () => {
      server.closeAllConnections();
      resolve();
    };
    const timer = setTimeout(force, Math.min(timeout, LONGEST_DELAY));
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
