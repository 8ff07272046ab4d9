// The chat example without its page and its log, for hosts of every platform.

import { createRooms } from '../examples/chat/chat.ts';
import { chatRoute } from '../examples/chat/route.ts';

export const route = chatRoute({ rooms: createRooms(), origins: new Set(), file: () => undefined, log: () => {} });
