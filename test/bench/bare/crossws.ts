// The adapter of crossws for node:http, with the same limits; with REDIS_URL, its topics are those of all processes.

import { createServer, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createClient } from '@redis/client';
import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';
import { createHooks, type Hooks } from './crossws-hooks.ts';
import { collectGarbage } from './garbage.ts';

type Adapter = (options: { serverOptions: object; hooks: Hooks; sync?: unknown }) => {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  publish(topic: string, data: unknown): void;
};

const load = createRequire(import.meta.filename);
const crossws: Adapter = load('crossws/adapters/node').default;

async function sync(url: string): Promise<unknown> {
  return load('crossws/sync').redis({ channel: 'topics', client: await createClient({ url }).connect() });
}

const url = process.env['REDIS_URL'];
const adapter = crossws({
  serverOptions: { perMessageDeflate: false, maxPayload: 10_000_000 },
  hooks: createHooks((topic, data) => adapter.publish(topic, data)),
  ...(url !== undefined && { sync: await sync(url) }),
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
