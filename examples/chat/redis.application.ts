// The chat over Redis, without its page and its log, for redis.test.ts.

import { createClient } from '@redis/client';
import { redis } from '@websock/pubsub/redis';
import { createRooms } from './chat.ts';
import { chatRoute } from './route.ts';

const { REDIS_URL = 'redis://127.0.0.1:6379' } = process.env;

export const route = chatRoute({
  rooms: createRooms(redis(createClient({ url: REDIS_URL }))),
  origins: new Set(),
  file: () => undefined,
  log: () => {},
});
