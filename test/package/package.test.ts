// The contents of the packed packages, and the results of tools that check packages.

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { root, run } from '../toolkit/compilers.ts';
import { emptyFolder, install, type Package, packages } from '../toolkit/package.ts';
import { execute } from '../toolkit/programs.ts';

const folder = emptyFolder();
afterAll(() => rmSync(folder, { recursive: true }));
const names = Object.keys(packages) as Package[];
install(folder, ...names);

const installed = (name: Package) => join(folder, 'node_modules', name);
const tarball = (name: Package) =>
  join(folder, 'tarballs', `${name.slice(1).replace('/', '-')}-${manifest(name).version}.tgz`);
const manifest = (name: Package) => JSON.parse(readFileSync(join(installed(name), 'package.json'), 'utf8'));

/** The files below a folder, relative to it. */
const filesIn = (path: string) =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();
const modulesOf = (name: Package) =>
  filesIn(join(root, packages[name], 'src')).filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));

/** Runs Node.js in the project; returns the exit code and the output. */
const node = (...parameters: string[]) =>
  execute(process.execPath, parameters, folder, { ...process.env, NO_COLOR: '1' });
const tool = (path: string, ...parameters: string[]) => node(join(root, 'node_modules', path), ...parameters);

describe.each(names)('%s', (name) => {
  test('contains exactly these files', () => {
    const modules = modulesOf(name).map((file) => file.replace(/\.ts$/, ''));
    const expected =
      name === '@websock/spec'
        ? ['CHANGELOG.md', 'SPEC.md', ...modules.flatMap((file) => [`dist/${file}.d.ts`, `dist/${file}.js`])]
        : [
            ...(name === '@websock/tck' ? ['bin.js'] : []),
            ...modules.flatMap((file) => [
              ...['.d.ts', '.d.ts.map', '.js', '.js.map'].map((ending) => `dist/${file}${ending}`),
              `src/${file}.ts`,
            ]),
          ];
    expect(filesIn(installed(name))).toEqual([...expected, 'LICENSE', 'README.md', 'package.json'].sort());
  });

  test('runs no script on installation, and depends only on ws, srvx and types, in exact versions', () => {
    const settings = manifest(name);
    for (const script of ['preinstall', 'install', 'postinstall']) expect(settings.scripts).not.toHaveProperty(script);
    for (const kind of ['optionalDependencies', 'os', 'cpu']) expect(settings, kind).not.toHaveProperty(kind);
    const optional = Object.keys(settings.peerDependenciesMeta ?? {}); // clients of brokers, which the application passes in
    expect(Object.keys(settings.peerDependencies ?? {})).toEqual(optional);
    expect(optional.length > 0).toBe(name === '@websock/pubsub');
    expect(settings.sideEffects).toBe(false);
    expect(settings.license).toBe('MIT');
    if (name === '@websock/spec') {
      expect(settings).not.toHaveProperty('dependencies');
      expect(settings).not.toHaveProperty('engines');
    } else if (name === '@websock/pubsub') {
      expect(settings.dependencies).toEqual({ '@websock/spec': `^${settings.version}` });
    } else {
      expect(settings.dependencies).toEqual({
        '@websock/spec': `^${settings.version}`,
        ...(name === '@websock/adapter' && { srvx: expect.stringMatching(/^\d+\.\d+\.\d+$/) }),
        ws: expect.stringMatching(/^\d+\.\d+\.\d+$/),
        ...(name === '@websock/adapter' && {
          srvx: expect.stringMatching(/^\d+\.\d+\.\d+$/),
          '@standard-schema/spec': expect.stringMatching(/^\d+\.\d+\.\d+$/),
        }),
      });
    }
  });

  test('publint --strict finds no problem', async () => {
    const { code, output } = await tool('publint/src/cli.js', 'run', tarball(name), '--strict');
    expect(code, output).toBe(0);
    expect(output).toContain('All good!');
  });

  test('attw finds no problem', async () => {
    // --no-definitely-typed: without asking the registry for @types
    const profile = name === '@websock/spec' ? [] : ['--profile', 'esm-only'];
    const cli = '@arethetypeswrong/cli/dist/index.js';
    const { code, output } = await tool(cli, '--no-definitely-typed', ...profile, tarball(name));
    expect(code, output).toBe(0);
    expect(output).toContain(`"${name}`);
    for (const entry of Object.keys(manifest(name).exports)) {
      expect(output).toContain(`"${join(name, entry)}"`);
    }
  });
});

test('@websock/spec contains empty scripts, and declarations without dangling references', () => {
  const path = installed('@websock/spec');
  const files = filesIn(path);
  for (const file of files.filter((name) => name.endsWith('.js'))) {
    expect(readFileSync(join(path, file), 'utf8'), file).toBe('"use strict";\n');
  }
  for (const file of files.filter((name) => name.endsWith('.d.ts'))) {
    const declarations = readFileSync(join(path, file), 'utf8');
    expect(declarations, file).not.toMatch(/sourceMappingURL|<reference/);
    for (const [, from = ''] of declarations.matchAll(/\b(?:from |import\()'(.*?)'/g)) {
      expect(files).toContain(join(dirname(file), `${from}.d.ts`));
    }
  }
});

const entries = (['@websock/adapter', '@websock/pubsub', '@websock/tck'] as const).flatMap((name) =>
  Object.keys(manifest(name).exports)
    .filter((entry) => entry !== './package.json')
    .map((entry) => join(name, entry)),
);

describe('every entry with code', () => {
  test.each(entries)('%s is imported and required on Node.js, without side effects', async (entry) => {
    const before = 'const before = Object.getOwnPropertyNames(globalThis).length;';
    const after = `if (Object.getOwnPropertyNames(globalThis).length !== before) throw new Error('there is a new global');
      console.log(Object.keys(it).filter((name) => name !== '__esModule').sort().join());`;
    const imported = await node('--input-type=module', '-e', `${before} const it = await import('${entry}'); ${after}`);
    expect(imported.code, imported.output).toBe(0);
    const script = `${before} const it = require('${entry}'); ${after}`;
    const required = await node('--no-warnings', '--input-type=commonjs', '-e', script);
    expect(required).toEqual(imported);
  });

  test.each([true, false])('has types that need only those of Node.js, with skipLibCheck: %s', async (skip) => {
    const lines = entries.map((entry, index) => `export type * as _${index} from '${entry}';`);
    writeFileSync(join(folder, 'all.mts'), lines.join('\n'));
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2022',
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: skip,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['all.mts'] }));
    expect(existsSync(join(folder, 'node_modules/@types'))).toBe(false);
    expect(await run('typescript', ['-p', folder, '--pretty', 'false'], folder)).toBe('');
  });
});
