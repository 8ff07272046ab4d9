// Starts a reference server in a process of its own, to host an application.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** The reference servers, with the command that runs the host of each. */
const commands = {
  node: ['node', '--expose-gc', '--import', 'tsx'],
  bun: ['bun'],
  deno: ['deno', 'run', '--allow-all', '--no-lock', '--v8-flags=--expose-gc'],
  cloudflare: ['node', '--import', 'tsx'],
} as const;

export type Platform = keyof typeof commands;

export const platforms = Object.keys(commands) as Platform[];

export interface Host {
  /** Such as `ws://127.0.0.1:41234`. */
  readonly url: string;
  readonly process: ChildProcess;
  /** What the server has reported so far. */
  reports(): string;
  /** Shuts the server down, and waits until its process has ended. Returns its exit code. */
  stop(): Promise<number | null>;
}

/** Hosts the application that is the default export of `file` (from the root of the repository). */
export function host(platform: Platform, file: string, env: Record<string, string> = {}): Promise<Host> {
  return launch(platform, [`test/toolkit/hosts/${platform}.ts`, resolve(root, file)], env);
}

/** Runs a program on a platform, which prints its URL and ends when its input ends, as the hosts do. */
export async function launch(
  platform: Platform,
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<Host> {
  const [program, ...args] = commands[platform];
  const path = program === 'node' ? process.execPath : join(root, 'node_modules/.bin', program);
  const child = spawn(path, [...args, ...command], {
    cwd: root,
    env: { ...process.env, DENO_NO_UPDATE_CHECK: '1', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((settle) => child.once('close', settle));
  let reports = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    reports += text;
  });
  const url = await new Promise<string>((settle, fail) => {
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      const found = /^((?:ws|http):\/\/\S+)\n/m.exec(output);
      if (found) settle(found[1] as string);
    });
    ended.then((code) => fail(new Error(`${platform}: ${command.join(' ')} ended with ${code}\n${output}${reports}`)));
  });
  return {
    url,
    process: child,
    reports: () => reports,
    stop() {
      child.stdin.end();
      return ended;
    },
  };
}

/** The folders in /proc of a process and of those that it has started; throws on a system without them, see proc(5). */
export function processFolders(pid: number | string | undefined): string[] {
  const folder = `/proc/${pid}`;
  const children = readdirSync(`${folder}/task`).flatMap((thread) =>
    readFileSync(`${folder}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return [folder, ...children.flatMap(processFolders)];
}
