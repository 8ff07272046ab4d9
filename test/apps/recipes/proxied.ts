// Behind a proxy: the address of the client.

import { accept, type Route } from '@websock/adapter';
import { member } from './room.ts';

export const route: Route = (request) => {
  // the proxy appends what it sees; the rest may be invented by the client
  const address = request.headers.get('x-forwarded-for')?.split(',').at(-1)?.trim();
  if (!address) return new Response('only through the proxy\n', { status: 403 });
  return accept(member, address);
};
