// A client that costs little beside the servers that it measures: frames are made once, and answers are counted by their
// bytes. What it is sent is all alike.

import { connect as open, type Socket } from 'node:net';
import { BINARY, maskedFrame, TEXT } from '../../tck/src/raw-client.ts';

/** A message, as a frame of the client, and how long the frame is in which a server sends it. */
export interface Sample {
  readonly frame: Buffer;
  readonly answer: number;
}

export function sample(kind: 'text' | 'binary', size: number): Sample {
  const frame = maskedFrame(kind === 'text' ? TEXT : BINARY, Buffer.alloc(size, 'a'), [1, 2, 3, 4]);
  return { frame, answer: frame.length - 4 }; // servers do not mask
}

export class Client {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Opens a connection; rejects if the server refuses it. */
  static connect(url: string, path: string): Promise<Client> {
    const { hostname, port, host } = new URL(url);
    return new Promise((settle, fail) => {
      const socket = open(Number(port), hostname, () => socket.write(handshake(host, path)));
      socket.setNoDelay(true);
      socket.once('error', fail);
      let answer = '';
      const read = (data: Buffer) => {
        answer += data.toString('latin1');
        if (!answer.includes('\r\n\r\n')) return;
        socket.off('data', read).off('error', fail).on('error', fail);
        if (answer.startsWith('HTTP/1.1 101 ')) settle(new Client(socket));
        else fail(new Error(`the server answered ${answer}`));
      };
      socket.on('data', read);
    });
  }

  /** Calls `received` with the number of answers that came. */
  listen(size: number, received: (count: number) => void): void {
    let bytes = 0;
    this.#socket.on('data', ({ length }) => {
      bytes += length;
      const count = Math.floor(bytes / size);
      bytes -= count * size;
      if (count > 0) received(count);
    });
  }

  send(frame: Buffer): void {
    this.#socket.write(frame);
  }

  drop(): void {
    this.#socket.destroy();
  }
}

function handshake(host: string, path: string): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '\r\n',
  ].join('\r\n');
}
