// WebSock on workerd (Cloudflare Workers), in a Durable Object:
//
//   export class Room {
//     fetch(request) { return upgrade(request, handler, arg, options); }
//   }
//   export default {
//     fetch: (request, env) => refusal(request) ?? env.ROOM.get(env.ROOM.idFromName('room')).fetch(request),
//   };
//
// `refusal` is of requests.ts; on its way to a Durable Object a request to upgrade that is no GET becomes one that fails.
// Only connections of one Durable Object can reach each other, and finish their work after a close.

import type { WebSock } from '@websock/spec';
import type { Limits } from '../../tck/src/capabilities.ts';
import { Connection, type Wire } from './connection.ts';
import { refusal, subprotocol } from './handshake.ts';
import { type CheckedOptions, checkHandler, checkOptions, cut, maySend } from './validate.ts';

export { shutdown } from './connection.ts';

export const limits: Limits = {
  'refuse HTTP/1.0': 'the version cannot be read from a Request',
  'validateUtf8: true': 'workerd never validates; malformed bytes come as U+FFFD',
  'large maxFrameSize': 'workerd takes messages of up to 32 MiB',
  'control frames in': 'workerd hides them',
  'control frames out': 'workerd has no way to send them; they are left out',
  'refuse unmasked frames': 'workerd takes them',
  'refuse long control frames': 'workerd takes them',
  'refuse short close frames': 'workerd takes them',
  'timeout counts control frames': 'workerd hides them',
  'timeout counts parts of messages': 'workerd tells of whole messages only',
  drop: 'workerd can end a socket only when the client sends its next message',
  pause: 'workerd has no way to stop reading; a bounded number of messages waits',
  backlog: 'workerd hides how much waits to be sent',
  memory: 'workerd itself grows with every connection that has been, also when it is used bare',
};

// Of workerd's own types, what is used here.
declare const WebSocketPair: new () => { 0: object; 1: Socket };

interface Socket {
  readonly readyState: number;
  binaryType: 'blob' | 'arraybuffer';
  accept(options: { allowHalfOpen: boolean }): void;
  addEventListener(type: 'message', listener: (event: { readonly data: string | ArrayBuffer }) => void): void;
  addEventListener(type: 'close', listener: (event: CloseEvent) => void): void;
  addEventListener(type: 'error', listener: (event: { readonly message?: string }) => void): void;
  send(data: string | ArrayBuffer | ArrayBufferView): void;
  close(code?: number, reason?: string): void;
}

interface CloseEvent {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

const OPEN = 1;

/**
 * Turns a request into a connection that the handler serves; returns the response for the Durable Object to give. A
 * request that is not a valid upgrade is answered with 400 or 405 and reaches no callback (rule 1.5).
 *
 * Throws a TypeError for a handler or an option that is not one; workerd answers the client with 500.
 */
export const upgrade: WebSock.Upgrade<Request, Response> = (request, handler, arg, options) => {
  checkHandler(handler);
  const checked = checkOptions(options);
  const refused = refusal(request);
  if (refused) return refused;
  const headers = new Headers();
  const protocol = subprotocol(request, checked.protocol);
  if (protocol !== undefined) headers.set('Sec-WebSocket-Protocol', protocol);
  if (!checked.compress) headers.set('Sec-WebSocket-Extensions', 'none'); // or workerd would agree to compress
  const { 0: webSocket, 1: socket } = new WebSocketPair();
  accept(socket, handler, arg, checked);
  return new Response(null, { status: 101, headers, webSocket } as ResponseInit);
};

function accept<State, Info, Arg>(
  socket: Socket,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options: CheckedOptions,
): void {
  let dropped = false;
  const wire: Wire = {
    isOpen: () => socket.readyState === OPEN,
    send({ opcode, data = '' }) {
      // As it is, workerd would send half a surrogate pair as bytes that are no UTF-8.
      if (opcode === 'text') socket.send((data as string).toWellFormed());
      else if (opcode === 'binary') socket.send(data);
    },
    unsent: () => 0,
    drained: () => Promise.resolve(),
    close: (code, reason) => socket.close(code, reason.toWellFormed()),
    drop() {
      dropped = true;
      connection.closed(1006, '');
    },
  };
  const connection = new Connection(wire, handler, options);

  socket.binaryType = 'arraybuffer';
  socket.addEventListener('message', ({ data }) => {
    if (dropped) throw new Error('the connection is over'); // this ends the socket, and nothing else
    connection.message(typeof data === 'string' ? data : new Uint8Array(data));
  });
  socket.addEventListener('close', ({ code, reason, wasClean }) => {
    if (!wasClean) return connection.closed(1006, '');
    if (code === 1005 && reason === '') socket.close();
    else if (maySend(code) || code === 1010)
      socket.close(code, cut(reason)); // 1010 is a client's own
    else {
      socket.close(1002);
      connection.failed(new Error(`the client closed with the code ${code}, which may not be sent (rule 4.3)`));
    }
    connection.closed(code, reason);
  });
  // A fault of the client, for which workerd has closed the connection, comes with no close event.
  socket.addEventListener('error', ({ message = '' }) => {
    if (message.includes('protocolError')) connection.failed(new Error(message));
    connection.closed(1006, '');
  });
  socket.accept({ allowHalfOpen: true }); // or workerd would answer close codes that may not be sent
  connection.open(arg);
}
