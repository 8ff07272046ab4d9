// `npx @websock/tck ws://127.0.0.1:8080`

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import type { Cannot } from '@websock/spec/conformance';
import { checkCannot } from './capabilities.ts';
import { count, rulesOf, whySkipped } from './outcomes.ts';
import { type NamedReport, page } from './page.ts';
import { rules } from './rules/index.ts';
import { type Outcome, type Report, type RunOptions, run } from './run.ts';
import { ServerProcesses } from './server-processes.ts';
import { isOf, readSpec, type Spec } from './spec-rules.ts';
import type { RuleTest } from './test-context.ts';

const HELP = `Tests a WebSocket server that hosts the probe against the rules of WebSock.

  npx @websock/tck URL [options]     such as ws://127.0.0.1:8080
  npx @websock/tck --start 'node server.js' ws://127.0.0.1:PORT
  npx @websock/tck --html page.html REPORT.json …

  --start COMMAND start and stop the server: also tests its shutdown (SIGTERM) and its error reports (stderr). It must
                  listen on the port in the environment variable PORT; write PORT in the URL
  --list          print the tests instead of running them
  --rule RULE     run only the tests of a rule (4.3), a row of its table (4.3a) or a chapter (4); may be repeated
  --cannot FILE   read capabilities that the server lacks, in addition to those it declares: a JSON object with reasons
  --json FILE     write the report to a file ("-": to stdout, instead of the text)
  --html FILE     write the report as a page, or one page of the reports of several servers
  --slow          also run the slow tests, which take about two minutes
  --help, --version

Exit code: 0 if the server passes every test of a MUST, 1 if not, 2 if it cannot be tested.
The README of @websock/tck says how to host the probe, in any language.`;

/** A mistake in the parameters, shown without a stack. */
class UsageError extends Error {}

/** Runs the command. Returns its exit code. */
export async function main(parameters: readonly string[]): Promise<number> {
  try {
    return await command(parameters);
  } catch (error) {
    console.error((error as Error).message);
    if (error instanceof UsageError) console.error('See npx @websock/tck --help');
    return 2;
  }
}

async function command(parameters: readonly string[]): Promise<number> {
  const { values, positionals } = parse(parameters);
  const { version } = createRequire(import.meta.url)('@websock/tck/package.json') as { version: string };
  const spec = readSpec();
  if (values.help) return print(HELP);
  if (values.version) return print(`@websock/tck ${version}, SPEC.md ${spec.version}`);
  for (const rule of values.rule) {
    if (!rules.some((test) => isOf(test.rule, rule))) throw new UsageError(`unknown rule '${rule}'; see --list`);
  }
  if (values.list) {
    const chosen = rules.filter(({ rule }) => values.rule.length === 0 || values.rule.some((each) => isOf(rule, each)));
    return print(chosen.map(listed).join('\n'));
  }

  if (values.html !== undefined && positionals.length > 0 && positionals.every((each) => each.endsWith('.json'))) {
    writeFileSync(values.html, page(positionals.map(readReport), spec));
    return 0;
  }
  const [url, ...more] = positionals;
  if (url === undefined) throw new UsageError('give the URL of a server that hosts the probe');
  if (more.length > 0) throw new UsageError(`give one URL only, without ${more.join(' ')}`);
  checkUrl(url, values.start !== undefined);
  const cannot = values.cannot === undefined ? {} : readCannot(values.cannot);
  const start = performance.now();
  const options = { rules: values.rule, slow: values.slow, cannot };
  const report = values.start === undefined ? await run(url, options) : await runStarted(values.start, url, options);
  if (values.json !== undefined) write(values.json, { tck: version, ...report });
  if (values.html !== undefined) writeFileSync(values.html, page([{ name: report.url, report }], spec));
  if (values.json !== '-') print(describe(report, spec, version, performance.now() - start));
  return report.passed ? 0 : 1;
}

/** Tests a server that a command starts. */
async function runStarted(command: string, url: string, options: RunOptions): Promise<Report> {
  const servers = new ServerProcesses(command, url);
  try {
    const first = await servers.start();
    return await run(first.url, { ...options, start: () => servers.start(), reports: first.reports });
  } finally {
    await servers.stop();
  }
}

