// The adapter of crossws for node:http, with the same limits.

import { createServer, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';
import { collectGarbage } from './garbage.ts';
import { type Work, workBy } from './work.ts';

// The part of crossws's types that is used here; its own declarations need the types of a browser.
interface Peer {
  readonly context: { work?: Work<Peer> };
  readonly request: { readonly url: string };
  send(data: unknown): unknown;
  subscribe(topic: string): void;
}

interface Hooks {
  open(peer: Peer): void;
  message(peer: Peer, message: { readonly rawData: unknown }): unknown;
  close(peer: Peer): void;
}

type Adapter = (options: { serverOptions: object; hooks: Hooks }) => {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  publish(topic: string, data: unknown): void;
};

const crossws: Adapter = createRequire(import.meta.filename)('crossws/adapters/node').default;

const workOf = workBy<Peer>((peer, data) => peer.send(data), {
  opened: (peer) => peer.subscribe('topic'),
  message: (_peer, data) => adapter.publish('topic', data),
}); // unchanged: text stays text

const adapter = crossws({
  serverOptions: { perMessageDeflate: false, maxPayload: 10_000_000 },
  hooks: {
    open(peer) {
      const work = workOf(new URL(peer.request.url).pathname);
      peer.context.work = work;
      work.opened?.(peer);
    },
    message: (peer, { rawData }) => peer.context.work?.message(peer, rawData),
    close: (peer) => peer.context.work?.closed?.(peer),
  },
});
const server = createServer((_request, response) => {
  collectGarbage();
  response.end();
});
server.on('upgrade', (request, socket, head) => {
  socket.on('error', () => {}); // crossws does not listen for it until the hook `upgrade` has settled
  adapter.handleUpgrade(request, socket, head);
});
server.listen(0, '127.0.0.1', () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));

untilInputEnds(async () => {});
