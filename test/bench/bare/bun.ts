// `Bun.serve` alone, with the adapter's settings.

import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';
import { collectGarbage } from './garbage.ts';
import { type Work, workBy } from './work.ts';

interface Socket {
  readonly data: Work<Socket>;
  send(data: string | Uint8Array): number;
  subscribe(topic: string): void;
}

declare const Bun: {
  serve(options: {
    port: number;
    hostname: string;
    development: boolean;
    websocket: {
      open(socket: Socket): void;
      message(socket: Socket, data: string | Uint8Array): unknown;
      close(socket: Socket): void;
    } & Record<string, unknown>;
    fetch(
      request: Request,
      server: { upgrade(request: Request, options: { data: Work<Socket> }): boolean },
    ): Response | undefined;
  }): { readonly port: number; publish(topic: string, data: string | Uint8Array): number };
};

const workOf = workBy<Socket>((socket, data) => socket.send(data), {
  opened: (socket) => socket.subscribe('topic'),
  message: (_socket, data) => server.publish('topic', data),
});

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  development: false,
  websocket: {
    maxPayloadLength: 10_000_000,
    backpressureLimit: 0,
    idleTimeout: 0,
    open: (socket) => socket.data.opened?.(socket),
    message: (socket, data) => socket.data.message(socket, data),
    close: (socket) => socket.data.closed?.(socket),
  },
  fetch(request, own) {
    if (own.upgrade(request, { data: workOf(new URL(request.url).pathname) })) return undefined;
    collectGarbage();
    return new Response();
  },
});
console.log(`ws://127.0.0.1:${server.port}`);

untilInputEnds(async () => {});
