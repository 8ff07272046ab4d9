// Mutation testing of types: weakens src/ in one place at a time, and checks that a type test of test/contract or
// test/conformance fails. A surviving mutation is a missing test, unless equivalent-type-mutations.ts lists it with the
// reason why it changes nothing. `npm run mutations` tries all, in about 20 minutes on two cores;
// `npm run mutations -- names overlooked` tries those of two files, and `npm run mutations -- 48` a random sample of 48
// from the contract.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { refusalsOf, root } from '../toolkit/compilers.ts';
import { type Equivalent, equivalents } from './equivalent-type-mutations.ts';

/** A change of one place in src/. */
interface Mutation {
  readonly file: string;
  readonly line: number;
  /** The declaration that contains it. */
  readonly of: string;
  readonly kind: string;
  readonly was: string;
  readonly is: string;
  readonly source: string;
}

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
const rightSources: Readonly<Record<string, string>> = Object.fromEntries(
  sources.map((file) => [file, readFileSync(join(root, 'src', file), 'utf8')]),
);

// ---- The mutations ----

/** All mutations of one file. */
function mutationsOf(file: string): Mutation[] {
  const text = rightSources[file] ?? '';
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found = new Map<string, Mutation>();
  const add = (kind: string, start: number, end: number, is: string) => {
    const source = text.slice(0, start) + is + text.slice(end);
    const { line } = tree.getLineAndCharacterOfPosition(start);
    const of = declarationAt(tree, start);
    const was = text.slice(start, end);
    if (!found.has(source)) found.set(source, { file, line: line + 1, of, kind, was, is, source });
  };
  const visit = (node: ts.Node) => {
    for (const [kind, start, end, is] of mutationsAt(node, file)) add(kind, start, end, is);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return [...found.values()].filter(({ source }) => source !== text);
}

/** The innermost type declaration around a position. */
function declarationAt(tree: ts.SourceFile, position: number): string {
  let name = '';
  const visit = (node: ts.Node) => {
    if (position < node.getStart() || position >= node.end) return;
    if (ts.isTypeAliasDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node))
      name = node.name?.text ?? '';
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return name;
}

type Change = [kind: string, start: number, end: number, is: string];

function* mutationsAt(node: ts.Node, file: string): Generator<Change> {
  const replace = (kind: string, is: string, whole: ts.Node = node): Change => [
    kind,
    whole.getStart(),
    whole.getEnd(),
    is,
  ];
  if (ts.isUnionTypeNode(node) || ts.isIntersectionTypeNode(node)) {
    const between = ts.isUnionTypeNode(node) ? ' | ' : ' & ';
    for (const member of node.types) {
      const rest = node.types.filter((other) => other !== member).map((other) => other.getText());
      yield replace(`without ${oneLine(member)}`, rest.join(between));
    }
  }
  // Lists of checks, which are longer than `[One] extends [Other]` and the pairs in server-calls.
  if (ts.isTupleTypeNode(node) && node.elements.length > 2) {
    for (const element of node.elements) {
      const rest = node.elements.filter((other) => other !== element).map((other) => other.getText());
      yield replace(`without ${oneLine(element)}`, `[${rest.join(', ')}]`);
    }
  }
  if (ts.isPropertySignature(node) || ts.isMethodSignature(node)) yield replace('without the property', '');
  // Not in the suite, where properties only match or infer types.
  if (file === 'websock.ts' && (ts.isPropertySignature(node) || ts.isMethodSignature(node))) {
    const name = node.name.getText();
    if (node.questionToken) yield ['required', node.questionToken.getStart(), node.questionToken.getEnd(), ''];
    else yield ['optional', node.name.getStart(), node.name.getEnd(), `${name}?`];
    for (const modifier of node.modifiers ?? []) yield ['not readonly', modifier.getStart(), modifier.getEnd(), ''];
  }
  if (file === 'websock.ts' && ts.isPropertySignature(node) && node.type) {
    const type = functionIn(node.type);
    if (type) {
      const optional = node.questionToken ? '?' : '';
      const parameters = type.parameters.map((parameter) => parameter.getText()).join(', ');
      yield replace('method', `${node.name.getText()}${optional}(${parameters}): ${type.type.getText()};`);
    }
  }
  if (ts.isParameter(node) && node.questionToken) {
    yield ['required', node.questionToken.getStart(), node.questionToken.getEnd(), ''];
  }
  if (ts.isTypeOperatorNode(node) && node.operator === ts.SyntaxKind.ReadonlyKeyword) {
    yield replace('not readonly', node.type.getText());
  }
  if (ts.isConditionalTypeNode(node)) {
    const [right, wrong] = [node.trueType, node.falseType];
    yield replace('true branch as false', wrong.getText(), right);
    yield replace('true branch never', 'never', right);
    const inferred = namesInferred(node.extendsType);
    // `extends unknown` distributes over a union; its false branch is never taken.
    if (node.extendsType.kind === ts.SyntaxKind.UnknownKeyword) return;
    if (!inferred.some((name) => new RegExp(`\\b${name}\\b`).test(right.getText())))
      yield replace('false branch as true', right.getText(), wrong);
    yield replace('false branch never', 'never', wrong);
  }
  if (file === 'websock.ts' && isWeakenable(node)) {
    yield replace('any', 'any');
    yield replace('unknown', 'unknown');
  }
}

/** Whether a type can be replaced by `any` or `unknown`. */
function isWeakenable(node: ts.Node): node is ts.TypeNode {
  return (
    ts.isTypeReferenceNode(node) ||
    ts.isIndexedAccessTypeNode(node) ||
    ts.isTypeLiteralNode(node) ||
    ts.isLiteralTypeNode(node) ||
    ts.isTemplateLiteralTypeNode(node) ||
    ts.isArrayTypeNode(node) ||
    ts.isFunctionTypeNode(node) ||
    (node.kind >= ts.SyntaxKind.FirstKeyword && node.kind <= ts.SyntaxKind.LastKeyword && ts.isTypeNode(node))
  );
}

/** The function type of a property, inside parentheses or a union with `undefined`. */
function functionIn(type: ts.TypeNode): ts.FunctionTypeNode | undefined {
  if (ts.isFunctionTypeNode(type)) return type;
  if (ts.isParenthesizedTypeNode(type)) return functionIn(type.type);
  if (ts.isUnionTypeNode(type)) return type.types.map(functionIn).find((found) => found !== undefined);
  return undefined;
}

function namesInferred(node: ts.Node): string[] {
  const names: string[] = [];
  const visit = (child: ts.Node) => {
    if (ts.isInferTypeNode(child)) names.push(child.typeParameter.name.getText());
    ts.forEachChild(child, visit);
  };
  visit(node);
  return names;
}

function oneLine(node: ts.Node): string {
  const line = node.getText().replace(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

// ---- The type tests, prepared for compilation with many copies of src/ ----

interface TestFile {
  readonly path: string;
  readonly text: string;
  /** For a test of the suite: the statements that do not use the suite, and the others, at their original lines. */
  readonly parts: readonly [fixtures: string, verdicts: string] | undefined;
  /** By line, the texts that the error there must contain. */
  readonly refusals: ReadonlyMap<number, readonly string[]>;
}

// A faster equivalent of tsd's `expectType`, for any compiler. It needs two calls: see `inTwoSteps`.
const exactly = `
type Same<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;
export declare const expectType: <Expected>() =>
  <Actual extends Expected>(actual: Actual, ...wrong: Same<Actual, Expected> extends true ? [] : ['not the same']) => void;
export declare const expectAssignable: <Expected>() => (actual: Expected) => void;
export declare const expectNotAssignable: <Expected>() =>
  <Actual>(actual: Actual, ...wrong: [Actual] extends [Expected] ? ['assignable'] : []) => void;
`;

function testFiles(): TestFile[] {
  return ['contract', 'conformance'].flatMap((folder) =>
    readdirSync(join(root, 'test', folder))
      .filter(
        (name) =>
          /\.[jt]s$/.test(name) &&
          !/\.test\.ts$/.test(name) &&
          // platform-signal needs another lib than the rest.
          !/^(generator|type-mutations|mistakes|equivalent-type-mutations|readme|samples|platform-signal)/.test(name),
      )
      .map((name) => testFile(folder, name)),
  );
}

function testFile(folder: string, name: string): TestFile {
  const whole = readFileSync(join(root, 'test', folder, name), 'utf8');
  const text = inTwoSteps(whole)
    .replaceAll("'@websock/spec/conformance'", "'../src/conformance'")
    .replaceAll("'@websock/spec'", "'../src/websock'")
    .replaceAll("'tsd'", "'../../tsd'");
  const refusals = new Map<number, string[]>();
  for (const { line, words, before } of refusalsOf(text)) {
    // Newer compilers word this error differently.
    const parts = before !== undefined ? [''] : folder === 'conformance' ? words.split(' | ') : [words];
    refusals.set(line, [...(refusals.get(line) ?? []), ...parts]); // the order of a union is the compiler's own
  }
  const path = `${folder}/${name}`;
  return { path, text, parts: folder === 'conformance' ? inTwoParts(path, text) : undefined, refusals };
}

/** Separates the handlers and servers, which all copies of the suite share, from their verdicts: a large saving. */
function inTwoParts(path: string, text: string): [string, string] {
  const statements = ts.createSourceFile('test.ts', text, ts.ScriptTarget.Latest, true).statements.map((statement) => {
    const [names, words] = [new Set<string>(), new Set<string>()];
    const nameOf = (name: ts.BindingName) => {
      if (ts.isIdentifier(name)) names.add(name.text);
      else for (const part of name.elements) if (!ts.isOmittedExpression(part)) nameOf(part.name);
    };
    if (ts.isVariableStatement(statement)) for (const { name } of statement.declarationList.declarations) nameOf(name);
    else if (ts.isDeclarationStatement(statement) && statement.name) names.add(statement.name.text);
    const visit = (node: ts.Node) => {
      if (ts.isIdentifier(node)) words.add(node.text);
      ts.forEachChild(node, visit);
    };
    visit(statement);
    return { statement, names, words, isImport: ts.isImportDeclaration(statement) };
  });
  const judging = new Set(['Assert', 'HandlerConforms', 'ServerConforms', 'Checked']);
  for (let size = 0; size < judging.size; ) {
    size = judging.size;
    for (const { names, words, isImport } of statements)
      if (!isImport && [...words].some((word) => judging.has(word))) for (const name of names) judging.add(name);
  }
  const isJudging = ({ words }: (typeof statements)[number]) => [...words].some((word) => judging.has(word));
  const blank = (part: string) => part.replace(/[^\n]/g, ' ');
  const keep = (kept: (one: (typeof statements)[number]) => boolean) =>
    statements.reduce(
      (so, one) =>
        kept(one)
          ? so
          : so.slice(0, one.statement.getStart()) + blank(one.statement.getText()) + so.slice(one.statement.end),
      text,
    );
  const shared = statements.filter((one) => !one.isImport && !isJudging(one)).flatMap(({ names }) => [...names]);
  const names = [...new Set(shared)].join(', ');
  return [
    `${keep((one) => !isJudging(one)).replace(/^export /gm, '')}\nexport { ${names} };\n`,
    `${keep((one) => one.isImport || isJudging(one))}\nimport { ${names} } from '../../shared/${path.replace(/\.ts$/, '')}';\n`,
  ];
}

/** Rewrites `expectType<Type>(value)` as `expectType<Type>()(value)`, so that the type of the value is inferred. */
function inTwoSteps(text: string): string {
  const ends: number[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isCallExpression(node) && node.typeArguments && /^expect\w+$/.test(node.expression.getText()))
      ends.push(node.typeArguments.end + 1);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('test.ts', text, ts.ScriptTarget.Latest, true));
  return ends.sort((one, other) => other - one).reduce((so, end) => `${so.slice(0, end)}()${so.slice(end)}`, text);
}

// ---- Judging mutations ----

const options = {
  target: 'es2022',
  lib: ['es2015'],
  types: [],
  module: 'node16',
  moduleResolution: 'node16',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  allowJs: true,
  checkJs: true,
  noEmit: true,
  skipLibCheck: true,
};

/** For each copy of src/, the first deviation of a test; `undefined` if there is none. */
async function judge(copies: readonly Readonly<Record<string, string>>[], tests: readonly TestFile[]) {
  const folder = mkdtempSync(join(tmpdir(), 'websock-mutations-'));
  try {
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    };
    // By name, because `include` would take only one of refused.ts and refused.js.
    const files = copies.flatMap((_copy, index) => tests.map(({ path }) => `${index}/${path}`));
    write('tsconfig.json', JSON.stringify({ compilerOptions: options, files }));
    write('tsd.ts', exactly);
    const right = rightSources['websock.ts'] ?? '';
    write('shared/src/websock.ts', right);
    for (const { path, parts } of tests) if (parts) write(`shared/${path}`, parts[0]);
    for (const [index, copy] of copies.entries()) {
      const isShared = copy['websock.ts'] === right;
      const place = (path: string, text: string) => {
        const shared = `'${relative(dirname(join(String(index), path)), 'shared/src/websock')}'`;
        write(`${index}/${path}`, isShared ? text.replace(/'\.\.?(\/src)?\/websock'/g, shared) : text);
      };
      for (const [file, text] of Object.entries(copy)) place(`src/${file}`, text);
      for (const { path, text, parts } of tests) place(path, isShared && parts ? parts[1] : text);
    }
    const said = await errors(folder, 10 + 3 * copies.length);
    if (said === undefined) return undefined;
    return copies.map((_copy, index) => deviation(said.get(String(index)) ?? [], tests));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface CompilerError {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

const program: string = (await import(join(root, 'node_modules/typescript-7.0/lib/getExePath.js'))).default();

/** The compiler's errors for each copy; `undefined` if it crashes or exceeds the time limit. */
function errors(folder: string, seconds: number): Promise<Map<string, CompilerError[]> | undefined> {
  return new Promise((resolve) => {
    // A limit on processor time, which does not depend on the load. One thread each, because two of these run at a
    // time.
    const command = 'ulimit -t "$0" && exec "$@" -p . --pretty false --singleThreaded';
    const settings = { cwd: folder, maxBuffer: 2 ** 30 } as const;
    execFile('/bin/sh', ['-c', command, String(seconds), program], settings, (error, stdout, stderr) => {
      if (error?.signal || /^(panic|fatal error):/m.test(stderr + stdout)) return resolve(undefined);
      const copies = new Map<string, CompilerError[]>();
      let list: CompilerError[] = [];
      for (const line of stdout.split('\n')) {
        const [, copy = '', path = '', number, text = ''] = /^(\d+)\/(\S+?)\((\d+),\d+\): error (.*)$/.exec(line) ?? [];
        if (number !== undefined) {
          list = copies.get(copy) ?? [];
          copies.set(copy, list);
          list.push({ path, line: Number(number), text });
        } else if (line.startsWith(' ') && list.length > 0) {
          const last = list.pop() as CompilerError;
          list.push({ ...last, text: `${last.text}\n${line}` });
        } else if (line.trim() !== '') {
          throw new Error(`unexpected output of the compiler: ${line}`);
        }
      }
      resolve(copies);
    });
  });
}

function deviation(said: readonly CompilerError[], tests: readonly TestFile[]): string | undefined {
  const unmeant = said.find(({ path, line }) => !tests.some((file) => file.path === path && file.refusals.has(line)));
  if (unmeant) return `${unmeant.path}:${unmeant.line} ${unmeant.text}`;
  for (const { path, refusals } of tests) {
    for (const [line, words] of refusals) {
      const here = said.filter((error) => error.path === path && error.line === line);
      const missing = words.find((word) => !here.some(({ text }) => text.includes(word)));
      // A quoted text is one of several faults, and there must be no others.
      const faults = here.map(({ text }) => text.split('\n')[0]?.split('" | "').length ?? 0);
      if (words.every((word) => word.startsWith('"')) && !faults.includes(words.length))
        return `${path}:${line} reports other faults than ${words}`;
      if (missing !== undefined) return `${path}:${line} reports ${JSON.stringify(here)}, not ${missing}`;
    }
  }
  return undefined;
}

/** The mutations that no test detects. One that makes the compiler exceed its time limit counts as detected. */
async function survivorsOf(mutations: readonly Mutation[]): Promise<Mutation[]> {
  const tests = testFiles();
  const wrong = ((await judge([rightSources], tests)) ?? ['the compiler does not finish'])[0];
  if (wrong !== undefined) throw new Error(`The tests fail without a mutation: ${wrong}`);
  // Most mutations fail the tests of their own subject, so only the others are tried with all tests.
  const nearest = (file: RegExp) => tests.filter(({ path }) => file.test(path));
  const isOfContract = ({ file }: Mutation) => file === 'websock.ts';
  const isOfServers = ({ file, of }: Mutation) => /server/.test(file) || of === 'ServerFaultTexts';
  const isOfHandlers = (one: Mutation) => !isOfContract(one) && !isOfServers(one);
  const left = [
    ...(await survivorsAmong(mutations.filter(isOfContract), nearest(/^contract/))),
    ...(await survivorsAmong(mutations.filter(isOfServers), nearest(/servers/))),
    ...(await survivorsAmong(mutations.filter(isOfHandlers), nearest(/wrong-handlers/))),
  ];
  return [
    ...(await survivorsAmong(left.filter(isOfContract), tests)),
    // The tests of the contract do not import the suite.
    ...(await survivorsAmong(
      left.filter((one) => !isOfContract(one)),
      nearest(/^conformance/),
    )),
  ];
}

async function survivorsAmong(mutations: readonly Mutation[], tests: readonly TestFile[]): Promise<Mutation[]> {
  const survivors: Mutation[] = [];
  const size = 12;
  const batches: Mutation[][] = [];
  for (let start = 0; start < mutations.length; start += size) batches.push(mutations.slice(start, start + size));
  let tried = 0;
  const work = async () => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      const verdicts = await judge(
        batch.map(({ file, source }) => ({ ...rightSources, [file]: source })),
        tests,
      );
      if (verdicts === undefined && batch.length > 1) {
        batches.push(...batch.map((one) => [one]));
        continue;
      }
      if (verdicts !== undefined) survivors.push(...batch.filter((_mutation, index) => verdicts[index] === undefined));
      tried += batch.length;
      console.error(`${tried} of ${mutations.length} tried, by ${tests.length} files; ${survivors.length} left`);
    }
  };
  await Promise.all([work(), work()]);
  return survivors;
}

/** The outcome of a run. */
interface Report {
  readonly killed: number;
  readonly survived: readonly Mutation[];
  readonly listed: readonly Mutation[];
  /** Entries of the list of equivalent mutations that match no survivor: they are out of date. */
  readonly idle: readonly Equivalent[];
}

async function tryOut(mutations: readonly Mutation[]): Promise<Report> {
  const left = await survivorsOf(mutations);
  const entries = new Map(left.map((mutation) => [mutation, equivalents.find((entry) => isListed(mutation, entry))]));
  const survived = left.filter((mutation) => entries.get(mutation) === undefined);
  const used = new Set(entries.values());
  return {
    killed: mutations.length - left.length,
    survived,
    listed: left.filter((mutation) => entries.get(mutation) !== undefined),
    idle: equivalents.filter((entry) => !used.has(entry)),
  };
}

function isListed({ file, line, of, kind, was }: Mutation, entry: Equivalent): boolean {
  const text = rightSources[file]?.split('\n')[line - 1] ?? '';
  return (
    (entry.file ?? file) === file &&
    (entry.of?.includes(of) ?? true) &&
    (entry.line === undefined || text.includes(entry.line) || was.includes(entry.line)) &&
    (entry.kind.test(kind) || entry.kind.test(`${kind}: ${was}`))
  );
}

/** All mutations, those of the named files, or a random sample of the contract's. */
function mutations(chosen: readonly string[]): Mutation[] {
  const sample = Number(chosen[0] ?? Number.NaN);
  if (Number.isNaN(sample)) {
    const unknown = chosen.find((name) => !sources.some((file) => basename(file, '.ts') === name));
    if (unknown !== undefined) throw new Error(`src/ has no file ${unknown}.ts`);
    return sources.filter((file) => chosen.length === 0 || chosen.includes(basename(file, '.ts'))).flatMap(mutationsOf);
  }
  const left = mutationsOf('websock.ts');
  return Array.from({ length: sample }, () => left.splice(Math.floor(Math.random() * left.length), 1)).flat();
}

/** A mutation, described on one line. */
const describe = ({ file, line, of, kind, was, is }: Mutation): string => {
  const brief = (text: string) => text.replace(/\s+/g, ' ').slice(0, 100);
  return `src/${file}:${line} ${of}: ${kind}: ${brief(was)} -> ${brief(is)}`;
};

async function main() {
  const chosen = process.argv.slice(2);
  const { killed, survived, listed, idle } = await tryOut(mutations(chosen));
  for (const survivor of survived) console.log(describe(survivor));
  const outdated = chosen.length === 0 ? idle : []; // a partial run does not match every entry
  for (const { file, of, line, why } of outdated) console.log(`out of date: ${file}: ${of ?? line}: ${why}`);
  console.log(`mutations: ${killed} killed, ${survived.length} survived, ${listed.length} listed`);
  process.exitCode = survived.length + outdated.length > 0 ? 1 : 0;
}

main();
