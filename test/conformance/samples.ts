// The sample handlers and the reference servers conform. `npm start` prints this as a table.

import type { Assert, HandlerConforms, ServerConforms } from '@websock/spec/conformance';
import type { chat } from '../handlers/chat.ts';
import type { echo } from '../handlers/echo.ts';
import type { control, probe } from '../handlers/probe.ts';
import type { upgrade as bun } from '../servers/bun.ts';
import type { upgrade as deno } from '../servers/deno.ts';
import type { upgrade as workerd } from '../servers/workerd.ts';
import type { upgrade as ws } from '../servers/ws.ts';

export type Echo = Assert<HandlerConforms<typeof echo>>;
export type Chat = Assert<HandlerConforms<ReturnType<typeof chat>>>;
export type Probe = Assert<HandlerConforms<typeof probe>>;
export type Control = Assert<HandlerConforms<typeof control>>;
export type Ws = Assert<ServerConforms<typeof ws>>;
export type Bun = Assert<ServerConforms<typeof bun>>;
export type Deno = Assert<ServerConforms<typeof deno>>;
export type Workerd = Assert<ServerConforms<typeof workerd>>;
