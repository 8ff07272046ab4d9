import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdapter } from '@websock/adapter/node';
import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';
import { collectGarbage } from '../bare/garbage.ts';
import { setupOf } from './extras.ts';

const { options, handlerOf } = setupOf(process.env['ADAPTER_OPTIONS']);
const { upgrade, shutdown } = createAdapter(options);
const server = createServer((_request, response) => {
  collectGarbage();
  response.end();
});
server.on('upgrade', (request, socket, head) =>
  upgrade({ request, socket, head }, handlerOf(request.url ?? ''), undefined),
);
server.listen(0, '127.0.0.1', () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));

untilInputEnds(() => shutdown());
