// Runs the kit on a server in another language that was written from the kit's README alone: python_host.py, with Debian's
// python3-websockets. Skipped if that is missing; with WEBSOCK_COMPLETE it fails.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../tck/src/run.ts';
import { root } from '../toolkit/compilers.ts';
import { complete } from '../toolkit/programs.ts';

/** A Python with the library, if there is one. */
const python = ['python3', '/usr/bin/python3'].find((program) => {
  try {
    execFileSync(program, ['-c', 'import websockets.legacy.server'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

test('a host in Python passes all tests that its capabilities allow', { timeout: 300_000 }, async ({ skip }) => {
  if (python === undefined) {
    if (complete) throw new Error('python3-websockets is missing');
    skip('python3-websockets is missing');
    return;
  }
  const host = spawn(python, [join(root, 'test/tck/python_host.py')], { stdio: ['pipe', 'pipe', 'ignore'] });
  const [line] = await once(host.stdout.setEncoding('utf8'), 'data');
  const { cannot, outcomes } = await run(line.trim(), { patience: 30_000 });
  host.stdin.end();
  expect(await once(host, 'exit')).toEqual([0, null]);

  expect(outcomes.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  expect(outcomes.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(500);
  expect(Object.keys(cannot)).toEqual([
    'suspends',
    'returnsThenables',
    'canSkipUtf8Validation',
    'overwritesFrames',
    'sendsInflationErrorCode',
  ]);
});
