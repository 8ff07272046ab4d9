// WebSock on Cloudflare Workers, in a Durable Object:
//
//   export class Room {
//     #sockets = createFetch((request) => accept(chat, arg));
//     fetch(request) { return this.#sockets.fetch(request); }
//   }
//   export default {
//     fetch: (request, env) => env.ROOM.get(env.ROOM.idFromName('kitchen')).fetch(request),
//   };
//
// Only connections of the same Durable Object can reach each other: otherwise a request cannot use another's socket.

import { type AcceptedUpgrade, Adapter, type AdapterOptions, checkRoute, withControls } from '../adapter.ts';
import type { Cannot } from '../capabilities.ts';
import { Connection } from '../connection/connection.ts';
import {
  createFetchHandler,
  createUpgrader,
  type Decided,
  type FetchAdapter,
  type FetchResult,
  type FetchResultOf,
  type UpgradeAdapter,
} from '../fetch/handler.ts';
import { chosenProtocol, handshakeHeaders } from '../fetch/messages.ts';
import type { Route } from '../route.ts';
import { CloudflareWire, createPair } from './wire.ts';

export * from '../index.ts';
export {
  createHibernation,
  type Hibernating,
  type Hibernation,
  type HibernationContext,
  type HibernationOptions,
} from './hibernation.ts';

/** What workerd 1.20260415 cannot do. */
export const cannot: Cannot = {
  rejectsHttp10: 'workerd does not show the version of HTTP',
  validatesUtf8: 'workerd never validates; malformed bytes arrive as U+FFFD',
  largeMessages: 'workerd accepts messages of up to 32 MiB',
  receivesControlFrames: 'workerd hides them',
  sendsControlFrames: 'workerd cannot send them; they are left out',
  sendsInflationErrorCode: 'workerd closes with 1002',
  rejectsUnmaskedFrames: 'workerd accepts them',
  rejectsLongControlFrames: 'workerd accepts long pings and pongs',
  rejectsShortCloseFrames: 'workerd takes them for close frames without a code',
  pingsByItself: 'workerd cannot send pings',
  idleTimeoutByDefault: 'a client that only listens could not show that it is there',
  idleCountsControlFrames: 'workerd hides them',
  idleCountsFragments: 'workerd shows whole messages only',
  dropsSockets: 'workerd ends a socket only when the client sends its next message',
  pausesReading: 'workerd cannot stop reading; a bounded number of messages waits',
  knowsBacklog: 'workerd hides how much waits to be sent',
  seesSendProgress: 'workerd hides how much waits to be sent',
  reportsMemory: 'workerd itself grows with every connection that has been, with or without this package',
};

/** The part of `ctx` that the adapter uses: an `ExecutionContext`, or the state of a Durable Object. */
export interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

/** What a route receives on Cloudflare in addition to the request: the other arguments of `fetch`. */
export interface CloudflarePlatform<Env = unknown> {
  /** The bindings. */
  readonly env: Env;
  /** The context of the request, or the state of the Durable Object. */
  readonly ctx: Context | undefined;
}

/**
 * What {@link createFetch} returns: `fetch` for a Durable Object or Worker, and `shutdown`. Outside a Durable Object, `ctx`
 * is needed: without it workerd stops `terminate` when the client has left.
 */
export type CloudflareFetch<Env = unknown, Result = FetchResult> = FetchAdapter<
  [request: Request, env?: Env, ctx?: Context],
  Result
>;

/** For a Durable Object, each with its own; see above. Throws a TypeError for an invalid option. */
export function createFetch<OwnRoute extends Route<CloudflarePlatform>>(
  route: OwnRoute,
  options?: AdapterOptions,
): CloudflareFetch<unknown, FetchResultOf<OwnRoute>>;
/** For a route that names the type of its bindings: `(request, { env }: CloudflarePlatform<Env>) => …`. */
export function createFetch<OwnRoute extends Route<CloudflarePlatform<any>>>(
  route: OwnRoute,
  options?: AdapterOptions,
): CloudflareFetch<Parameters<OwnRoute>[1]['env'], FetchResultOf<OwnRoute>>;
/** With the type of the bindings, `createFetch<Env>(…)`, for a route that declines no request. */
export function createFetch<Env>(
  route: (request: Request, platform: CloudflarePlatform<Env>) => Decided | PromiseLike<Decided>,
  options?: AdapterOptions,
): CloudflareFetch<Env, Response | Promise<Response>>;
/** With the type of the bindings, `createFetch<Env>(…)`. */
export function createFetch<Env>(route: Route<CloudflarePlatform<Env>>, options?: AdapterOptions): CloudflareFetch<Env>;
export function createFetch<Env>(
  route: Route<CloudflarePlatform<Env>>,
  options?: AdapterOptions,
): CloudflareFetch<Env> {
  checkRoute('createFetch', route);
  const adapter = new Adapter('createFetch', options);
  const handle = createFetchHandler(adapter, route, (request, { ctx }, upgrade) =>
    open(adapter, request, upgrade, ctx),
  );
  return withControls(adapter, {
    fetch: (request: Request, env?: Env, ctx?: Context) => handle(request, { env: env as Env, ctx }),
  });
}

/** What {@link createAdapter} returns. */
export type CloudflareAdapter = UpgradeAdapter<Request>;

/** For code that decides for itself which requests to upgrade. Throws a TypeError for an invalid option. */
export function createAdapter(options?: AdapterOptions): CloudflareAdapter {
  const adapter = new Adapter('createAdapter', options);
  return createUpgrader(
    adapter,
    (request) => request,
    'the Request',
    (request, upgrade) => open(adapter, request, upgrade),
  );
}

function open(
  { connections }: Adapter,
  request: Request,
  { handler, arg, options, context }: AcceptedUpgrade,
  ctx?: Context | undefined,
): Response {
  const protocol = chosenProtocol(request, options);
  const headers = new Headers(handshakeHeaders(options, protocol));
  if (!options.compress) headers.set('Sec-WebSocket-Extensions', 'none'); // or workerd would agree to compress
  const { webSocket, socket } = createPair();
  const wire = new CloudflareWire(socket);
  const connection = new Connection(connections, wire, handler, options, context);
  wire.serve(connection);
  wire.listen();
  socket.accept({ allowHalfOpen: true }); // or workerd would answer close frames that break the protocol
  connection.open(arg, protocol);
  ctx?.waitUntil?.(connection.over);
  return new Response(null, { status: 101, headers, webSocket } as ResponseInit);
}
