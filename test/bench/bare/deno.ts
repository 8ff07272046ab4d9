// Echo on `Deno.upgradeWebSocket` alone, set up as the reference server sets it up.

import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';

interface Socket {
  binaryType: string;
  onmessage: ((event: { readonly data: string | ArrayBuffer }) => void) | null;
  send(data: string | ArrayBuffer): void;
}

declare const Deno: {
  serve(
    options: { port: number; hostname: string; onListen(address: { port: number }): void },
    handler: (request: Request) => Response,
  ): unknown;
  upgradeWebSocket(request: Request, options: { idleTimeout: number }): { socket: Socket; response: Response };
};

const onListen = ({ port }: { port: number }) => console.log(`ws://127.0.0.1:${port}`);
Deno.serve({ port: 0, hostname: '127.0.0.1', onListen }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 60 });
  socket.binaryType = 'arraybuffer';
  socket.onmessage = ({ data }) => socket.send(data);
  return response;
});

untilInputEnds(async () => {});
