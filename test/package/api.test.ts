// The public API is a reviewed file, and says what everything in it is.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { root } from '../toolkit/compilers.ts';
import { type Entry, entries, report, reportOf } from './api.ts';

describe.each(entries)('%s', (entry) => {
  test('has the API that was reviewed', () => {
    const update = 'The public API differs from its report. If that is meant: npm run api, and review the difference.';
    expect(report(entry), update).toBe(readFileSync(reportOf(entry), 'utf8'));
  });

  test('has a comment for everything that it exports', () => {
    expect(uncommented(entry)).toEqual([]);
    // each of two declarations of a name, and what is behind unions
    expect(report(entry)).not.toContain('(undocumented)');
  });
});

/** The exports of an entry, with their members, that have no comment. */
function uncommented(entry: Entry): string[] {
  const file = join(root, 'dist', `${entry}.d.ts`);
  const program = ts.createProgram([file], { lib: ['lib.es2015.d.ts'], types: [] });
  const checker = program.getTypeChecker();
  const isOurs = (symbol: ts.Symbol) =>
    symbol.declarations?.some((at) => at.getSourceFile().fileName === file) ?? false;
  const found: string[] = [];
  let seen = 0;
  const visit = (symbol: ts.Symbol, path: string) => {
    if (!isOurs(symbol)) return;
    const name = path ? `${path}.${symbol.name}` : symbol.name;
    seen += 1;
    if (symbol.getDocumentationComment(checker).length === 0) found.push(name);
    for (const inner of symbol.exports?.values() ?? []) visit(inner, name);
    for (const inner of symbol.members?.values() ?? []) if (inner.flags & ts.SymbolFlags.Property) visit(inner, name);
  };
  const source = checker.getSymbolAtLocation(program.getSourceFile(file) as ts.SourceFile) as ts.Symbol;
  for (const symbol of checker.getExportsOfModule(source)) visit(symbol, '');
  expect(seen).toBeGreaterThan(3);
  return found;
}
