// Programs that tests run, and the ports that they are given.

import { execFile, spawnSync } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

/** What became of a program: its exit code, and all that it printed, errors last. */
export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Runs a program in a folder to its end. Rejects if it cannot be started, or a signal ends it. */
export function execute(
  program: string,
  parameters: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  return new Promise((settle, fail) => {
    execFile(program, parameters, { cwd, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number')
        fail(error); // it has not run, or was killed
      else settle({ code: error ? Number(error.code) : 0, output: stdout + stderr });
    });
  });
}

/** Whether everything must run, however long it takes and whatever it needs. CI says so. */
export const complete: boolean = process.env['WEBSOCK_COMPLETE'] === '1';

/**
 * Why tests cannot use a program that npm does not install; `undefined` if they can. If everything must run, a missing
 * program is an error.
 */
export function missing(program: string, remedy: string): string | undefined {
  if (spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined) return undefined;
  const reason = `${program} is not installed: ${remedy}`;
  if (complete) throw new Error(reason);
  return reason;
}

/** A port of this machine that nobody listens on, for a program that must be told one. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
