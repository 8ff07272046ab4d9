// A NATS server for tests: on a free port, in memory only.

import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missing } from './programs.ts';
import { ServerProcess, startOnFreePort } from './server-process.ts';

/** Why there is no NATS on this machine; `undefined` if there is one. */
export const noNats: string | undefined = missing(
  'nats-server',
  '"apt-get install nats-server" or "brew install nats-server"',
);

export class NatsServer extends ServerProcess {
  private constructor(
    port: number,
    readonly config: string,
  ) {
    super(port);
  }

  /** Starts a server with lines of configuration, such as `max_pending: 1000000`. */
  static start(config = ''): Promise<NatsServer> {
    return startOnFreePort((port) => new NatsServer(port, config));
  }

  async start(): Promise<void> {
    const file = join(tmpdir(), `websock-nats-${this.port}.conf`);
    writeFileSync(file, this.config);
    await this.run('nats-server', ['--config', file, '--addr', '127.0.0.1', '--port', String(this.port)], {
      stream: 'stderr',
      ready: 'Server is ready',
      stdio: ['ignore', 'ignore', 'pipe'],
    }).finally(() => rmSync(file));
  }
}
