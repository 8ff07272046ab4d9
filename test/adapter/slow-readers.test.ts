// 5.3: a client that reads slowly but steadily stays connected, with the default limits. A kernel shows the progress of such
// a client in steps of about 1.5 MB, so these tests take more than a minute: they run in CI.

import { once } from 'node:events';
import { createServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { accept, attach } from '@websock/adapter/node';
import type { WebSock } from '@websock/spec';
import { describe, expect, test } from 'vitest';
import { createCertificate, noOpenssl } from '../toolkit/certificate.ts';
import { host, platforms } from '../toolkit/host.ts';
import { complete } from '../toolkit/programs.ts';

/** Bytes per second, and for how long: longer than the stall timeout of 60 s. */
const RATES = [30_000, 80_000, 300_000];
const SECONDS = 70;

const HANDSHAKE = [
  'GET /pour?count=9 HTTP/1.1',
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  '\r\n',
].join('\r\n');

/** A text frame of one byte. */
const GO = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x78]);

/** Reads at a rate. Returns what happened to the connection by the time that it should be open, or have sent everything. */
async function read(socket: Socket, rate: number): Promise<string> {
  socket.on('error', () => {}).on('readable', () => {});
  socket.write(HANDSHAKE);
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1_000;
  let bytes = 0;
  let ended = false;
  socket.once('close', () => {
    ended = true;
  });
  socket.write(GO);
  while (seconds() < SECONDS && !ended && bytes < 9_000_000) {
    while (bytes < seconds() * rate) {
      const data = socket.read(Math.min(8_192, socket.readableLength)) as Buffer | null;
      if (!data) break;
      bytes += data.length;
    }
    await new Promise((later) => setTimeout(later, 40));
  }
  const seen = ended ? `closed after ${Math.round(seconds())} s and ${bytes} bytes` : 'open';
  socket.destroy();
  return seen;
}

const all = RATES.map(() => 'open');

describe.skipIf(!complete).concurrent('clients that read 30 to 300 kB/s stay connected while 9 MB are buffered', () => {
  for (const platform of platforms) {
    test(`on ${platform}`, async () => {
      const server = await host(platform, 'test/adapter/platforms.application.ts');
      const port = Number(new URL(server.url).port);
      const seen = await Promise.all(RATES.map((rate) => read(connect(port, '127.0.0.1'), rate)));
      await server.stop();
      expect(seen).toEqual(all);
    }, 120_000);
  }

  test.skipIf(noOpenssl)(
    'on node, over TLS',
    async () => {
      const server = createServer(createCertificate());
      const handler: WebSock<null> = {
        init: () => ({ type: 'ok', state: null }),
        handleIn: () => ({
          type: 'push',
          messages: { opcode: 'binary', data: new Uint8Array(9_000_000) },
          state: null,
        }),
        handleInfo: (_info, state) => ({ type: 'ok', state }),
      };
      const { shutdown } = attach(server, () => accept(handler), { onError() {} });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as AddressInfo;
      const seen = await Promise.all(
        RATES.map((rate) => read(connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }), rate)),
      );
      await shutdown();
      server.close();
      expect(seen).toEqual(all);
    },
    120_000,
  );
});
