// The suite on a URL, as a server author meets it: what it says of a server that it cannot test, and the host to begin with.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { upgrade } from '../../adapter/src/node.ts';
import { root } from '../toolkit/compilers.ts';
import { freePort } from '../toolkit/programs.ts';
import { application } from './application.ts';
import { type Printed, runSuite } from './run-suite.ts';

const reporters = ['--reporter=default', '--reporter=./test/tck/table.ts'];
const HINT = "does it host the probe? See the README, 'Check a server at run time'";

/** Runs the suite on a server that does `greet` with each client. */
async function against(greet: (client: WebSocket) => void): Promise<Printed> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }).on('connection', greet);
  await once(server, 'listening');
  const printed = await runSuite(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, undefined, reporters);
  server.close();
  return printed;
}

describe('the suite says why it cannot test a server, and shows no table', { concurrent: true }, () => {
  test.each([
    [
      'that echoes',
      () => against((client) => client.on('message', (data) => client.send(data))),
      `/control did not answer with its limits (nothing came from the server for 10000 ms): ${HINT}`,
    ],
    [
      'that greets with a text',
      () => against((client) => client.send('welcome')),
      '/control did not answer with its limits (',
    ],
    [
      'that names a limit that there is not',
      () => against((client) => client.send('{"pause":"cannot","puase":"cannot"}')),
      "the server names a limit that there is not: 'puase'; the limits are refuse HTTP/1.0, ",
    ],
    [
      'that gives no reason for a limit',
      () => against((client) => client.send('{"pause":false}')),
      "the server's limit 'pause' is false; it must be the reason, a text",
    ],
    [
      'that does not run',
      async () => {
        return runSuite(`ws://127.0.0.1:${await freePort()}`, undefined, reporters);
      },
      '/control did not open (connect ECONNREFUSED 127.0.0.1:',
    ],
  ])('a server %s', async (_what, run, says) => {
    const { stdout, stderr } = await run();
    expect(stdout + stderr).toContain(says);
    expect(stdout + stderr).not.toMatch(/^rule |skipped because|no test ran/m);
    expect(stdout).toMatch(/Tests +\d+ skipped/); // none passed
  });
});

test('the suite keeps the path of the URL as a prefix', async () => {
  const prefix = '/some/where';
  const server = createServer((_request, response) => response.writeHead(404).end());
  server.on('upgrade', (request, socket, head) => {
    const { url = '/' } = request;
    const service = url.startsWith(prefix) ? application({ url: url.slice(prefix.length) }) : undefined;
    if (!service) socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
    else upgrade({ request, socket, head }, service.handler, service.arg, service.options);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  for (const url of [prefix, `${prefix}/`]) {
    const { port } = server.address() as AddressInfo;
    const { stdout } = await runSuite(`ws://127.0.0.1:${port}${url}`, '2.5', reporters);
    expect(stdout).toMatch(/^2\.5 +1$/m);
  }
  server.close();
});

describe('the example of a host serves the suite from a folder of its author', { concurrent: true }, () => {
  test.each(['module', 'commonjs'])('whose package is of type %s', async (type) => {
    const folder = mkdtempSync(join(tmpdir(), 'websock-host-'));
    const port = await freePort();
    const example = readFileSync(join(root, 'test/tck/example-host.ts'), 'utf8');
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }));
    writeFileSync(
      join(folder, 'host.ts'),
      example.replaceAll("'../", `'${root}/test/`).replaceAll('8080', String(port)),
    );
    const tsx = join(root, 'node_modules/tsx/dist/loader.mjs');
    const host = spawn(process.execPath, ['--import', tsx, 'host.ts'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [line] = await once(host.stdout.setEncoding('utf8'), 'data');
      const { stdout } = await runSuite(line.trim(), '2.5', reporters);
      expect(stdout).toMatch(/^2\.5 +1$/m);
    } finally {
      host.kill();
      rmSync(folder, { recursive: true });
    }
  });
});
