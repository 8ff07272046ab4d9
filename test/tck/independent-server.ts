// A server on node:http that shares no code with the adapter: an independent implementation of SPEC.md. It follows every
// rule, so it tests the kit; wrong-servers.test.ts replaces one line of it at a time. So that a wrong server can be loaded
// from source, this file imports only modules of Node.js.

import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import type { WebSock } from '@websock/spec';

/** The parameters of an upgrade. */
export interface Service {
  readonly handler: WebSock.Any;
  readonly arg: unknown;
  readonly options?: WebSock.ConnectionOptions;
  /** Without these, the connection is never suspended. */
  readonly suspension?:
    | {
        save(state: any): unknown;
        restore(saved: any, mailbox: WebSock.Mailbox<any>): unknown;
      }
    | undefined;
}

/** The limits of the rules, which tests shorten. Times are in ms. */
const BOUNDS = {
  /** After the end: for the client's close frame, for data to go out, and for a callback at a shutdown (4.5). */
  close: 3_000,
  /** While too many bytes wait to go out, and none goes out (5.3). */
  stall: 10_000,
  /** Bytes that may wait to go out before the next callback is held back (5.3). */
  unsent: 1_000_000,
  /** Posted messages that may wait meanwhile (5.3). */
  infos: 100_000,
  /** Fragments of a message (2.3). */
  fragments: 20_000,
};

export interface IndependentServer {
  readonly server: Server;
  /**
   * Closes all connections, by default with 1001, and refuses new ones. Settles when all have ended, or after a time limit.
   */
  shutdown(close?: WebSock.CloseDetail): Promise<void>;
  /** Suspends a connection as soon as it may, by the `id` in its arg. Returns whether it is known. */
  suspend(id: string): boolean;
}

/** A result that has been read and checked. */
interface Checked {
  readonly state: unknown;
  readonly messages: readonly { readonly opcode: number; readonly bytes: Uint8Array }[];
  readonly stop?: Stop;
}

interface Stop {
  readonly error?: { readonly value: unknown };
  readonly code: number;
  readonly reason: string;
}

type Waiting = { readonly callback: 'handleIn' | 'handleControl' | 'handleInfo'; readonly value: any };

/** A reason for `terminate`, still without the code and reason of the close frame. */
type Why = { readonly type: 'normal' | 'shutdown' | 'timeout' } | { readonly type: 'error'; readonly error: unknown };

const OPCODES: { readonly [opcode: string]: number } = { text: 1, binary: 2, ping: 9, pong: 10 };
const STANDARD_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014];
const MAY_SEND = (code: unknown) =>
  STANDARD_CODES.includes(code as number) || (Number.isInteger(code) && Number(code) >= 3000 && Number(code) < 5000);
const SLICE = 65_536;
const BATCH = 1_000;

