// The opening handshake, as the server must check it (rule 1.5; RFC 6455 §4.2.1).

/** The headers of a request, by any means: `headers.get(name)` of a fetch `Request` will do. */
type GetHeader = (name: string) => string | null | undefined;

const REQUIRED = Object.entries({
  Upgrade: /(^|,)\s*websocket\s*(,|$)/i,
  Connection: /(^|,)\s*upgrade\s*(,|$)/i,
  Host: /./,
  'Sec-WebSocket-Version': /^13$/,
  'Sec-WebSocket-Key': /^[A-Za-z0-9+/]{21}[AQgw]==$/, // 16 bytes in base64: the last digit has four bits to spare
});

/** A host and perhaps a port, and nothing that would end up in another part of the URL. */
export const HOST: RegExp = /^[^\s/?#@\\]+$/;

/** Whether a request says correctly whom it is for: otherwise a route would see another URL, or none. */
export function hasValidHost({ url, headers }: Request): boolean {
  return HOST.test(headers.get('Host') ?? 'localhost') && URL.canParse(url);
}

/** The answer to a request that is not a valid upgrade; `undefined` if it is one. */
export function refusal(request: Request): Response | undefined {
  return refusalOf(request.method, (name) => request.headers.get(name));
}

/** The same, for a request that is not a fetch `Request`. */
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

/** The subprotocol to answer with: the application's, if the client offered it, compared whole (rule 1.5). */
export function subprotocol(offered: string | null | undefined, protocol: string | undefined): string | undefined {
  return protocol !== undefined && offeredIn(offered).includes(protocol) ? protocol : undefined;
}

/** The subprotocols in a Sec-WebSocket-Protocol header. */
export function offeredIn(header: string | null | undefined): string[] {
  return (header ?? '').split(',').flatMap((protocol) => protocol.trim() || []);
}
