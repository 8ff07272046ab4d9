import { type AddressInfo, createServer } from 'node:net';
import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';
import { echoer } from './echo.ts';

const server = createServer({ noDelay: true }, (socket) => {
  socket
    .on(
      'data',
      echoer((bytes) => socket.write(bytes)),
    )
    .on('error', () => {});
});
server.listen(0, '127.0.0.1', () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));

untilInputEnds(async () => {});
