// What the bare servers do with a message, by hand and written once: the counterpart of ../adapter/handlers.ts. A
// connection is its platform's own socket, and has no object besides.

type Send<Socket> = (socket: Socket, data: any, binary?: boolean) => unknown;

/** What is done on the connections of one path. */
export interface Work<Socket> {
  readonly message: Send<Socket>;
  readonly opened?: (socket: Socket) => unknown;
  readonly closed?: (socket: Socket) => unknown;
}

/** The work of each path, for a platform that sends so. */
export function workBy<Socket>(send: Send<Socket>): (path: string) => Work<Socket> {
  const room = new Set<Socket>();
  const works: { readonly [path: string]: Work<Socket> } = {
    '/async': {
      async message(socket, data, binary) {
        await undefined;
        send(socket, data, binary);
      },
    },
    '/post': { message: (socket, data, binary) => queueMicrotask(() => send(socket, data, binary)) },
    '/room': {
      opened: (socket) => room.add(socket),
      closed: (socket) => room.delete(socket),
      message(_socket, data, binary) {
        for (const member of room) send(member, data, binary);
      },
    },
  };
  const echo = { message: send };
  return (path) => works[path] ?? echo;
}
