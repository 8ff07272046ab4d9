// The server's checks of the opening handshake (rule 1.5; RFC 6455 §4.2.1).

/** Looks up a header of the request; `name` may be in any case. */
type GetHeader = (name: string) => string | null | undefined;

const WEBSOCKET = /(^|,)\s*websocket\s*(,|$)/i;

const REQUIRED = Object.entries({
  Upgrade: WEBSOCKET,
  Connection: /(^|,)\s*upgrade\s*(,|$)/i,
  Host: /./,
  'Sec-WebSocket-Version': /^13$/,
  'Sec-WebSocket-Key': /^[A-Za-z0-9+/]{21}[AQgw]==$/, // 16 bytes in base64: of the last digit, four bits are unused and must be 0
});

/** Whether an Upgrade header names WebSocket, perhaps among other protocols. */
export function asksForWebSocket(upgrade: string | undefined): boolean {
  return WEBSOCKET.test(upgrade ?? '');
}

/** A host with an optional port; no character that would belong to another part of a URL. */
export const HOST: RegExp = /^[^\s/?#@\\]+$/;

/** Whether a request has a valid Host and URL: otherwise its route would see another URL, or none. */
export function hasValidHost({ url, headers }: Request): boolean {
  return HOST.test(headers.get('Host') ?? 'localhost') && canParse(url);
}

/** workerd lacks `URL.canParse` with a compatibility date before 2022-10-31. */
function canParse(url: string): boolean {
  if (typeof URL.canParse === 'function') return URL.canParse(url);
  try {
    return new URL(url) !== undefined;
  } catch {
    return false;
  }
}

/** The response to a request that is not a valid upgrade; `undefined` if it is valid. */
export function refusal(request: Request): Response | undefined {
  return refusalOf(request.method, (name) => request.headers.get(name));
}

/** {@link refusal}, for a request that is not a fetch `Request`. */
export function refusalOf(method: string | undefined, header: GetHeader): Response | undefined {
  if (method !== 'GET') {
    return new Response('A WebSocket upgrade must be a GET request.\n', { status: 405, headers: { Allow: 'GET' } });
  }
  for (const [name, value] of REQUIRED) {
    if (value.test(header(name) ?? '')) continue;
    if (name === 'Sec-WebSocket-Version') {
      const text = 'This server speaks version 13 of the WebSocket protocol.\n';
      return new Response(text, { status: 426, headers: { ...UPGRADE, 'Sec-WebSocket-Version': '13' } });
    }
    if (name === 'Upgrade') {
      return new Response('Connect with a WebSocket client.\n', { status: 426, headers: UPGRADE });
    }
    return new Response(`Not a valid WebSocket upgrade: check the header ${name}.\n`, { status: 400 });
  }
  return undefined;
}

// RFC 9110 §15.5.22: a 426 names the protocol.
const UPGRADE = { Upgrade: 'websocket', Connection: 'Upgrade' };

/** The application's subprotocol, if the client offered it; case matters (rule 1.5). */
export function subprotocol(offered: string | null | undefined, protocol: string | undefined): string | undefined {
  return protocol !== undefined && offeredIn(offered).includes(protocol) ? protocol : undefined;
}

/** The subprotocols in a Sec-WebSocket-Protocol header. */
export function offeredIn(header: string | null | undefined): string[] {
  return (header ?? '').split(',').flatMap((protocol) => protocol.trim() || []);
}
