// The workflow of the README's "In CI": its steps, run in a project as GitHub runs them, for each compiler of its matrix.
// npm finds the compilers at a registry on this machine, which serves those that are installed here.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Compiler, pack, root } from '../toolkit/compilers.ts';
import { execute } from '../toolkit/programs.ts';

interface Workflow {
  readonly jobs: {
    readonly types: {
      readonly strategy: { readonly matrix: { readonly typescript: readonly string[] } };
      readonly steps: readonly { readonly uses?: string; readonly run?: string }[];
    };
  };
}

const { strategy, steps } = (parse(readFileSync(join(root, 'test/conformance/ci/conformance.yml'), 'utf8')) as Workflow)
  .jobs.types;

/** The compilers that npm may install, as the registry knows them. */
const served = (['typescript-5.0', 'typescript'] as const satisfies readonly Compiler[]).map((compiler) => {
  const modules = join(root, 'node_modules');
  const { version, bin } = JSON.parse(readFileSync(join(modules, compiler, 'package.json'), 'utf8'));
  const tarball = gzipSync(execFileSync('tar', ['-c', '-C', modules, compiler], { maxBuffer: 2 ** 28 }), { level: 1 });
  return { name: 'typescript', version: version as string, bin, tarball };
});

const folder = mkdtempSync(join(tmpdir(), 'websock-workflow-'));
const project = join(folder, 'project');
const env: NodeJS.ProcessEnv = { ...process.env, CI: 'true', npm_config_cache: join(folder, 'cache') };

const registry = createServer(({ url, headers }, response) => {
  const asked = served.find(({ version }) => url === `/${version}.tgz`);
  const versions = served.map(({ tarball: _bytes, ...manifest }) => {
    const tarball = `http://${headers.host}/${manifest.version}.tgz`;
    return [manifest.version, { ...manifest, dist: { tarball } }];
  });
  if (asked) response.end(asked.tarball);
  else if (url === '/typescript')
    response.end(JSON.stringify({ versions: Object.fromEntries(versions), 'dist-tags': {} }));
  else response.writeHead(404).end('{}');
});

beforeAll(async () => {
  await new Promise<void>((listening) => registry.listen(0, '127.0.0.1', listening));
  env['npm_config_registry'] = `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`;

  cpSync(join(root, 'test/conformance/ci/chat.ts'), join(project, 'chat.ts'));
  cpSync(join(root, 'test/conformance/ci/chat.conforms.ts'), join(project, 'chat.conforms.ts'));
  const compilerOptions = { strict: true, module: 'node16', target: 'es2022', lib: ['es2022'], types: [] };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  const devDependencies = { '@websock/spec': `file:${pack(folder)}`, typescript: '6.0' };
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, devDependencies }));
  const { code, output } = await step('npm install --package-lock-only', '');
  expect(code, output).toBe(0);
});

afterAll(async () => {
  await new Promise((closed) => registry.close(closed));
  rmSync(folder, { recursive: true });
});

const MATRIX = /\$\{\{ matrix\.typescript \}\}/g;

/** Runs one step as a runner does: in bash, which ends at the first command that fails. */
const step = (command: string, typescript: string) =>
  execute('bash', ['-eo', 'pipefail', '-c', command.replace(MATRIX, typescript)], project, env);

test('the workflow tries two compilers', () => expect(strategy.matrix.typescript).toHaveLength(2));

describe.each(strategy.matrix.typescript)('with TypeScript %s', (typescript) => {
  const last = steps.at(-1)?.run ?? '';

  test('the job passes a handler that conforms', async () => {
    for (const { run = 'true' } of steps) {
      const { code, output } = await step(run, typescript);
      expect(code, output).toBe(0);
    }
  });

  test('its compiler is the one that the matrix names', async () => {
    const { output } = await step(last.replace('--noEmit', '--version'), typescript);
    expect(output).toMatch(new RegExp(`^Version ${typescript}\\.\\d+$`, 'm'));
  });

  test('its last step fails one that does not, with its fault', async () => {
    const file = join(project, 'chat.ts');
    const right = readFileSync(file, 'utf8');
    writeFileSync(file, right.replace('frame: WebSock.DataFrame', "frame: { opcode: 'text'; data: string }"));
    const { code, output } = await step(last, typescript);
    writeFileSync(file, right);
    expect(code).not.toBe(0);
    expect(output).toContain('2.3 handleIn does not accept a binary frame; annotate it as WebSock.DataFrame');
  });
});
