// What platforms.test.ts asks of a server: data of every kind that the types allow.

import type { WebSock } from '@websock/spec';
import { type Application, service } from '../toolkit/hosts/application.ts';

const handler: WebSock<undefined> = {
  init: () => ({ type: 'ok', state: undefined }),
  handleIn() {
    const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(7);
    const messages: WebSock.Message[] = [
      { opcode: 'ping', data: 'ping' },
      { opcode: 'pong', data: Uint8Array.of(1) },
      { opcode: 'binary', data: new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2) },
      { opcode: 'binary', data: shared.subarray(1) },
      { opcode: 'text', data: 'half a pair: \ud83d' },
    ];
    return { type: 'push', messages, state: undefined };
  },
  handleInfo: () => ({ type: 'ok', state: undefined }),
};

const application: Application = () => service(handler, undefined);

export default application;
