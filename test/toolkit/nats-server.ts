// A NATS server for tests: on a free port, in memory only.

import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, missing } from './programs.ts';

/** Why there is no NATS on this machine; `undefined` if there is one. */
export const noNats: string | undefined = missing(
  'nats-server',
  '"apt-get install nats-server" or "brew install nats-server"',
);

export class NatsServer {
  #process: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    readonly config: string,
  ) {}

  /** Starts a server with lines of configuration, such as `max_pending: 1000000`. */
  static async start(config = ''): Promise<NatsServer> {
    for (let attempt = 1; ; attempt++) {
      const nats = new NatsServer(await freePort(), config);
      try {
        await nats.start();
        return nats;
      } catch (error) {
        if (attempt === 3) throw error; // another program may have taken the port
      }
    }
  }

  /** Starts, or starts again after a kill, on the same port. */
  async start(): Promise<void> {
    const file = join(tmpdir(), `websock-nats-${this.port}.conf`);
    writeFileSync(file, this.config);
    const child = spawn('nats-server', ['--config', file, '--addr', '127.0.0.1', '--port', String(this.port)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    await new Promise<void>((ready, fail) => {
      let output = '';
      child.stderr?.setEncoding('utf8').on('data', (text) => {
        output += text;
        if (output.includes('Server is ready')) ready();
      });
      child.once('exit', (code) => fail(new Error(`nats-server ended with ${code}\n${output}`)));
      child.once('error', fail);
    }).finally(() => rmSync(file));
  }

  /** Ends the server and all its connections immediately. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((gone) => {
      child.once('exit', gone);
      child.kill('SIGKILL');
    });
  }

  /** Suspends the process, which keeps its connections. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }
}
