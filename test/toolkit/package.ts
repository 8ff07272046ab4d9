// The packages as users get them: packed, and installed into an empty project.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './compilers.ts';

/** The published packages, with their folders. */
export const packages = {
  '@websock/spec': '.',
  '@websock/adapter': 'adapter',
  '@websock/pubsub': 'pubsub',
  '@websock/tck': 'tck',
} as const;
export type Package = keyof typeof packages;

/** Packs a package that is built; returns the path of the tarball. Building here would disturb tests that run at the same time. */
export function pack(name: string, folder: string, into: string): string {
  const parameters = ['pack', '--silent', '--ignore-scripts', '--pack-destination', into];
  const file = execFileSync('npm', parameters, { cwd: join(root, folder), encoding: 'utf8' }).trim();
  if (!file.endsWith('.tgz')) throw new Error(`npm packs ${name} as ${JSON.stringify(file)}`);
  return join(into, file);
}

/** An empty folder outside the repository. The caller removes it. */
export function emptyFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'websock-project-')));
}

/** Installs packages into a project with `npm install`, but without a registry: their dependencies are packed here, too. */
export function install(project: string, ...names: readonly Package[]): void {
  const tarballs = join(project, 'tarballs');
  mkdirSync(tarballs, { recursive: true });
  const files = [...new Set<Package>(['@websock/spec', ...names])].map((name) => pack(name, packages[name], tarballs));
  const needed = names.includes('@websock/adapter')
    ? ['ws', 'srvx', '@standard-schema/spec']
    : names.includes('@websock/tck')
      ? ['ws']
      : [];
  for (const name of needed) files.push(pack(name, `node_modules/${name}`, tarballs));
  const parameters = ['install', '--offline', '--no-audit', '--no-fund', '--cache', join(project, 'cache'), ...files];
  execFileSync('npm', parameters, { cwd: project, stdio: 'pipe' });
}

/**
 * A folder with copies of the given paths of the repository, and `@websock/spec` unpacked where npm would install it, which
 * is faster than `npm install`. The caller removes it.
 */
export function project(...copied: readonly string[]): string {
  const folder = emptyFolder();
  const installed = join(folder, 'node_modules', '@websock', 'spec');
  mkdirSync(installed, { recursive: true });
  const tarball = pack('@websock/spec', packages['@websock/spec'], folder);
  execFileSync('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  for (const path of copied) cpSync(join(root, path), join(folder, path), { recursive: true });
  return folder;
}
