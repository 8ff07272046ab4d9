// The tests of the rules, on the adapter's platforms, and, if everything must run, on crossws and on the independent
// server, which have tests of their own. `npm run lifecycle` prints the table of rules × servers.

import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { route } from '../../tck/src/probe.ts';
import { rules } from '../../tck/src/rules/index.ts';
import { type Outcome, Runner } from '../../tck/src/run.ts';
import type { RunHelp, StartedServer } from '../../tck/src/test-context.ts';
import { type Host, host, launch, platforms } from '../toolkit/host.ts';
import { complete } from '../toolkit/programs.ts';
import { createIndependentServer } from './independent-server.ts';

const application = join(import.meta.dirname, 'application.ts');

/** A host, to be shut down by the test that asks for it. */
async function startHost(starting: Promise<Host>): Promise<StartedServer> {
  const { url, stop, reports } = await starting;
  const shutdown = async () => expect(await stop(), 'the exit code of the server').toBe(0);
  return { url, shutdown, reports };
}

async function startIndependent(): Promise<StartedServer> {
  let reports = '';
  const { server, shutdown } = createIndependentServer(route, (callback, error) => {
    reports += `${callback}: ${error}\n`;
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}`, shutdown, reports: () => reports };
}

/** The servers share the machine. */
const SHARED = { atOnce: 2, patience: 30_000 };

type Server = [name: string, start: () => Promise<StartedServer>];
const others: Server[] = [
  ['crossws', () => startHost(launch('node', ['test/toolkit/hosts/crossws.ts', application]))],
  ['independent', startIndependent],
];
const servers = [
  ...platforms.map((platform): Server => [platform, () => startHost(host(platform, application))]),
  ...(complete ? others : []),
];

// The runner decides what runs at the same time; the tests only wait for its outcomes.
describe.each(servers)('%s', { concurrent: true, timeout: 240_000 }, (_name, start) => {
  const outcomes = new Map<string, Promise<Outcome>>();
  let running: StartedServer | undefined;
  let runner: Runner | undefined;

  // biome-ignore lint/correctness/noEmptyPattern: vitest asks for it before the second argument
  beforeAll(async ({}, suite) => {
    running = await start();
    const help: RunHelp = { start, reports: running.reports };
    const connected = await Runner.connect(running.url, { ...help, slow: complete, ...SHARED });
    runner = connected;
    const chosen = new Set(suite.tasks.filter(({ mode }) => mode === 'run').map(({ name }) => name));
    for (const rule of rules) {
      const title = titleOf(rule);
      if (chosen.has(title)) outcomes.set(title, connected.run(rule));
    }
  }, 30_000);
  afterAll(async () => {
    await runner?.disconnect();
    await running?.shutdown();
  }, 30_000);

  for (const rule of rules) {
    const title = titleOf(rule);
    test(title, async ({ skip }) => {
      const { outcome, why } = (await outcomes.get(title)) as Outcome;
      if (outcome === 'skipped') skip(why);
      if (outcome === 'failed') throw new Error(why);
    });
  }
});

function titleOf({ rule, title }: { rule: string; title: string }): string {
  return `${rule} ${title}`;
}
