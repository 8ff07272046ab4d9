// Weakens src/ in every way that it knows, one place at a time, and asks whether the type tests of test/contract and
// test/conformance notice. A mutation that survives is a missing test, or is listed in equivalent-mutants.ts
// with the reason why it changes nothing. `npm run mutations` tries them all, in about 20 minutes on two cores;
// `npm run mutations -- names silent` those of two files, and `npm run mutations -- 48` so many of the contract, by chance.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { refusalsOf, root } from '../toolkit/compilers.ts';
import { type Equivalent, equivalents } from './equivalent-mutants.ts';

/** One place of src/ with another text. */
interface Mutation {
  readonly file: string;
  readonly line: number;
  /** The declaration in which it is. */
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

/** The innermost declaration of a type around a place. */
function declarationAt(tree: ts.SourceFile, place: number): string {
  let name = '';
  const visit = (node: ts.Node) => {
    if (place < node.getStart() || place >= node.end) return;
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
  // Lists of checks; `[One] extends [Other]` and the pairs of the servers are none.
  if (ts.isTupleTypeNode(node) && node.elements.length > 2) {
    for (const element of node.elements) {
      const rest = node.elements.filter((other) => other !== element).map((other) => other.getText());
      yield replace(`without ${oneLine(element)}`, `[${rest.join(', ')}]`);
    }
  }
  if (ts.isPropertySignature(node) || ts.isMethodSignature(node)) yield replace('without the property', '');
  // What only says how a type is matched, as the suite's own do, is no promise to anybody.
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
    // `extends unknown` takes a union apart; its other branch is never taken.
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

/** A type that may be replaced as a whole by `any` or `unknown`. */
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

/** The function type of a property, behind parentheses and beside `undefined`. */
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

// ---- The type tests, made ready to be compiled beside each mutation ----

interface TestFile {
  readonly path: string;
  readonly text: string;
  /** For a test of the suite: what of it does not mention the suite, and the rest, which has the rest's line numbers. */
  readonly parts: readonly [fixtures: string, verdicts: string] | undefined;
  /** The line of each refusal, and what must be said there. */
  readonly refusals: ReadonlyMap<number, readonly string[]>;
}

// tsd's `expectType` compares types exactly, but is slow. This does so in any compiler, if it is called in two steps.
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
          !/^(generator|mutate|mistakes|equivalent-mutants|readme|samples)/.test(name),
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
    // This compiler says something there, in words of its own.
    const parts = before !== undefined ? [''] : folder === 'conformance' ? words.split(' | ') : [words];
    refusals.set(line, [...(refusals.get(line) ?? []), ...parts]); // the order of a union is the compiler's own
  }
  const path = `${folder}/${name}`;
  return { path, text, parts: folder === 'conformance' ? inTwoParts(path, text) : undefined, refusals };
}

/** Most of a test are handlers and servers, which all copies of the suite can share: what is costly is done once. */
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

/** `expectType<Type>(value)` as `expectType<Type>()(value)`: so the type of the value can be inferred. */
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

// ---- The judgement ----

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

/** Why each of several copies of src/ is noticed by the tests; `undefined` for one that is not. */
async function judge(copies: readonly Readonly<Record<string, string>>[], tests: readonly TestFile[]) {
  const folder = mkdtempSync(join(tmpdir(), 'websock-mutations-'));
  try {
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    };
    // By name, because of refused.ts and refused.js `include` would take one.
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
    return copies.map((_copy, index) => noticed(said.get(String(index)) ?? [], tests));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Said {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

const program: string = (await import(join(root, 'node_modules/typescript-7.0/lib/getExePath.js'))).default();

/** What the compiler says of each copy; `undefined` if it does not end within so many seconds, or fails itself. */
function errors(folder: string, seconds: number): Promise<Map<string, Said[]> | undefined> {
  return new Promise((settle) => {
    // Seconds of the processor, which are the same on a busy machine. The native program itself, on one thread: two of
    // them take both cores.
    const command = 'ulimit -t "$0" && exec "$@" -p . --pretty false --singleThreaded';
    const settings = { cwd: folder, maxBuffer: 2 ** 30 } as const;
    execFile('/bin/sh', ['-c', command, String(seconds), program], settings, (error, stdout, stderr) => {
      if (error?.signal || /^(panic|fatal error):/m.test(stderr + stdout)) return settle(undefined);
      const copies = new Map<string, Said[]>();
      let list: Said[] = [];
      for (const line of stdout.split('\n')) {
        const [, copy = '', path = '', number, text = ''] = /^(\d+)\/(\S+?)\((\d+),\d+\): error (.*)$/.exec(line) ?? [];
        if (number !== undefined) {
          list = copies.get(copy) ?? [];
          copies.set(copy, list);
          list.push({ path, line: Number(number), text });
        } else if (line.startsWith(' ') && list.length > 0) {
          const last = list.pop() as Said;
          list.push({ ...last, text: `${last.text}\n${line}` });
        } else if (line.trim() !== '') {
          throw new Error(`The compiler says: ${line}`);
        }
      }
      settle(copies);
    });
  });
}

function noticed(said: readonly Said[], tests: readonly TestFile[]): string | undefined {
  const unmeant = said.find(({ path, line }) => !tests.some((file) => file.path === path && file.refusals.has(line)));
  if (unmeant) return `${unmeant.path}:${unmeant.line} ${unmeant.text}`;
  for (const { path, refusals } of tests) {
    for (const [line, words] of refusals) {
      const here = said.filter((error) => error.path === path && error.line === line);
      const missing = words.find((word) => !here.some(({ text }) => text.includes(word)));
      // Words in quotes are one of several faults: there are to be no others.
      const faults = here.map(({ text }) => text.split('\n')[0]?.split('" | "').length ?? 0);
      if (words.every((word) => word.startsWith('"')) && !faults.includes(words.length))
        return `${path}:${line} says more or less than ${words}`;
      if (missing !== undefined) return `${path}:${line} does not say ${missing} but ${JSON.stringify(here)}`;
    }
  }
  return undefined;
}

/** Mutations that no test notices. A mutation with which the compiler does not end is noticed. */
async function survivorsOf(mutations: readonly Mutation[]): Promise<Mutation[]> {
  const tests = testFiles();
  const wrong = ((await judge([rightSources], tests)) ?? ['the compiler does not end'])[0];
  if (wrong !== undefined) throw new Error(`The tests fail without a mutation: ${wrong}`);
  // Most are noticed by the tests that are nearest to them; only the others need more.
  const nearest = (file: RegExp) => tests.filter(({ path }) => file.test(path));
  const isOfContract = ({ file }: Mutation) => file === 'websock.ts';
  const isOfServers = ({ file, of }: Mutation) => /server/.test(file) || of === 'ServerFaultTexts';
  const isOfHandlers = (one: Mutation) => !isOfContract(one) && !isOfServers(one);
  const left = [
    ...(await survivorsAmong(mutations.filter(isOfContract), nearest(/^contract/))),
    ...(await survivorsAmong(mutations.filter(isOfServers), nearest(/servers/))),
    ...(await survivorsAmong(mutations.filter(isOfHandlers), nearest(/refused/))),
  ];
  return [
    ...(await survivorsAmong(left.filter(isOfContract), tests)),
    // The contract's own tests do not import the suite.
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

/** What became of some mutations. */
interface Report {
  readonly killed: number;
  readonly survived: readonly Mutation[];
  readonly listed: readonly Mutation[];
  /** Entries of the list with which no survivor agrees: they are no longer true. */
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

/** All of them, those of some files, or so many of the contract, by chance. */
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

/** The place and text of a mutation, on one line. */
const told = ({ file, line, of, kind, was, is }: Mutation): string => {
  const brief = (text: string) => text.replace(/\s+/g, ' ').slice(0, 100);
  return `src/${file}:${line} ${of}: ${kind}: ${brief(was)} -> ${brief(is)}`;
};

async function main() {
  const chosen = process.argv.slice(2);
  const { killed, survived, listed, idle } = await tryOut(mutations(chosen));
  for (const survivor of survived) console.log(told(survivor));
  const untrue = chosen.length === 0 ? idle : []; // only all of them meet every entry
  for (const { file, of, line, why } of untrue) console.log(`no longer true: ${file}: ${of ?? line}: ${why}`);
  console.log(`mutations: ${killed} killed, ${survived.length} survived, ${listed.length} listed`);
  process.exitCode = survived.length + untrue.length > 0 ? 1 : 0;
}

main();
