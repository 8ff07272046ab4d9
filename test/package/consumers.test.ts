// The packed package in projects of users: every supported compiler, module resolution and level of strictness.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type Compiler,
  compile,
  type Diagnostic,
  differences,
  nameOf,
  refusalsIn,
  root,
  tried,
  versionOf,
} from '../toolkit/compilers.ts';
import { project } from '../toolkit/package.ts';

const consumer = 'test/package/fixtures/consumer.ts';
const server = 'test/package/fixtures/server.ts';
const javascript = 'test/package/fixtures/javascript.mjs';
const lax = 'test/package/fixtures/lax.ts';

/** The files of the project, whose names determine the kind of module, each with the fixture that it is a copy of. */
const copies: Readonly<Record<string, string>> = {
  'consumer.ts': consumer,
  'consumer.cts': consumer,
  'consumer.mts': consumer,
  'module/consumer.ts': consumer,
  'server.ts': server,
  'server.cts': server,
  'server.mts': server,
  'lax.ts': lax,
  'consumer.js': javascript,
  'consumer.cjs': javascript,
  'consumer.mjs': javascript,
};

const folder = project();
afterAll(() => rmSync(folder, { recursive: true }));
for (const [copy, fixture] of Object.entries(copies)) {
  mkdirSync(dirname(join(folder, copy)), { recursive: true });
  const text = readFileSync(join(root, fixture), 'utf8');
  // with `verbatimModuleSyntax`, a CommonJS module cannot export values with `export`
  const asis = copy.endsWith('.mts') || copy.endsWith('.mjs') || copy.startsWith('module/');
  writeFileSync(join(folder, copy), asis ? text : text.replace(/^export (?=const|class|function)/gm, ''));
}
writeFileSync(join(folder, 'module/package.json'), '{ "type": "module" }');
const common = { target: 'es2015', lib: ['es2015'], types: [], skipLibCheck: false, noEmit: true };
writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: common }));

interface Resolution {
  readonly options: object;
  readonly files: readonly string[];
}

const node = [
  'consumer.cts',
  'consumer.mts',
  'module/consumer.ts',
  'server.cts',
  'server.mts',
  'consumer.cjs',
  'consumer.mjs',
];
const plain = ['consumer.ts', 'server.ts', 'lax.ts', 'consumer.js'];
/** The module resolutions, each with the files for which it matters. */
const resolutions: Readonly<Record<string, Resolution>> = {
  node10: { options: { module: 'commonjs', moduleResolution: 'node10' }, files: plain },
  'node16, CommonJS and ESM': { options: { module: 'node16', moduleResolution: 'node16' }, files: node },
  'nodenext, CommonJS and ESM': { options: { module: 'nodenext', moduleResolution: 'nodenext' }, files: node },
  bundler: { options: { module: 'esnext', moduleResolution: 'bundler' }, files: plain },
};

const javascriptToo = { allowJs: true, checkJs: true };
/** Levels of strictness; `strictest` has all further restrictions, too. */
const levels: Readonly<Record<string, (version: number) => object>> = {
  strict: () => ({ strict: true, ...javascriptToo }),
  strictest: (version) => ({
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    isolatedModules: true,
    verbatimModuleSyntax: true,
    ...(version >= 5.8 && { erasableSyntaxOnly: true }),
    ...javascriptToo,
  }),
  'not strict': () => ({ strict: false }),
  'without strictNullChecks': () => ({ strict: true, strictNullChecks: false }),
  'without strictFunctionTypes': () => ({ strict: true, strictFunctionTypes: false }),
};

/** The differences between the errors for the copies and the `refused:` comments of their fixtures. */
function differ(compiler: Compiler, files: readonly string[], diagnostics: readonly Diagnostic[]): string[] {
  const where = (file: string) => files.find((copy) => join(root, copy) === file);
  return [
    ...files.flatMap((copy) => {
      const fixture = copies[copy] as string;
      const here = diagnostics.filter(({ file }) => where(file) === copy);
      const differing = differences(
        [fixture],
        here.map((said) => ({ ...said, file: join(root, fixture) })),
        compiler,
      );
      return differing.map((difference) => `${copy}: ${difference}`);
    }),
    ...diagnostics.filter(({ file }) => !where(file)).map(({ file, line, text }) => `${file}:${line} ${text}`),
  ];
}

test('each consumer has mistakes for both entries', () => {
  for (const fixture of new Set(Object.values(copies))) {
    expect(refusalsIn(fixture).length).toBeGreaterThan(1);
    expect(readFileSync(join(root, fixture), 'utf8')).toMatch(/'@websock\/spec'[\s\S]*'@websock\/spec\/conformance'/);
  }
});

describe.concurrent.each(tried.map((compiler) => [nameOf(compiler), compiler] as const))('%s', (_name, compiler) => {
  for (const [resolution, { options, files }] of Object.entries(resolutions)) {
    for (const [level, levelOptions] of Object.entries(levels)) {
      // node10 is deprecated in 6.0, and gone in 7.0
      const old = resolution === 'node10' && versionOf(compiler) >= 6;
      if (old && versionOf(compiler) >= 7) continue;
      if (!level.startsWith('strict') && resolution !== 'bundler') continue; // once is enough
      test(`${resolution}: ${level}`, async ({ expect }) => {
        const all = { ...options, ...levelOptions(versionOf(compiler)), ...(old && { ignoreDeprecations: '6.0' }) };
        const here = files.filter((file) => (copies[file] === lax) !== level.startsWith('strict'));
        expect(differ(compiler, here, await compile(compiler, 'tsconfig.json', here, all, folder))).toEqual([]);
      });
    }
  }

  // since 5.5; separate, because the compiler does not allow it together with JavaScript
  if (versionOf(compiler) < 5.5) return;
  test('node16, CommonJS and ESM: isolatedDeclarations', async ({ expect }) => {
    const typed = node.filter((file) => file.endsWith('ts'));
    const options = { module: 'node16', strict: true, declaration: true, isolatedDeclarations: true };
    expect(differ(compiler, typed, await compile(compiler, 'tsconfig.json', typed, options, folder))).toEqual([]);
  });
});
