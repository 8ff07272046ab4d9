// Hosts a file on workerd: `tsx test/toolkit/hosts/cloudflare.ts FILE [WORKER]`. See host.ts.
//
// Bundles the file with worker.ts, or with another worker, starts workerd, and passes on what workerd reports.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { buildSync } from 'esbuild';
import { untilInputEnds } from './exit-with-parent.ts';

const program: string = createRequire(import.meta.filename)('workerd').default;

const shutdownPath = `/${randomUUID()}`;

const folder = mkdtempSync(join(tmpdir(), 'websock-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Whether idle objects are evicted. They may set alarms, which crash workerd 1.20260415 if its storage is in memory. */
const evicts = process.env['EVICTION'] !== undefined;

const CONFIG = `
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .worker), (name = "disk", disk = (path = "${folder}", writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
  logging = (structuredLogging = true),
);

const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "${process.env['COMPATIBILITY_DATE'] ?? '2026-04-15'}",
  durableObjectNamespaces = [(className = "Host", uniqueKey = "host", preventEviction = ${!evicts})],
  durableObjectStorage = ${evicts ? '(localDisk = "disk")' : '(inMemory = void)'},
  bindings = [
    (name = "HOST", durableObjectNamespace = "Host"),
    (name = "SHUTDOWN", text = "${shutdownPath}"),
    (name = "OPTIONS", text = ${JSON.stringify(process.env['ADAPTER_OPTIONS'] ?? '{}')}),
  ],
);
`;

// workerd does not end with its parent process, so a shell ends it when the shell's input ends. The shell ignores Ctrl-C,
// which it receives too: without the shell, workerd would keep running.
const SHELL = '"$@" & trap "" INT TERM; exec 1>&- 3>&-; read -r _; kill -9 $!';

function host(file: string, worker = './worker.ts'): void {
  const configFile = join(folder, 'config.capnp');
  writeFileSync(configFile, CONFIG);
  buildSync({
    stdin: {
      contents: `
        import * as hosted from ${JSON.stringify(file)};
        import { host } from ${JSON.stringify(worker)};
        export const { Host, worker } = host(hosted);
        export default worker;`,
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    format: 'esm',
    external: ['cloudflare:workers'],
    outfile: join(folder, 'worker.js'),
  });
  const shell = spawn('sh', ['-c', SHELL, 'sh', program, 'serve', configFile, '--control-fd=3'], {
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
  });
  let port: number | undefined;
  createInterface({ input: shell.stdio[3] as Readable }).on('line', (line) => {
    port = JSON.parse(line).port;
    console.log(`ws://127.0.0.1:${port}`);
  });
  let ending = false;
  createInterface({ input: shell.stdout as Readable })
    .on('line', report)
    .on('close', () => {
      if (!ending) process.exit(1); // workerd has died
    });

  untilInputEnds(async (options = {}) => {
    const request = { method: 'POST', body: JSON.stringify(options) };
    if (port !== undefined) await fetch(`http://127.0.0.1:${port}${shutdownPath}`, request);
    ending = true;
    (shell.stdin as Writable).end();
    await new Promise((ended) => shell.once('exit', ended));
  });
}

/** Passes on what the application writes to the console. (Only lines of workerd itself have a `source`.) */
function report(line: string): void {
  const { level, message, source } = JSON.parse(line) as { level: string; message: string; source?: string };
  if (source === undefined) console[level === 'error' || level === 'warn' ? 'error' : 'log'](message);
}

host(process.argv[2] as string, process.argv[3]);
