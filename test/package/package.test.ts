// What is in the package, and what the tools say that judge packages.

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { project, root } from '../toolkit/compilers.ts';
import { execute } from '../toolkit/programs.ts';

const folder = project();
afterAll(() => rmSync(folder, { recursive: true }));
const installed = join(folder, 'node_modules/@websock/spec');
const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) as string);

/** Runs one of the tools on the tarball; returns its exit code and all that it prints. */
const tool = (path: string, ...parameters: string[]) =>
  execute(process.execPath, [join(root, 'node_modules', path), ...parameters], folder, {
    ...process.env,
    NO_COLOR: '1',
  });

const files = readdirSync(installed, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1))
  .sort();

test('holds these files and no others', () => {
  const modules = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `dist/${file.replace(/\.ts$/, '')}`);
  expect(modules).toContain('dist/websock');
  expect(files).toEqual(
    [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'SPEC.md',
      'package.json',
      ...modules.flatMap((module) => [`${module}.d.ts`, `${module}.js`]),
    ].sort(),
  );
});

test('ships empty scripts, and declarations without dangling references', () => {
  for (const file of files.filter((name) => name.endsWith('.js'))) {
    expect(readFileSync(join(installed, file), 'utf8'), file).toBe('"use strict";\n');
  }
  for (const file of files.filter((name) => name.endsWith('.d.ts'))) {
    const declarations = readFileSync(join(installed, file), 'utf8');
    expect(declarations, file).not.toMatch(/sourceMappingURL|<reference/);
    for (const [, from = ''] of declarations.matchAll(/\b(?:from |import\()'(.*?)'/g)) {
      expect(files).toContain(join(dirname(file), `${from}.d.ts`));
    }
  }
});

test('asks nothing of those who install it', () => {
  const settings = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  for (const name of ['dependencies', 'peerDependencies', 'optionalDependencies', 'engines', 'os', 'cpu']) {
    expect(settings, name).not.toHaveProperty(name);
  }
  for (const name of ['preinstall', 'install', 'postinstall']) expect(settings.scripts).not.toHaveProperty(name);
  expect(settings.sideEffects).toBe(false);
});

test('publint --strict has nothing to say', async () => {
  const { code, output } = await tool('publint/src/cli.js', 'run', tarball, '--strict');
  expect(code, output).toBe(0);
  expect(output).toContain('All good!');
});

test('attw finds no problem', async () => {
  // without asking the registry for @types
  const { code, output } = await tool('@arethetypeswrong/cli/dist/index.js', '--no-definitely-typed', tarball);
  expect(code, output).toBe(0);
  expect(output).toContain('No problems found');
  expect(output).toContain('"@websock/spec/conformance"');
});
