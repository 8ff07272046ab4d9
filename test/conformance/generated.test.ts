// Generated handlers, whose verdict is known, against real compilers: each must be judged so, and its one mistake be told
// of the right callback. SEED and COUNT in the environment choose others, and more of them.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Compiler, compile, type Diagnostic, nameOf, root, tried } from '../toolkit/compilers.ts';
import { complete } from '../toolkit/programs.ts';
import { type Handler, handler, head, type Written, write } from './generator.ts';

const seed = Number(process.env['SEED'] ?? 1);
const count = Number(process.env['COUNT'] ?? (complete ? 2000 : 1000));
const few = Math.ceil(count / 30); // the older compilers are slow
const all = fc.sample(handler, { seed, numRuns: count });

/** The handlers that are judged otherwise than they should be, each with what is wrong with that. */
async function disagreements(compiler: Compiler, handlers: readonly Handler[]) {
  const folder = mkdtempSync(join(tmpdir(), 'websock-generated-'));
  try {
    const files: string[] = [];
    const places: { file: string; start: number; whole: Handler; written: Written }[] = [];
    for (let start = 0; start < handlers.length; start += 250) {
      const file = join(folder, `${start}.ts`);
      const lines = head.split('\n');
      for (const whole of handlers.slice(start, start + 250)) {
        const written = write(whole);
        places.push({ file, start: lines.length, whole, written });
        lines.push(...written.lines);
      }
      writeFileSync(file, `${lines.join('\n')}\n`);
      files.push(file);
    }
    const diagnostics = await compile(compiler, 'test/conformance/tsconfig.json', files, {
      paths: {
        '@websock/spec': [join(root, 'dist/websock.d.ts')],
        '@websock/spec/conformance': [join(root, 'dist/conformance.d.ts')],
      },
    });
    const strange = diagnostics.filter(({ file, line }) => !files.includes(file) || line < head.split('\n').length);
    expect(strange).toEqual([]);
    const byLine = new Map<string, Diagnostic[]>();
    for (const one of diagnostics) {
      const key = `${one.file}:${one.line}`;
      byLine.set(key, [...(byLine.get(key) ?? []), one]);
    }
    return places.flatMap(({ file, start, whole, written }) => {
      const said = written.lines.flatMap((_line, index) =>
        (byLine.get(`${file}:${start + index + 1}`) ?? []).map(({ text }) => ({ line: index, text })),
      );
      const wrong = disagreement(whole, written, said);
      return wrong === undefined ? [] : [{ whole, wrong, said }];
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function disagreement(
  { mistake }: Handler,
  { places, asserted }: Written,
  said: readonly { readonly line: number; readonly text: string }[],
): string | undefined {
  if (mistake === undefined) return said.length > 0 ? 'it is right, and refused' : undefined;
  const name = mistake.told ?? (mistake.at === 'handler' ? 'the handler' : mistake.at);
  const faults = said
    .filter(({ line }) => line === asserted)
    .flatMap(({ text }) => [...text.matchAll(/"(\d\.\d [^"]*)"/g)].map(([, fault]) => fault as string));
  if (said.length === 0) return 'it is wrong, and passes';
  if (said.some(({ line }) => line !== asserted && !places.has(line))) return 'what is right is refused';
  if (new Set(faults).size > 1) return 'it has one mistake, and is told of several';
  if (mistake.words === undefined) {
    if (!said.some(({ line }) => places.has(line))) return 'the compiler does not refuse it where it stands';
    return faults.some((fault) => !fault.includes(` ${name} `)) ? 'another callback is accused' : undefined;
  }
  const [start = '', rest = ''] = mistake.words.split('…');
  return faults.some((fault) => fault.startsWith(start) && fault.includes(rest, start.length))
    ? undefined
    : `not told "${mistake.words}"`;
}

type Disagreement = Awaited<ReturnType<typeof disagreements>>[number];

/** What `one` and others like it have in common. */
const kindOf = ({ wrong, whole: { mistake } }: Disagreement) =>
  `${wrong} (mistake: ${mistake === undefined ? 'none' : `${mistake.kind} at ${mistake.at}`})`;

/** The same disagreement in as simple a handler as fast-check finds, from the run that made the first, in some seconds. */
async function shrunk(compiler: Compiler, first: Disagreement): Promise<string> {
  let { whole, said } = first;
  const agrees = fc.asyncProperty(handler, async (next) => {
    const [found] = await disagreements(compiler, [next]);
    if (found === undefined || kindOf(found) !== kindOf(first)) return true;
    ({ whole, said } = found);
    return false;
  });
  await fc.check(agrees, { seed, path: String(all.indexOf(whole)), interruptAfterTimeLimit: 20_000 });
  return [kindOf(first), ...write(whole).lines, ...said.map(({ line, text }) => `line ${line}: ${text}`)].join('\n');
}

test('every kind of mistake is made', () => {
  const made = new Map<string, number>();
  for (const { mistake } of all) {
    const kind = mistake?.kind ?? 'none';
    made.set(kind, (made.get(kind) ?? 0) + 1);
  }
  if (count >= 3000) expect(made.size).toBeGreaterThan(39);
});

describe(`generated handlers, with SEED=${seed}`, { timeout: 600_000 }, () => {
  test.each(tried.map((compiler) => [nameOf(compiler), compiler] as const))('%s', async (_name, compiler) => {
    const handlers = compiler === 'typescript-7.0' ? all : all.slice(0, few);
    const wrong = await disagreements(compiler, handlers);
    // One of each kind is enough to read.
    const kinds = new Map(wrong.map((one) => [kindOf(one), one]));
    const texts: string[] = [];
    for (const one of [...kinds.values()].slice(0, 3)) texts.push(await shrunk(compiler, one));
    expect(wrong.length, `SEED=${seed}, ${wrong.length} of ${handlers.length}:\n${texts.join('\n\n')}`).toBe(0);
  });
});
