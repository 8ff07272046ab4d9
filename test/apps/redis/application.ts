// The chat handler in one of many processes: the path is the room, and `name` in the query is who enters it.

import { type Application, service } from '../../toolkit/hosts/application.ts';
import { chat } from '../chat/chat.ts';
import { redisRooms } from './redis.ts';

const { REDIS_URL = 'redis://127.0.0.1:6379' } = process.env;
const handler = chat(redisRooms(REDIS_URL));

const application: Application = ({ url }) => {
  const { pathname, searchParams } = new URL(url, 'ws://host');
  return service(handler, { room: pathname.slice(1), name: searchParams.get('name') ?? 'nobody' });
};

export default application;
