// Echo on crossws's adapter for node:http, with the same limits.

import { createServer, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';

// Of crossws's own types, what is used here; they need those of a browser.
interface Hooks {
  message(peer: { send(data: unknown): unknown }, message: { readonly rawData: unknown }): void;
}

type Adapter = (options: { serverOptions: object; hooks: Hooks }) => {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
};

const crossws: Adapter = createRequire(import.meta.filename)('crossws/adapters/node').default;

const adapter = crossws({
  serverOptions: { perMessageDeflate: false, maxPayload: 10_000_000 },
  hooks: { message: (peer, message) => void peer.send(message.rawData) }, // as it came: text stays text
});
const server = createServer((_request, response) => response.writeHead(404).end());
server.on('upgrade', (request, socket, head) => adapter.handleUpgrade(request, socket, head));
server.listen(0, '127.0.0.1', () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));

untilInputEnds(async () => {});
