import { type ClientMessages, json, type ServerMessages } from '@websock/adapter/json';
import * as z from 'zod';

export const protocol = {
  in: z.discriminatedUnion('type', [
    z.object({ type: z.literal('add'), amount: z.number() }),
    z.object({ type: z.literal('reset') }),
  ]),
  out: z.object({ type: z.literal('total'), total: z.number() }),
};
export type FromClient = ClientMessages<typeof protocol>; // for the page: import type { FromClient } from …
export type FromServer = ServerMessages<typeof protocol>;

export const counter = json(protocol)({
  init: () => ({ type: 'ok', state: 0 }),
  handleMessage(message, state) {
    const total = message.type === 'add' ? state + message.amount : 0;
    return { type: 'push', messages: { type: 'total', total }, state: total };
  },
  handleInfo: (_info, state) => ({ type: 'ok', state }),
});
