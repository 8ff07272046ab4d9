// What is in the package, and what the tools say that judge packages.

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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

test('holds these files and no others', () => {
  const files = readdirSync(installed, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1)).sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'SPEC.md',
    'dist/conformance.d.ts',
    'dist/conformance.js',
    'dist/websock.d.ts',
    'dist/websock.js',
    'package.json',
  ]);
});

test('has scripts that do nothing, and declarations that point at no file that is not there', () => {
  for (const entry of ['websock', 'conformance']) {
    expect(readFileSync(join(installed, `dist/${entry}.js`), 'utf8')).toBe('"use strict";\n');
    const declarations = readFileSync(join(installed, `dist/${entry}.d.ts`), 'utf8');
    expect(declarations).not.toMatch(/sourceMappingURL|<reference/);
    for (const [, from] of declarations.matchAll(/\bfrom '(.*)'/g)) expect(from).toBe('./websock');
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
