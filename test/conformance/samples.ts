// The sample handlers and the reference servers conform. `npm start` prints this as a table.

import type { Assert, HandlerConforms, ServerConforms } from '@websock/spec/conformance';
import type { upgrade as bun } from '../../adapter/src/bun.ts';
import type { upgrade as workerd } from '../../adapter/src/cloudflare.ts';
import type { upgrade as deno } from '../../adapter/src/deno.ts';
import type { upgrade as ws } from '../../adapter/src/node.ts';
import type { control, probe } from '../../tck/src/probe.ts';
import type { chat } from '../apps/chat/chat.ts';
import type { echo } from '../apps/echo/echo.ts';

export type Echo = Assert<HandlerConforms<typeof echo>>;
export type Chat = Assert<HandlerConforms<ReturnType<typeof chat>>>;
export type Probe = Assert<HandlerConforms<typeof probe>>;
export type Control = Assert<HandlerConforms<typeof control>>;
export type Ws = Assert<ServerConforms<typeof ws>>;
export type Bun = Assert<ServerConforms<typeof bun>>;
export type Deno = Assert<ServerConforms<typeof deno>>;
export type Workerd = Assert<ServerConforms<typeof workerd>>;