export function createIndependentServer(
  route: (url: string) => Service | undefined,
  report: (callback: string, error: unknown) => void,
  bounds: Partial<typeof BOUNDS> = {},
): IndependentServer {
  const server = createServer((_request, response) => response.writeHead(404, { Connection: 'close' }).end());
  const bound = { ...BOUNDS, ...bounds };
  const connections = new Set<ReturnType<typeof serve>>();
  let down = false;

  server.on('upgrade', (request, duplex, head): unknown => {
    const socket = duplex as Socket;
    socket.on('error', () => {});
    const refuse = (status: string) =>
      socket.end(`HTTP/1.1 ${status}\r\nSec-WebSocket-Version: 13\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    if (down) return refuse('503 Service Unavailable');
    const service = route(request.url ?? '/');
    if (!service) return refuse('404 Not Found');
    if (!isUpgrade(request)) return refuse('400 Bad Request');
    const { protocol, compress = false, headers = {} } = service.options ?? {};
    let more: string[];
    try {
      more = headerLines(headers);
    } catch (error) {
      report('upgrade', error);
      return refuse('500 Internal Server Error');
    }
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    if (protocol && offered.includes(protocol)) more.push(`Sec-WebSocket-Protocol: ${protocol}`);
    const deflates = compress && offersDeflate(request);
    if (deflates) {
      more.push('Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover');
    }
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.setNoDelay(true);
    socket.write(
      [
        'HTTP/1.1 101 Switching Protocols',
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Accept: ${accept}`,
        ...more,
        '\r\n',
      ].join('\r\n'),
    );
    const connection = serve(socket, head, service, deflates, bound, report);
    connections.add(connection);
    return connection.over.then(() => connections.delete(connection));
  });

  return {
    server,
    async shutdown(close) {
      down = true;
      for (const connection of connections) connection.shutdown(close);
      let timer: ReturnType<typeof setTimeout> | undefined;
      const patience = new Promise<void>((settle) => {
        timer = setTimeout(settle, bound.close + 100);
      });
      await Promise.race([Promise.all(Array.from(connections, ({ over }) => over)), patience]);
      clearTimeout(timer);
      server.close();
      server.closeAllConnections();
    },
    suspend(id) {
      const found = [...connections].filter(({ arg }) => (arg as { readonly id?: unknown }).id === id);
      for (const connection of found) connection.suspend();
      return found.length > 0;
    },
  };
}

function isUpgrade({ httpVersion, method, headers }: IncomingMessage): boolean {
  const { upgrade = '', connection = '', 'sec-websocket-version': version, 'sec-websocket-key': key = '' } = headers;
  return (
    httpVersion === '1.1' &&
    method === 'GET' &&
    upgrade.toLowerCase() === 'websocket' &&
    /(^|,)\s*upgrade\s*(,|$)/i.test(connection) &&
    version === '13' &&
    /^[A-Za-z0-9+/]{22}==$/.test(key)
  );
}

function headerLines(headers: NonNullable<WebSock.ConnectionOptions['headers']>): string[] {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) throw new TypeError(`'${name}' is not the name of a header`);
    if (/^(upgrade|connection|content-length|transfer-encoding|sec-websocket-.*)$/i.test(name)) {
      throw new TypeError(`the header '${name}' belongs to the handshake`);
    }
    for (const each of typeof value === 'string' ? [value] : value) {
      if (!/^[\x20-\x7e\x80-\xff]*$/.test(each)) throw new TypeError(`the header '${name}' has a forbidden character`);
      lines.push(`${name}: ${each}`);
    }
  }
  return lines;
}

/** Whether this server supports one of the offers. It does not support another size of its window. */
function offersDeflate({ headers }: IncomingMessage): boolean {
  const offers = String(headers['sec-websocket-extensions'] ?? '').split(',');
  return offers.some((offer) => /^\s*permessage-deflate\b/.test(offer) && !offer.includes('server_max_window_bits'));
}

