// The packed `@websock/spec` on each runtime: both entries can be loaded, export nothing and do nothing.

import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { refusalsIn, root } from '../toolkit/compilers.ts';
import { project } from '../toolkit/package.ts';
import { execute } from '../toolkit/programs.ts';

const folder = project();
afterAll(() => rmSync(folder, { recursive: true }));
for (const name of ['imports.ts', 'consumer.ts']) cpSync(join(root, 'test/package/fixtures', name), join(folder, name));
writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }'); // otherwise Node.js prints a warning

/** Runs a program in the project; returns the exit code and the output. */
const tool = (program: string, ...parameters: string[]) =>
  execute(program, parameters, folder, { ...process.env, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' });

const installed = (path: string) => join(root, 'node_modules', path);
const entries = ['@websock/spec', '@websock/spec/conformance'];

describe('Node', () => {
  test.each(entries)('requires %s', async (entry) => {
    const script = `console.log(JSON.stringify(require('${entry}')))`;
    expect(await tool(process.execPath, '--input-type=commonjs', '-e', script)).toEqual({ code: 0, output: '{}\n' });
  });

  test.each(entries)('imports %s', async (entry) => {
    // the exports of a CommonJS module are `default`, and in some versions also 'module.exports'
    const script = `const { default: all, 'module.exports': same, ...names } = await import('${entry}');
      console.log(JSON.stringify([all, names]))`;
    const said = await tool(process.execPath, '--input-type=module', '-e', script);
    expect(said).toEqual({ code: 0, output: '[{},{}]\n' });
  });
});

const runtimes: [string, string, ...string[]][] = [
  ['Node 24, which strips the types,', installed('node/bin/node'), 'imports.ts'],
  ['Bun', installed('.bin/bun'), 'imports.ts'],
  ['Deno', installed('.bin/deno'), 'run', '--no-lock', '--no-remote', 'imports.ts'],
];
test.each(runtimes)(
  '%s runs a program that imports both entries at run time',
  async (_name, program, ...parameters) => {
    // the 3 callbacks of its handler, and no name from the package
    expect(await tool(program, ...parameters)).toEqual({ code: 0, output: '[3]\n' });
  },
);

test('Deno checks a program against the types', async () => {
  const { code, output } = await tool(installed('.bin/deno'), 'check', '--no-lock', '--no-remote', 'consumer.ts');
  expect(code).not.toBe(0);
  const refusals = refusalsIn('test/package/fixtures/consumer.ts');
  for (const { line, words } of refusals) {
    expect(output).toContain(words);
    expect(output).toContain(`consumer.ts:${line}:`);
  }
  expect(output).toContain(`Found ${refusals.length} errors.`);
});
