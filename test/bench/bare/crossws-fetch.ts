// The adapters of crossws for Bun and Deno, with the same limits.

import { untilInputEnds } from '../../toolkit/hosts/exit-with-parent.ts';
import { createHooks, type Hooks } from './crossws-hooks.ts';

type Fetch = (request: Request, serverOrInfo: unknown) => Promise<Response | undefined>;

declare const Bun: { serve(options: object): { readonly port: number } };
declare const Deno: { serve(options: object, fetch: Fetch): unknown };

type Adapter = (options: { hooks: Hooks; idleTimeout: number }) => {
  readonly websocket: object;
  handleUpgrade: Fetch;
  publish(topic: string, data: unknown): void;
};

const onBun = 'Bun' in globalThis;
const { default: crossws } = (await import(`crossws/adapters/${onBun ? 'bun' : 'deno'}`)) as { default: Adapter };
const adapter = crossws({ hooks: createHooks((topic, data) => adapter.publish(topic, data)), idleTimeout: 0 });
const listening = ({ port }: { readonly port: number }) => console.log(`ws://127.0.0.1:${port}`);
const address = { port: 0, hostname: '127.0.0.1' };

if (onBun) {
  const websocket = { ...adapter.websocket, maxPayloadLength: 10_000_000, backpressureLimit: 0 };
  listening(Bun.serve({ ...address, development: false, websocket, fetch: adapter.handleUpgrade }));
} else Deno.serve({ ...address, onListen: listening }, adapter.handleUpgrade);

untilInputEnds(async () => {});