function parse(parameters: readonly string[]) {
  try {
    return parseArgs({
      args: [...parameters],
      allowPositionals: true,
      options: {
        list: { type: 'boolean', default: false },
        rule: { type: 'string', multiple: true, default: [] },
        start: { type: 'string' },
        cannot: { type: 'string' },
        json: { type: 'string' },
        html: { type: 'string' },
        slow: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        version: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function print(text: string): 0 {
  process.stdout.write(`${text}\n`);
  return 0;
}

function checkUrl(url: string, isStarted: boolean): void {
  if (isStarted) {
    if (ServerProcesses.hasPort(url)) return;
    const why = 'the kit starts several servers, each on a free port, which the environment variable PORT gives';
    throw new UsageError(`write PORT in place of the port, such as ws://127.0.0.1:PORT: ${why}`);
  }
  if (ServerProcesses.hasPort(url)) throw new UsageError('give the port instead of PORT, or the option --start');
  const protocol = URL.canParse(url) ? new URL(url).protocol : undefined;
  if (protocol === 'ws:') return;
  const problem = protocol === 'wss:' ? 'the kit does not support TLS' : `'${url}' is not a WebSocket URL`;
  throw new UsageError(`${problem}: give a URL that begins with ws://, such as ws://127.0.0.1:8080`);
}

function readCannot(file: string): Cannot {
  let cannot: unknown;
  try {
    cannot = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`${file} cannot be read as JSON: ${(error as Error).message}`);
  }
  return checkCannot(cannot, file);
}

function readReport(file: string): NamedReport {
  let report: Partial<Report>;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`${file} cannot be read as JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(report?.outcomes)) throw new UsageError(`${file} is not a report that --json has written`);
  return { name: basename(file, '.json'), report: report as Report };
}

function write(file: string, report: object): void {
  const json = `${JSON.stringify(report, undefined, 2)}\n`;
  if (file === '-') process.stdout.write(json);
  else writeFileSync(file, json);
}

function listed({ rule, title, needs = [], slow, should }: RuleTest): string {
  const notes = [...(should ? ['SHOULD'] : []), ...(slow ? ['slow'] : []), ...needs.map((need) => `needs ${need}`)];
  return `${rule.padEnd(5)} ${title}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`;
}

function describe(report: Report, spec: Spec, version: string, ms: number): string {
  const { outcomes, url } = report;
  const lines = [`@websock/tck ${version}, SPEC.md ${report.spec}, ${url}`, '', 'rule   passed  failed  skipped'];
  for (const rule of rulesOf(outcomes)) {
    const ofRule = outcomes.filter((each) => each.rule === rule);
    const cell = (wanted: Outcome['outcome'], width: number) => String(count(ofRule, wanted) || '').padStart(width);
    lines.push(`${rule.padEnd(5)}${cell('passed', 8)}${cell('failed', 8)}${cell('skipped', 9)}`.trimEnd());
  }

  for (const { rule, title, should, why = '' } of outcomes.filter(({ outcome }) => outcome === 'failed')) {
    lines.push('', `FAILED ${rule} (${should ? 'SHOULD' : 'MUST'}): ${title}`);
    lines.push(`  ${why.replaceAll('\n', '\n  ')}`);
    lines.push(`  The rule: ${spec.rules.get(rule) ?? 'SPEC.md has no such rule'}`);
  }

  const skipped = whySkipped(outcomes);
  if (skipped.length > 0) lines.push('', 'Skipped:', ...skipped.map((each) => `  ${each}`));

  const total = (wanted: Outcome['outcome'], should?: boolean) => count(outcomes, wanted, should);
  lines.push(
    '',
    `${total('passed')} passed, ${total('failed', false)} failed of a MUST, ${total('failed', true)} of a SHOULD, ${total('skipped')} skipped, in ${(ms / 1_000).toFixed(1)} s`,
  );
  return lines.join('\n');
}
