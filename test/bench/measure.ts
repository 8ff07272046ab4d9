// Measures the compiler's cost of checking handlers: writes handler files into a temporary folder, and compiles them.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Compiler, root, run } from '../toolkit/compilers.ts';

/** The measured compilers: the supported ones that are still in common use. */
export const measured = ['typescript-5.9', 'typescript', 'typescript-7.0'] as const satisfies readonly Compiler[];

/** The measured ways of writing a handler. */
export const kinds = [
  'no contract',
  'annotated',
  'annotated + Assert',
  'satisfies + Assert',
  'bare + Assert',
  'class + Assert',
  'async + Assert',
] as const;
export type Kind = (typeof kinds)[number];

/** A compiler's figures for one project; memory in MB, time in seconds. */
export interface Cost {
  readonly instantiations: number;
  readonly types: number;
  readonly memory: number;
  readonly checkTime: number;
}

/** Compiles `count` handler files of one kind. Throws if the compiler finds an error in them. */
export function costOf(compiler: Compiler, kind: Kind, count: number): Promise<Cost> {
  return measure(
    compiler,
    Array.from({ length: count }, (_, index) => fileOf(kind, index)),
  );
}

/** Compiles files that may import `@websock/spec`. Throws if the compiler finds an error in them. */
export async function measure(compiler: Compiler, files: readonly string[]): Promise<Cost> {
  const folder = mkdtempSync(join(tmpdir(), 'websock-bench-'));
  try {
    mkdirSync(join(folder, 'node_modules/@websock'), { recursive: true });
    symlinkSync(root, join(folder, 'node_modules/@websock/spec'));
    for (const [index, text] of files.entries()) writeFileSync(join(folder, `handler${index}.ts`), text);
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    // With several checkers, the compiler would check the contract several times.
    const checkers = compiler === 'typescript-7.0' ? ['--checkers', '1'] : [];
    const output = await run(compiler, ['-p', folder, '--extendedDiagnostics', '--pretty', 'false', ...checkers]);
    const error = /^.*error TS.*$/m.exec(output)?.[0];
    if (error !== undefined) throw new Error(error);
    const figure = (name: string) => Number(new RegExp(`^${name}: +([\\d.]+)`, 'm').exec(output)?.[1]);
    return {
      instantiations: figure('Instantiations'),
      types: figure('Types'),
      memory: Math.round(figure('Memory used') / 1000),
      checkTime: figure('Check time'),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const compilerOptions = {
  target: 'es2015',
  lib: ['es2015'],
  types: [],
  module: 'node16',
  moduleResolution: 'node16',
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  skipLibCheck: true,
};

// ---- The sample: one handler in several forms ----

// It has all five callbacks, every kind of result, both kinds of close, and types of its own for state, info and arg:
// their property names contain the index of the file. If all files had the same types, the compiler would check them once.

function fileOf(kind: Kind, index: number): string {
  const [form] = kind.split(' ') as [keyof typeof forms];
  return [
    kind === 'no contract' ? '' : "import type { WebSock } from '@websock/spec';\n",
    kind.endsWith('Assert') ? "import type { Assert, HandlerConforms } from '@websock/spec/conformance';\n" : '',
    'interface State { readonly count: number; readonly name#: string }\n',
    'interface Info { readonly text#: string }\n',
    'interface Arg { readonly user#: string }\n',
    forms[form],
    kind.endsWith('Assert') ? 'export type _ = Assert<HandlerConforms<typeof handler>>;\n' : '',
  ]
    .join('')
    .replaceAll('#', String(index));
}

/** The source of the handler as an object, with the given parameters of its callbacks, and a suffix for each result. */
const object = (types: { arg: string; frame: string; control: string; info: string; reason: string }, suffix = '') => `{
  init: (${types.arg}) => {
    mailbox.post({ text#: 'hello' });
    return { type: 'ok', state: { count: 0, name#: arg.user# } }${suffix};
  },
  handleIn: (${types.frame}) => {
    if (frame.opcode === 'binary') {
      return { type: 'stop', reason: 'normal', state, close: { code: 1003, reason: 'text only' } }${suffix};
    }
    if (frame.data === 'who') {
      return { type: 'reply', status: 'ok', messages: [{ opcode: 'text', data: state.name# }], state }${suffix};
    }
    return {
      type: 'push',
      messages: { opcode: 'text', data: frame.data },
      state: { ...state, count: state.count + 1 },
    }${suffix};
  },
  handleControl: (${types.control}) =>
    frame.opcode === 'ping'
      ? ({ type: 'ok', state }${suffix})
      : ({ type: 'push', messages: [{ opcode: 'ping', data: 'again' }], state }${suffix}),
  handleInfo: (${types.info}) => {
    if (info.text# === '') return { type: 'stop', reason: { error: 'empty' }, state }${suffix};
    return { type: 'push', messages: { opcode: 'text', data: info.text# }, state }${suffix};
  },
  terminate: (${types.reason}) => {
    if (reason.type === 'remote') console.log(state.name#, reason.code);
  },
}`;

const untyped = {
  arg: 'arg, mailbox',
  frame: 'frame, state',
  control: 'frame, state',
  info: 'info, state',
  reason: 'reason, state',
};
const typed = {
  arg: 'arg: Arg, mailbox: WebSock.Mailbox<Info>',
  frame: 'frame: WebSock.DataFrame, state: State',
  control: 'frame: WebSock.ControlFrame, state: State',
  info: 'info: Info, state: State',
  reason: 'reason: WebSock.CloseReason, state: State',
};
const own = {
  arg: 'arg: Arg, mailbox: { readonly post: (info: Info) => void }',
  frame:
    "frame: { readonly opcode: 'text'; readonly data: string } | { readonly opcode: 'binary'; readonly data: object }, " +
    'state: State',
  control: 'frame: { readonly opcode: string }, state: State',
  info: 'info: Info, state: State',
  reason: 'reason: { readonly type: string; readonly code: number }, state: State',
};

const log = 'declare const console: { readonly log: (...texts: unknown[]) => void };\n';

const forms = {
  no: `${log}export const handler = ${object(own)};\n`,
  annotated: `${log}export const handler: WebSock<State, Info, Arg> = ${object(untyped)};\n`,
  satisfies: `${log}export const handler = ${object(untyped)} satisfies WebSock<State, Info, Arg>;\n`,
  bare: `${log}export const handler = ${object(typed, ' as const')};\n`,
  async: `${log}export const handler = ${object(untyped).replace(/^( {2}\w+: )\(/gm, '$1async (')} satisfies WebSock<State, Info, Arg>;\n`,
  class: `${log}class Handler implements WebSock<State, Info, Arg> {
  private readonly rooms: string[] = [];
  init(${typed.arg}): WebSock.HandleResult<State> {
    mailbox.post({ text#: 'hello' });
    return { type: 'ok', state: { count: 0, name#: arg.user# } };
  }
  handleIn(${typed.frame}): WebSock.HandleResult<State> {
    if (frame.opcode === 'binary') {
      return { type: 'stop', reason: 'normal', state, close: { code: 1003, reason: 'text only' } };
    }
    this.join(frame.data);
    return { type: 'push', messages: { opcode: 'text', data: frame.data }, state };
  }
  handleControl(${typed.control}): WebSock.HandleResult<State> {
    if (frame.opcode === 'ping') return { type: 'ok', state };
    return { type: 'push', messages: [{ opcode: 'ping', data: 'again' }], state };
  }
  async handleInfo(${typed.info}): Promise<WebSock.HandleResult<State>> {
    return { type: 'push', messages: { opcode: 'text', data: info.text# }, state };
  }
  terminate(${typed.reason}): void {
    if (reason.type === 'remote') console.log(state.name#, reason.code);
  }
  private join(room: string): void {
    this.rooms.push(room);
  }
}
export const handler = new Handler();
`,
};
