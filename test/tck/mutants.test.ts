// The suite is tested too: on servers that are wrong in one way each. A wrong server is the reference server with one
// line of its source changed; the tests of the rule that it breaks must fail on it, and do not on the right one.

import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../toolkit/compilers.ts';
import { runSuite } from './run-suite.ts';

interface Wrong {
  readonly what: string;
  readonly rule: string;
  readonly file: string;
  readonly right: string;
  readonly wrong: string;
  /** A second change to the same file. */
  readonly also?: readonly [right: string, wrong: string];
}

const connection = 'adapter/src/connection.ts';
const wrongs: Wrong[] = [
  {
    what: 'callbacks overlap',
    rule: '2.1',
    file: connection,
    right: 'this.#pause(); // rule 5.1',
    wrong: 'this.#busy = false;',
  },
  {
    what: 'terminate is called twice',
    rule: '4.1',
    file: connection,
    right: 'this.#terminated = true;',
    wrong:
      'this.#terminated = true; setTimeout(() => this.#handler.terminate?.(reason, this.#state?.value as State), 10);',
  },
  {
    what: 'terminate is never called',
    rule: '4.1',
    file: connection,
    right: 'if (this.#reason) this.#terminate(this.#reason);',
    wrong: '',
  },
  {
    what: 'post runs handleInfo itself',
    rule: '6.2',
    file: connection,
    right: 'this.#schedule(queueMicrotask);',
    wrong: 'this.#advance();',
  },
  {
    what: 'frames are lost during a slow init',
    rule: '1.2',
    file: connection,
    right: '    if (this.#reason) return;\n    if (!this.#wire.pause) {',
    wrong: '    if (this.#reason || !this.#state) return;\n    if (!this.#wire.pause) {',
    also: ['this.#pause(); // rule 5.1', "if (callback !== 'init') this.#pause();"],
  },
  {
    what: 'callbacks are taken off their handler',
    rule: '2.5',
    file: connection,
    right: 'this.#handler.handleIn(value, state)',
    wrong: 'this.#handler.handleIn.call({ ...this.#handler }, value, state)',
  },
  {
    what: 'the state is copied',
    rule: '2.4',
    file: connection,
    right: 'this.#state = { value: result.state };',
    wrong: 'this.#state = { value: { ...result.state } };',
  },
  {
    what: 'a forbidden close code is sent as 1000',
    rule: '4.2',
    file: 'adapter/src/validate.ts',
    right: 'if (!maySend(code)) {',
    wrong: 'if (code === 1005) return { reason, code: 1000, text: "" };\n  if (!maySend(code)) {',
  },
  {
    what: 'a throw after the end is what terminate is told',
    rule: '3.7',
    file: connection,
    right: 'report(callback, error);',
    wrong: "report(callback, error);\n    if (this.#reason) this.#reason = { type: 'error', error };",
  },
  {
    what: 'code 1005 is sent',
    rule: '4.2',
    file: 'adapter/src/node.ts',
    right: 'close: (code, reason) => webSocket.close(code, reason),',
    wrong:
      'close: (code, reason) => (code === 1011 ? socket.end(Buffer.of(0x88, 2, 0x03, 0xed)) : webSocket.close(code, reason)),',
  },
  {
    what: 'what is sent resets the idle clock',
    rule: '4.3',
    file: connection,
    right: 'for (const message of result.messages) this.#wire.send(message);',
    wrong: 'for (const message of result.messages) { this.#wire.send(message); this.heard(); }',
  },
  {
    what: 'the clock goes on while nothing is read',
    rule: '4.3',
    file: connection,
    right: 'clearTimeout(this.#idleTimer);\n    this.#wire.pause?.();',
    wrong: 'this.#wire.pause?.();',
  },
  {
    what: 'the clock begins anew when the server reads again',
    rule: '4.3',
    file: connection,
    right: 'this.#heardAt = Math.min(now, this.#heardAt + now - this.#pausedAt);',
    wrong: 'this.#heardAt = now;',
  },
  {
    what: 'reading never stops',
    rule: '5.1',
    file: 'adapter/src/node.ts',
    right: 'pause: () => webSocket.pause(),',
    wrong: 'pause: () => {},',
  },
  {
    what: 'buffers are used again',
    rule: '2.7',
    file: 'adapter/src/node.ts',
    right: 'new Uint8Array(data as ArrayBuffer)',
    wrong:
      '((all) => { all.set(new Uint8Array(data as ArrayBuffer)); return all.subarray(0, (data as ArrayBuffer).byteLength); })(((globalThis as any).all ??= new Uint8Array(2_000_000)) as Uint8Array<ArrayBuffer>)',
  },
  {
    what: 'a bad list is sent up to its bad message',
    rule: '3.6',
    file: 'adapter/src/validate.ts',
    right: 'if (wrong) fail(',
    wrong: 'if (wrong && index === 0) fail(',
  },
  {
    what: 'the text of an error is sent',
    rule: '4.2',
    file: connection,
    right: "this.#close({ type: 'error', error }, 1011);",
    wrong: "this.#close({ type: 'error', error }, 1011, String(error).slice(0, 100));",
  },
  {
    what: 'infos overtake each other',
    rule: '6.3',
    file: connection,
    right: "this.#queue.push({ callback: 'handleInfo', value: info });",
    wrong: "this.#queue.unshift({ callback: 'handleInfo', value: info });",
  },
  {
    what: 'frames behind a close frame are forgotten',
    rule: '2.2',
    file: connection,
    right: "const frames = this.#queue.filter(({ callback }) => callback !== 'handleInfo');",
    wrong: 'const frames: Waiting<Info>[] = [];',
  },
  {
    what: 'the subprotocol is answered unasked',
    rule: '1.5',
    file: 'adapter/src/node.ts',
    right: 'offered.has(protocol) ?',
    wrong: 'offered.size >= 0 ?',
  },
];

