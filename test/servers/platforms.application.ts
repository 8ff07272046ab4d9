// What platforms.test.ts asks of a server. The path names a connection, and the query has its `maxFrameSize`.

import type { WebSock } from '@websock/spec';
import { type Application, service } from './application.ts';

/** How connections have ended: their names, and what their `terminate` was told. */
const endings: [name: string, reason: string, error?: string][] = [];

const text = (data: string): WebSock.Message => ({ opcode: 'text', data });

const handler: WebSock<string> = {
  init: (name) => ({ type: 'ok', state: name }),
  handleIn(frame, name) {
    switch (frame.data) {
      case 'hang':
        return new Promise(() => {});
      case 'endings':
        return { type: 'push', messages: text(JSON.stringify(endings)), state: name };
      case 'messages': {
        const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(7);
        const messages: WebSock.Message[] = [
          { opcode: 'ping', data: 'ping' },
          { opcode: 'pong', data: Uint8Array.of(1) },
          { opcode: 'binary', data: new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2) },
          { opcode: 'binary', data: shared.subarray(1) },
          text('half a pair: \ud83d'),
        ];
        return { type: 'push', messages, state: name };
      }
      default:
        return { type: 'push', messages: text('ok'), state: name };
    }
  },
  handleInfo: (_info, name) => ({ type: 'ok', state: name }),
  terminate(reason, name) {
    const error = reason.type === 'error' ? [String(reason.error)] : [];
    endings.push([name, reason.type, ...(error as [string?])]);
  },
};

const application: Application = ({ url }) => {
  const { pathname, searchParams } = new URL(url, 'ws://host');
  return service(handler, pathname.slice(1), { maxFrameSize: Number(searchParams.get('maxFrameSize') ?? 1_000_000) });
};

export default application;
