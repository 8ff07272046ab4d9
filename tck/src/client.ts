// A WebSocket client for tests: everything that the server sends comes out of one inbox, in order.

import { type ClientOptions, WebSocket } from 'ws';

/** What came from the server. A text message is its string; bytes are shown in hexadecimal. */
export type Received =
  | { readonly text: string }
  | { readonly binary: string }
  | { readonly ping: string }
  | { readonly pong: string }
  | { readonly close: number; readonly reason: string };

/** How long a test waits for the server before it fails, in ms. */
const PATIENCE = 10_000;

export class Client {
  /** Everything that has come and was not taken by `next` yet. */
  readonly inbox: Received[] = [];
  #wake = () => {};

  private constructor(readonly socket: WebSocket) {
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
  static async connect(url: string, options: ClientOptions & { protocols?: string[] } = {}): Promise<Client> {
    const socket = new WebSocket(url, options.protocols ?? [], { handshakeTimeout: PATIENCE, ...options });
    const client = new Client(socket);
    await new Promise<void>((opened, refused) => {
      socket.once('open', opened);
      socket.once('error', refused);
    });
    socket.on('error', () => {}); // what is wrong shows in the close
    return client;
  }

  /** The next thing that comes from the server; throws when nothing comes. */
  async next(): Promise<Received> {
    if (this.inbox.length === 0) {
      await new Promise<void>((woken, tired) => {
        const timer = setTimeout(() => tired(new Error(`nothing came from the server for ${PATIENCE} ms`)), PATIENCE);
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
    const received = await this.next();
    if (!('close' in received)) throw new Error(`expected a close, got ${JSON.stringify(received)}`);
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