/** Runs the suite, or the tests of one rule, on a server; returns the titles of those that failed, and how many ran. */
async function run(folder: string, program: string[], rule?: string): Promise<{ failed: string[]; ran: number }> {
  const server = spawn(process.execPath, ['--import', 'tsx', ...program], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const url = await new Promise<string>((settle) => {
    server.stdout.setEncoding('utf8').once('data', (line: string) => settle(line.trim()));
  });
  const { stdout: output } = await runSuite(url, rule, ['--reporter=json']);
  server.kill('SIGKILL');
  const { testResults } = JSON.parse(output.slice(output.indexOf('{'))) as {
    testResults: { assertionResults: { title: string; status: string }[] }[];
  };
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  return {
    failed: results.filter(({ status }) => status === 'failed').map(({ title }) => title),
    ran: results.filter(({ status }) => status === 'failed' || status === 'passed').length,
  };
}

function copyOfServers(): string {
  const folder = mkdtempSync(join(tmpdir(), 'websock-wrong-'));
  for (const path of [
    'adapter',
    'tck',
    'test/toolkit',
    'test/tck',
    'test/package.json',
    'package.json',
    'tsconfig.json',
  ]) {
    cpSync(join(root, path), join(folder, path), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

describe('the suite finds what is wrong with a server', { concurrent: true }, () => {
  test.each(wrongs.map((wrong) => [`${wrong.rule} ${wrong.what}`, wrong] as const))('%s', async (_title, wrong) => {
    const folder = copyOfServers();
    try {
      const source = readFileSync(join(folder, wrong.file), 'utf8');
      const changes = [[wrong.right, wrong.wrong] as const, ...(wrong.also ? [wrong.also] : [])];
      for (const [right] of changes) expect(source, 'the line to change').toContain(right);
      const changed = changes.reduce((text, [right, instead]) => text.replace(right, () => instead), source);
      writeFileSync(join(folder, wrong.file), changed);
      const host = ['test/toolkit/hosts/node.ts', join(folder, 'test/tck/application.ts')];
      const { failed, ran } = await run(folder, host, wrong.rule);
      expect(ran).toBeGreaterThan(0);
      expect(failed).not.toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test('the suite passes a right server that it knows by its URL alone, of another make than the reference servers', async () => {
  const { failed, ran } = await run(root, ['test/tck/independent-server.ts']);
  expect(ran).toBeGreaterThan(200);
  expect(failed).toEqual([]);
});
