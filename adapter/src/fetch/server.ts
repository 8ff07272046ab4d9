// `serve` on Bun and Deno.

import { type Adapter, checkRoute, withControls } from '../adapter.ts';
import type { Route } from '../route.ts';
import { cannotListen, checkServe, type ServeOptions, type Serving, stopGently, urlOf } from '../serve.ts';

/** A server of the platform that listens. */
export interface PlatformServer {
  readonly port: number;
  /** Stops listening; settles when the last response has been sent. */
  stop(): Promise<unknown>;
  /** Closes the remaining sockets. */
  stopNow(): unknown;
}

/**
 * What `serve` does on every platform but Node.js.
 *
 * @param ownOptions - names of the platform's own options
 * @param prepare - reads those options, and returns a function that starts the server, or throws if it cannot listen
 */
export function serveFetch<Platform>(
  platform: 'Bun' | 'Deno',
  route: Route<Platform>,
  options: ServeOptions | undefined,
  ownOptions: readonly string[],
  prepare: (adapter: Adapter) => (port: number, hostname: string | undefined) => PlatformServer,
): Serving {
  checkRoute('serve', route);
  checkPlatform(platform);
  const { port, hostname, adapter } = checkServe(options, ownOptions);
  const start = prepare(adapter);
  let server: PlatformServer;
  try {
    server = start(port, hostname);
  } catch (error) {
    throw cannotListen(port, hostname, error);
  }
  return withControls(adapter, { url: urlOf(hostname, server.port) }, async (shutdownOptions) => {
    await adapter.shutdown(shutdownOptions);
    await stopGently(server.stop(), adapter.connections.bounds.closeTimeout, server.stopNow);
  });
}

/** Throws unless this is the platform of the entry that was imported. */
function checkPlatform(platform: 'Bun' | 'Deno'): void {
  if (platform in globalThis) return;
  const entry = `@websock/adapter/${platform.toLowerCase()}`;
  throw new Error(`serve: ${entry} needs ${platform}; on Node.js, import @websock/adapter/node`);
}
