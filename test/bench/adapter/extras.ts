// What an application may add to the adapter, each measured by itself.

import { json } from '@websock/adapter/json';
import { limitMessages } from '@websock/adapter/limits';
import type { AdapterOptions, ClosedConnection } from '@websock/adapter/node';
import type { WebSock } from '@websock/spec';
import * as z from 'zod';
import { handlerOf } from './handlers.ts';

export type Extra = 'observer' | 'json' | 'limits' | 'signal';

/** What the adapter of this process serves, and how. */
export interface Setup {
  readonly options: AdapterOptions;
  readonly handlerOf: (path: string) => WebSock.Any;
}

const counts = { open: 0, milliseconds: 0, bytes: 0 };
const ends = new Map<ClosedConnection['rule'], number>();

/** Counts, as metrics do. */
const observer: AdapterOptions['observer'] = {
  opened() {
    counts.open += 1;
  },
  handled(_connection, { ms }) {
    counts.milliseconds += ms;
  },
  closed(_connection, closed) {
    counts.open -= 1;
    counts.bytes += closed.received.text.bytes;
    ends.set(closed.rule, (ends.get(closed.rule) ?? 0) + 1);
  },
};

/** An echo of strings that a schema checks in both directions. */
const checked = json({ in: z.string().max(100), out: z.string().max(100) })({
  init: () => ({ type: 'ok', state: undefined }),
  handleMessage: (message, state) => ({ type: 'push', messages: message, state }),
  handleInfo: (_info, state) => ({ type: 'ok', state }),
});

/** An echo that learns by the signal when its connection ends. */
const signalled: WebSock<undefined> = {
  ...(handlerOf('/') as WebSock<undefined>),
  init(_arg, { signal }) {
    signal.addEventListener('abort', () => {
      counts.open -= 1;
    });
    return { type: 'ok', state: undefined };
  },
};

/** Reads which extra to add, from JSON such as `{ "with": "limits" }`; by default none. */
export function setupOf(options = '{}'): Setup {
  const { with: extra } = JSON.parse(options) as { with?: Extra };
  const limited = limitMessages(handlerOf('/'), { perSecond: 1e9, burst: 1e9, over: 'wait' });
  const handlers: { readonly [Of in Extra]?: WebSock.Any } = { json: checked, limits: limited, signal: signalled };
  const handler = extra && handlers[extra];
  return {
    options: extra === 'observer' ? { observer } : {},
    handlerOf: handler ? () => handler : handlerOf,
  };
}
