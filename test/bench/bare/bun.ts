// Echo on `Bun.serve` alone, set up as the reference server sets it up.

import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';

interface Socket {
  send(data: string | Uint8Array): number;
}

declare const Bun: {
  serve(options: {
    port: number;
    hostname: string;
    development: boolean;
    websocket: { message(socket: Socket, data: string | Uint8Array): void } & Record<string, unknown>;
    fetch(request: Request, server: { upgrade(request: Request): boolean }): Response | undefined;
  }): { readonly port: number };
};

const { port } = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  development: false,
  websocket: {
    maxPayloadLength: 100_000_000,
    backpressureLimit: 0,
    idleTimeout: 0,
    message(socket, data) {
      socket.send(data);
    },
  },
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response(null, { status: 400 })),
});
console.log(`ws://127.0.0.1:${port}`);

untilInputEnds(async () => {});
