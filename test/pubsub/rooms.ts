// The example of pubsub/README.md.

import { createPresence, createPubSub } from '@websock/pubsub';
import type { WebSock } from '@websock/spec';

type Line = { readonly from: string; readonly text: string };

const lines = createPubSub<Line>(); // with more processes: createPubSub<Line>({ broker: redis(createClient()) })
const who = createPresence<{ readonly name: string }>(lines);

export const member = {
  async init({ name, room }, mailbox) {
    await lines.subscribe(room, mailbox);
    await who.track(room, mailbox, { name });
    const names = who.list(room).map((each) => each.name);
    return {
      type: 'push',
      messages: { opcode: 'text', data: `here: ${names.join(', ')}` },
      state: { name, room },
    };
  },
  async handleIn(frame, state) {
    if (frame.opcode === 'text') await lines.publish(state.room, { from: state.name, text: frame.data });
    return { type: 'ok', state };
  },
  handleInfo: ({ from, text }, state) => ({
    type: 'push',
    messages: { opcode: 'text', data: `${from}: ${text}` },
    state,
  }),
} satisfies WebSock<{ name: string; room: string }, Line, { name: string; room: string }>;
