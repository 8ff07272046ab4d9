// WebSock on Deno.
//
//   Deno.serve((request) => upgrade(request, handler, arg, options));
//
// To end the server, await `shutdown()` and then Deno's own: aborted by its signal, Deno sends close frames with 1005.

import type { WebSock } from '@websock/spec';
import type { Limits } from '../../tck/src/capabilities.ts';
import { Connection, type Wire } from './connection.ts';
import { refusal, subprotocol } from './handshake.ts';
import { type CheckedOptions, checkHandler, checkOptions } from './validate.ts';

export { shutdown } from './connection.ts';

export const limits: Limits = {
  'refuse HTTP/1.0': 'the version cannot be read from a Request',
  'validateUtf8: false': 'Deno validates always',
  'compress: true': 'Deno cannot compress',
  'large maxFrameSize': 'Deno takes frames of up to 64 MiB',
  'control frames in': 'Deno hides them',
  'control frames out': 'Deno has no way to send them; they are left out',
  'protocol error codes': 'Deno drops the socket, mostly without a close frame',
  'refuse unmasked frames': 'Deno takes them',
  'refuse long control frames': 'Deno takes long close frames',
  'remote 1014': 'Deno takes 1014 for a protocol error',
  'timeout counts control frames': 'Deno hides them',
  'timeout counts parts of messages': 'Deno tells of whole messages only',
  drop: 'Deno has no way to end a socket without the client',
  pause: 'Deno has no way to stop reading; a bounded number of messages waits',
};

// Of Deno's own types, what is used here.
declare const Deno: {
  upgradeWebSocket(request: Request, options: { idleTimeout: number }): { socket: Socket; response: Response };
};

interface Socket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  binaryType: 'blob' | 'arraybuffer';
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: string | ArrayBuffer }) => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  send(data: Data): void;
  close(code: number, reason: string): void;
}

type Data = string | ArrayBuffer | ArrayBufferView;

const OPEN = 1;

/** Deno tells of a socket that was cut and of a client's fault by the same event; these words are of the former. */
const CUT = /EOF|reset|pipe|os error|Failed to send/;

/** How often Deno is asked whether it has sent everything, in ms. */
const POLL = 20;

/**
 * Turns a request into a connection that the handler serves; returns the response for Deno to give. A request that is
 * not a valid upgrade is answered with 400 or 405 and reaches no callback (rule 1.5).
 *
 * Throws a TypeError for a handler or an option that is not one; Deno answers the client with 500.
 */
export const upgrade: WebSock.Upgrade<Request, Response> = (request, handler, arg, options) => {
  checkHandler(handler);
  const checked = checkOptions(options);
  const refused = refusal(request);
  if (refused) return refused;
  const protocol = subprotocol(request, checked.protocol); // now: an upgraded request cannot be read
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 }); // the connection has its own clock
  // Deno's own option takes `a,b`, written without a space, for one subprotocol.
  if (protocol !== undefined) response.headers.set('Sec-WebSocket-Protocol', protocol);
  accept(socket, handler, arg, checked);
  return response;
};

function accept<State, Info, Arg>(
  socket: Socket,
  handler: WebSock<State, Info, Arg>,
  arg: Arg,
  options: CheckedOptions,
): void {
  const wire: Wire = {
    isOpen: () => socket.readyState === OPEN,
    send({ opcode, data = '' }) {
      if (opcode === 'text' || opcode === 'binary') socket.send(unshared(data));
    },
    unsent: () => socket.bufferedAmount,
    drained: () =>
      new Promise((settle) => {
        const timer = setInterval(() => {
          if (socket.bufferedAmount > 0 && socket.readyState === OPEN) return;
          clearInterval(timer);
          settle();
        }, POLL);
      }),
    close: (code, reason) => socket.close(code, reason),
    drop() {
      if (socket.readyState === OPEN) socket.close(1011, '');
      connection.closed(1006, '');
    },
  };
  const connection = new Connection(wire, handler, options);
  let failure = '';

  // At once, or what the client sends first is lost (rule 1.3).
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => connection.open(arg);
  socket.onmessage = ({ data }) => connection.message(typeof data === 'string' ? data : new Uint8Array(data));
  socket.onerror = ({ message = '' }) => {
    failure = message;
  };
  socket.onclose = ({ code, reason }) => {
    if (failure !== '' && !CUT.test(failure)) connection.failed(new Error(failure));
    if (code === 0 || failure !== '') connection.closed(1006, '');
    else connection.closed(code, reason);
  };
}

/** Deno sends no shared memory, which the contract allows. */
function unshared(data: Data): Data {
  if (!ArrayBuffer.isView(data) || data.buffer instanceof ArrayBuffer) return data;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}
