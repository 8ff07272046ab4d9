// Starts the server under test by a command, and shuts it down: so the kit sees its error reports, in any language.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { StartedServer } from './test-context.ts';

/** How long a server may take to listen, in ms. */
const START = 30_000;
/** How long a server may take to stop at the end of a run, in ms, before it is killed. */
const STOP = 15_000;
/** How much of its standard error is shown of a server that does not start, in characters. */
const SHOWN = 2_000;

/** A port in a URL, in place of a number. */
const PORT = /(?<=^wss?:\/\/[^/]*:)PORT(?=\/|$)/;

/** All processes of one command. */
export class ServerProcesses {
  readonly #command: string;
  readonly #url: string;
  /** Those that run, each with the promise of its end. */
  readonly #running = new Map<ChildProcess, Promise<unknown>>();

  /**
   * @param command - a command of the shell, which finds the port to listen on in the environment variable `PORT`
   * @param url - the URL of the server, with `PORT` in place of the port
   */
  constructor(command: string, url: string) {
    this.#command = command;
    this.#url = url;
    process.once('exit', () => this.#kill());
    for (const [signal, number] of [
      ['SIGINT', 2],
      ['SIGTERM', 15],
      ['SIGHUP', 1],
    ] as const) {
      process.once(signal, () => process.exit(128 + number));
    }
  }

  /** Whether a URL has `PORT` in place of its port. */
  static hasPort(url: string): boolean {
    return PORT.test(url);
  }

  /** Starts a server on a free port, and waits until it listens. Throws an error if it does not. */
  async start(): Promise<StartedServer> {
    const port = await freePort();
    const url = this.#url.replace(PORT, String(port));
    // A process group, so that signals reach what the shell has started.
    const child = spawn(this.#command, {
      shell: true,
      detached: true,
      env: { ...process.env, PORT: String(port) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let reports = '';
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      reports += text;
    });
    // The shell may end first: the server has ended when nothing holds its standard error any more.
    const ended = new Promise<void>((resolve) => {
      child.once('error', () => resolve());
      child.once('close', () => resolve());
    }).then(() => this.#running.delete(child));
    this.#running.set(child, ended);
    const state = await Promise.race([ended.then(() => 'ended'), listens(new URL(url).hostname, port)]);
    if (state !== 'listens') {
      const why = state === 'ended' ? 'ended' : `did not listen on port ${port} within ${START / 1_000} s`;
      const hint = 'does it listen on the port that the environment variable PORT gives?';
      throw new Error(`the command "${this.#command}" ${why}: ${hint} ${reports.slice(-SHOWN)}`.trim());
    }
    return {
      url,
      reports: () => reports,
      shutdown() {
        signal(child, 'SIGTERM');
        return ended;
      },
    };
  }

  /** Shuts down all servers that still run. */
  async stop(): Promise<void> {
    const killed = setTimeout(() => this.#kill(), STOP);
    for (const child of this.#running.keys()) signal(child, 'SIGTERM');
    await Promise.all(this.#running.values());
    clearTimeout(killed);
  }

  #kill(): void {
    for (const child of this.#running.keys()) signal(child, 'SIGKILL');
  }
}

/** Signals a process and all that it has started. */
function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // it has ended
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until something listens on a port. */
async function listens(host: string, port: number): Promise<'listens' | 'timeout'> {
  const deadline = performance.now() + START;
  while (performance.now() < deadline) {
    const socket = connect(port, host.replace(/^\[|\]$/g, ''));
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return 'listens';
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return 'timeout';
}
