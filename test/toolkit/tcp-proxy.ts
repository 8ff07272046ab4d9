// A TCP proxy, whose connections a test can cut.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class TcpProxy {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #isPaused = false;

  private constructor(target: number) {
    this.#server = createServer((client) => {
      const server = connect(target, '127.0.0.1');
      const pair = [client, server];
      for (const socket of pair) {
        this.#sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => {});
        socket.once('close', () => {
          this.#sockets.delete(socket);
          for (const each of pair) each.destroy();
        });
      }
      client.pipe(server);
      server.pipe(client);
      if (this.#isPaused) for (const socket of pair) socket.pause();
    });
  }

  /** Forwards to a port of this machine. */
  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts all connections; new ones are accepted. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Stops forwarding: connections stay open, and neither side notices. */
  freeze(): void {
    this.#isPaused = true;
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.pause();
    }
  }

  /** Forwards new connections, while those that {@link freeze} has stopped hang. */
  melt(): void {
    this.#isPaused = false;
  }

  /** Cuts the connections that {@link freeze} has stopped, and forwards new ones. */
  thaw(): void {
    this.#isPaused = false;
    this.cut();
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }
}
