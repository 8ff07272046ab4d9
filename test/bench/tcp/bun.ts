import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';
import { echoer } from './echo.ts';

interface Socket {
  data: { readonly echo: (bytes: Uint8Array) => void; unsent: Uint8Array[] };
  write(bytes: Uint8Array): number;
  setNoDelay(on: boolean): void;
}

declare const Bun: {
  listen(options: {
    port: number;
    hostname: string;
    socket: { open(socket: Socket): void; data(socket: Socket, bytes: Uint8Array): void; drain(socket: Socket): void };
  }): { readonly port: number };
};

/** Writes what the system takes; the rest when it drains. */
function write(socket: Socket, bytes: Uint8Array): void {
  const { unsent } = socket.data;
  if (unsent.length > 0) unsent.push(bytes.slice());
  else {
    const written = Math.max(socket.write(bytes), 0);
    if (written < bytes.length) unsent.push(bytes.slice(written));
  }
}

const { port } = Bun.listen({
  port: 0,
  hostname: '127.0.0.1',
  socket: {
    open(socket) {
      socket.setNoDelay(true);
      socket.data = { echo: echoer((bytes) => write(socket, bytes)), unsent: [] };
    },
    data: (socket, bytes) => socket.data.echo(bytes),
    drain(socket) {
      for (const bytes of socket.data.unsent.splice(0)) write(socket, bytes);
    },
  },
});
console.log(`ws://127.0.0.1:${port}`);

untilInputEnds(async () => {});
