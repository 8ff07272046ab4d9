// `npx @websock/tck` as users run it: installed from tarballs into an empty folder, on right, wrong and unrelated servers.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { route } from '../../tck/src/probe.ts';
import { rules } from '../../tck/src/rules/index.ts';
import { type Report, run } from '../../tck/src/run.ts';
import { root } from '../toolkit/compilers.ts';
import { emptyFolder, install } from '../toolkit/package.ts';
import { type Ended, execute, freePort } from '../toolkit/programs.ts';
import { createIndependentServer } from './independent-server.ts';

let project = '';
let host: ChildProcess;
let url = '';

beforeAll(async () => {
  project = emptyFolder();
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  install(project, '@websock/tck');
  host = spawn(process.execPath, ['--import', 'tsx', 'test/tck/independent-host.ts'], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const [line] = await once((host.stdout as NonNullable<typeof host.stdout>).setEncoding('utf8'), 'data');
  url = line.trim();
}, 120_000);

afterAll(async () => {
  host?.stdin?.end();
  if (host) await once(host, 'exit');
  if (project) rmSync(project, { recursive: true });
}, 30_000);

/** Runs the installed command directly, because npx takes a second to start. */
function tck(...parameters: string[]): Promise<Ended> {
  return execute(process.execPath, ['node_modules/@websock/tck/bin.js', ...parameters], project);
}

/** Starts a server, passes its URL to `use`, and closes it afterwards. */
async function withServer<Value>(
  server: Server | TcpServer,
  use: (url: string, server: Server | TcpServer) => Promise<Value>,
): Promise<Value> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await use(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
  } finally {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  }
}

/** A WebSocket server that calls `greet` with each client. */
function greeting(greet: (client: WebSocket) => void): Server {
  const server = createServer();
  new WebSocketServer({ server }).on('connection', greet);
  return server;
}

/** Hosts the probe with another service than the right one. */
const hosting = (change: (service: NonNullable<ReturnType<typeof route>>) => object) =>
  createIndependentServer(
    (path) => {
      const service = route(path);
      return service && { ...service, ...change(service) };
    },
    () => {},
  ).server;

const describeConcurrently = { concurrent: true, timeout: 120_000 };

