// The work of the bare servers, the counterpart of ../adapter/handlers.ts. A connection is the platform's own socket; there
// is no other object for it.

type Send<Socket> = (socket: Socket, data: any, binary?: boolean) => unknown;

/** The work on the connections of one path. */
export interface Work<Socket> {
  readonly message: Send<Socket>;
  readonly opened?: (socket: Socket) => unknown;
  readonly closed?: (socket: Socket) => unknown;
}

/** The work of each path, with the platform's way of sending and, if it has one, of publishing to a topic. */
export function workBy<Socket>(send: Send<Socket>, topic?: Work<Socket>): (path: string) => Work<Socket> {
  const room = new Set<Socket>();
  const byHand: Work<Socket> = {
    opened: (socket) => room.add(socket),
    closed: (socket) => room.delete(socket),
    message(_socket, data, binary) {
      for (const member of room) send(member, data, binary);
    },
  };
  const works: { readonly [path: string]: Work<Socket> } = {
    '/async': {
      async message(socket, data, binary) {
        await undefined;
        send(socket, data, binary);
      },
    },
    '/post': { message: (socket, data, binary) => queueMicrotask(() => send(socket, data, binary)) },
    '/room': byHand,
    '/topic': topic ?? byHand,
  };
  const echo = { message: send };
  return (path) => works[path] ?? echo;
}
