// What a route that is shared between platforms needs, and nothing that drags in a platform.

export { type Accepted, accept, type Route, type RouteResult } from './accept.ts';
export type { AdapterOptions, ServeOptions, Serving } from './adapter.ts';
export type { Bounds, Cannot, Capability, ErrorContext, FailedCallback, ShutdownOptions } from './connection.ts';
