// Runs the kit on the platforms of the adapter; with WEBSOCK_COMPLETE also over HTTP/2, on crossws and on the independent
// server.
// `npm run lifecycle` runs this file alone, and prints the table of rules × servers.

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rules } from '../../tck/src/rules/index.ts';
import { type Outcome, Runner } from '../../tck/src/run.ts';
import type { RunHelp, StartedServer } from '../../tck/src/test-context.ts';
import { type Host, host, launch, platforms } from '../toolkit/host.ts';
import { complete } from '../toolkit/programs.ts';
import { serveProbe } from './serve-probe.ts';

const application = join(import.meta.dirname, 'application.ts');

/** A host whose shutdown must end its process with the exit code 0. */
async function startHost(starting: Promise<Host>): Promise<StartedServer> {
  const { url, stop, reports } = await starting;
  const shutdown: StartedServer['shutdown'] = async (close) =>
    expect(await stop(close && { close }), 'the exit code of the server').toBe(0);
  return { url, shutdown, reports };
}

/** Which tests run on a server, and how. */
interface Tests {
  readonly chapter?: string;
  readonly slow: boolean;
  readonly atOnce: number;
  readonly patience: number;
}

/** All servers run at the same time: few tests of each, with more patience. */
const SHARED: Tests = { slow: complete, atOnce: 2, patience: 30_000 };
/** In the chapter about suspension, each test waits 12 s for an eviction. */
const SUSPENSION: Tests = { ...SHARED, chapter: '7', atOnce: 40 };

type Server = [name: string, start: () => Promise<StartedServer>, tests: Tests];
const others: Server[] = [
  ['http2', () => startHost(launch('node', ['test/toolkit/hosts/http2.ts', application])), { ...SHARED, slow: false }],
  ['crossws', () => startHost(launch('node', ['test/toolkit/hosts/crossws.ts', application])), SHARED],
  ['independent', () => serveProbe(), SHARED],
];
const worker = join(import.meta.dirname, 'hibernation.application.ts');
const hibernation: Server = [
  'hibernation',
  () => startHost(launch('cloudflare', ['test/toolkit/hosts/cloudflare.ts', worker, worker], { EVICTION: 'yes' })),
  SUSPENSION,
];
const servers = [
  ...platforms.map((platform): Server => [platform, () => startHost(host(platform, application)), SHARED]),
  ...(complete ? others : []),
  hibernation,
];

// The runner decides how many tests run at the same time; the tests of vitest only wait for the outcomes.
describe.each(servers)('%s', { concurrent: true, timeout: 600_000 }, (_name, start, { chapter = '', ...tests }) => {
  const outcomes = new Map<string, Promise<Outcome>>();
  let running: StartedServer | undefined;
  let runner: Runner | undefined;

  // biome-ignore lint/correctness/noEmptyPattern: vitest requires it before the second argument
  beforeAll(async ({}, suite) => {
    running = await start();
    const help: RunHelp = { start, reports: running.reports, shutdownTakesClose: true };
    const connected = await Runner.connect(running.url, { ...help, ...tests });
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

  for (const rule of rules.filter(({ rule }) => rule.startsWith(chapter))) {
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
