// The sample handlers and the servers of the adapter conform. `npm start` prints this as a table.

import type { createAdapter as bun } from '@websock/adapter/bun';
import type { createAdapter as cloudflare } from '@websock/adapter/cloudflare';
import type { createAdapter as deno } from '@websock/adapter/deno';
import type { createAdapter as node } from '@websock/adapter/node';
import type { Assert, HandlerConforms, ServerConforms } from '@websock/spec/conformance';
import type { chat } from '../../examples/chat/chat.ts';
import type { echo } from '../../examples/echo/echo.ts';
import type { control, probe } from '../../tck/src/probe.ts';

export type Echo = Assert<HandlerConforms<typeof echo>>;
export type Chat = Assert<HandlerConforms<ReturnType<typeof chat>>>;
export type Probe = Assert<HandlerConforms<typeof probe>>;
export type Control = Assert<HandlerConforms<typeof control>>;
export type Node = Assert<ServerConforms<ReturnType<typeof node>['upgrade']>>;
export type Bun = Assert<ServerConforms<ReturnType<typeof bun>['upgrade']>>;
export type Deno = Assert<ServerConforms<ReturnType<typeof deno>['upgrade']>>;
export type Cloudflare = Assert<ServerConforms<ReturnType<typeof cloudflare>['upgrade']>>;
