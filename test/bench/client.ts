// A client that uses little time compared with the servers that it measures: frames are made once, and answers, all of the
// same size, are counted by their bytes.

import { connect as open, type Socket } from 'node:net';
import { BINARY, maskedFrame, TEXT } from '../../tck/src/raw-client.ts';

/** A message as a frame of the client, and the size of the server's frame for the same message, in bytes. */
export interface Sample {
  readonly frame: Buffer;
  readonly answer: number;
}

/** A message of a size, or a text. */
export function sample(kind: 'text' | 'binary', content: number | string): Sample {
  const data = Buffer.from(typeof content === 'number' ? 'a'.repeat(content) : content);
  if (kind === 'text' && typeof content === 'number') data[0] = data[content - 1] = '"'.charCodeAt(0); // so that it is JSON, too
  const frame = maskedFrame(kind === 'text' ? TEXT : BINARY, data, [1, 2, 3, 4]);
  return { frame, answer: frame.length - 4 }; // servers do not mask
}

/** What a protocol on top of WebSocket needs before anything else. */
export interface Greeting {
  /** What the client sends. */
  readonly frame: Buffer;
  /** What the server's answer contains. */
  readonly answer: string;
}

export class Client {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Opens a connection; rejects if the server refuses it. */
  static connect(url: string, path: string, greeting?: Greeting): Promise<Client> {
    const { hostname, port, host } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = open(Number(port), hostname, () => socket.write(handshake(host, path)));
      socket.setNoDelay(true);
      socket.once('error', reject);
      let answer = '';
      const read = (data: Buffer) => {
        answer += data.toString('latin1');
        if (!answer.includes('\r\n\r\n')) return;
        socket.off('data', read).off('error', reject).on('error', reject);
        if (!answer.startsWith('HTTP/1.1 101 ')) reject(new Error(`the server answered ${answer}`));
        else if (greeting) greet(greeting);
        else resolve(new Client(socket));
      };
      const greet = ({ frame, answer: expected }: Greeting) => {
        answer = '';
        socket.write(frame);
        socket.on('data', function listen(data: Buffer) {
          answer += data.toString('latin1');
          if (!answer.includes(expected)) return;
          socket.off('data', listen);
          resolve(new Client(socket));
        });
      };
      socket.on('data', read);
    });
  }

  /** Calls `received` with the number of answers that have arrived since the last call; each has `size` bytes. */
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
