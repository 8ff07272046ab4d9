// The opening handshake, for platforms that give a fetch `Request` and answer with a `Response` (rule 1.5).

const REQUIRED = {
  Host: /./,
  Connection: /(^|,)\s*upgrade\s*(,|$)/i,
  Upgrade: /(^|,)\s*websocket\s*(,|$)/i,
  'Sec-WebSocket-Version': /^13$/,
  'Sec-WebSocket-Key': /^[A-Za-z0-9+/]{22}==$/, // 16 bytes in base64
};

/** The answer to a request that is not a valid upgrade (RFC 6455 §4.2); `undefined` if it is one. */
export function refusal({ method, headers }: Request): Response | undefined {
  if (method !== 'GET') return new Response('an upgrade is a GET', { status: 405, headers: { Allow: 'GET' } });
  const wrong = Object.entries(REQUIRED).find(([name, value]) => !value.test(headers.get(name) ?? ''));
  if (!wrong) return undefined;
  const text = `no WebSocket upgrade: see ${wrong[0]}`;
  return new Response(text, { status: 400, headers: { 'Sec-WebSocket-Version': '13' } });
}

/** The subprotocol to answer with: the application's, if the client offered it. */
export function subprotocol({ headers }: Request, protocol: string | undefined): string | undefined {
  return offeredIn(headers.get('Sec-WebSocket-Protocol')).find((name) => name === protocol);
}

/** The subprotocols in a Sec-WebSocket-Protocol header. */
export function offeredIn(header: string | null | undefined): string[] {
  return (header ?? '').split(',').flatMap((protocol) => protocol.trim() || []);
}
