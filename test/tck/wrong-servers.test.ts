// Tests the kit itself: each wrong server must fail a test of the rule that it breaks. rules.test.ts shows that the server
// from which they are made passes all tests.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { rules } from '../../tck/src/rules/index.ts';
import { run } from '../../tck/src/run.ts';
import type { StartedServer } from '../../tck/src/test-context.ts';
import { complete } from '../toolkit/programs.ts';
import type { createIndependentServer } from './independent-server.ts';
import { serveProbe } from './serve-probe.ts';
import { type WrongServer, wrongServers } from './wrong-servers.ts';

const source = readFileSync(join(import.meta.dirname, 'independent-server.ts'), 'utf8');

/** In ms. The kernel shows a slow reader's progress in steps of seconds: with less, it would be dropped for making none. */
function closeOf(rule: string, mistake: string): number {
  if (rule === '6.6' && mistake.startsWith('a client that')) return 8_000;
  return rule === '4.5' && !mistake.startsWith('terminate') ? 2_000 : 3_000;
}

/** Shorter than the defaults if a test waits for them, longer if they could hide the mistake. */
const boundsOf = ([rule, mistake]: WrongServer) => ({
  close: closeOf(rule, mistake),
  stall: 60_000,
  infos: 20_000,
  fragments: 10_000,
});

/** The independent server with one line replaced. */
async function load(right: string, wrong: string): Promise<typeof createIndependentServer> {
  const { code } = transformSync(
    source.replace(right, () => wrong),
    { loader: 'ts', format: 'esm' },
  );
  const named = Buffer.from(`${code}\n//# sourceURL=wrong-server.js`); // otherwise stack traces contain the whole module
  const module = await import(/* @vite-ignore */ `data:text/javascript;base64,${named.toString('base64')}`);
  return module.createIndependentServer;
}

/** The titles of tests that fail on a wrong server: the first, and those that were running with it. */
async function failuresOf(wrongServer: WrongServer): Promise<string[]> {
  const [rule, mistake, right, wrong] = wrongServer;
  const create = await load(right, wrong);
  const started: (() => unknown)[] = [];
  const start = async (): Promise<StartedServer> => {
    const served = await serveProbe({ create, bounds: boundsOf(wrongServer), suspends: rule.startsWith('7') });
    started.push(served.close);
    return served;
  };
  const { url, reports } = await start();
  const slow = /never dropped|the default is shorter/.test(mistake); // only slow tests find these
  const { outcomes } = await run(url, {
    rules: [rule],
    slow,
    bail: true,
    attempts: 1,
    patience: 1_500,
    start,
    shutdownTakesClose: true,
    reports,
  });
  for (const stop of started) stop();
  return outcomes.filter(({ outcome }) => outcome === 'failed').map(({ title }) => title);
}

/** A third of the wrong servers; all of them with WEBSOCK_COMPLETE. */
const tried = wrongServers.filter((_, index) => complete || index % 3 === 0);

const AT_ONCE = 12;

// Tests of wrong servers spend most of their time waiting, so many run at the same time.
describe('a test of the rule fails if', { timeout: 60_000 }, () => {
  const failures = new Map<WrongServer, Promise<string[]>>();
  const titleOf = ([rule, mistake]: WrongServer) => `${rule} ${mistake}`;

  // biome-ignore lint/correctness/noEmptyPattern: vitest requires it before the second argument
  beforeAll(({}, suite) => {
    const chosen = new Set(suite.tasks.filter(({ mode }) => mode === 'run').map(({ name }) => name));
    const ends: Promise<unknown>[] = [];
    for (const wrongServer of tried.filter((each) => chosen.has(titleOf(each)))) {
      const turn = ends[ends.length - AT_ONCE] ?? Promise.resolve();
      const failed = turn.then(() => failuresOf(wrongServer));
      failures.set(wrongServer, failed);
      ends.push(failed.catch(() => {}));
    }
  });

  test.each(tried.map((each) => [titleOf(each), each] as const))('%s', async (_title, wrongServer) => {
    expect(await failures.get(wrongServer)).not.toEqual([]);
  });
});

test('the source that a wrong server replaces occurs exactly once', () => {
  expect(wrongServers.filter(([, , right]) => source.split(right).length !== 2)).toEqual([]);
});

test('every rule that a server with all capabilities can break has a wrong server', () => {
  const covered = new Set(wrongServers.map(([rule]) => rule));
  const broken = new Set(rules.filter(({ unless }) => unless === undefined).map(({ rule }) => rule));
  expect([...broken].filter((rule) => !covered.has(rule))).toEqual([]);
});

test('no two tests have the same title', () => {
  const titles = rules.map(({ rule, title }) => `${rule} ${title}`);
  expect(titles.filter((title, index) => titles.indexOf(title) !== index)).toEqual([]);
});
