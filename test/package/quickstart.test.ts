// The first steps of the READMEs, in an empty folder with the packed packages: their files, their commands, and the line for a
// browser's console.

import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { compilers, root, versionOf } from '../toolkit/compilers.ts';
import { emptyFolder, pack, packages } from '../toolkit/package.ts';
import { execute, node24 } from '../toolkit/programs.ts';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const adapterReadme = readFileSync(join(root, 'adapter/README.md'), 'utf8');
const tckReadme = readFileSync(join(root, 'tck/README.md'), 'utf8');

/** The blocks of code that name this file. */
const blocksOf = (document: string) =>
  [...document.matchAll(/<!-- test\/package\/quickstart\.test\.ts -->\n```\w+\n(.*?)```/gs)].map(
    ([, block = '']) => block,
  );
const [echo = '', consoleLine = ''] = blocksOf(readme);
const [tsconfig = '', worker = ''] = blocksOf(adapterReadme);
const workerConfig = readFileSync(join(root, 'examples/echo/worker.capnp'), 'utf8');
const [runner = '', probeHost = ''] = blocksOf(tckReadme);

/** A recipe of README.md. */
const recipe = (name: string) =>
  new RegExp(`<!-- examples/recipes/${name} -->\\n\`\`\`ts\\n(.*?)\`\`\``, 's').exec(readme)?.[1] ?? '';

/** The commands of the block that begins with `first`. */
function commandsFrom(document: string, first: string): string[] {
  const start = document.indexOf(`\`\`\`sh\n${first}`);
  expect(start, `a block of commands begins with "${first}"`).toBeGreaterThan(0);
  const lines = document.slice(start).split('\n').slice(1);
  return lines.slice(0, lines.indexOf('```')).map((line) => line.replace(/ +# .*/, ''));
}
const INSTALL = 'npm install ../websock/tarballs/*.tgz';

const modules = join(root, 'node_modules');
const folder = emptyFolder();
const project = join(folder, 'project');

/** Node.js without type stripping, unlike `node24`. */
const node20 = process.execPath;

function environment(node: string): NodeJS.ProcessEnv {
  // without the variables of npm and vitest
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|NODE_|WEBSOCK_)/i.test(name));
  return {
    ...Object.fromEntries(own),
    PATH: [dirname(node), join(modules, '.bin'), process.env['PATH']].join(delimiter),
    DENO_NO_UPDATE_CHECK: '1',
    NO_COLOR: '1',
    npm_config_offline: 'true',
    npm_config_cache: join(folder, 'cache'),
  };
}