describe('npx @websock/tck', describeConcurrently, () => {
  test('passes a right server in another process, with a table of the rules', async () => {
    const { code, output } = await tck(url);
    expect(output).not.toContain('FAILED');
    expect(code).toBe(0);
    expect(output).toMatch(/^@websock\/tck 0\.1\.0, SPEC\.md 0\.1, ws:/);
    for (const rule of new Set(rules.map((each) => each.rule))) expect(output).toMatch(new RegExp(`^${rule} `, 'm'));
    expect(output).toContain(
      'the kit cannot shut down a server that it did not start (1.6, 3.7, 4.3o, 4.5, 6.6, 7.2, 7.3)',
    );
    expect(output).toMatch(/\d{3} passed, 0 failed of a MUST, 0 of a SHOULD, \d+ skipped, in \d+\.\d s\n$/);
  });

  test('runs the tests of a rule, a row or a chapter', async () => {
    for (const [rule, pattern] of [
      ['4.3a', /^4\.3a +12$/m],
      ['1', /^1\.5 +/m],
      ['6.2', /^6\.2 +1$/m],
    ] as const) {
      const { code, output } = await tck(url, '--rule', rule);
      expect(output).toMatch(pattern);
      expect(output).not.toMatch(/^2\.1 /m);
      expect(code).toBe(0);
    }
  });

  test('lists its tests without a server', async () => {
    const { code, output } = await execute('npx', ['--offline', '--no-install', '@websock/tck', '--list'], project);
    expect(output.trim().split('\n')).toHaveLength(rules.length);
    expect(output).toMatch(
      /^4\.3n {1,2}by default silence of 60 seconds closes the connection \(slow, needs idleTimeoutByDefault/m,
    );
    expect(output).toMatch(
      /^5\.1 {3}while init is pending, the server stops reading \(SHOULD, needs pausesReading\)$/m,
    );
    expect(code).toBe(0);
  });

  test('writes a report in JSON', async () => {
    const { code } = await tck(url, '--rule', '2.5', '--rule', '1.6', '--json', 'report.json');
    expect(code).toBe(0);
    const report = JSON.parse(readFileSync(join(project, 'report.json'), 'utf8')) as Report & { tck: string };
    expect(report).toMatchObject({ tck: '0.1.0', spec: '0.1', url, cannot: {}, passed: true });
    expect(report.outcomes.map(({ rule, outcome }) => [rule, outcome])).toContainEqual(['1.6', 'skipped']);
    expect(report.outcomes.filter(({ rule, outcome }) => rule === '2.5' && outcome === 'passed')).toHaveLength(3);
    expect(new Date(report.date).getTime()).toBeGreaterThan(Date.now() - 60_000);
    const { output } = await tck(url, '--rule', '2.5', '--json', '-');
    expect(JSON.parse(output)).toMatchObject({ passed: true });
  });

  test('starts and stops the server itself, to test its shutdown and its reports', async () => {
    const command = `cd ${root} && ${process.execPath} --import tsx test/tck/independent-host.ts`;
    const rules = ['1.6', '4.3o', '4.4'].flatMap((rule) => ['--rule', rule]);
    const { code, output } = await tck('--start', command, 'ws://127.0.0.1:PORT', ...rules);
    expect(output).not.toContain('FAILED');
    expect(output).toMatch(/^1\.6 +1$/m);
    expect(output).toMatch(/^4\.3o +2 +1$/m); // it cannot give a code and reason
    expect(output).toMatch(/^4\.4 +11$/m);
    expect(code).toBe(0);
  });

  test('a server that it starts, and that reports nothing or ignores SIGTERM, fails, and is ended', async () => {
    const pids = join(project, 'pids');
    const host = `${process.execPath} --import tsx test/tck/independent-host.ts`;
    const command = `cd ${root}; echo $$ >> ${pids}; trap '' TERM; ${host} 2>/dev/null`;
    const { code, output } = await tck('--start', command, 'ws://127.0.0.1:PORT', '--rule', '1.6', '--rule', '4.4');
    expect(output).toContain('FAILED 4.4 (MUST): an error that handleIn throws is reported once');
    expect(code).toBe(1);
    const [first = ''] = readFileSync(pids, 'utf8').split('\n');
    expect(() => process.kill(Number(first), 0), 'the shell of the first server').toThrow('ESRCH');
  });

  test('writes a page with the rules by servers, and each failure with its rule', async () => {
    await tck(url, '--rule', '1', '--json', 'right.json', '--html', 'right.html');
    expect(readFileSync(join(project, 'right.html'), 'utf8')).toContain('conforms');
    const right = JSON.parse(readFileSync(join(project, 'right.json'), 'utf8')) as Report;
    const why = "expected '<script>alert(1)</script>' & more";
    const outcomes = right.outcomes.map((each) => (each.rule === '1.3' ? { ...each, outcome: 'failed', why } : each));
    writeFileSync(join(project, 'wrong.json'), JSON.stringify({ ...right, passed: false, outcomes }));
    const { code } = await tck('--html', 'page.html', 'right.json', 'wrong.json');
    expect(code).toBe(0);
    const page = readFileSync(join(project, 'page.html'), 'utf8');
    expect(page).toContain('<th>right</th><th>wrong</th>');
    expect(page).toMatch(/<tr><th>1\.3<\/th>.*<td class="passed">6<\/td><td class="failed">0 of 6<\/td><\/tr>/);
    expect(page).toContain('<h2>wrong: <span class="failed">does not conform</span></h2>');
    expect(page).toContain('<blockquote>A server MUST NOT lose anything that the client ');
    expect(page).toContain('expected &#39;&#60;script&#62;alert(1)');
    expect(page).not.toContain('<script');
  });

  test('skips tests that need a capability of the --cannot file, and prints the reason', async () => {
    writeFileSync(join(project, 'cannot.json'), '{ "returnsThenables": "it is written in Python" }');
    const { code, output } = await tck(url, '--rule', '2.1', '--cannot', 'cannot.json');
    expect(output).toContain('the server lacks returnsThenables: it is written in Python (2.1)');
    expect(code).toBe(0);
  });

  test('prints the rule, what was expected and what came instead', async () => {
    const server = hosting(({ arg }) => ({ arg: { ...(arg as object) } }));
    const { code, output } = await withServer(server, (wrong) => tck(wrong, '--rule', '1.1'));
    expect(output).toContain(
      'FAILED 1.1 (MUST): init is called once, before anything else, with the arg of the upgrade',
    );
    expect(output).toMatch(
      / {2}whether init received the arg itself, not a copy: expected \{ sameValue: true \}, but got/,
    );
    expect(output).toContain('The rule: A server MUST call `init` once per connection, when the handshake is complete');
    expect(code).toBe(1);
  });

  test('passes a server that only fails a SHOULD', async () => {
    const server = hosting(({ options }) => ({ options: { ...options, heartbeat: false } }));
    const { code, output } = await withServer(server, (wrong) => tck(wrong, '--rule', '4.6'));
    expect(output).toContain('FAILED 4.6 (SHOULD): a client that answers pings stays connected, and is pinged again');
    expect(output).toMatch(/failed of a MUST, 2 of a SHOULD/);
    expect(code).toBe(output.includes(' 0 failed of a MUST') ? 0 : 1);
  });

  test('appends its paths to the path of the URL', async () => {
    const { server } = createIndependentServer(
      (path) => (path.startsWith('/some/where/') ? route(path) : undefined),
      () => {},
    );
    for (const path of ['/some/where', '/some/where/']) {
      const { code, output } = await withServer(server, (at) => tck(`${at}${path}`, '--rule', '6.2'));
      expect(output).toMatch(/^6\.2 +1$/m);
      expect(code).toBe(0);
    }
  });
});

const HINT = 'does it host the probe? See the README of @websock/tck';

describe('npx @websock/tck prints why it cannot test in one line, and exits with 2', describeConcurrently, () => {
  test.each([
    ['without a URL', () => tck(), 'give the URL of a server that hosts the probe\nSee npx @websock/tck --help'],
    ['two URLs', () => tck(url, url), 'give one URL only, without ws://'],
    [
      'a text that is not a URL',
      () => tck('localhost:8080'),
      "'localhost:8080' is not a WebSocket URL: give a URL that begins with ws://",
    ],
    ['an HTTP URL', () => tck('http://127.0.0.1:1'), 'give a URL that begins with ws://, such as ws://127.0.0.1:8080'],
    ['TLS', () => tck('wss://127.0.0.1:1'), 'the kit does not support TLS: give a URL that begins with ws://'],
    ['an unknown option', () => tck(url, '--fast'), "Unknown option '--fast'"],
    ['an unknown rule', () => tck(url, '--rule', '9.9'), "unknown rule '9.9'; see --list"],
    ['a missing file', () => tck(url, '--cannot', 'none.json'), 'none.json cannot be read as JSON: ENOENT'],
    [
      '--start and a port',
      () => tck('--start', 'true', 'ws://127.0.0.1:8080'),
      'write PORT in place of the port, such as ws://127.0.0.1:PORT: ',
    ],
    ['PORT without --start', () => tck('ws://127.0.0.1:PORT'), 'give the port instead of PORT, or the option --start'],
    [
      '--start and a command that ends',
      () => tck('--start', 'echo broken >&2', 'ws://127.0.0.1:PORT'),
      'the command "echo broken >&2" ended: does it listen on the port that the environment variable PORT gives? broken',
    ],
    [
      'a page of something else',
      () => tck('--html', 'page.html', 'package.json'),
      'package.json is not a report that --json has written',
    ],
    [
      'an unknown capability in a file',
      () => {
        writeFileSync(join(project, 'unknown.json'), '{ "puase": "no" }');
        return tck(url, '--cannot', 'unknown.json');
      },
      "unknown.json names an unknown capability: 'puase'; the known ones are rejectsHttp10, ",
    ],
    [
      'a port without a server',
      async () => tck(`ws://127.0.0.1:${await freePort()}`),
      `/control did not open (connect ECONNREFUSED 127.0.0.1:`,
    ],
    [
      'an HTTP server',
      () =>
        withServer(
          createServer((_request, response) => response.writeHead(404).end()),
          (at) => tck(at),
        ),
      `/control did not open (Unexpected server response: 404): is the server running, and ${HINT}`,
    ],
    [
      'a server that never answers',
      () =>
        withServer(
          createTcpServer(() => {}),
          (at) => tck(at),
        ),
      `/control did not open (Opening handshake has timed out): is the server running, and ${HINT}`,
    ],
    [
      'a server that echoes',
      () =>
        withServer(
          greeting((client) => client.on('message', (data) => client.send(data))),
          (at) => tck(at),
        ),
      `/control did not say what the server cannot do (expected a message on the control connection, but nothing came from the server for 10000 ms): ${HINT}`,
    ],
    [
      'a server that greets with a text',
      () =>
        withServer(
          greeting((client) => client.send('welcome')),
          (at) => tck(at),
        ),
      '/control did not say what the server cannot do (',
    ],
    [
      'a server that names an unknown capability',
      () =>
        withServer(
          greeting((client) => client.send('{"puase":"cannot"}')),
          (at) => tck(at),
        ),
      "/control names an unknown capability: 'puase'; the known ones are rejectsHttp10, ",
    ],
    [
      'a server that gives no reason',
      () =>
        withServer(
          greeting((client) => client.send('{"pausesReading":false}')),
          (at) => tck(at),
        ),
      "/control gives false for 'pausesReading'; give the reason, a string",
    ],
  ] as [string, () => Promise<Ended>, string][])('%s', async (_what, run, says) => {
    const { code, output } = await run();
    expect(output).toContain(says);
    expect(output).not.toMatch(/^ +at /m);
    expect(output.trim().split('\n').length).toBeLessThanOrEqual(2);
    expect(code).toBe(2);
  });
});

test('a server that stops answering fails once, without a timeout for each test', { timeout: 60_000 }, async () => {
  const server = greeting((client) => client.send('{}'));
  const { code, output } = await withServer(server, (at) => tck(at));
  expect(output).toContain('the server has stopped or hangs: expected a message on the control connection');
  expect(code).toBe(1);
});

test('with bail, the failure of a SHOULD skips nothing', { timeout: 60_000 }, async () => {
  const server = hosting(({ options }) => ({ options: { ...options, heartbeat: false } }));
  const { outcomes } = await withServer(server, (at) => run(at, { rules: ['4.6'], bail: true, atOnce: 1 }));
  expect(outcomes.find(({ outcome }) => outcome === 'failed')?.should, 'whether the first failure is of a SHOULD').toBe(
    true,
  );
  expect(outcomes.filter(({ outcome }) => outcome === 'failed')).toHaveLength(3);
});

test('with bail, the tests that are cut have not failed', { timeout: 60_000 }, async () => {
  const server = hosting(({ options: { maxMessageSize: _, ...options } }) => ({ options }));
  const options = { rules: ['4.3j', '4.3n'], bail: true, atOnce: 40 };
  const { outcomes } = await withServer(server, (at) => run(at, options));
  expect(outcomes.filter(({ outcome }) => outcome === 'failed').map(({ rule }) => rule)).toEqual(['4.3j']);
  expect(outcomes.filter(({ why }) => why === 'an earlier test has failed').length).toBeGreaterThan(0);
});

test('the installed package and its dependencies take at most 15 MB', () => {
  expect(sizeOf(join(project, 'node_modules'))).toBeLessThan(15_000_000);
});

test('run and route can be imported', async () => {
  const program = `
    import { CAPABILITIES, rules, run } from '@websock/tck';
    import { route } from '@websock/tck/probe';
    const { passed, outcomes } = await run(process.argv[2], { rules: ['6'] });
    const { handler, arg } = route('/probe?id=one', {});
    console.log(JSON.stringify([passed, outcomes.length, typeof handler.init, arg.id, 'pausesReading' in CAPABILITIES, rules.length]));
  `;
  writeFileSync(join(project, 'run.mjs'), program);
  const { output } = await execute(process.execPath, ['run.mjs', url], project);
  const chapter = rules.filter(({ rule }) => rule.startsWith('6')).length;
  expect(JSON.parse(output)).toEqual([true, chapter, 'function', 'one', true, rules.length]);
});

function sizeOf(path: string): number {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}
