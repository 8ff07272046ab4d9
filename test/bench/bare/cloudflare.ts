// Echo on workerd's own API, in a Durable Object as the reference server is. In place of hosts/worker.ts.

interface Socket {
  binaryType: string;
  accept(): void;
  addEventListener(type: 'message', listener: (event: { readonly data: string | ArrayBuffer }) => void): void;
  send(data: string | ArrayBuffer): void;
}

declare const WebSocketPair: new () => { 0: object; 1: Socket };

interface Environment {
  readonly HOST: { idFromName(name: string): unknown; get(id: unknown): { fetch(request: Request): unknown } };
}

export function host() {
  return {
    Host: class {
      fetch(): Response {
        const { 0: webSocket, 1: socket } = new WebSocketPair();
        socket.binaryType = 'arraybuffer';
        socket.addEventListener('message', ({ data }) => socket.send(data));
        socket.accept();
        const headers = { 'Sec-WebSocket-Extensions': 'none' };
        return new Response(null, { status: 101, headers, webSocket } as ResponseInit);
      }
    },
    worker: { fetch: (request: Request, { HOST }: Environment) => HOST.get(HOST.idFromName('host')).fetch(request) },
  };
}
