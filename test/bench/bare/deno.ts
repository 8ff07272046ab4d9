// `Deno.upgradeWebSocket` alone, with the adapter's settings.

import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';
import { collectGarbage } from './garbage.ts';
import { workBy } from './work.ts';

interface Socket {
  binaryType: string;
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: string | ArrayBuffer }) => void) | null;
  onclose: (() => void) | null;
  send(data: string | ArrayBuffer): void;
}

declare const Deno: {
  serve(
    options: { port: number; hostname: string; onListen(address: { port: number }): void },
    handler: (request: Request) => Response,
  ): unknown;
  upgradeWebSocket(request: Request, options: { idleTimeout: number }): { socket: Socket; response: Response };
};

const workOf = workBy<Socket>((socket, data) => socket.send(data));

const onListen = ({ port }: { port: number }) => console.log(`ws://127.0.0.1:${port}`);
Deno.serve({ port: 0, hostname: '127.0.0.1', onListen }, (request) => {
  if (!request.headers.has('upgrade')) {
    collectGarbage();
    return new Response();
  }
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 60 });
  const { message, opened, closed } = workOf(new URL(request.url).pathname);
  socket.binaryType = 'arraybuffer';
  socket.onmessage = ({ data }) => message(socket, data);
  if (opened) socket.onopen = () => opened(socket);
  if (closed) socket.onclose = () => closed(socket);
  return response;
});

untilInputEnds(async () => {});
