// What the `serve` of every platform shares: where it listens, and why it cannot.

import { Adapter, type AdapterOptions } from './adapter.ts';
import type { ShutdownOptions } from './connection/connections.ts';

/** Where a server listens, beside what all adapters have in common. */
export interface ServeOptions extends AdapterOptions {
  /** The TCP port; 0 for a free one. Default: 8080. */
  readonly port?: number | undefined;
  /** The name or address to listen on. Default: all addresses of the machine. */
  readonly hostname?: string | undefined;
}

/** A server that listens. */
export interface Serving {
  /** Where it listens, such as `ws://127.0.0.1:8080`. */
  readonly url: string;
  /**
   * Ends the server: new requests are answered with 503 (rule 1.6), every connection is closed with 1001 (rule 4.3). When
   * all are over, or the bound has passed (rule 4.5), it stops listening, and the promise settles.
   */
  readonly shutdown: (options?: ShutdownOptions) => Promise<void>;
}

/**
 * The adapter of a server that listens, and where; throws a TypeError for an option that is unknown or invalid.
 *
 * @param more - names of options that the caller reads itself, from the adapter's `options`
 */
export function checkServe(
  options: ServeOptions | undefined,
  more: readonly string[] = [],
): {
  readonly port: number;
  readonly hostname: string | undefined;
  readonly adapter: Adapter;
} {
  const adapter = new Adapter('serve', options, ['port', 'hostname', ...more]);
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

/** Throws unless this is the platform of the entry that was imported. */
export function checkPlatform(platform: 'Bun' | 'Deno'): void {
  if (platform in globalThis) return;
  const entry = `@websock/adapter/${platform.toLowerCase()}`;
  throw new Error(`serve: ${entry} needs ${platform}; on Node.js, import @websock/adapter/node`);
}

/** Why a port cannot be listened on, and the remedy; with the system's `code` where the platform tells it. */
export function cannotListen(port: number, hostname: string | undefined, cause: unknown): Error {
  const { code, message } = cause as { code?: string; message?: string };
  const why = REMEDIES[code ?? ''] ?? message;
  const error = new Error(`serve: cannot listen on ${hostname ?? 'all addresses'}, port ${port}: ${why}`, { cause });
  return code === undefined ? error : Object.assign(error, { code });
}

const REMEDIES: { readonly [code: string]: string } = {
  EADDRINUSE: 'another program listens there; end it, or pass another port (0 for a free one)',
  EACCES: 'this process may not; pass a port above 1023',
  EADDRNOTAVAIL: 'this machine does not have that address; pass another hostname',
  ENOTFOUND: 'there is no such host; pass another hostname',
};

/** The URL of a server that listens on a host name, or on all addresses. */
export function urlOf(hostname: string | undefined, port: number): string {
  const all = hostname === undefined || hostname === '0.0.0.0' || hostname === '::';
  const host = all ? 'localhost' : hostname.includes(':') ? `[${hostname}]` : hostname;
  return `ws://${host}:${port}`;
}
