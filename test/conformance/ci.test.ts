// The CI recipes of the README, run as in a user's project: with the packed package and the real tools.

import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { refusalsIn, root, tried, versionOf } from '../toolkit/compilers.ts';
import { project } from '../toolkit/package.ts';
import { execute } from '../toolkit/programs.ts';

let folder: string;

beforeAll(() => {
  folder = project();
  cpSync(join(root, 'test/conformance/ci'), folder, { recursive: true });
  for (const tool of ['typescript', 'tsd', 'vitest', 'eslint', 'typescript-eslint', '@tsd']) {
    symlinkSync(join(root, 'node_modules', tool), join(folder, 'node_modules', tool));
  }
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'es2022',
    skipLibCheck: true,
    types: [],
  };
  // Without the files for tsd and vitest, whose types would slow the other recipes down.
  const config = { compilerOptions, include: ['*.ts'], exclude: ['*.test-d.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'vitest.json'), JSON.stringify({ ...config, exclude: [] }));
  const settings = {
    name: 'project',
    type: 'module', // imports need full file names
    private: true,
    tsd: { compilerOptions: { module: 'nodenext', moduleResolution: 'node16' } },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(settings));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a tool in the project; returns its exit code and output. */
const tool = (path: string, ...parameters: string[]) =>
  execute(process.execPath, [join(root, 'node_modules', path), ...parameters], folder, {
    ...process.env,
    NO_COLOR: '1',
  });

const { strategy, steps } = parse(readFileSync(join(root, 'test/conformance/ci/conformance.yml'), 'utf8')).jobs.types;

test('the last step of the workflow runs the compilers of its matrix', () => {
  expect(strategy.matrix.typescript).toEqual(['5.9', '7.0']);
  expect(steps.at(-1).run).toMatch(/^npx --yes --package=typescript@\$\{\{ matrix\.typescript \}\} tsc --noEmit$/);
});

const inMatrix = tried.filter((compiler) => strategy.matrix.typescript.includes(versionOf(compiler).toFixed(1)));

const recipes: [string, () => ReturnType<typeof tool>][] = [
  ...inMatrix.map((compiler): (typeof recipes)[number] => [compiler, () => tool(`${compiler}/bin/tsc`, '--noEmit')]),
  ['tsd', () => tool('tsd/dist/cli.js', '--files', 'chat.test-d.ts', '--typings', 'chat.ts')],
  [
    'vitest',
    () =>
      tool('vitest/vitest.mjs', 'run', '--typecheck.only', '--typecheck.tsconfig=vitest.json', 'chat.vitest.test-d.ts'),
  ],
];

describe.each(recipes)('%s', (_name, run) => {
  test('passes for a right handler', async () => {
    const { code, output } = await run();
    expect(code, output).toBe(0);
  });

  test('fails for a wrong one, with its fault', async () => {
    const file = join(folder, 'chat.ts');
    const right = readFileSync(file, 'utf8');
    writeFileSync(file, right.replace('frame: WebSock.DataFrame', "frame: { opcode: 'text'; data: string }"));
    const { code, output } = await run();
    writeFileSync(file, right);
    expect(code).not.toBe(0);
    expect(output).toContain('2.3 handleIn does not accept a binary frame; annotate it as WebSock.DataFrame');
  });
});

test('eslint finds a floating promise and an unbound callback', async () => {
  const { output } = await tool('eslint/bin/eslint.js', '--format', 'json', 'unseen.ts');
  const [{ messages }] = JSON.parse(output) as [{ messages: { line: number; ruleId: string }[] }];
  expect(messages.map(({ line, ruleId }) => [line, ruleId])).toEqual(
    refusalsIn('test/conformance/ci/unseen.ts').map(({ line, words }) => [line, words]),
  );
});
