// Hibernation by hand, with a count that is saved before each answer. Replaces toolkit/hosts/worker.ts.

interface Socket {
  send(data: string | ArrayBuffer): void;
  close(): void;
  serializeAttachment(value: unknown): void;
  deserializeAttachment(): any;
}

declare const WebSocketPair: new () => { 0: object; 1: Socket };

interface Environment {
  readonly HOST: { idFromName(name: string): unknown; get(id: unknown): { fetch(request: Request): unknown } };
}

export function host() {
  return {
    Host: class {
      readonly #ctx;

      constructor(ctx: any) {
        this.#ctx = ctx;
      }

      fetch(request: Request): Response {
        if (!request.headers.has('upgrade')) return new Response();
        const { 0: webSocket, 1: socket } = new WebSocketPair();
        this.#ctx.acceptWebSocket(socket);
        socket.serializeAttachment({ count: 0 });
        const headers = { 'Sec-WebSocket-Extensions': 'none' };
        return new Response(null, { status: 101, headers, webSocket } as ResponseInit);
      }

      webSocketMessage(socket: Socket, data: string | ArrayBuffer): void {
        const { count } = socket.deserializeAttachment();
        socket.serializeAttachment({ count: count + 1 });
        socket.send(data);
      }

      webSocketClose(socket: Socket): void {
        socket.close();
      }
    },
    worker: { fetch: (request: Request, { HOST }: Environment) => HOST.get(HOST.idFromName('host')).fetch(request) },
  };
}
