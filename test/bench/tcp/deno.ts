import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';
import { echoer } from './echo.ts';

interface Connection {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  setNoDelay(on: boolean): void;
}

declare const Deno: {
  listen(options: { port: number; hostname: string }): AsyncIterable<Connection> & { readonly addr: { port: number } };
};

async function serve(connection: Connection): Promise<void> {
  connection.setNoDelay(true);
  const buffer = new Uint8Array(65_536);
  const pending: Promise<void>[] = [];
  const echo = echoer((bytes) => pending.push(writeAll(connection, bytes)));
  for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
    echo(buffer.subarray(0, count));
    await Promise.all(pending.splice(0));
  }
}

async function writeAll(connection: Connection, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(await connection.write(rest));
}

const listener = Deno.listen({ port: 0, hostname: '127.0.0.1' });
console.log(`ws://127.0.0.1:${listener.addr.port}`);
untilInputEnds(async () => {});
for await (const connection of listener) serve(connection).catch(() => {}); // the client has left
