// Echo on crossws's adapter for node:http, with the same limits.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import crossws from 'crossws/adapters/node';
import { untilInputEnds } from '../../servers/hosts/life.ts';

const adapter = crossws({
  serverOptions: { perMessageDeflate: false, maxPayload: 10_000_000 },
  hooks: { message: (peer, message) => void peer.send(message.rawData) }, // as it came: text stays text
});
const server = createServer((_request, response) => response.writeHead(404).end());
server.on('upgrade', (request, socket, head) => adapter.handleUpgrade(request, socket, head));
server.listen(0, '127.0.0.1', () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));

untilInputEnds(async () => {});
