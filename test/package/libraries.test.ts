// A library whose declarations refer to its own copy of the package, in an application with another copy. The oldest and the
// newest supported compiler emit the library; the application is compiled by all.

import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { compile, compilers, type Diagnostic, differences, nameOf, root, run, tried } from '../toolkit/compilers.ts';
import { project } from '../toolkit/package.ts';

const application = 'test/package/fixtures/application.ts';
const folder = project(application);
afterAll(() => rmSync(folder, { recursive: true }));

const library = join(folder, 'node_modules/library');
const options = { strict: true, target: 'es2015', lib: ['es2015'], types: [], module: 'node16', skipLibCheck: false };
writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...options, noEmit: true } }));
mkdirSync(library, { recursive: true });
cpSync(join(folder, 'node_modules/@websock'), join(library, 'node_modules/@websock'), { recursive: true });
cpSync(join(root, 'test/package/fixtures/library.ts'), join(library, 'library.ts'));
writeFileSync(join(library, 'package.json'), '{ "name": "library", "exports": { "types": "./dist/library.d.ts" } }');
const emit = { ...options, declaration: true, emitDeclarationOnly: true, rootDir: '.', outDir: 'dist' };
writeFileSync(join(library, 'tsconfig.json'), JSON.stringify({ compilerOptions: emit, files: ['library.ts'] }));

const emitters = [compilers[0], compilers[compilers.length - 1] as (typeof compilers)[number]];
describe.each(emitters.map((compiler) => [nameOf(compiler), compiler] as const))('emitted by %s', (_name, emitter) => {
  test('the library compiles, and its declarations import the package', async () => {
    rmSync(join(library, 'dist'), { recursive: true, force: true });
    expect(await run(emitter, ['-p', library, '--pretty', 'false'])).toBe('');
    expect(readdirSync(join(library, 'dist'))).toEqual(['library.d.ts']);
  });

  test.each(tried.map((compiler) => [nameOf(compiler), compiler] as const))(
    'an application compiled by %s accepts the types of the library',
    async (_user, compiler) => {
      const diagnostics: Diagnostic[] = await compile(compiler, 'tsconfig.json', [application], {}, folder);
      expect(differences([application], diagnostics, compiler)).toEqual([]);
    },
  );
});
