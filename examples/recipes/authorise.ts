// Authorises before the upgrade, and refuses pages of other sites.

import { accept, type Route } from '@websock/adapter';
import { member } from './room.ts';
import { userOf } from './users.ts'; // yours

const origins = new Set(['https://app.example']);

export const route: Route = async (request) => {
  const origin = request.headers.get('origin'); // only browsers send it
  if (origin !== null && !origins.has(origin)) return new Response('not from that page\n', { status: 403 });

  const cookie = /(?:^|; )session=([^;]+)/.exec(request.headers.get('cookie') ?? '')?.[1];
  const token = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1]; // browsers cannot set this header
  const user = await userOf(cookie ?? token);
  if (!user) return new Response('who are you?\n', { status: 401 });

  return accept(member, user.name, { maxMessageSize: 64_000 });
};
