// In the browser: a client of typed.ts. Only types are imported from the server, so the bundle contains no schemas.

import { connect } from './reconnect.js';
import type { FromClient, FromServer } from './typed.ts';

export interface Listener {
  onMessage(message: FromServer): void;
  onState(isOpen: boolean): void;
  onEnd(code: number): void;
}

export function connectTyped(url: string, { onMessage, onState, onEnd }: Listener) {
  const { send, close } = connect(url, { onMessage: ({ data }) => onMessage(JSON.parse(data)), onState, onEnd });
  return { send: (message: FromClient) => send(JSON.stringify(message)), close };
}
