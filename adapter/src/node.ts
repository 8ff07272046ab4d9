// WebSock on node:http, with the `ws` package.
//
//   httpServer.on('upgrade', (request, socket, head) => upgrade({ request, socket, head }, handler, arg, options));

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSock } from '@websock/spec';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import type { Limits } from '../../tck/src/capabilities.ts';
import { CLOSE_BOUND, Connection, type Wire } from './connection.ts';
import { type CheckedOptions, checkHandler, checkOptions } from './validate.ts';

export { shutdown } from './connection.ts';

export const limits: Limits = {}; // `ws` can do all that the rules ask

/** What node:http gives to a listener of `upgrade`. */
export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/**
 * Turns a request into a connection that the handler serves. A request that is not a valid upgrade is answered with
 * 400 or 405 and reaches no callback (rule 1.5).
 *
 * Throws a TypeError for a handler or an option that is not one; the client is answered with 500.
 */
export const upgrade: WebSock.Upgrade<UpgradeRequest> = ({ request, socket, head }, handler, arg, options) => {
  let checked: CheckedOptions;
  try {
    checkHandler(handler);
    checked = checkOptions(options);
  } catch (error) {
    socket.end('HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    throw error;
  }
  if (request.httpVersion === '1.0') {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'); // `ws` would take it
    return;
  }
  new WebSocketServer(settings(checked)).handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.binaryType = 'arraybuffer'; // a message's bytes are its own (rule 2.7)
    const connection = new Connection(wire(webSocket, socket), handler, checked);
    socket.on('data', () => connection.heard());
    webSocket.on('message', (data, isBinary) => {
      if (isBinary) connection.data({ opcode: 'binary', data: new Uint8Array(data as ArrayBuffer) });
      else connection.data({ opcode: 'text', data: data.toString() });
    });
    webSocket.on('ping', (data) => connection.control({ opcode: 'ping', data: new Uint8Array(data) }));
    webSocket.on('pong', (data) => connection.control({ opcode: 'pong', data: new Uint8Array(data) }));
    webSocket.on('error', (error) => connection.failed(error));
    webSocket.on('close', (code, reason) => connection.closed(code, reason.toString()));
    connection.open(arg);
  });
};

// `ws` takes closeTimeout since 8.19; its types do not name it yet.
function settings(options: CheckedOptions): ServerOptions & { closeTimeout: number } {
  const { protocol } = options;
  return {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: options.compress,
    maxPayload: Math.min(options.maxFrameSize, 2 ** 31 - 1), // `ws` keeps it in 32 bits
    skipUTF8Validation: !options.validateUtf8,
    handleProtocols: (offered) => (protocol !== undefined && offered.has(protocol) ? protocol : false), // rule 1.5
    closeTimeout: CLOSE_BOUND,
  };
}

function wire(webSocket: WebSocket, socket: Duplex): Wire {
  let onItsWay = 0;
  let drained = () => {};
  const sent = () => {
    onItsWay -= 1;
    if (onItsWay === 0) drained();
  };
  // What is sent in one turn, such as the answers to all that came at once, is one write to the system.
  let corked = false;
  const uncork = () => {
    corked = false;
    socket.uncork();
  };
  return {
    isOpen: () => webSocket.readyState === webSocket.OPEN,
    send({ opcode, data }) {
      onItsWay += 1;
      if (!corked) {
        corked = true;
        socket.cork();
        process.nextTick(uncork);
      }
      if (opcode === 'ping' || opcode === 'pong') webSocket[opcode](data, false, sent);
      else webSocket.send(data ?? '', { binary: opcode === 'binary' }, sent);
    },
    unsent: () => webSocket.bufferedAmount,
    drained: () =>
      new Promise((settle) => {
        if (onItsWay === 0 || socket.destroyed) return settle();
        drained = () => {
          webSocket.off('close', drained);
          settle();
        };
        webSocket.once('close', drained);
      }),
    close: (code, reason) => webSocket.close(code, reason),
    drop: () => webSocket.terminate(),
    pause: () => webSocket.pause(),
    resume: () => webSocket.resume(),
  };
}
