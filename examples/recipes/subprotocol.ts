// Chooses the newest subprotocol that both sides support.

import { accept, type Route } from '@websock/adapter';
import { member } from './room.ts';

const supported = ['chat.v2', 'chat.v1']; // newest first

export const route: Route = (request) => {
  const offered = (request.headers.get('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
  const protocol = supported.find((name) => offered.includes(name));
  if (protocol === undefined) return new Response(`offer one of ${supported.join(', ')}\n`, { status: 400 });
  return accept(member, 'guest', { protocol });
};
