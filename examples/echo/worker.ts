// The echo handler on Cloudflare, in a Durable Object.

import { accept, createFetch } from '@websock/adapter/cloudflare';
import { echo } from './echo.ts';

export class Room {
  readonly fetch = createFetch(() => accept(echo)).fetch;
}

export default {
  fetch: (request: Request, env: any) => env.ROOM.get(env.ROOM.idFromName('kitchen')).fetch(request),
};
