// A WebSocket client for tests, which keeps everything that the server sends in one inbox, in order.

import { type ClientOptions, WebSocket } from 'ws';

/** Something from the server. The data of a binary message is in hexadecimal. */
export type Received =
  | { readonly text: string }
  | { readonly binary: string }
  | { readonly ping: string }
  | { readonly pong: string }
  | { readonly close: number; readonly reason: string };

/** The default time that a test waits for the server, in ms. */
export const PATIENCE = 10_000;

/** The options of `ws`, the subprotocols to offer, and the time to wait for the server, in ms. */
export type ClientSettings = ClientOptions & { readonly protocols?: string[]; readonly patience?: number };

export class Client {
  /** Everything received that `next` has not returned yet. */
  readonly inbox: Received[] = [];
  #wake = () => {};

  private constructor(
    readonly socket: WebSocket,
    readonly patience: number,
  ) {
    const receive = (received: Received) => {
      this.inbox.push(received);
      this.#wake();
    };
    socket.on('message', (data: Buffer, isBinary) =>
      receive(isBinary ? { binary: data.toString('hex') } : { text: data.toString() }),
    );
    socket.on('ping', (data) => receive({ ping: data.toString() }));
    socket.on('pong', (data) => receive({ pong: data.toString() }));
    socket.on('close', (close, reason) => receive({ close, reason: reason.toString() }));
  }

  /** Connects. Throws if the server refuses. */
  static async connect(url: string, settings: ClientSettings = {}): Promise<Client> {
    const { protocols = [], patience = PATIENCE, ...options } = settings;
    const socket = new WebSocket(url, protocols, { handshakeTimeout: patience, ...options });
    const client = new Client(socket, patience);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    socket.on('error', () => {}); // the 'close' event follows
    return client;
  }

  /** The next thing from the server. Throws if nothing comes in time; `expected` is part of the error. */
  async next(expected = 'anything'): Promise<Received> {
    if (this.inbox.length === 0) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`expected ${expected}, but nothing came from the server for ${this.patience} ms`)),
          this.patience,
        );
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.inbox.shift() as Received;
  }

  /** The close. Throws if anything else comes first. */
  async closed(): Promise<Received> {
    const received = await this.next('a close');
    if (!('close' in received)) throw new Error(`expected a close, but got ${JSON.stringify(received)}`);
    return received;
  }

  text(data: string): void {
    this.socket.send(data);
  }

  close(code?: number, reason?: string): void {
    this.socket.close(code, reason);
  }

  /** Closes the connection without a close frame. */
  cut(): void {
    this.socket.terminate();
  }
}
