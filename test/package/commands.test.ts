// The commands of the documents. Each is listed here, and the lists have no others. If all tests must run, the commands are
// run in a copy of the repository, with shorter arguments if they would take long. (See examples.test.ts for those of the
// examples.)

import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../toolkit/compilers.ts';
import { packages } from '../toolkit/package.ts';
import { complete, execute } from '../toolkit/programs.ts';

const documents = [
  'README.md',
  '.github/CONTRIBUTING.md',
  'adapter/README.md',
  'pubsub/README.md',
  'tck/README.md',
  'examples/README.md',
];

interface Trial {
  /** Replaces a part of the command. */
  readonly replace?: readonly [part: string, by: string];
  /** Arguments to append. */
  readonly extraArgs?: string;
  /** The folder, if not that of the copy. */
  readonly cwd?: string;
  readonly prints?: RegExp;
}

const folder = mkdtempSync(join(tmpdir(), 'websock-commands-'));
const copy = join(folder, 'websock');
const application = join(folder, 'application');

const trials: Readonly<Record<string, Trial>> = {
  'npm pkg set type=module': { cwd: application },
  'npx tsx test/bench/types.ts': { extraArgs: '1 typescript-7.0', prints: /^async \+ Assert +1 +\d/m },
  'npx tsx test/bench/servers.ts': {
    extraArgs: "1 40 bun 'binaries, 100'",
    prints: /TCP echo.*^64-KiB binaries, 100 connections +\d/ms,
  },
  "npx tsx test/bench/servers.ts 5 3000 cloudflare 'texts, 1 '": {
    replace: ['5 3000', '1 40'],
    prints: /^64-byte texts, 1 connection +\d/m,
  },
  'npx tsx test/bench/servers.ts 5 1000 cloudflare count': {
    replace: ['5 1000', '1 40'],
    prints: /by hand.*^counted texts, 1 connection +\d.*^bytes saved for a connection: \d+/ms,
  },
  'npx tsx test/bench/topics.ts': { extraArgs: '1 40 redis', prints: /^Socket\.IO, redis-adapter +\d/m },
  'npx tsx test/tck/implementers.ts NAME PLATFORM report.json': {
    extraArgs: '&& grep NAME tck/README.md',
    prints: /^\| NAME \| PLATFORM \| 1 of 1 \| 0 of 1 \| 1 \| 0\.1 \| 2026-11-24 \|$/m,
  },
  'npm run mutations': { extraArgs: '-- 4', prints: /, 0 survived, / },
  'npm run api': { extraArgs: '-- websock' },
  'npm run docs': { prints: /html generated at/ },
  'WEBSOCK_SECONDS=60 npx vitest run test/adapter/stress.test.ts': {
    replace: ['60', '1 WEBSOCK_PLATFORMS=bun'],
    extraArgs: "-t 'random traffic'",
    prints: /Tests +1 passed \| 12 skipped \(13\)/,
  },
  'SEED=2 COUNT=15000 npx vitest run test/conformance/generated.test.ts': {
    replace: ['15000', '200'],
    extraArgs: "-t '7.0'",
    prints: /1 passed/,
  },
};

const QUICKSTART = 'test/package/quickstart.test.ts';
const EXAMPLES = 'test/package/examples.test.ts';

/** A short report in the kit's format. */
const report = {
  spec: '0.1',
  date: '2026-11-24T12:00:00.000Z',
  outcomes: [
    { outcome: 'passed', should: false },
    { outcome: 'failed', should: true },
    { outcome: 'skipped', should: false },
  ],
};

