// The examples of the README, as they stand there; readme.test.ts compares them.

import type { Server } from 'node:http';
import type { WebSock } from '@websock/spec';
import { upgrade } from '../../adapter/src/node.ts';

export function serve(httpServer: Server) {
  httpServer.on('upgrade', (request, socket, head) => {
    upgrade(
      { request, socket, head },
      {
        init: (visitor) => ({ type: 'ok', state: { name: visitor.name, count: 0 } }),
        handleIn: (frame, state) => {
          if (frame.opcode === 'binary') return { type: 'stop', reason: 'normal', close: { code: 1003 }, state };
          const count = state.count + 1;
          const text = `${state.name}, ${count}: ${frame.data}`;
          return { type: 'push', messages: { opcode: 'text', data: text }, state: { ...state, count } };
        },
        handleInfo: (_info, state) => ({ type: 'ok', state }),
      },
      { name: 'alice' }, // the arg: it comes to init
      { idleTimeout: 30_000, compress: true },
    );
  });
}

const clocks = new Set<WebSock.Mailbox<Date>>();
setInterval(() => {
  for (const clock of clocks) clock.post(new Date());
}, 1000);

export const clock = {
  init(_arg, mailbox) {
    clocks.add(mailbox);
    return { type: 'ok', state: mailbox };
  },
  handleIn: (_frame, mailbox) => ({ type: 'ok', state: mailbox }),
  handleInfo: (now, mailbox) => ({
    type: 'push',
    messages: { opcode: 'text', data: now.toISOString() },
    state: mailbox,
  }),
  terminate: (_reason, mailbox) => clocks.delete(mailbox),
} satisfies WebSock<WebSock.Mailbox<Date>, Date, undefined>;

export class Counter implements WebSock<number, unknown, undefined> {
  init(): WebSock.Ok<number> {
    return { type: 'ok', state: 0 };
  }
  async handleIn(_frame: WebSock.DataFrame, count: number): Promise<WebSock.HandleResult<number>> {
    return { type: 'push', messages: { opcode: 'text', data: String(count) }, state: count + 1 };
  }
  handleInfo(_info: unknown, count: number): WebSock.Ok<number> {
    return { type: 'ok', state: count };
  }
}
