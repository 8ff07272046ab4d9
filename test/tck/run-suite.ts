// Runs the suite in a process of its own, as its users do, on the server at a URL.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../toolkit/compilers.ts';

export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/** The tests of one rule, or all; returns what the suite prints, by the reporters that `parameters` name. */
export function runSuite(url: string, rule: string | undefined, parameters: readonly string[]): Promise<Printed> {
  const only = rule ? ['--testNamePattern', ` ${rule.replace('.', '\\.')} `] : [];
  const suite = ['run', 'test/tck/lifecycle.test.ts', '--testTimeout=60000', ...parameters, ...only];
  return new Promise((settle) => {
    execFile(
      process.execPath,
      [join(root, 'node_modules/vitest/vitest.mjs'), ...suite],
      {
        cwd: root,
        env: { ...process.env, WEBSOCK_URL: url, NODE_ENV: 'test', NO_COLOR: '1' },
        maxBuffer: 2 ** 26,
      },
      (_error, stdout, stderr) => settle({ stdout, stderr }),
    );
  });
}
