// Runs every supported compiler on this folder: each `// refused: …` names an error of the line below, its text whole,
// and there is no other error.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const folder = 'test/conformance';
const compilers = ['typescript-5.0', 'typescript-5.4', 'typescript-5.9', 'typescript', 'typescript-7.0'];

const expected = new Map<string, string>();
for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))) {
  for (const [index, line] of readFileSync(`${folder}/${file}`, 'utf8').split('\n').entries()) {
    const text = /^\s*\/\/ refused: (.*)$/.exec(line)?.[1];
    if (text !== undefined) {
      expected.set(`${folder}/${file}:${index + 2}`, text);
    }
  }
}

function errorsOf(compiler: string): Map<string, string> {
  let output = '';
  try {
    execFileSync('node', [`node_modules/${compiler}/bin/tsc`, '-p', folder, '--pretty', 'false'], { encoding: 'utf8' });
  } catch (error) {
    output = (error as { stdout: string }).stdout;
  }
  const errors = new Map<string, string>();
  for (const line of output.split('\n')) {
    const [, file, row, text] = /^(\S+?)\((\d+),\d+\): error (.*)$/.exec(line) ?? [];
    if (file !== undefined) {
      errors.set(`${file}:${row}`, text ?? '');
    }
  }
  return errors;
}

describe.each(compilers)('%s', (compiler) => {
  const errors = errorsOf(compiler);

  it('refuses every wrong handler and server, and says why', () => {
    const unsaid = [...expected].filter(([place, text]) => {
      const said = errors.get(place) ?? '';
      // The order of a union is the compiler's own.
      return !text.split(' | ').every((fault) => said.includes(fault));
    });
    expect(unsaid.map(([place, text]) => ({ place, text, said: errors.get(place) }))).toEqual([]);
  });

  it('accepts every right one', () => {
    expect([...errors].filter(([place]) => !expected.has(place))).toEqual([]);
  });
});
