// A query and a subscription, with the client of graphql-ws.

import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws'; // Node.js 20 has no WebSocket

const client = createClient({
  url: `ws://127.0.0.1:${process.env['PORT'] ?? 8080}`,
  webSocketImpl: WebSocket,
  connectionParams: { token: 'a-token' },
});

for (const query of ['{ whoami }', 'subscription { countdown(from: 3) }']) {
  for await (const { data, errors } of client.iterate({ query })) console.log(data ?? errors);
}
await client.dispose();
