// Broadcasts to a room. A client that reads slowly misses lines, and does not delay the others.

import { createPubSub } from '@websock/pubsub';
import type { WebSock } from '@websock/spec';

const lines = createPubSub<string>(); // with more processes: createPubSub<string>({ broker: redis(createClient()) })

export const member = {
  async init(name, mailbox) {
    await lines.subscribe('room', mailbox); // until the connection ends
    await lines.publish('room', `* ${name} is here`);
    return { type: 'ok', state: { name, mailbox } };
  },
  async handleIn(frame, state) {
    if (frame.opcode === 'text') await lines.publish('room', `${state.name}: ${frame.data}`);
    return { type: 'ok', state };
  },
  // is called only while at most `maxUnsentBytes` are unsent
  handleInfo(data, state) {
    if (state.mailbox.waiting >= 1_000) return { type: 'ok', state }; // the client reads too slowly, and misses this line
    return { type: 'push', messages: { opcode: 'text', data }, state };
  },
} satisfies WebSock<{ name: string; mailbox: WebSock.Mailbox<string> }, string, string>;
