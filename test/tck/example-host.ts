// The smallest host of the probe, to begin with: `npx tsx test/tck/example-host.ts`.

import { createServer } from 'node:http';
import { upgrade } from '../../adapter/src/node.ts'; // put your own in its place
import { application } from './application.ts';

const limits = {}; // what yours cannot do, and why: { pause: 'the platform cannot stop reading' }
const server = createServer((_request, response) => response.writeHead(404).end());
server.on('upgrade', (request, socket, head) => {
  const service = application({ url: request.url ?? '/', limits });
  if (!service) socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
  else upgrade({ request, socket, head }, service.handler, service.arg, service.options);
});
server.listen(8080, '127.0.0.1', () => console.log('ws://127.0.0.1:8080'));
