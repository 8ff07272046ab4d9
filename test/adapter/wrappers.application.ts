// Typed and limited handlers for every platform: see json.test.ts and limits.test.ts.

import { accept, type Route } from '@websock/adapter';
import { json } from '@websock/adapter/json';
import { limitConnections, limitMessages } from '@websock/adapter/limits';
import type { WebSock } from '@websock/spec';
import * as z from 'zod';

/** Any JSON, however deep; the validator of it is recursive. */
const tree: z.ZodType = z.lazy(() => z.union([z.string(), z.array(tree), z.record(z.string(), tree)]));

/** Sends back what `in` makes of it, and the number of messages so far. */
const parrot = json({ in: z.object({ say: z.string() }), out: z.object({ said: z.string(), count: z.number() }) })({
  init: () => ({ type: 'ok', state: 0 }),
  handleMessage: ({ say }, count) => ({ type: 'push', messages: { said: say, count }, state: count + 1 }),
  handleInfo: (_info, count) => ({ type: 'ok', state: count }),
});

const gardener = json({
  in: tree,
  out: z.string(),
  invalid: (issues, state) => ({ type: 'push', messages: issues[0]?.message ?? '', state }),
})({
  init: () => ({ type: 'ok', state: null }),
  handleMessage: (_message, state) => ({ type: 'push', messages: 'a tree', state }),
  handleInfo: (_info, state) => ({ type: 'ok', state }),
});

const counter: WebSock<number> = {
  init: () => ({ type: 'ok', state: 0 }),
  handleIn: (_frame, count) => ({ type: 'push', messages: { opcode: 'text', data: String(count) }, state: count + 1 }),
  handleInfo: (_info, count) => ({ type: 'ok', state: count }),
};
const slowed = limitMessages(counter, { perSecond: 50, burst: 3, over: 'wait' });
const stopped = limitMessages(counter, { perSecond: 0.001, burst: 3, over: 'stop' });
const failing: WebSock<number> = {
  ...counter,
  init: () => {
    throw new Error('init fails');
  },
};

const counted = limitConnections(
  (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (searchParams.has('refused')) return new Response('refused\n', { status: 403 });
    if (searchParams.has('protocol')) return accept(counter, undefined, { headers: { Upgrade: 'no' } });
    return accept(pathname === '/failing' ? failing : counter);
  },
  { key: (request) => new URL(request.url).searchParams.get('key') ?? '', max: 2 },
);

export const route: Route = (request, platform) => {
  const { pathname } = new URL(request.url);
  if (pathname === '/parrot') return accept(parrot);
  if (pathname === '/tree') return accept(gardener);
  if (pathname === '/slowed') return accept(slowed);
  if (pathname === '/stopped') return accept(stopped);
  return counted(request, platform);
};