/** One connection: events wait in a queue, one callback runs at a time, and its result is applied. */
function serve(
  socket: Socket,
  head: Buffer,
  { handler, arg, options = {}, suspension }: Service,
  deflates: boolean,
  bound: typeof BOUNDS,
  report: (callback: string, error: unknown) => void,
) {
  const { idleTimeout = 60_000, heartbeat = true, maxMessageSize = 10_000_000, validateUtf8 = true } = options;
  const queue: Waiting[] = [];
  /** The last state; undefined before the first result. */
  let state: { readonly value: unknown } | undefined;
  /** Whether a callback is pending, or is held back until the client reads. */
  let busy = false;
  let ended: WebSock.CloseReason | undefined;
  const aborter = new AbortController();
  let terminated = false;
  let settleOver: () => void = () => {};
  const over = new Promise<void>((settle) => {
    settleOver = settle;
  });

  // ---- Sending: in slices, so that the server sees how much has gone out ----

  const outgoing: Uint8Array[] = [];
  let unsent = 0;
  let writing = false;
  /** Functions to call as soon as no more than `limit` bytes wait to go out. */
  let waiters: { readonly limit: number; readonly done: () => void }[] = [];
  let stallTimer: ReturnType<typeof setTimeout> | undefined;
  let closeTimer: ReturnType<typeof setTimeout> | undefined;

  const write = (bytes: Uint8Array) => {
    for (let start = 0; start < bytes.length; start += SLICE) outgoing.push(bytes.subarray(start, start + SLICE));
    unsent += bytes.length;
    watch();
    pump();
  };
  /** Drops a client that has read nothing for a time, if a callback or the end of the connection waits for it. */
  const watch = () => {
    const ms = ended ? bound.close : bound.stall;
    stallTimer ??= setTimeout(() => {
      stallTimer = undefined;
      if (ended || unsent > bound.unsent) drop();
      else if (unsent > 0) watch();
    }, ms);
  };
  const whenUnsent = (limit: number, done: () => void) => {
    waiters.push({ limit, done });
    settleWaiters();
  };
  const settleWaiters = () => {
    const due = waiters.filter(({ limit }) => unsent <= limit);
    waiters = waiters.filter(({ limit }) => unsent > limit);
    for (const { done } of due) done();
  };
  const pump = () => {
    if (writing) return;
    const next = outgoing.shift();
    if (!next) return;
    writing = true;
    socket.write(next, () => {
      if (socket.destroyed) return;
      writing = false;
      unsent -= next.length;
      clearTimeout(stallTimer);
      stallTimer = undefined;
      if (unsent > 0) watch();
      pump();
      settleWaiters();
    });
  };
  const sendFrame = (opcode: number, payload: Uint8Array) => {
    const data = deflates && opcode < 8 ? deflate(payload) : payload;
    const first = 0x80 | opcode | (deflates && opcode < 8 ? 0x40 : 0);
    const { length } = data;
    const header =
      length < 126
        ? Buffer.of(first, length)
        : length < 65_536
          ? Buffer.of(first, 126, length >> 8, length & 255)
          : Buffer.concat([Buffer.of(first, 127), Buffer.alloc(8)]);
    if (length >= 65_536) header.writeBigUInt64BE(BigInt(length), 2);
    write(header);
    write(data);
  };
  const sendClose = (code: number, reason: string) => {
    const payload = code === 1005 ? Buffer.alloc(0) : Buffer.from(`  ${cut(reason)}`);
    if (code !== 1005) payload.writeUInt16BE(code);
    sendFrame(8, payload);
  };
  const drop = () => {
    socket.destroy();
    if (end({ type: 'error', error: new Error('the client does not read'), code: 1006, reason: '' })) queue.length = 0;
  };

  // ---- Ending ----

  /** The first end counts. */
  const end = (reason: WebSock.CloseReason) => {
    if (ended) return false;
    ended = reason;
    aborter.abort(Object.assign(new Error('the connection has ended', { cause: reason }), { name: 'AbortError' }));
    clearTimeout(clock);
    clearTimeout(stallTimer);
    stallTimer = undefined;
    if (unsent > 0) watch();
    for (let index = queue.length - 1; index >= 0; index--) {
      if (queue[index]?.callback === 'handleInfo') queue.splice(index, 1);
    }
    return true;
  };
  /** Whether an error only says that the connection has ended. */
  const isAbort = (error: unknown) => {
    const { reason } = aborter.signal;
    return ended !== undefined && (error === reason || (error as Error | undefined)?.cause === reason);
  };
  const waitForClose = () => {
    closeTimer ??= setTimeout(drop, bound.close);
  };
  /** An end by this server. */
  const close = (why: Why, code: number, reason = '') => {
    if (!end({ ...why, code, reason: cut(reason) } as WebSock.CloseReason)) return;
    queue.length = 0;
    sendClose(code, reason);
    for (const { done } of waiters.splice(0)) done(); // the next callback does not wait for the client any more
    whenUnsent(0, waitForClose);
    socket.resume();
    advance();
  };
  /** An end by the client, which violated the protocol. */
  const fault = (code: number, message: string) => {
    parsing = false;
    if (end({ type: 'error', error: new Error(message), code, reason: '' })) sendClose(code, '');
    hangUp();
    advance();
  };
  const closeFrame = (payload: Buffer) => {
    if (payload.length === 1) return fault(1002, 'a close frame of one byte');
    const code = payload.length === 0 ? 1005 : payload.readUInt16BE();
    if (payload.length > 0 && !MAY_SEND(code) && code !== 1010) return fault(1002, `the close code ${code}`);
    if (!isUtf8(payload.subarray(2)) && validateUtf8) return fault(1007, 'a close reason that is not UTF-8');
    if (end({ type: 'remote', code, reason: payload.subarray(2).toString() })) sendClose(code, '');
    hangUp();
    advance();
  };
  /** Nothing else is expected from the client, and nothing else is sent. */
  const hangUp = () => {
    socket.resume();
    whenUnsent(0, () => {
      socket.end();
      waitForClose();
    });
  };
  socket.on('end', () => {
    if (end({ type: 'remote', code: 1006, reason: '' })) socket.destroy();
    else whenUnsent(0, () => socket.destroy());
  });
  socket.on('close', () => {
    clearTimeout(stallTimer);
    clearTimeout(closeTimer);
    end({ type: 'remote', code: 1006, reason: '' });
    parsing = false;
    unsent = 0;
    settleWaiters();
    advance();
    socketGone = true;
    finish();
  });
  let socketGone = false;
  let handlerDone = false;
  const finish = () => {
    if (socketGone && handlerDone) settleOver();
  };

  const terminate = async (reason: WebSock.CloseReason) => {
    terminated = true;
    try {
      if (state && handler.terminate) await handler.terminate(reason, state.value);
    } catch (error) {
      if (!isAbort(error)) report('terminate', error);
    }
    handlerDone = true;
    finish();
  };

  // ---- The idle clock: paused while reading is stopped ----

  let clock: ReturnType<typeof setTimeout> | undefined;
  let silence = 0;
  let since = performance.now();
  let pinged = false;
  const runClock = () => {
    clearTimeout(clock);
    if (ended || idleTimeout === Number.POSITIVE_INFINITY) return;
    const next = heartbeat && !pinged ? idleTimeout / 2 : idleTimeout;
    clock = setTimeout(() => setImmediate(tick), Math.min(Math.max(next - silence, 0), 2 ** 31 - 1));
  };
  const tick = () => {
    if (ended || busy) return;
    silence += performance.now() - since;
    since = performance.now();
    if (silence >= idleTimeout) return close({ type: 'timeout' }, 1001);
    if (heartbeat && !pinged && silence >= idleTimeout / 2) {
      pinged = true;
      sendFrame(9, Buffer.alloc(0));
    }
    runClock();
  };
  const heard = () => {
    silence = 0;
    pinged = false;
    since = performance.now();
    if (!busy) runClock();
  };

  // ---- Receiving ----

  let buffered: Buffer[] = [];
  let size = 0;
  let needed = 2;
  /** False as soon as everything further from the client is ignored. */
  let parsing = true;
  let fragments: Buffer[] = [];
  let fragmentsSize = 0;
  let messageOpcode = 0;
  let messageDeflated = false;

  const read = (chunk: Buffer) => {
    if (!parsing) return;
    heard();
    buffered.push(chunk);
    size += chunk.length;
    while (parsing && size >= needed) {
      const bytes = buffered.length === 1 ? (buffered[0] as Buffer) : Buffer.concat(buffered);
      const rest = parse(bytes);
      buffered = [rest];
      size = rest.length;
    }
    advance();
  };

  /** Handles a frame if it is complete, and returns the bytes after it. */
  const parse = (bytes: Buffer): Buffer => {
    const [first, second] = bytes as unknown as [number, number];
    const opcode = first & 15;
    const isControl = opcode >= 8;
    const fin = (first & 0x80) !== 0;
    const rsv = (first >> 4) & 7;
    const short = second & 127;
    const violation = (what: string) => {
      fault(1002, what);
      return bytes;
    };
    if (![0, 1, 2, 8, 9, 10].includes(opcode)) return violation(`the opcode ${opcode}`);
    if ((second & 128) === 0) return violation('a frame without a mask');
    const mayDeflate = deflates && (opcode === 1 || opcode === 2);
    if (rsv !== 0 && !(rsv === 4 && mayDeflate)) return violation('a reserved bit');
    if (isControl && (!fin || short > 125)) return violation('a long or fragmented control frame');
    if (opcode === 0 && messageOpcode === 0) return violation('a continuation of nothing');
    if ((opcode === 1 || opcode === 2) && messageOpcode !== 0) return violation('a message inside another');

    const headerSize = (short < 126 ? 2 : short === 126 ? 4 : 10) + 4;
    if (bytes.length < headerSize) {
      needed = headerSize;
      return bytes;
    }
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    const compressed = rsv === 4 || (opcode === 0 && messageDeflated);
    const largest = compressed ? maxMessageSize + maxMessageSize / 1000 + 64 : maxMessageSize;
    if (!isControl && fragmentsSize + length > largest) {
      fault(1009, `a message of more than ${maxMessageSize} bytes`);
      return bytes;
    }
    needed = headerSize + length;
    if (bytes.length < needed) return bytes;
    const payload = unmask(bytes.subarray(headerSize, needed), bytes.subarray(headerSize - 4, headerSize));
    const rest = bytes.subarray(needed);
    needed = 2;

    if (ended && opcode !== 8) return rest;
    if (opcode === 8) closeFrame(payload);
    else if (isControl) control(opcode, payload);
    else {
      if (opcode !== 0) {
        messageOpcode = opcode;
        messageDeflated = rsv === 4;
      }
      fragments.push(payload);
      fragmentsSize += length;
      if (fin) message();
      else if (fragments.length >= bound.fragments) fault(1008, `more than ${bound.fragments} fragments`);
    }
    return rest;
  };

  const control = (opcode: number, payload: Buffer) => {
    if (opcode === 9) sendFrame(10, payload);
    if (!handler.handleControl) return;
    const data = Uint8Array.from(payload);
    queue.push({ callback: 'handleControl', value: { opcode: opcode === 9 ? 'ping' : 'pong', data } });
  };

  const message = () => {
    let data: Buffer = Buffer.concat(fragments);
    const isText = messageOpcode === 1;
    fragments = [];
    fragmentsSize = 0;
    messageOpcode = 0;
    if (messageDeflated) {
      try {
        data = inflate(data, maxMessageSize);
      } catch (error) {
        const { code } = error as { code?: string };
        if (code === 'ERR_BUFFER_TOO_LARGE') return fault(1009, `a message of more than ${maxMessageSize} bytes`);
        return fault(1007, 'data that cannot be inflated');
      }
    }
    if (isText && validateUtf8 && !isUtf8(data)) return fault(1007, 'text that is not UTF-8');
    const frame = isText
      ? { opcode: 'text', data: data.toString() }
      : { opcode: 'binary', data: Uint8Array.from(data) };
    queue.push({ callback: 'handleIn', value: frame });
  };

  // ---- Suspension: only the socket, the clock and what was saved are kept ----

  let saved: unknown;
  let wanted = false;
  let asleep = false;
  const suspend = () => {
    wanted = true;
    if (!suspension || ended || asleep || !state || busy || queue.length > 0) return;
    wanted = false;
    asleep = true;
    state = undefined;
  };
  const wake = () => {
    if (!asleep) return;
    asleep = false;
    try {
      state = { value: suspension?.restore(saved, mailbox) };
    } catch (error) {
      failed('restore', error);
    }
  };

  // ---- Callbacks: one at a time ----

  const mailbox = {
    post: (info: unknown) => {
      if (ended) return;
      queue.push({ callback: 'handleInfo', value: info });
      if (unsent > bound.unsent && queue.length > bound.infos) drop();
      if (!scheduled) setImmediate(advanceLater);
      scheduled = true;
    },
    stop: (detail?: WebSock.CloseDetail) => {
      if (ended) return;
      waitForClose(); // for that time in all
      try {
        const { code, reason } = check({ type: 'stop', close: detail, state: undefined }).stop as Stop;
        close({ type: 'normal' }, code, reason);
      } catch (error) {
        failed('mailbox.stop', error);
      }
    },
    get waiting() {
      return ended ? 0 : queue.filter(({ callback }) => callback === 'handleInfo').length;
    },
    get signal() {
      return aborter.signal;
    },
  };
  let scheduled = false;
  const advanceLater = () => {
    scheduled = false;
    advance();
  };

  let handled = 0;
  let resting = false;
  let advancing = false;
  const advance = () => {
    if (advancing || busy || resting) return;
    advancing = true;
    if (queue.length > 0 || ended) wake();
    while (!busy && queue.length > 0) {
      handled += 1;
      if (handled > BATCH) {
        rest();
        break;
      }
      const { callback, value } = queue.shift() as Waiting;
      run(callback, () => (handler[callback] as (value: any, state: any) => unknown)(value, state?.value));
    }
    advancing = false;
    if (wanted) suspend();
    if (ended && !terminated && !busy && !resting) void terminate(ended);
  };
  /** Yields to other connections, without reading meanwhile. */
  const rest = () => {
    resting = true;
    socket.pause();
    setImmediate(() => {
      resting = false;
      handled = 0;
      if (!busy) socket.resume();
      advance();
    });
  };
  const run = (callback: string, call: () => unknown) => {
    try {
      const result = call();
      if (typeof (result as PromiseLike<unknown> | undefined)?.then !== 'function') return apply(callback, result);
      hold();
      (result as PromiseLike<unknown>).then(
        (value) => {
          apply(callback, value);
          release();
        },
        (error) => {
          failed(callback, error);
          release();
        },
      );
    } catch (error) {
      failed(callback, error);
    }
  };
  const hold = () => {
    if (busy) return;
    busy = true;
    if (ended) return;
    silence += performance.now() - since;
    clearTimeout(clock);
    socket.pause();
  };
  const release = () => {
    if (unsent > bound.unsent && !ended) {
      hold();
      whenUnsent(bound.unsent, release);
      return;
    }
    busy = false;
    since = performance.now();
    runClock();
    handled = 0;
    socket.resume();
    advance();
  };

  const apply = (callback: string, value: unknown) => {
    let checked: Checked;
    try {
      checked = check(value);
      if (suspension) saved = structuredClone(suspension.save(checked.state));
    } catch (error) {
      return failed(callback, error);
    }
    state = { value: checked.state };
    if (checked.stop) queue.length = 0;
    if (ended) return;
    for (const { opcode, bytes } of checked.messages) sendFrame(opcode, bytes);
    if (checked.stop) {
      const { error, code, reason } = checked.stop;
      close(error ? { type: 'error', error: error.value } : { type: 'normal' }, code, reason);
    } else if (unsent > bound.unsent && !busy) {
      hold();
      whenUnsent(bound.unsent, release);
    }
  };
  const failed = (callback: string, error: unknown) => {
    try {
      if (!isAbort(error)) report(callback, error);
    } catch {}
    queue.length = 0;
    close({ type: 'error', error }, 1011);
  };

  socket.pause();
  advancing = true;
  run('init', () => handler.init(arg, mailbox));
  advancing = false;
  advance();
  socket.on('data', read);
  if (!busy) socket.resume();
  if (head.length > 0) read(head);
  runClock();

  return {
    arg,
    over,
    suspend,
    shutdown: ({ code, reason }: WebSock.CloseDetail = { code: 1001 }) => close({ type: 'shutdown' }, code, reason),
  };
}

