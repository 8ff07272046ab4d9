// A server of another project, in a process of its own, for tests.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { freePort, suspend } from './programs.ts';

export abstract class ServerProcess {
  #process: ChildProcess | undefined;

  constructor(readonly port: number) {}

  /** Starts, or starts again after a kill, on the same port. */
  abstract start(): Promise<void>;

  /** Runs the program until it writes that it is ready. */
  protected async run(
    program: string,
    args: readonly string[],
    { stream, ready, stdio }: { stream: 'stdout' | 'stderr'; ready: string; stdio: SpawnOptions['stdio'] & {} },
  ): Promise<void> {
    const child = spawn(program, args, { stdio });
    this.#process = child;
    await new Promise<void>((resolve, fail) => {
      let output = '';
      child[stream]?.setEncoding('utf8').on('data', (text) => {
        output += text;
        if (output.includes(ready)) resolve();
      });
      child.once('exit', (code) => fail(new Error(`${program} ended with ${code}\n${output}`)));
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

  /** Suspends the process, which keeps its connections. */
  async pause(): Promise<void> {
    if (this.#process) await suspend(this.#process);
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }
}

/** Starts a server on a free port. */
export async function startOnFreePort<Server extends ServerProcess>(create: (port: number) => Server): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    const server = create(await freePort());
    try {
      await server.start();
      return server;
    } catch (error) {
      if (attempt === 3) throw error; // another program may have taken the port
    }
  }
}
