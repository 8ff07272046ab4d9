// The opening handshake, for platforms that give a fetch `Request` and answer with a `Response` (rule 1.5).

/** A nonce of 16 bytes in base64 (RFC 6455 §4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** The answer to a request that is not a valid upgrade (RFC 6455 §4.2); `undefined` if it is one. */
export function refusal({ method, headers }: Request): Response | undefined {
  if (method !== 'GET') return new Response('an upgrade is a GET', { status: 405, headers: { Allow: 'GET' } });
  const wrong = !listed(headers.get('upgrade')).some((protocol) => protocol.toLowerCase() === 'websocket')
    ? 'Upgrade'
    : headers.get('sec-websocket-version') !== '13'
      ? 'Sec-WebSocket-Version'
      : !KEY.test(headers.get('sec-websocket-key') ?? '')
        ? 'Sec-WebSocket-Key'
        : undefined;
  if (!wrong) return undefined;
  return new Response(`no WebSocket upgrade: see ${wrong}`, {
    status: 400,
    headers: { 'Sec-WebSocket-Version': '13' },
  });
}

/** The subprotocol to answer with: the application's, if the client offered it. */
export function subprotocol({ headers }: Request, protocol: string | undefined): string | undefined {
  return protocol !== undefined && listed(headers.get('sec-websocket-protocol')).includes(protocol)
    ? protocol
    : undefined;
}

/** The elements of a header that is a list. */
function listed(header: string | null): string[] {
  return (header ?? '').split(',').map((element) => element.trim());
}
