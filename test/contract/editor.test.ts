// Completions and signature help while a handler is written, from the language service that editors use.

import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { root } from '../toolkit/compilers.ts';

const file = join(root, 'test/contract/written.ts'); // in memory only
const options: ts.CompilerOptions = {
  strict: true,
  lib: ['lib.es2015.d.ts'],
  types: [],
  module: ts.ModuleKind.Node16,
  moduleResolution: ts.ModuleResolutionKind.Node16,
};
let text = '';
let version = 0;
const service = ts.createLanguageService({
  useCaseSensitiveFileNames: () => true,
  readFile: ts.sys.readFile,
  directoryExists: ts.sys.directoryExists,
  getCompilationSettings: () => options,
  getScriptFileNames: () => [file],
  getScriptVersion: (name) => (name === file ? String(version) : '0'),
  getScriptSnapshot: (name) => {
    const content = name === file ? text : ts.sys.readFile(name);
    return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content);
  },
  getCurrentDirectory: () => root,
  getDefaultLibFileName: ts.getDefaultLibFilePath,
  fileExists: (name) => name === file || ts.sys.fileExists(name),
});

/** Replaces the text of the file, and returns the position of `|`, the cursor. */
function write(written: string): number {
  const beginning = "import type { WebSock } from '@websock/spec';\n";
  const cursor = beginning.length + written.indexOf('|');
  text = beginning + written.replace('|', '');
  version += 1;
  return cursor;
}

/** The completions at the `|`, in the order in which an editor lists them. */
function completions(written: string): string[] {
  const { entries = [] } = service.getCompletionsAtPosition(file, write(written), undefined) ?? {};
  const order = ({ sortText, name }: ts.CompletionEntry) => `${sortText} ${name}`;
  return [...entries].sort((one, other) => (order(one) < order(other) ? -1 : 1)).map(({ name }) => name);
}

/** The completions inside the first callback of a handler. */
const inCallback = (body: string) =>
  completions(`export const handler: WebSock<number, string> = { handleIn: (frame, state) => ${body} };`);

describe('completions', () => {
  test('of the keys of a handler: required ones first', () => {
    const keys = ['handleIn', 'handleInfo', 'init', 'handleControl', 'terminate'];
    expect(completions('export const handler: WebSock<number> = { | };')).toEqual(keys);
    expect(completions('export const handler = { | } satisfies WebSock<number>;')).toEqual(keys);
    const upgrade = 'declare const upgrade: WebSock.Upgrade<string>;\n';
    expect(completions(`${upgrade}upgrade('/', { init: () => ({ type: 'ok', state: 1 }), | }, undefined);`)).toEqual(
      keys.filter((key) => key !== 'init'),
    );
  });

  test.each(['', 'async '])('of the type of a result, in %sfunctions', (keyword) => {
    const before = `export const handler: WebSock<number> = { handleIn: ${keyword}(_frame, state) =>`;
    expect(completions(`${before} ({ type: '|' }) };`)).toEqual(['ok', 'push', 'reply', 'stop']);
    expect(completions(`${before} { return { type: '|' } } };`)).toEqual(['ok', 'push', 'reply', 'stop']);
  });

  test('of the properties of a result: required ones first', () => {
    expect(inCallback("({ type: 'ok', | })")[0]).toBe('state');
    expect(inCallback("({ type: 'push', | })").slice(0, 2)).toEqual(['messages', 'state']);
    expect(inCallback("({ type: 'reply', | })").slice(0, 2)).toEqual(['messages', 'state']);
    expect(inCallback("({ type: 'stop', | })")[0]).toBe('state');
    expect(inCallback("({ type: 'stop', state, close: { | } })")).toEqual(['code', 'reason']);
  });

  test('of an opcode: those of messages, data frames and control frames', () => {
    const opcodes = ['binary', 'ping', 'pong', 'text'];
    expect(inCallback("({ type: 'push', messages: { opcode: '|' }, state })")).toEqual(opcodes);
    expect(inCallback("({ type: 'push', messages: [{ opcode: '|' }], state })")).toEqual(opcodes);
    expect(inCallback("{ if (frame.opcode === '|') }")).toEqual(['binary', 'text']);
    const control = "export const handle: WebSock<number>['handleControl'] = (frame) => frame.opcode === '|';";
    expect(completions(control)).toEqual(['ping', 'pong']);
  });

  test('of a stop reason, a close code, and the type of a close reason', () => {
    expect(inCallback("({ type: 'stop', reason: '|', state })")).toEqual(['normal', 'restart']);
    const codes = ['1000', '1001', '1002', '1003', '1007', '1008', '1009', '1011', '1012', '1013', '1014'];
    expect(inCallback("({ type: 'stop', close: { code: | }, state })").slice(0, codes.length)).toEqual(codes);
    const terminate = "export const terminate: WebSock<number>['terminate'] = (reason) => reason.type === '|';";
    expect(completions(terminate)).toEqual(['error', 'normal', 'remote', 'shutdown', 'timeout']);
    expect(completions(terminate.replace("type === '|'", '|'))).toEqual(['code', 'reason', 'type']);
  });

  test('of the options of a connection', () => {
    const options = ['compress', 'headers', 'heartbeat', 'idleTimeout', 'maxMessageSize', 'protocol', 'validateUtf8'];
    const upgrade = 'declare const upgrade: WebSock.Upgrade<string>, handler: WebSock<number>;\n';
    expect(completions(`${upgrade}upgrade('/', handler, undefined, { | });`)).toEqual(options);
  });
});

describe('signature help', () => {
  const words = (parts: ts.SymbolDisplayPart[] | undefined) => ts.displayPartsToString(parts).replace(/^- /, '');

  test('of an upgrade describes it and its parameters', () => {
    const cursor = write('declare const upgrade: WebSock.Upgrade<string>;\nupgrade(|);');
    const help = service.getSignatureHelpItems(file, cursor, undefined);
    expect(help?.items).toHaveLength(1);
    expect(words(help?.items[0]?.documentation)).toMatch(/^Accepts the request, and serves the connection/);
    expect(help?.items[0]?.parameters.map(({ name, documentation }) => [name, words(documentation)])).toEqual([
      ['request', 'the request to upgrade, in the form that the server documents'],
      ['handler', 'serves this connection; may serve any number of others (rule 2.6)'],
      ['arg', 'passed to `init` unchanged; `undefined` if `init` has no parameters'],
      ['options', 'of this connection only'],
    ]);
  });

  test.each([
    ['undefined', 'declare const handler: WebSock<number>;'],
    ['undefined', "const handler = { init: () => ({ type: 'ok', state: 1 }), ...rest } satisfies WebSock<number>;"],
    ['{ name: string; }', 'declare const handler: WebSock<number, string, { name: string }>;'],
  ])('of an upgrade shows the arg of its handler: %s', (arg, handler) => {
    const declared = "declare const upgrade: WebSock.Upgrade<string>, rest: Omit<WebSock<number>, 'init'>;\n";
    const help = service.getSignatureHelpItems(
      file,
      write(`${declared}${handler}\nupgrade('/', handler, |);`),
      undefined,
    );
    expect(words(help?.items[0]?.parameters[2]?.displayParts)).toBe(`arg: ${arg}`);
  });
});