beforeAll(async () => {
  const tarballs = join(folder, 'websock/tarballs'); // the clone, as `npm run pack` leaves it
  mkdirSync(tarballs, { recursive: true });
  for (const [name, from] of Object.entries(packages)) pack(name, from, tarballs);
  // Instead of the registry.
  for (const name of ['ws', 'srvx', '@standard-schema/spec']) pack(name, `node_modules/${name}`, tarballs);
  mkdirSync(project);
  expect(await shell(INSTALL, project)).toMatchObject({ code: 0 });
  // Programs that the commands expect, or that `npx` would install.
  symlinkSync(join(modules, '@types'), join(project, 'node_modules/@types'));
  mkdirSync(join(project, 'node_modules/.bin'), { recursive: true });
  for (const name of ['tsx', 'esbuild', 'workerd', 'tsc']) {
    symlinkSync(join(modules, '.bin', name), join(project, 'node_modules/.bin', name));
  }
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

const shell = (command: string, cwd: string) => execute('bash', ['-c', command], cwd, environment(node20));

/** Runs a server, and passes on the port that it prints. */
async function withServer<Value>(
  command: string,
  node: string,
  cwd: string,
  use: (port: string) => Promise<Value>,
): Promise<Value> {
  const server = spawn('bash', ['-c', command], {
    cwd,
    env: environment(node),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  try {
    for await (const line of createInterface({ input: server.stdout })) {
      const port = /(?:ws:\/\/[\w.]+:|"port":)(\d+)/.exec(line)?.[1];
      if (port !== undefined) return await use(port);
    }
    throw new Error(`${command} ended without printing a URL`);
  } finally {
    process.kill(-(server.pid as number), 'SIGKILL'); // with the children of npx
  }
}

/** Runs a server, and the line for the console; returns the first line that the latter prints. */
const talkTo = (command: string, node: string, cwd = project) =>
  withServer(command, node, cwd, async (port) => {
    const page = spawn(node24, ['-e', consoleLine.replace('8080', port)], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      for await (const line of createInterface({ input: page.stdout })) return line;
      throw new Error('the line for the console printed nothing');
    } finally {
      page.kill();
    }
  });

test('the quick start is three commands and one file of at most 12 lines', () => {
  const [build, install, run, ...more] = commandsFrom(readme, '(cd ../websock');
  expect(build).toBe('(cd ../websock && npm ci && npm run pack)'); // test/package/commands.test.ts runs the latter
  expect(install).toBe(INSTALL);
  expect(run).toBe('node echo.mts');
  expect(more).toEqual([]);
  expect(echo.split('\n').length - 1).toBeLessThanOrEqual(12);
});

test.each([
  ['Node.js 24', 'node', 'node echo.mts', node24],
  ['Node.js 20', 'node', 'npx tsx echo.mts', node20],
  ['Bun', 'bun', 'bun echo.mts', node24],
  ['Deno', 'deno', 'deno run --allow-net echo.mts', node24],
])('a page talks to the echo on %s', async (_name, platform, command, node) => {
  expect(readme).toContain(command);
  writeFileSync(join(project, 'echo.mts'), echo.replace('/node', `/${platform}`).replace('8080', '0'));
  expect(await talkTo(command, node)).toBe('hello');
});

test('a page talks to the echo on Cloudflare', async () => {
  writeFileSync(join(project, 'worker.mts'), worker);
  writeFileSync(join(project, 'worker.capnp'), workerConfig.replace('*:8080', '127.0.0.1:0'));
  const [bundle = '', run = ''] = commandsFrom(adapterReadme, 'npx esbuild');
  expect((await shell(bundle, project)).code).toBe(0);
  expect(await talkTo(`${run} --control-fd=1`, node24)).toBe('hello');
});

test('the host of the probe passes the kit', async () => {
  writeFileSync(join(project, 'host.mjs'), probeHost.replace('8080', '0'));
  const [command = ''] = commandsFrom(tckReadme, 'npx @websock/tck');
  const { code, output } = await withServer('node host.mjs', node20, project, (port) =>
    shell(`${command.replace('8080', port)} --rule 2.5`, project),
  );
  expect(output).toMatch(/^2\.5 +[1-9]/m);
  expect(code, output).toBe(0);
});

test.each([
  ['accepts a server that conforms', '2.5', ['', ''], 0, /^$/],
  [
    'fails for a MUST',
    '2.5',
    ['service.handler,', '{ ...service.handler },'],
    1,
    /^2\.5 .*Error: the server does not/s,
  ],
])('the code for a test runner %s', async (_name, rule, [part = '', by = ''], code, prints) => {
  writeFileSync(join(project, 'host.mjs'), probeHost.replace('8080', '0').replace(part, by));
  const output = await withServer('node host.mjs', node20, project, (port) => {
    const short = runner.replace('8080', port).replace('reports:', `rules: ['${rule}'], reports:`);
    const given = 'const log = [], startAnother = () => {};';
    writeFileSync(join(project, 'runner.mjs'), `${given}\n${short}`);
    return shell('node runner.mjs', project);
  });
  expect(output).toEqual({ code, output: expect.stringMatching(prints) });
});

// A module of CommonJS has no top-level await.
const inCommonJs = (text: string) =>
  text.replace(
    /const server = await (serve\(.*\));\nconsole.log\(server.url\);/,
    '$1.then((server) => console.log(server.url));',
  );

test.each([
  ['ES modules', 'module', (text: string) => text],
  ['CommonJS', 'commonjs', inCommonJs],
])(
  'a production build of %s',
  async (_name, type, adapted) => {
    const build = join(project, type);
    mkdirSync(build);
    symlinkSync(join(project, 'node_modules'), join(build, 'node_modules'));
    writeFileSync(join(build, 'package.json'), JSON.stringify({ type }));
    writeFileSync(join(build, 'tsconfig.json'), tsconfig);
    writeFileSync(join(build, 'main.ts'), adapted(echo).replace('8080', '0'));
    // Only type-checked.
    writeFileSync(join(build, 'worker.ts'), worker);
    const given =
      "declare const log: string; declare const startAnother: NonNullable<import('@websock/tck').RunOptions['start']>;";
    if (type === 'module') writeFileSync(join(build, 'runner.ts'), `${given}\n${runner}`);
    const recipes = type === 'module' ? ['authorise.ts', 'room.ts', 'deploy.ts'] : ['authorise.ts', 'room.ts'];
    for (const name of recipes) writeFileSync(join(build, name), recipe(name));
    cpSync(join(root, 'examples/recipes/users.ts'), join(build, 'users.ts'));
    const [compile = '', run = ''] = commandsFrom(adapterReadme, 'npx tsc');
    expect(await shell(compile, build)).toEqual({ code: 0, output: '' });
    expect(await talkTo(run, node20, build)).toBe('hello');
    expect(await talkTo(run, node24, build)).toBe('hello');
    if (type === 'commonjs') return;
    const status = (port: string) => fetch(`http://127.0.0.1:${port}`).then((response) => response.status);
    expect(await withServer('PORT=0 node dist/deploy.js', node20, build, status)).toBe(401);
  },
  120_000,
);

test('the first steps, the recipes, the tsconfig and the workflow work in one folder', async () => {
  const together = join(folder, 'together');
  const recipes = join(root, 'examples/recipes');
  const isDocumented = (file: string) => !/^(recipes|browser|reconnect|typed-client)\.|\.(md|json)$/.test(file);
  mkdirSync(join(together, 'node_modules/@websock'), { recursive: true });
  for (const file of readdirSync(recipes).filter(isDocumented)) cpSync(join(recipes, file), join(together, file));
  const ci = join(root, 'test/conformance/ci');
  for (const file of ['chat.ts', 'chat.conforms.ts']) cpSync(join(ci, file), join(together, file));
  writeFileSync(join(together, 'echo.mts'), echo);
  writeFileSync(join(together, 'worker.mts'), worker);
  writeFileSync(join(together, 'tsconfig.json'), tsconfig);
  writeFileSync(join(together, 'package.json'), JSON.stringify({ type: 'module' }));

  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(recipes, 'package.json'), 'utf8'));
  const names = Object.keys({ ...dependencies, ...devDependencies, '@types/node': '' });
  for (const name of names) {
    const installed = join(name.startsWith('@websock/') ? join(project, 'node_modules') : modules, name);
    mkdirSync(dirname(join(together, 'node_modules', name)), { recursive: true });
    symlinkSync(installed, join(together, 'node_modules', name));
  }

  const { strategy } = parse(readFileSync(join(ci, 'conformance.yml'), 'utf8')).jobs.types;
  const inMatrix = compilers.filter((name) => strategy.matrix.typescript.includes(versionOf(name).toFixed(1)));
  expect(inMatrix).toHaveLength(strategy.matrix.typescript.length);
  for (const compiler of inMatrix) {
    const check = await execute(process.execPath, [join(modules, compiler, 'bin/tsc'), '--noEmit'], together);
    expect(check, compiler).toEqual({ code: 0, output: '' });
  }
}, 120_000);
