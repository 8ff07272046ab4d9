// Generated handlers with a known verdict, checked by real compilers: right ones must pass, and the mistake in a wrong
// one must be reported for the right callback. The environment variables SEED and COUNT select other and more handlers.

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
const few = Math.ceil(count / 30); // for the slower, older compilers
const all = fc.sample(handler, { seed, numRuns: count });

/** The handlers with a wrong verdict, each with a description of the deviation. */
async function wrongVerdicts(compiler: Compiler, handlers: readonly Handler[]) {
  const folder = mkdtempSync(join(tmpdir(), 'websock-generated-'));
  try {
    const files: string[] = [];
    const places: { file: string; start: number; generated: Handler; written: Written }[] = [];
    for (let start = 0; start < handlers.length; start += 250) {
      const file = join(folder, `${start}.ts`);
      const lines = head.split('\n');
      for (const generated of handlers.slice(start, start + 250)) {
        const written = write(generated);
        places.push({ file, start: lines.length, generated, written });
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
    const unexpected = diagnostics.filter(({ file, line }) => !files.includes(file) || line < head.split('\n').length);
    expect(unexpected).toEqual([]);
    const byLine = new Map<string, Diagnostic[]>();
    for (const one of diagnostics) {
      const key = `${one.file}:${one.line}`;
      byLine.set(key, [...(byLine.get(key) ?? []), one]);
    }
    return places.flatMap(({ file, start, generated, written }) => {
      const errors = written.lines.flatMap((_line, index) =>
        (byLine.get(`${file}:${start + index + 1}`) ?? []).map(({ text }) => ({ line: index, text })),
      );
      const wrong = deviationOf(generated, written, errors);
      return wrong === undefined ? [] : [{ generated, wrong, errors }];
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function deviationOf(
  { mistake }: Handler,
  { places, asserted }: Written,
  errors: readonly { readonly line: number; readonly text: string }[],
): string | undefined {
  if (mistake === undefined) return errors.length > 0 ? 'a right handler is rejected' : undefined;
  const name = mistake.named ?? (mistake.at === 'handler' ? 'the handler' : mistake.at);
  const faults = errors
    .filter(({ line }) => line === asserted)
    .flatMap(({ text }) => [...text.matchAll(/"(\d\.\d [^"]*)"/g)].map(([, fault]) => fault as string));
  if (errors.length === 0) return 'a wrong handler passes';
  if (errors.some(({ line }) => line !== asserted && !places.has(line))) return 'an error is reported at a right line';
  if (new Set(faults).size > 1) return 'several faults are reported for one mistake';
  if (mistake.words === undefined) {
    if (!errors.some(({ line }) => places.has(line))) return 'the compiler reports no error at the mistake';
    return faults.some((fault) => !fault.includes(` ${name} `)) ? 'the fault names another callback' : undefined;
  }
  const [start = '', rest = ''] = mistake.words.split('…');
  return faults.some((fault) => fault.startsWith(start) && fault.includes(rest, start.length))
    ? undefined
    : `the fault is not "${mistake.words}"`;
}

type WrongVerdict = Awaited<ReturnType<typeof wrongVerdicts>>[number];

/** Groups similar deviations. */
const kindOf = ({ wrong, generated: { mistake } }: WrongVerdict) =>
  `${wrong} (mistake: ${mistake === undefined ? 'none' : `${mistake.kind} at ${mistake.at}`})`;

/** The same deviation in the simplest handler that fast-check finds in 20 seconds. */
async function shrunk(compiler: Compiler, first: WrongVerdict): Promise<string> {
  let { generated, errors } = first;
  const agrees = fc.asyncProperty(handler, async (next) => {
    const [found] = await wrongVerdicts(compiler, [next]);
    if (found === undefined || kindOf(found) !== kindOf(first)) return true;
    ({ generated, errors } = found);
    return false;
  });
  await fc.check(agrees, { seed, path: String(all.indexOf(generated)), interruptAfterTimeLimit: 20_000 });
  return [kindOf(first), ...write(generated).lines, ...errors.map(({ line, text }) => `line ${line}: ${text}`)].join(
    '\n',
  );
}

test('every kind of mistake is generated', () => {
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
    const wrong = await wrongVerdicts(compiler, handlers);
    // One of each kind is enough.
    const kinds = new Map(wrong.map((one) => [kindOf(one), one]));
    const descriptions: string[] = [];
    for (const one of [...kinds.values()].slice(0, 3)) descriptions.push(await shrunk(compiler, one));
    expect(wrong.length, `SEED=${seed}, ${wrong.length} of ${handlers.length}:\n${descriptions.join('\n\n')}`).toBe(0);
  });
});
