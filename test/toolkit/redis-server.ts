// A Redis server for tests: on a free port, in memory only.

import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { missing } from './programs.ts';
import { ServerProcess, startOnFreePort } from './server-process.ts';

/** Why there is no Redis on this machine; `undefined` if there is one. */
export const noRedis: string | undefined = missing(
  'redis-server',
  '"apt-get install redis-server" or "brew install redis"',
);

export class RedisServer extends ServerProcess {
  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  static start(): Promise<RedisServer> {
    return startOnFreePort((port) => new RedisServer(port));
  }

  /** Starts, or starts again after a kill: on the same port, without data. */
  async start(): Promise<void> {
    const options = `--port ${this.port} --bind 127.0.0.1 --save --appendonly no --dir ${tmpdir()}`;
    await this.run('redis-server', options.split(' '), {
      stream: 'stdout',
      ready: 'Ready to accept connections',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  /** Cuts all connections that have subscribed to a channel. */
  async cutSubscribers(): Promise<void> {
    const socket = connect(this.port, '127.0.0.1');
    socket.end('CLIENT KILL TYPE pubsub\r\n').resume();
    await once(socket, 'close');
  }
}