/** The other commands, with the test that runs them. */
const elsewhere: Readonly<Record<string, string>> = {
  'npm ci': 'the setup of all tests',
  'npm start': 'test/start.test.ts',
  'npm test': 'this run',
  'npm run check': 'the first half of npm test',
  'npm run pack': 'the first test here',
  '(cd ../websock && npm ci && npm run pack)': 'the first test here',
  'npm start -w examples/chat': EXAMPLES,
  'npm start -w examples/NAME': EXAMPLES,
  'npm run bench': 'its three programs are run here',
  'npx vitest run test/bench/types.test.ts': 'this run',
  'tsc --noEmit': 'test/conformance/ci.test.ts',
  'npx @websock/tck ws://127.0.0.1:8080': QUICKSTART,
  "npx @websock/tck --start 'node server.js' ws://127.0.0.1:PORT": 'test/tck/command.test.ts',
  'npx @websock/tck --html page.html node.json bun.json': 'test/tck/command.test.ts',
  'npx @websock/tck URL --slow --json report.json': 'test/tck/command.test.ts',
  'npm install ../websock/tarballs/*.tgz': QUICKSTART,
  'node echo.mts': QUICKSTART,
  'npx tsx echo.mts': QUICKSTART,
  'bun echo.mts': QUICKSTART,
  'deno run --allow-net echo.mts': QUICKSTART,
  'npx esbuild worker.mts --bundle --format=esm --outfile=dist/worker.js': QUICKSTART,
  'npx workerd serve worker.capnp': QUICKSTART,
  'npx tsc': QUICKSTART,
  'node dist/main.js': QUICKSTART,
};

const text = documents.map((file) => readFileSync(join(root, file), 'utf8')).join('');
const shown = [...text.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = '']) => block.split('\n'));
const mentioned = [...text.replace(/```.*?```/gs, '').matchAll(/`([^`]+)`/g)].map(([, code = '']) =>
  code.replace(/\s+/g, ' '),
);
const isCommand = /^([A-Z_]+=\S+ )*(npm|npx|tsc|vitest|node|bun|deno|apt-get) ./;
const commands = new Set(
  [...shown, ...mentioned.filter((code) => isCommand.test(code))]
    .map((line) => line.replace(/ +# .*/, ''))
    .flatMap((line) => (line.startsWith('npm ci && ') ? line.split(' && ') : line))
    .filter((command) => command !== ''),
);

afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command in a shell, as a person does; returns its output. */
async function run(command: string, cwd: string): Promise<string> {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|WEBSOCK_|NODE_ENV)/.test(name));
  const env = { ...Object.fromEntries(own), NO_COLOR: '1' };
  const { code, output } = await execute('bash', ['-c', `(${command}) 2>&1`], cwd, env);
  if (code !== 0) throw new Error(`${command} ended with ${code}\n${output}`);
  return output;
}

test('the commands listed here are those of the documents', () => {
  expect([...Object.keys(trials), ...Object.keys(elsewhere)].sort()).toEqual([...commands].sort());
});

test('npm test begins with npm run check', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(scripts.test).toMatch(/^npm run check && /);
});

describe.skipIf(!complete)('in a copy of the repository', () => {
  let packed = '';

  beforeAll(async () => {
    const left = ['node_modules', '.git', 'dist', 'docs'].map((name) => join(root, name));
    cpSync(root, copy, { recursive: true, filter: (path) => !left.includes(path) && !/\.tgz$/.test(path) });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    packed = await run('npm run pack', copy); // also builds the packages, for the other commands
    writeFileSync(join(copy, 'report.json'), JSON.stringify(report));
    mkdirSync(application);
    writeFileSync(join(application, 'package.json'), '{ "private": true }');
  }, 600_000);

  test('npm run pack writes a tarball of each package, and nothing else', () => {
    const names = Object.keys(packages).map((name) => name.replace('@', '').replace('/', '-'));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const tarballs = names.map((name) => `${name}-${version}.tgz`).sort();
    expect(readdirSync(join(copy, 'tarballs')).sort()).toEqual(tarballs);
    for (const tarball of tarballs) expect(packed).toContain(tarball);
  });

  test.each(Object.entries(trials))(
    '%s',
    async (command, { extraArgs = '', replace = ['', ''], cwd = copy, prints = /(?:)/ }) => {
      expect(await run(`${command.replace(...replace)} ${extraArgs}`, cwd)).toMatch(prints);
    },
    600_000,
  );
});
