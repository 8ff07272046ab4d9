// The messages between the server and the page, which imports their types.

import type { ClientMessages, ServerMessages } from '@websock/adapter/json';
import * as z from 'zod';

const id = z.uuid();
const text = z.string().max(500);
const part = z.number().min(0).max(1); // of the width or height of the board
const note = z.object({ id, author: z.string(), text, x: part, y: part });
const remove = z.object({ type: z.literal('remove'), id });

export const protocol = {
  in: z.discriminatedUnion('type', [z.object({ type: z.literal('put'), id, text, x: part, y: part }), remove]),
  out: z.discriminatedUnion('type', [
    z.object({ type: z.literal('all'), notes: z.array(note) }),
    z.object({ type: z.literal('put'), note }),
    z.object({ type: z.literal('full') }),
    remove,
  ]),
};

export type Note = z.infer<typeof note>;
export type FromClient = ClientMessages<typeof protocol>;
export type FromServer = ServerMessages<typeof protocol>;
