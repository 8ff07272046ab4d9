// The API of workerd alone, in a Durable Object as with the adapter. Replaces toolkit/hosts/worker.ts.

import { workBy } from './work.ts';

interface Socket {
  binaryType: string;
  accept(): void;
  addEventListener(type: 'message', listener: (event: { readonly data: string | ArrayBuffer }) => void): void;
  addEventListener(type: 'close', listener: () => void): void;
  send(data: string | ArrayBuffer): void;
}

declare const WebSocketPair: new () => { 0: object; 1: Socket };

interface Environment {
  readonly HOST: { idFromName(name: string): unknown; get(id: unknown): { fetch(request: Request): unknown } };
}

const workOf = workBy<Socket>((socket, data) => socket.send(data));

export function host() {
  return {
    Host: class {
      fetch(request: Request): Response {
        if (!request.headers.has('upgrade')) return new Response();
        const { 0: webSocket, 1: socket } = new WebSocketPair();
        const { message, opened, closed } = workOf(new URL(request.url).pathname);
        socket.binaryType = 'arraybuffer';
        socket.addEventListener('message', ({ data }) => message(socket, data));
        if (closed) socket.addEventListener('close', () => closed(socket));
        socket.accept();
        opened?.(socket);
        const headers = { 'Sec-WebSocket-Extensions': 'none' };
        return new Response(null, { status: 101, headers, webSocket } as ResponseInit);
      }
    },
    worker: { fetch: (request: Request, { HOST }: Environment) => HOST.get(HOST.idFromName('host')).fetch(request) },
  };
}
