// The kit is tested too: on servers that are wrong in one way each (mutants.ts). The tests of the rule that a mutant breaks
// must fail on it; lifecycle.test.ts shows that they pass on the server that it is made from.

import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { route } from '../../tck/src/probe.ts';
import type { StartedServer } from '../../tck/src/rule.ts';
import { rules } from '../../tck/src/rules.ts';
import { run } from '../../tck/src/run.ts';
import type { createIndependentServer } from './independent-server.ts';
import { mutants } from './mutants.ts';

const source = readFileSync(join(import.meta.dirname, 'independent-server.ts'), 'utf8');

/** Shorter than by default, as a mutant that never drops a client is waited for. */
const bounds = { close: 400, infos: 20_000, fragments: 10_000 };

/** The independent server with one line replaced. */
async function load(right: string, wrong: string): Promise<typeof createIndependentServer> {
  expect(source.split(right).length - 1, `how often the line is there: ${right}`).toBe(1);
  const { code } = transformSync(
    source.replace(right, () => wrong),
    { loader: 'ts', format: 'esm' },
  );
  const module = await import(/* @vite-ignore */ `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`);
  return module.createIndependentServer;
}

describe('the tests of its rule fail on a server on which', { concurrent: true, timeout: 60_000 }, () => {
  test.each(mutants.map((mutant) => [`${mutant[0]} ${mutant[1]}`, mutant] as const))('%s', async (_title, mutant) => {
    const [rule, , right, wrong] = mutant;
    const create = await load(right, wrong);
    const stop: (() => unknown)[] = [];
    const start = async (): Promise<StartedServer> => {
      let reports = '';
      const report = (callback: string, error: unknown) => {
        reports += `${callback}: ${error}\n`;
      };
      const { server, shutdown } = create(route, report, bounds);
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
      stop.push(() => server.close());
      return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, shutdown, reports: () => reports };
    };
    const { url, reports } = await start();
    const { outcomes } = await run(url, {
      rules: [rule],
      slow: rule !== '4.3n',
      bail: true,
      patience: 1_500,
      start,
      reports,
    });
    for (const each of stop) each();
    expect(outcomes.filter(({ outcome }) => outcome === 'failed').map(({ title }) => title)).not.toEqual([]);
  });
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
