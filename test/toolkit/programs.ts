// Programs that tests run, and free ports for them.

import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** The exit code of a program and its whole output, standard error last. */
export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Runs a program in a folder until it ends. Rejects if it cannot be started, or a signal ends it. */
export function execute(
  program: string,
  parameters: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  return new Promise((settle, fail) => {
    execFile(program, parameters, { cwd, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number')
        fail(error); // it was not started, or was killed
      else settle({ code: error ? Number(error.code) : 0, output: stdout + stderr });
    });
  });
}

/** Whether all tests must run, including slow ones and those that need more programs. Set in CI. */
export const complete: boolean = process.env['WEBSOCK_COMPLETE'] === '1';

/**
 * Why tests cannot use a program that npm does not install; `undefined` if they can. A missing program is an error if all
 * tests must run.
 */
export function missing(program: string, remedy: string): string | undefined {
  if (spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined) return undefined;
  const reason = `${program} is not installed: ${remedy}`;
  if (complete) throw new Error(reason);
  return reason;
}

/** Node.js 24, which npm installs, for what older versions lack. */
export const node24: string = join(resolve(import.meta.dirname, '../..'), 'node_modules/node/bin/node');

/** A free port of this machine, for a program that cannot choose one itself. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

/**
 * Suspends a process, and resolves when all its threads have stopped, which is later than the signal: until then, a busy
 * machine lets some of them answer. SIGCONT resumes it.
 */
export async function suspend({ pid }: { readonly pid?: number | undefined }): Promise<void> {
  if (pid === undefined) throw new Error('the process was not started');
  process.kill(pid, 'SIGSTOP');
  const threads = `/proc/${pid}/task`;
  const isStopped = existsSync(threads)
    ? () => readdirSync(threads).every((id) => /\) T/.test(readFileSync(`${threads}/${id}/stat`, 'latin1')))
    : () => spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.startsWith('T'); // macOS
  while (!isStopped()) await setTimeout(1);
}
