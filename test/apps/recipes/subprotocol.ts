// Choose a subprotocol: the newest one that both sides speak.

import { accept, type Route } from '@websock/adapter';
import { member } from './room.ts';

const spoken = ['chat.v2', 'chat.v1']; // newest first

export const route: Route = (request) => {
  const offered = (request.headers.get('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
  const protocol = spoken.find((name) => offered.includes(name));
  if (protocol === undefined) return new Response(`offer one of ${spoken.join(', ')}\n`, { status: 400 });
  return accept(member, 'somebody', { protocol });
};
