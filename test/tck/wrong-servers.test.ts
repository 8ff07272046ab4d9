// The kit is tested too: on servers that are wrong in one way each (mutants.ts). The tests of the rule that a mutant breaks
// must fail on it; rules.test.ts shows that they pass on the server that it is made from.

import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { route } from '../../tck/src/probe.ts';
import { rules } from '../../tck/src/rules/index.ts';
import { run } from '../../tck/src/run.ts';
import type { StartedServer } from '../../tck/src/test-context.ts';
import { complete } from '../toolkit/programs.ts';
import type { createIndependentServer } from './independent-server.ts';
import { type Mutant, mutants } from './wrong-servers.ts';

const source = readFileSync(join(import.meta.dirname, 'independent-server.ts'), 'utf8');

/** Shorter where a test waits for them, longer where they would hide what is wrong. */
const boundsOf = ([rule, what]: Mutant) => ({
  close: rule === '4.5' && !what.startsWith('terminate') ? 2_000 : 3_000,
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
  const named = Buffer.from(`${code}\n//# sourceURL=mutant-of-independent-server.js`); // or stacks would show all of it
  const module = await import(/* @vite-ignore */ `data:text/javascript;base64,${named.toString('base64')}`);
  return module.createIndependentServer;
}

/** The titles of the tests that fail on a mutant, or of the first ones. */
async function failuresOf(mutant: Mutant): Promise<string[]> {
  const [rule, what, right, wrong] = mutant;
  const create = await load(right, wrong);
  const started: (() => unknown)[] = [];
  const start = async (): Promise<StartedServer> => {
    let reports = '';
    const report = (callback: string, error: unknown) => {
      reports += `${callback}: ${error}\n`;
    };
    const { server, shutdown } = create(route, report, boundsOf(mutant));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    started.push(() => server.close());
    return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, shutdown, reports: () => reports };
  };
  const { url, reports } = await start();
  const slow = /never dropped|the default is shorter/.test(what); // what only tests that wait long can find
  const { outcomes } = await run(url, {
    rules: [rule],
    slow,
    bail: true,
    attempts: 1,
    patience: 1_500,
    start,
    reports,
  });
  for (const stop of started) stop();
  return outcomes.filter(({ outcome }) => outcome === 'failed').map(({ title }) => title);
}

/** A third of them; all, if everything must run. */
const tried = mutants.filter((_, index) => complete || index % 3 === 0);

const AT_ONCE = 12;

// Most of their time the tests of a mutant wait for what does not come, so a dozen run at the same time.
describe('the tests of its rule fail on a server on which', { timeout: 60_000 }, () => {
  const failures = new Map<Mutant, Promise<string[]>>();
  const titleOf = ([rule, what]: Mutant) => `${rule} ${what}`;

  // biome-ignore lint/correctness/noEmptyPattern: vitest asks for it before the second argument
  beforeAll(({}, suite) => {
    const chosen = new Set(suite.tasks.filter(({ mode }) => mode === 'run').map(({ name }) => name));
    const ends: Promise<unknown>[] = [];
    for (const mutant of tried.filter((each) => chosen.has(titleOf(each)))) {
      const turn = ends[ends.length - AT_ONCE] ?? Promise.resolve();
      const failed = turn.then(() => failuresOf(mutant));
      failures.set(mutant, failed);
      ends.push(failed.catch(() => {}));
    }
  });

  test.each(tried.map((mutant) => [titleOf(mutant), mutant] as const))('%s', async (_title, mutant) => {
    expect(await failures.get(mutant)).not.toEqual([]);
  });
});

test('what a mutant replaces is in the server just once', () => {
  expect(mutants.filter(([, , right]) => source.split(right).length !== 2)).toEqual([]);
});

test('there is a mutant for every rule that a server with all capabilities can break', () => {
  const mutated = new Set(mutants.map(([rule]) => rule));
  const broken = new Set(rules.filter(({ unless }) => unless === undefined).map(({ rule }) => rule));
  expect([...broken].filter((rule) => !mutated.has(rule))).toEqual([]);
});

test('every test has a title of its own', () => {
  const titles = rules.map(({ rule, title }) => `${rule} ${title}`);
  expect(titles.filter((title, index) => titles.indexOf(title) !== index)).toEqual([]);
});
