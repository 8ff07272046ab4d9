// What `serve` shares on all platforms: where to listen, why that failed, and how to stop.

import { Adapter, type AdapterOptions } from './adapter.ts';
import { LONGEST_DELAY } from './connection/clock.ts';
import type { ShutdownOptions } from './connection/connections.ts';

/** Where a server listens, and the options that all adapters share. */
export interface ServeOptions extends AdapterOptions {
  /** The TCP port; 0 for a free one. Default: 8080. */
  readonly port?: number | undefined;
  /** The host name or address to listen on. Default: all addresses of the machine. */
  readonly hostname?: string | undefined;
}

/** A server that listens. */
export interface Serving {
  /** Where it listens, such as `ws://127.0.0.1:8080`. */
  readonly url: string;
  /**
   * Ends the server: answers new requests with 503 (rule 1.6), and closes every connection with 1001 (rule 4.3). When all
   * have ended, or at the time limit (rule 4.5), it stops listening, and the promise settles.
   */
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
  /** The number of connections: those whose socket is open, or whose handler has not finished. */
  readonly connections: number;
}

/**
 * Checks the options of `serve`: where to listen, and the adapter. Throws a TypeError for an unknown or invalid option.
 *
 * @param ownOptions - names of further options, which the caller reads from the adapter's `options`
 */
export function checkServe(
  options: ServeOptions | undefined,
  ownOptions: readonly string[] = [],
): {
  readonly port: number;
  readonly hostname: string | undefined;
  readonly adapter: Adapter;
} {
  const adapter = new Adapter('serve', options, ['port', 'hostname', ...ownOptions]);
  const reader = adapter.options;
  const isPort = (value: unknown): value is number =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) < 65_536;
  const isName = (value: unknown): value is string => typeof value === 'string' && value !== '';
  return {
    port: reader.option('port', isPort, 'a whole number from 0 to 65535') ?? 8080,
    hostname: reader.option('hostname', isName, "a name or an address, such as '127.0.0.1'"),
    adapter,
  };
}

/** An error that says why a server cannot listen on a port, with the remedy; with the system's `code` if it is known. */
export function cannotListen(port: number, hostname: string | undefined, cause: unknown): Error {
  const { code, message } = cause as { code?: string; message?: string };
  const why = REMEDIES[code ?? ''] ?? message;
  const error = new Error(`serve: cannot listen on ${hostname ?? 'all addresses'}, port ${port}: ${why}`, { cause });
  return code === undefined ? error : Object.assign(error, { code });
}

const REMEDIES: { readonly [code: string]: string } = {
  EADDRINUSE: 'another program listens there; end it, or pass another port (0 for a free one)',
  EACCES: 'this process lacks the permission; pass a port above 1023',
  EADDRNOTAVAIL: 'this machine does not have that address; pass another hostname',
  ENOTFOUND: 'the host is unknown; pass another hostname',
};

/** The URL of a server that listens on a host name, or on all addresses. */
export function urlOf(hostname: string | undefined, port: number): string {
  const all = hostname === undefined || hostname === '0.0.0.0' || hostname === '::';
  const host = all ? 'localhost' : hostname.includes(':') ? `[${hostname}]` : hostname;
  return `ws://${host}:${port}`;
}

/** Waits for a server to stop by itself, for at most `limit` ms; then stops it by force. */
export async function stopGently(stopped: Promise<unknown>, limit: number, force: () => unknown): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const forced = new Promise<void>((resolve) => {
    timer = setTimeout(() => resolve(force() as undefined), Math.min(limit, LONGEST_DELAY));
  });
  await Promise.race([stopped, forced]);
  clearTimeout(timer);
}
