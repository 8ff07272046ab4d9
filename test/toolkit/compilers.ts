import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { complete, execute, node24 } from './programs.ts';

export const root: string = resolve(import.meta.dirname, '../..');

/** The supported compilers, oldest first: the names under which package.json installs them. */
export const compilers = [
  'typescript-5.0',
  'typescript-5.4',
  'typescript-5.9',
  'typescript',
  'typescript-7.0',
] as const;
export type Compiler = (typeof compilers)[number];

/** The compilers that the tests run: the oldest and the newest, or all of them. (The current one builds the packages.) */
export const tried: readonly Compiler[] = complete ? compilers : ['typescript-5.0', 'typescript-7.0'];

/** Such as `TypeScript 5.0`. */
export function nameOf(compiler: Compiler): string {
  return `TypeScript ${versionOf(compiler).toFixed(1)}`;
}

/** Such as 5.9. */
export function versionOf(compiler: Compiler): number {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules', compiler, 'package.json'), 'utf8'));
  return Number.parseFloat(version);
}

/** An error of the compiler: its place, and its text of one or more lines. */
export interface Diagnostic {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** Compiles files with the options of `project` and further ones; returns the errors. */
export async function compile(
  compiler: Compiler,
  project: string,
  files: readonly string[],
  options: Readonly<Record<string, unknown>> = {},
  base: string = root,
): Promise<Diagnostic[]> {
  const folder = mkdtempSync(join(tmpdir(), 'websock-compile-'));
  try {
    const config = {
      extends: resolve(base, project),
      compilerOptions: { typeRoots: [join(root, 'node_modules', '@types')], ...options },
      files: files.map((file) => resolve(base, file)),
      include: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    return parse(await run(compiler, ['-p', folder, '--pretty', 'false'], base), base);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// Node.js 24 caches the compiled code of the compilers, which then take two thirds of the time.
const env = { ...process.env, NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compilers') };

/** Runs a compiler in a folder, and returns its output. */
export async function run(compiler: Compiler, parameters: readonly string[], folder: string = root): Promise<string> {
  const program = join(root, 'node_modules', compiler, 'bin', 'tsc');
  // The exit code only says whether there are errors.
  return (await execute(node24, [program, ...parameters], folder, env)).output;
}

function parse(output: string, base: string): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const line of output.split('\n')) {
    const start = /^(.+?)\((\d+),\d+\): error (TS\d+: .*)$/.exec(line);
    if (start) {
      const [, file = '', number = '', text = ''] = start;
      // a copy of a file, at the same place below `base`, counts as the file
      const here = relative(base, resolve(base, file));
      diagnostics.push({ file: resolve(root, here), line: Number(number), text });
    } else if (line.startsWith(' ') && diagnostics.length > 0) {
      const last = diagnostics.pop() as Diagnostic;
      diagnostics.push({ ...last, text: `${last.text}\n${line}` });
    } else if (line.trim() !== '') {
      diagnostics.push({ file: 'the compiler', line: 0, text: line }); // about the options, or a crash
    }
  }
  return diagnostics;
}

/** Words that the compiler must report for a line. */
export interface Refusal {
  readonly line: number;
  readonly words: string;
  /** The version, such as `7.0`, from which on the words may differ; `undefined` if all versions must use them. */
  readonly before: string | undefined;
}

/**
 * The `// refused: words` comments of a file, each with the line below it, which it is about. `// refused before 7.0: words`
 * is for older compilers only.
 */
export function refusalsIn(file: string): Refusal[] {
  return refusalsOf(readFileSync(resolve(root, file), 'utf8'));
}

/** Those of a text. */
export function refusalsOf(text: string): Refusal[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const [, before, words] = /^\s*\/\/ refused(?: before ([\d.]+))?: (.*)$/.exec(line) ?? [];
    if (words === undefined) return [];
    const below = lines.slice(index).findIndex((other) => !/^\s*(\/\/|\/\*\*)/.test(other));
    return [{ line: index + below + 1, words, before }];
  });
}

/**
 * Compares the errors of a compiler with the `refused:` comments of the files. Returns the differences: a comment without an
 * error, or without one in these words; and an error without a comment.
 */
export function differences(
  files: readonly string[],
  diagnostics: readonly Diagnostic[],
  compiler: Compiler,
): string[] {
  const elsewhere = diagnostics.filter(({ file }) => !files.some((other) => resolve(root, other) === file));
  return [
    ...files.flatMap((file) => differencesOf(file, diagnostics, compiler)),
    ...elsewhere.map(({ file, line, text }) => `${file}:${line} is refused unexpectedly: ${text}`),
  ];
}

function differencesOf(file: string, diagnostics: readonly Diagnostic[], compiler: Compiler): string[] {
  const version = versionOf(compiler);
  const refusals = refusalsIn(file);
  const here = diagnostics.filter((diagnostic) => diagnostic.file === resolve(root, file));
  const said = (line: number) => here.filter((diagnostic) => diagnostic.line === line).map(({ text }) => text);
  const missing = refusals
    .filter(({ before }) => before === undefined || version < Number(before))
    .filter(({ line, words }) => !said(line).some((text) => text.includes(words)))
    .map(({ line, words }) => `${file}:${line} does not say "${words}" but ${JSON.stringify(said(line))}`);
  const unexpected = here
    .filter((diagnostic) => !refusals.some(({ line }) => line === diagnostic.line))
    .map(({ line, text }) => `${file}:${line} is refused unexpectedly: ${text}`);
  return [...missing, ...unexpected];
}
