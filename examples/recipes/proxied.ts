// Reads the client's address behind a proxy.

import { accept, type Route } from '@websock/adapter';
import { member } from './room.ts';

export const route: Route = (request) => {
  // the proxy appends the address that it sees; the client may have forged the rest
  const address = request.headers.get('x-forwarded-for')?.split(',').at(-1)?.trim();
  if (!address) return new Response('only through the proxy\n', { status: 403 });
  return accept(member, address);
};
