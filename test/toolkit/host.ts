// Starts servers in processes of their own, to host a route or an application.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ShutdownOptions } from '@websock/adapter';

const root = resolve(import.meta.dirname, '../..');

/** The platforms, each with the command that runs its host. */
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
  /** The standard error of the server so far. */
  reports(): string;
  /** Shuts the server down, waits for the end of its process, and returns the exit code. */
  stop(options?: ShutdownOptions): Promise<number | null>;
}

/** Hosts a file of the repository (relative to its root), which exports a `route` or, by default, an application. */
export function host(platform: Platform, file: string, env: Record<string, string> = {}): Promise<Host> {
  return launch(platform, [`test/toolkit/hosts/${platform}.ts`, resolve(root, file)], env);
}

/** Runs a program that prints its URL and ends when its input ends, as the hosts do. */
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
    stop(options) {
      child.stdin.end(options && JSON.stringify(options));
      return ended;
    },
  };
}

/** The folders in /proc of a process and its descendants; see proc(5). Throws on a system without them. */
export function processFolders(pid: number | string | undefined): string[] {
  const folder = `/proc/${pid}`;
  const children = readdirSync(`${folder}/task`).flatMap((thread) =>
    readFileSync(`${folder}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return [folder, ...children.flatMap(processFolders)];
}
