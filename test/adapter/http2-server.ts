// A node:http2 server in this process for tests of the Node.js adapter, and clients that write frames themselves.

import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type AdapterOptions, attach, type NodePlatform, type Route } from '@websock/adapter/node';
import { vi } from 'vitest';
import { frame } from '../../tck/src/raw-client.ts';

/** Announces WebSockets (RFC 8441 §3). */
export const SETTINGS: ServerOptions = { settings: { enableConnectProtocol: true } };

export class Served {
  /** What was passed to `onError`, such as `route: Error: no`. */
  readonly errors: string[] = [];
  /** The streams that the server has received and that have not closed. */
  readonly streams = new Set<ServerHttp2Stream>();
  readonly sessions: ServerHttp2Session[] = [];
  readonly #clients: ClientHttp2Session[] = [];
  readonly shutdowns: (() => Promise<void>)[] = [];

  constructor(readonly http: Http2Server) {
    http.on('session', (session) => {
      this.sessions.push(session);
      session.on('stream', (stream) => {
        this.streams.add(stream);
        stream.once('close', () => this.streams.delete(stream));
      });
    });
    http.on('sessionError', () => {});
    running.push(this);
  }

  /** Attaches a route, with time limits short enough to wait for; returns its shutdown. */
  attach(route: Route<NodePlatform>, options: AdapterOptions = {}): () => Promise<void> {
    const onError: AdapterOptions['onError'] = (error, { callback }) => this.errors.push(`${callback}: ${error}`);
    const { shutdown } = attach(this.http, route, { onError, closeTimeout: 300, stallTimeout: 500, ...options });
    const stop = () => shutdown({ timeout: 1_000 });
    this.shutdowns.push(stop);
    return stop;
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port;
  }

  /** Opens a session of a client, which has received the server's settings. */
  async connect(options: Parameters<typeof connect>[1] = {}, scheme = 'http'): Promise<ClientHttp2Session> {
    const session = connect(`${scheme}://127.0.0.1:${this.port}`, options);
    this.#clients.push(session);
    session.on('error', () => {});
    await once(session, 'remoteSettings');
    return session;
  }

  async end(): Promise<void> {
    await Promise.all(this.shutdowns.map((shutdown) => shutdown()));
    for (const session of [...this.#clients, ...this.sessions]) session.destroy();
    await new Promise((closed) => this.http.close(closed));
  }
}

const running: Served[] = [];

/** Attaches a route to a server on a free port. */
export async function served(
  route: Route<NodePlatform>,
  options: AdapterOptions = {},
  http: Http2Server = createServer(SETTINGS),
): Promise<Served> {
  const server = new Served(http);
  server.attach(route, options);
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
  return server;
}

/** Ends all servers that `served` started; call it after each test. */
export async function endServers(): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.end()));
}

/** A WebSocket over a stream. */
export class Http2Client {
  /** The bytes from the server that no test has taken. */
  #bytes = Buffer.alloc(0);
  readonly #response: Promise<IncomingHttpHeaders>;

  constructor(readonly stream: ClientHttp2Stream) {
    stream.on('error', () => {});
    stream.on('data', (data: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, data]);
    });
    this.#response = new Promise((resolve, reject) => {
      stream.once('response', (headers) => resolve(Object.fromEntries(Object.entries(headers))));
      stream.once('close', () => reject(new Error(`the stream was reset with the error code ${stream.rstCode}`)));
    });
    this.#response.catch(() => {});
  }

  /** Requests a WebSocket, with these headers in addition to those of a valid request. */
  static request(session: ClientHttp2Session, path = '/', headers: OutgoingHttpHeaders = {}): Http2Client {
    const required = { ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':path': path };
    return new Http2Client(session.request({ ...required, 'sec-websocket-version': '13', ...headers }));
  }

  /** The headers of the response. Rejects if the stream is reset before. */
  response(): Promise<IncomingHttpHeaders> {
    return this.#response;
  }

  async status(): Promise<number | undefined> {
    return Number((await this.response())[':status']);
  }

  /** Sends a frame. */
  send(opcode: number, payload: string | Uint8Array = ''): void {
    this.stream.write(frame(opcode, payload));
  }

  /** Waits for a frame, byte by byte, and takes it. */
  async next(opcode: number, payload: string | Uint8Array = ''): Promise<void> {
    const expected = frame(opcode, payload, { masked: false });
    await vi.waitFor(() => {
      if (this.#bytes.length >= expected.length || this.stream.closed) return;
      throw new Error(`expected ${expected.toString('hex')}, but got ${this.#bytes.toString('hex')}`);
    }, UNTIL);
    const taken = this.#bytes.subarray(0, expected.length);
    if (!taken.equals(expected))
      throw new Error(`expected ${expected.toString('hex')}, but got ${taken.toString('hex')}`);
    this.#bytes = this.#bytes.subarray(expected.length);
  }

  /** The body of a response that refuses. */
  async text(): Promise<string> {
    if (!this.stream.readableEnded) await once(this.stream, 'end');
    return this.#bytes.toString();
  }

  /** Waits for the end of the stream; returns the error code of its reset. */
  async closed(): Promise<number> {
    if (!this.stream.closed) await once(this.stream, 'close');
    return this.stream.rstCode;
  }
}

export const UNTIL = { timeout: 10_000, interval: 5 };
