// The connection code between a socket and a handler: it queues events, calls callbacks one at a time, applies their
// results, and closes. Each server of this package implements `Wire`, and so can yours. Rule numbers refer to SPEC.md in
// @websock/spec.
//
//   const connections = new Connections({ onError });                   // one for each server
//   checkHandler(handler);                                              // throws; call it before you answer the handshake
//   const checked = checkOptions(options);
//   const connection = new Connection(connections, wire, handler, checked);
//   connection.open(arg);                                               // the handshake is complete
//   connection.data({ opcode: 'text', data: 'hello' });                 // an event from the client
//   connection.gone();                                                  // the socket has closed
//   await connections.shutdown();

export type { Cannot, Capability } from '../capabilities.ts';
export { checkHandler } from '../handler.ts';
export { offeredIn, refusal, subprotocol } from '../handshake.ts';
export type {
  ClosedConnection,
  ConnectionInfo,
  Count,
  EndRule,
  HandledCallback,
  Observer,
  Refusal,
  Traffic,
} from '../observer.ts';
export { type Bounds, type CheckedBounds, type CheckedOptions, checkOptions } from '../options.ts';
export type { ErrorContext, ErrorReporter, FailedCallback } from '../report.ts';
export type { Clock } from './clock.ts';
export { isSendableCode, truncateReason } from './close.ts';
export { Connection } from './connection.ts';
export { Connections, type ConnectionsOptions, type ShutdownOptions } from './connections.ts';
export type { Wire } from './wire.ts';
