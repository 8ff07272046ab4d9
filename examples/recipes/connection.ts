// A server of your own: puts the adapter's Connection between a handler and a socket, here of `ws`.

import { Connection, Connections, checkHandler, checkOptions, type Wire } from '@websock/adapter/connection';
import type { WebSock } from '@websock/spec';
import type { WebSocket } from 'ws';

export const connections = new Connections(); // of one server; `connections.shutdown()` closes all of them

export function open(socket: WebSocket, handler: WebSock.Any, arg: unknown, options?: WebSock.ConnectionOptions): void {
  checkHandler(handler); // throws for an invalid handler or option; best called before the handshake is answered
  const wire: Wire = {
    send({ opcode, data = '' }) {
      if (opcode === 'ping') socket.ping(data);
      else if (opcode === 'pong') socket.pong(data);
      else socket.send(data, () => connection.sent()); // text, or bytes
    },
    unsent: () => socket.bufferedAmount,
    close: (code, reason) => socket.close(code, reason),
    drop: () => socket.terminate(),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    ping: () => socket.ping(),
  };
  const connection = new Connection(connections, wire, handler, checkOptions(options));
  socket.on('message', (data: Buffer, isBinary) => {
    connection.data(isBinary ? { opcode: 'binary', data: Uint8Array.from(data) } : { opcode: 'text', data: `${data}` });
  });
  socket.on('ping', (data) => connection.control({ opcode: 'ping', data: Uint8Array.from(data) }));
  socket.on('pong', (data) => connection.control({ opcode: 'pong', data: Uint8Array.from(data) }));
  socket.on('error', (error) => connection.failed(error, 1002));
  socket.on('close', (code, reason) => {
    if (code !== 1006) connection.closing(code, `${reason}`); // a close frame has arrived
    connection.gone();
  });
  connection.open(arg); // calls `init`
}
