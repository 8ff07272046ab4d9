// The examples, as a person copies and starts them: their manifests, imports and commands.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { root } from '../toolkit/compilers.ts';
import { packages } from '../toolkit/package.ts';
import { execute, freePort, node24 } from '../toolkit/programs.ts';

const examples = readdirSync(join(root, 'examples'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test('the examples are found', () => expect(examples).toEqual(expect.arrayContaining(['echo', 'chat', 'recipes'])));

/** Resolves once a server accepts connections. */
const untilListening = (port: number) =>
  vi.waitFor(
    async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.destroy();
    },
    { timeout: 30_000, interval: 50 },
  );

describe.each(examples)('examples/%s', (name) => {
  const folder = join(root, 'examples', name);
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');
  const { scripts, ...manifest } = JSON.parse(read('package.json'));
  const programs = readdirSync(folder).filter((file) => /(?<!\.test)\.[jt]s$/.test(file));

  test('its manifest is private, and pins every dependency', () => {
    expect(manifest).toMatchObject({ name: `@websock/example-${name}`, private: true, type: 'module' });
    const versions = { ...manifest.dependencies, ...manifest.devDependencies };
    for (const [dependency, version] of Object.entries(versions)) {
      expect(version, dependency).toMatch(/^\d+\.\d+\.\d+$/);
      const own = packages[dependency as keyof typeof packages];
      if (own !== undefined) {
        expect(version).toBe(JSON.parse(readFileSync(join(root, own, 'package.json'), 'utf8')).version);
      }
    }
  });

  test('it imports no file of the repository that a copy would lack', () => {
    const outside = programs.filter((file) => /(?:from |import\()'\.\.\//.test(read(file)));
    expect(outside).toEqual([]);
  });

  test('its README shows its scripts and no other commands', () => {
    const blocks = [...read('README.md').matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block);
    const commands = blocks
      .flatMap((block) => block.trim().split('\n'))
      .map((line) => line.replace(/ +# .*| *\b[A-Z_]+=\S+ /g, ''));
    const own = Object.keys(scripts).map((script) => `npm ${/^(start|test)$/.test(script) ? '' : 'run '}${script}`);
    expect([...new Set(commands)].sort()).toEqual(own.sort());
  });

  const starts = Object.keys(scripts).filter((script) => script.startsWith('start'));
  test.each(starts)(
    'npm run %s starts a server that its client can use, and that SIGTERM ends',
    async (script) => {
      const port = await freePort();
      const needsSqlite = programs.some((file) => read(file).includes("'node:sqlite'")); // Node.js 20 has none
      const path = needsSqlite ? { PATH: `${dirname(node24)}:${process.env['PATH']}` } : {};
      const env = { ...process.env, ...path, PORT: String(port) };
      const args = script === 'start:cloudflare' ? ['--', `--socket-addr=http=127.0.0.1:${port}`] : []; // it has no PORT
      const server = spawn('npm', ['run', script, ...args], { cwd: folder, env, stdio: 'ignore', detached: true });
      const ended = once(server, 'exit');
      try {
        await untilListening(port);
        if (scripts.client === undefined) return;
        const { code, output } = await execute('npm', ['run', '--silent', 'client'], folder, env);
        expect(output).not.toBe('');
        expect(code, output).toBe(0);
      } finally {
        process.kill(-(server.pid as number), 'SIGTERM');
        await ended;
      }
    },
    120_000,
  );
});
