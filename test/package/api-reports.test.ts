// The public API is a reviewed file, and says what everything in it is.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { beforeAll, describe, expect, test } from 'vitest';
import { declarationsBeside, declarationsOf, type Entry, entries, report, reportOf } from './api-reports.ts';

describe.each(entries)('%s', (entry) => {
  let text = '';
  beforeAll(() => {
    text = report(entry);
  });

  test('has the API that was reviewed', () => {
    const update = 'The public API differs from its report. If that is meant: npm run api, and review the difference.';
    expect(text, update).toBe(readFileSync(reportOf(entry), 'utf8'));
  });

  test('has a comment for everything that it exports', () => {
    expect(uncommented(entry)).toEqual([]);
    // each of two declarations of a name, and what is behind unions
    expect(text.replace(PLATFORM_INTERFACES, '')).not.toContain('(undocumented)');
  });
});

/** Interfaces with the part of a platform's own type that the adapter uses: the platform documents their members. */
const PLATFORM_TYPES = [
  ...['BunServer', 'BunSocket', 'BunWebSocket', 'Context', 'UpgradeServer'],
  ...['CrosswsHooks', 'CrosswsMessage', 'CrosswsPeer', 'CrosswsRequest', 'CrosswsUpgrade'],
];
const PLATFORM_INTERFACES = new RegExp(`^export interface (${PLATFORM_TYPES.join('|')}) .*?^}`, 'gms');

const programs = new Map<string, ts.Program>();

/** The declarations of all entries of a package, with its compiler options. */
function programOf(entry: Entry): ts.Program {
  const { tsconfig } = declarationsOf(entry);
  const { config } = ts.readConfigFile(tsconfig, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(tsconfig));
  const program = programs.get(tsconfig) ?? ts.createProgram(declarationsBeside(entry), options);
  programs.set(tsconfig, program);
  return program;
}

/** The exports of an entry, with their members, that have no comment. */
function uncommented(entry: Entry): string[] {
  const { folder, file } = declarationsOf(entry);
  const program = programOf(entry);
  const checker = program.getTypeChecker();
  const isOurs = (symbol: ts.Symbol) =>
    symbol.declarations?.some((at) => at.getSourceFile().fileName.startsWith(join(folder, 'dist'))) ?? false;
  const found: string[] = [];
  let seen = 0;
  const visit = (exported: ts.Symbol, path: string) => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    if (!isOurs(symbol)) return;
    const name = path ? `${path}.${symbol.name}` : symbol.name;
    seen += 1;
    if (symbol.getDocumentationComment(checker).length === 0 && symbol.name !== '#private') found.push(name);
    if (PLATFORM_TYPES.includes(symbol.name)) return;
    for (const inner of symbol.exports?.values() ?? []) visit(inner, name);
    for (const inner of symbol.members?.values() ?? [])
      if (inner.flags & (ts.SymbolFlags.Property | ts.SymbolFlags.Method)) visit(inner, name);
  };
  const source = checker.getSymbolAtLocation(program.getSourceFile(file) as ts.SourceFile) as ts.Symbol;
  for (const symbol of checker.getExportsOfModule(source)) visit(symbol, '');
  expect(seen).toBeGreaterThan(5);
  return found;
}
