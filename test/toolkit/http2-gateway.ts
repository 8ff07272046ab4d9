// A gateway from HTTP/1.1 to HTTP/2, as some proxies are: what tests send to it arrives at the server as streams of one
// session (RFC 8441).

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { type ClientHttp2Stream, connect, constants, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { refusalOf } from '../../adapter/src/handshake.ts';

export interface Gateway {
  /** Such as `ws://127.0.0.1:41234`. */
  readonly url: string;
  close(): void;
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Forwards upgrades to the server of a URL such as `http://127.0.0.1:8080`. */
export async function startGateway(server: string): Promise<Gateway> {
  // A large window: a kernel, too, takes megabytes for a client that does not read.
  const session = connect(server, { settings: { initialWindowSize: 1_000_000 } });
  session.on('error', () => {});
  await new Promise((settled) => session.once('remoteSettings', settled));
  session.setLocalWindowSize(100_000_000);
  const sockets = new Set<Duplex>();
  const gateway = createServer({ noDelay: true }, (_request, response) => response.writeHead(426).end());
  gateway.on('upgrade', (request, socket, head) => {
    sockets.add(socket);
    (socket as Socket).allowHalfOpen = true;
    const refusal = refusalOf(request.method, (name) => request.headers[name.toLowerCase()] as string | undefined);
    const badVersion = refusal?.headers.has('Sec-WebSocket-Version'); // the server finds it, too
    if (
      (refusal && !badVersion) ||
      request.httpVersion === '1.0' ||
      Number(request.headers['content-length'] ?? 0) > 0
    ) {
      socket.on('error', () => {}).end(`HTTP/1.1 ${refusal?.status ?? 400} Refused\r\nConnection: close\r\n\r\n`);
      return;
    }
    const headers: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(request.headers)) {
      if (!/^(host|connection|upgrade|sec-websocket-key|content-length)$/.test(name)) headers[name] = value ?? '';
    }
    const stream = session.request({
      ...headers,
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'http',
      ':authority': request.headers.host,
      ':path': request.url,
    });
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64');
    stream.once('response', (answer) => socket.write(head11(answer, accept), 'latin1'));
    join(socket as Socket, stream, head);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((listening) => gateway.listen(0, '127.0.0.1', listening));
  return {
    url: `ws://127.0.0.1:${(gateway.address() as AddressInfo).port}`,
    close() {
      session.destroy();
      for (const socket of sockets) socket.destroy();
      gateway.close();
    },
  };
}

/** The head of the response in HTTP/1.1. */
function head11({ ':status': status, ...headers }: IncomingHttpHeaders, accept: string): string {
  const lines = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value) => `${name}: ${value}`),
  );
  const first =
    Number(status) === 200
      ? [
          'HTTP/1.1 101 Switching Protocols',
          'Upgrade: websocket',
          'Connection: Upgrade',
          `Sec-WebSocket-Accept: ${accept}`,
        ]
      : [`HTTP/1.1 ${status} Refused`, 'Connection: close'];
  return [...first, ...lines, '', ''].join('\r\n');
}

/** Copies both ways: END_STREAM is the end of a socket, a reset its reset (RFC 8441 §5). */
function join(socket: Socket, stream: ClientHttp2Stream, head: Buffer): void {
  stream.write(head);
  socket.pipe(stream);
  stream.pipe(socket);
  socket.on('error', () => {});
  socket.on('close', () => stream.close(stream.readableEnded ? constants.NGHTTP2_NO_ERROR : constants.NGHTTP2_CANCEL));
  stream.on('error', () => {});
  stream.on('close', () => (stream.rstCode === constants.NGHTTP2_NO_ERROR ? socket.end() : socket.resetAndDestroy()));
}
