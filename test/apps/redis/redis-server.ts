// A Redis server for tests: on a free port, in memory only.

import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { createClient } from '@redis/client';
import { freePort, missing } from '../../toolkit/programs.ts';

/** Why there is no Redis on this machine; `undefined` if there is. */
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
        if (attempt === 3) throw error; // until then, another may have taken the port
      }
    }
  }

  /** Starts, be it again after a kill: on the same port, with nothing in its memory. */
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

  /** Ends it at once, with every connection to it. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((gone) => {
      child.once('exit', gone);
      child.kill('SIGKILL');
    });
  }

  /** Cuts every connection that has subscribed to something, and serves on. */
  async cutSubscribers(): Promise<void> {
    const client = createClient({ url: this.url });
    await client.connect();
    await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    await client.close();
  }

  /** It keeps its connections, but does nothing any more until it is resumed. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }
}
