// Serves the page, and a connection for each person who enters a room; for any platform.

import { accept, type Route } from '@websock/adapter';
import type { WebSock } from '@websock/spec';
import { chat, json, type Rooms, type Visitor } from './chat.ts';

/** The subprotocol of the page. A client that does not offer it receives plain text. */
const JSON_PROTOCOL = 'chat.json';

/** Valid names of people and rooms. The page has the same pattern. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{M}\p{N} ._'-]{0,31}$/u;

/** In bytes; enough for the longest message that the page sends. */
const maxMessageSize = 4_096;

export interface Site {
  readonly rooms: Rooms;
  /** The origins of the page, such as `https://chat.example`. Other pages cannot connect. */
  readonly origins: ReadonlySet<string>;
  /** Looks up a file of the page; `undefined` for an unknown path. */
  file(path: string): { readonly type: string; readonly content: string } | undefined;
  /** Receives a line for each connection that has ended. */
  log(line: string): void;
}

export function chatRoute({ rooms, origins, file, log }: Site): Route {
  const inText = logged(chat(rooms), log);
  const inJson = logged(chat(rooms, json), log);

  return (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/chat') return page(file(pathname), request.method);

    // Browsers let any page connect to any server, and send the origin of the page. Other clients send no origin.
    const origin = request.headers.get('origin');
    if (origin !== null && !origins.has(origin)) return text(403, `pages of ${origin} cannot connect`);

    const visitor = { name: searchParams.get('name')?.trim() ?? '', room: searchParams.get('room')?.trim() ?? '' };
    for (const [part, value] of Object.entries(visitor)) {
      if (!NAME.test(value)) return text(400, `the ${part} must be 1 to 32 letters, digits, spaces or . _ ' -`);
    }

    const offered = request.headers.get('sec-websocket-protocol')?.split(',') ?? [];
    const readsJson = offered.some((protocol) => protocol.trim() === JSON_PROTOCOL);
    return readsJson
      ? accept(inJson, visitor, { maxMessageSize, compress: true, protocol: JSON_PROTOCOL })
      : accept(inText, visitor, { maxMessageSize, compress: true });
  };
}

/** The handler, with a log line at the end of each connection. */
function logged<State extends Visitor, Info, Arg>(
  handler: WebSock<State, Info, Arg>,
  log: (line: string) => void,
): WebSock<State, Info, Arg> {
  return {
    ...handler,
    async terminate(reason, state) {
      const text = reason.reason === '' ? '' : ` ${JSON.stringify(reason.reason)}`; // no line breaks of the client in the log
      log(`${state.name} has left ${state.room}: ${reason.type}, ${reason.code}${text}`);
      await handler.terminate?.(reason, state);
    },
  };
}

const HEADERS = {
  'cache-control': 'no-cache',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

function page(file: ReturnType<Site['file']>, method: string): Response {
  if (file === undefined) return text(404, 'not found');
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'only GET and HEAD are allowed', { allow: 'GET, HEAD' });
  return new Response(method === 'HEAD' ? null : file.content, { headers: { ...HEADERS, 'content-type': file.type } });
}

function text(status: number, content: string, headers?: Record<string, string>): Response {
  const type = { 'content-type': 'text/plain; charset=utf-8' };
  return new Response(`${content}\n`, { status, headers: { ...HEADERS, ...type, ...headers } });
}
