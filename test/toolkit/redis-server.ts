// A Redis server for tests: on a free port, in memory only.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { freePort, missing } from './programs.ts';

/** Why there is no Redis on this machine; `undefined` if there is one. */
export const noRedis: string | undefined = missing(
  'redis-server',
  '"apt-get install redis-server" or "brew install redis"',
);

export class RedisServer {
  #process: ChildProcess | undefined;

  private constructor(readonly port: number) {}

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  static async start(): Promise<RedisServer> {
    for (let attempt = 1; ; attempt++) {
      const redis = new RedisServer(await freePort());
      try {
        await redis.start();
        return redis;
      } catch (error) {
        if (attempt === 3) throw error; // another program may have taken the port
      }
    }
  }

  /** Starts, or starts again after a kill: on the same port, without data. */
  async start(): Promise<void> {
    const options = `--port ${this.port} --bind 127.0.0.1 --save --appendonly no --dir ${tmpdir()}`;
    const child = spawn('redis-server', options.split(' '), { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    await new Promise<void>((ready, fail) => {
      let output = '';
      child.stdout?.setEncoding('utf8').on('data', (text) => {
        output += text;
        if (output.includes('Ready to accept connections')) ready();
      });
      child.once('exit', (code) => fail(new Error(`redis-server ended with ${code}\n${output}`)));
      child.once('error', fail);
    });
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

  /** Cuts all connections that have subscribed to a channel. */
  async cutSubscribers(): Promise<void> {
    const socket = connect(this.port, '127.0.0.1');
    socket.end('CLIENT KILL TYPE pubsub\r\n').resume();
    await once(socket, 'close');
  }

  /** Suspends the process, which keeps its connections. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }
}
