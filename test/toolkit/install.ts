// The packages as their users get them: packed, and installed by npm into an empty project.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './compilers.ts';

/** The published packages, by the folders that they are packed from. */
export const packages = { '@websock/spec': '.', '@websock/adapter': 'adapter', '@websock/tck': 'tck' } as const;
export type Package = keyof typeof packages;

/** Packs what is built; returns the path of the tarball. To build here would empty files that other tests read. */
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

/**
 * Installs packages into a project as `npm install` does, without a registry: what they depend on is packed from here.
 */
export function install(project: string, ...names: readonly Package[]): void {
  const tarballs = join(project, 'tarballs');
  mkdirSync(tarballs, { recursive: true });
  const needsWs = names.some((name) => name !== '@websock/spec');
  const files = [...new Set<Package>(needsWs ? ['@websock/spec', ...names] : names)].map((name) =>
    pack(name, packages[name], tarballs),
  );
  if (needsWs) files.push(pack('ws', 'node_modules/ws', tarballs));
  const parameters = ['install', '--offline', '--no-audit', '--no-fund', '--cache', join(project, 'cache'), ...files];
  execFileSync('npm', parameters, { cwd: project, stdio: 'pipe' });
}
