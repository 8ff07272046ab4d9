// HTTP/2: the WebSockets of a page are streams of its connection (RFC 8441).

import { readFileSync } from 'node:fs';
import { createSecureServer, type ServerHttp2Session } from 'node:http2';
import { attach } from '@websock/adapter/node';
import { route } from './authorise.ts';

export const server = createSecureServer({
  key: readFileSync(process.env['TLS_KEY'] ?? 'key.pem'),
  cert: readFileSync(process.env['TLS_CERT'] ?? 'cert.pem'),
  allowHTTP1: true, // for clients without HTTP/2, and WebSockets over HTTP/1.1
  settings: { enableConnectProtocol: true, maxConcurrentStreams: 100 },
});
server.on('request', (_request, response) => response.end('ok'));
const { shutdown } = attach(server, route);

const sessions = new Set<ServerHttp2Session>();
server.on('session', (session) => {
  sessions.add(session);
  session.once('close', () => sessions.delete(session));
});

export async function stop(): Promise<void> {
  await shutdown();
  for (const session of sessions) session.close(); // otherwise clients keep them open
  await new Promise((closed) => server.close(closed));
}
