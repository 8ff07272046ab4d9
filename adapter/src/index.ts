// The exports that need no platform, for routes that several platforms share.

export type { AdapterOptions } from './adapter.ts';
export type { Cannot, Capability } from './capabilities.ts';
export type { ShutdownOptions } from './connection/connections.ts';
export type {
  ClosedConnection,
  ConnectionInfo,
  Count,
  EndRule,
  HandledCallback,
  Observer,
  Refusal,
  Traffic,
} from './observer.ts';
export type { Bounds } from './options.ts';
export type { ErrorContext, FailedCallback } from './report.ts';
export { type Accepted, accept, type Route, type RouteResult } from './route.ts';
export type { ServeOptions, Serving } from './serve.ts';
