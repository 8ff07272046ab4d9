// Every command of the READMEs, run in a copy of the repository, made short where it would take long. A command that is
// not listed here, or is listed and not in the README, fails.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import { root } from '../toolkit/compilers.ts';
import { type Host, launch } from '../toolkit/host.ts';
import { execute } from '../toolkit/programs.ts';

interface Trial {
  /** Arguments behind those of the README. */
  readonly more?: string;
  /** A part of the command, and what stands in its place here. */
  readonly but?: readonly [part: string, here: () => string];
  /** In another folder than the copy. */
  readonly in?: string;
  readonly prints?: RegExp;
}

const folder = mkdtempSync(join(tmpdir(), 'websock-commands-'));
const copy = join(folder, 'websock');
const application = join(folder, 'application');

/** A server that hosts the probe. */
let server: Host;

const tarball = `websock-spec-${JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version}.tgz`;

const trials: Readonly<Record<string, Trial>> = {
  'npm start': { prints: /^Done: one handler, 4 servers, one transcript\.$/m },
  'npm pack': { prints: new RegExp(`^${tarball}$`, 'm') },
  [`mkdir -p vendor && cp ../websock/${tarball} vendor`]: { in: application },
  [`npm install --save-dev ./vendor/${tarball}`]: { in: application, prints: /added 1 package/ },
  'npm pkg set type=module': { in: application },
  'cp ../websock/test/servers/{ws,connection,checks,limits}.ts ../websock/test/apps/echo/echo.ts .': {
    in: application,
  },
  'npm run lifecycle': { more: "-- -t '2\\.5 '", prints: /^2\.5( +1){4}$/m },
  'WEBSOCK_URL=ws://127.0.0.1:8080 npm run lifecycle': {
    but: ['ws://127.0.0.1:8080', () => server.url],
    more: "-- -t '2\\.5 '",
    prints: /^2\.5 +1$/m,
  },
  'npx tsx test/bench/types.ts': { more: '1 typescript-7.0', prints: /^async \+ Assert +1 +\d/m },
  'npx tsx test/bench/servers.ts': { more: '1 10 bun', prints: /^64-KiB binaries, 100 connections/m },
  'npx tsx test/apps/redis/measure.ts': { more: '2', prints: /^two processes, Redis .* lines\/s said/m },
  'npm run mutations': { more: '-- 4', prints: /, 0 survived, / },
  'npm run api': {},
  'npm run docs': { prints: /html generated at/ },
  'WEBSOCK_SECONDS=60 npx vitest run test/adapter/stress.test.ts': {
    but: ['60', () => '1'],
    more: "-t 'random traffic' --testTimeout=60000",
    prints: /4 passed/,
  },
  'SEED=2 COUNT=15000 npx vitest run test/conformance/generated.test.ts': {
    but: ['15000', () => '200'],
    more: "-t '7.0' --testTimeout=60000",
    prints: /1 passed/,
  },
};

/** Run by others. */
const elsewhere: Readonly<Record<string, string>> = {
  'npm ci': 'what all tests begin with',
  'npm test': 'this run',
  'npm run check': 'the first half of npm test',
  'npx tsx test/tck/example-host.ts': 'test/tck/url.test.ts',
  'npx tsx main.ts': 'the last test here',
  'npm install ws && npm install --save-dev @types/node @types/ws tsx': 'what the last test here begins with',
  'npm run bench': 'its two programs are run here, one by one',
  'tsc --noEmit': 'test/conformance/ci.test.ts',
  'vitest run --typecheck': 'test/conformance/ci.test.ts',
  'npx tsd --files chat.test-d.ts --typings chat.ts': 'test/conformance/ci.test.ts',
  'apt-get install redis-server': 'a machine has it or not',
};

const readme = ['README.md', 'test/apps/redis/README.md']
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('');
const shown = [...readme.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = '']) => block.split('\n'));
const mentioned = [...readme.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
const isCommand = /^([A-Z_]+=\S+ )*(npm|npx|tsc|vitest|apt-get) ./;
const commands = new Set(
  [...shown, ...mentioned.filter((code) => isCommand.test(code))]
    .map((line) => line.replace(/ +# .*/, ''))
    .flatMap((line) => (line.startsWith('npm ci && ') ? line.split(' && ') : line))
    .filter((command) => command !== ''),
);

beforeAll(async () => {
  const left = ['node_modules', '.git', 'dist', 'docs'].map((name) => join(root, name));
  cpSync(root, copy, { recursive: true, filter: (path) => !left.includes(path) && !/\.tgz$/.test(path) });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  await run('npm run build', copy);
  mkdirSync(application);
  writeFileSync(join(application, 'package.json'), '{ "private": true }');
  server = await launch('node', ['test/tck/independent-server.ts']);
});
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});

/** Runs a command as somebody does who has read it; returns all that it prints. */
async function run(command: string, cwd: string): Promise<string> {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|WEBSOCK_|NODE_ENV)/.test(name));
  const env = { ...Object.fromEntries(own), NO_COLOR: '1' };
  const { code, output } = await execute('bash', ['-c', `(${command}) 2>&1`], cwd, env);
  if (code !== 0) throw new Error(`${command} ended with ${code}\n${output}`);
  return output;
}

test('every command of the README is tried, and nothing else is', () => {
  expect([...commands].sort()).toEqual([...Object.keys(trials), ...Object.keys(elsewhere)].sort());
});

test('npm test begins with npm run check', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(scripts.test).toMatch(/^npm run check && /);
});

test.each(Object.entries(trials))(
  '%s',
  async (command, { more = '', but, in: where = copy, prints = /(?:)/ }) => {
    const [part, here] = but ?? ['', () => ''];
    expect(await run(`${command.replace(part, here)} ${more}`, where)).toMatch(prints);
  },
  180_000,
);

test('the program that the README copies together checks its types, and echoes', async () => {
  for (const name of ['ws', 'tsx', '@types']) {
    symlinkSync(join(root, 'node_modules', name), join(application, 'node_modules', name));
  }
  const text = readFileSync(join(root, 'test/package/fixtures/main.ts'), 'utf8');
  writeFileSync(
    join(application, 'main.ts'),
    text.replace('8080,', '0,').replace("'ws://127.0.0.1:8080'", 'httpServer.address()'),
  );
  const options = '--strict --noEmit --allowImportingTsExtensions --module nodenext --target es2022 --types node';
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  expect(await run(`node ${tsc} ${options} main.ts`, application)).toBe('');
  const program = spawn(process.execPath, ['--import', 'tsx', 'main.ts'], {
    cwd: application,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(program.stdout.setEncoding('utf8'), 'data');
  const client = await Client.connect(`ws://127.0.0.1:${/port: (\d+)/.exec(line)?.[1]}`);
  client.text('hello');
  expect(await client.next()).toEqual({ text: 'hello' });
  client.cut();
  program.kill();
});