/** Reads each part of a result once. Throws if the result is invalid. */
function check(value: unknown): Checked {
  const wrong = (what: string): never => {
    throw new TypeError(`an invalid result: ${what} (rule 3.6)`);
  };
  if (typeof value !== 'object' || value === null) return wrong('not an object');
  if (!('state' in value)) return wrong('no state');
  const { type, state, messages, status, reason, close, code, error } = value as Record<string, unknown>;
  if (!['ok', 'push', 'reply', 'stop'].includes(type as string)) return wrong(`the type ${type}`);
  if (type === 'ok' && messages !== undefined) return wrong('ok with messages');
  if ((type === 'push' || type === 'reply') && messages === undefined) return wrong('no messages');
  if (type !== 'reply' && status !== undefined) return wrong('a status');
  if (type !== 'stop' && (reason !== undefined || close !== undefined)) return wrong('a reason or a close');
  if (type === 'stop' && (code !== undefined || error !== undefined)) return wrong('a code or an error on a stop');
  const list = messages === undefined ? [] : Array.isArray(messages) ? messages : [messages];
  const checked = list.map((message) => {
    if (typeof message !== 'object' || message === null) return wrong('a message that is not an object');
    const { opcode, data } = message as { opcode: string; data?: unknown };
    if (!Object.hasOwn(OPCODES, opcode)) return wrong(`the opcode ${opcode}`);
    const isControl = opcode === 'ping' || opcode === 'pong';
    if (opcode === 'text' && typeof data !== 'string') return wrong('text without a string');
    if (opcode === 'binary' && typeof data === 'string') return wrong('binary with a string');
    const bytes = data === undefined && isControl ? Buffer.alloc(0) : bytesOf(data);
    if (!bytes) return wrong(`the data of a ${opcode}`);
    if (isControl && bytes.length > 125) return wrong('more than 125 bytes in a ping or pong');
    return { opcode: OPCODES[opcode] as number, bytes };
  });
  if (type !== 'stop') return { state, messages: checked };
  const isError = typeof reason === 'object' && reason !== null && 'error' in reason;
  if (!isError && reason !== undefined && reason !== 'normal' && reason !== 'restart')
    return wrong('the reason to stop');
  const detail = (close ?? {}) as { code?: unknown; reason?: unknown };
  if (close !== undefined && !MAY_SEND(detail.code)) return wrong(`the close code ${detail.code}`);
  if (detail.reason !== undefined && typeof detail.reason !== 'string') return wrong('the reason of the close');
  return {
    state,
    messages: checked,
    stop: {
      ...(isError ? { error: { value: (reason as { error: unknown }).error } } : {}),
      code: close === undefined ? (isError ? 1011 : reason === 'restart' ? 1012 : 1000) : (detail.code as number),
      reason: detail.reason ?? '',
    },
  };
}

function bytesOf(data: unknown): Uint8Array | undefined {
  if (typeof data === 'string') return Buffer.from(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : undefined;
}

/** The longest prefix of whole characters that fits into a close frame. */
function cut(text: string): string {
  let short = '';
  let size = 0;
  for (const character of text) {
    size += Buffer.byteLength(character);
    if (size > 123) break;
    short += character;
  }
  return short;
}

function unmask(payload: Buffer, mask: Buffer): Buffer {
  const plain = Buffer.from(payload);
  if (mask.readUInt32BE() === 0) return plain;
  for (let index = 0; index < plain.length; index++) {
    plain[index] = (plain[index] as number) ^ (mask[index & 3] as number);
  }
  return plain;
}

const TAIL = Buffer.of(0, 0, 255, 255);

function inflate(data: Buffer, maxOutputLength: number): Buffer {
  return inflateRawSync(Buffer.concat([data, TAIL]), { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH });
}

function deflate(data: Uint8Array): Uint8Array {
  return deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -TAIL.length);
}
