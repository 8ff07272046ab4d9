// For platforms.test.ts: the rooms of pubsub/README.md, on each platform.

import { accept, type Route } from '@websock/adapter';
import { member } from './rooms.ts';

export const route: Route = (request) => {
  const { searchParams } = new URL(request.url);
  return accept(member, { name: searchParams.get('name') ?? '', room: searchParams.get('room') ?? '' });
};
