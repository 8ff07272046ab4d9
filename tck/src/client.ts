// A WebSocket client for tests: everything that the server sends arrives in one inbox, in order.

import { type ClientOptions, WebSocket } from 'ws';

/** What came from the server. A text message is its string; bytes are shown in hexadecimal. */
export type Received =
  | { readonly text: string }
  | { readonly binary: string }
  | { readonly ping: string }
  | { readonly pong: string }
  | { readonly close: number; readonly reason: string };

/** How long a test waits for the server before it fails, in ms. */
export const PATIENCE = 10_000;

/** How to connect: the options of `ws`, the subprotocols to offer, and how long to wait for the server, in ms. */
export type ClientSettings = ClientOptions & { readonly protocols?: string[]; readonly patience?: number };

export class Client {
  /** Everything that has come and was not taken by `next` yet. */
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

  /** Connects; throws if the server refuses. */
  static async connect(url: string, settings: ClientSettings = {}): Promise<Client> {
    const { protocols = [], patience = PATIENCE, ...options } = settings;
    const socket = new WebSocket(url, protocols, { handshakeTimeout: patience, ...options });
    const client = new Client(socket, patience);
    await new Promise<void>((opened, refused) => {
      socket.once('open', opened);
      socket.once('error', refused);
    });
    socket.on('error', () => {}); // what is wrong shows in the close
    return client;
  }

  /** The next thing that comes from the server; throws when nothing comes, and names what was awaited. */
  async next(awaited = 'anything'): Promise<Received> {
    if (this.inbox.length === 0) {
      await new Promise<void>((woken, tired) => {
        const timer = setTimeout(
          () => tired(new Error(`awaited ${awaited}, but nothing came from the server for ${this.patience} ms`)),
          this.patience,
        );
        this.#wake = () => {
          clearTimeout(timer);
          woken();
        };
      });
    }
    return this.inbox.shift() as Received;
  }

  /** The next close, and nothing before it. */
  async closed(): Promise<Received> {
    const received = await this.next('a close');
    if (!('close' in received)) throw new Error(`awaited a close, but ${JSON.stringify(received)} came`);
    return received;
  }

  text(data: string): void {
    this.socket.send(data);
  }

  close(code?: number, reason?: string): void {
    this.socket.close(code, reason);
  }

  /** Cuts the connection, without a close frame. */
  cut(): void {
    this.socket.terminate();
  }
}
