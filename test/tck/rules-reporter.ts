// A reporter for vitest, which prints the table of rules × servers. The run fails if no test of a rule of SPEC.md ran, or
// if a test names a rule that SPEC.md lacks.

import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';
import { readSpec } from '../../tck/src/spec-rules.ts';

interface Cell {
  passed: number;
  failed: number;
  skipped: number;
}

export default class RulesReporter implements Reporter {
  /** Whether only some of the tests run. */
  #isPart = false;

  onInit({ config }: Vitest): void {
    this.#isPart = config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const isOfRules = ({ moduleId }: TestModule) => moduleId.includes('/test/tck/rules.test.');
    this.#isPart ||= !modules.some(isOfRules);
    const cases = modules
      .filter((module) => isOfRules(module) || module.moduleId.includes('/stress.test.'))
      .flatMap((module) => [...module.children.allTests()])
      .filter((test) => !neverBegan(test));
    if (cases.length === 0) return;

    const cells = new Map<string, Cell>();
    const reasons = new Map<string, Set<string>>();
    const unnamed: string[] = [];
    for (const test of cases) {
      const rule = /^(\d\.\d[a-z]?) /.exec(test.name)?.[1];
      if (!rule) {
        unnamed.push(test.fullName);
        continue;
      }
      const server = serverOf(test);
      const result = test.result();
      if (this.#isPart && result.state === 'skipped' && result.note === undefined) continue;
      const cell = cells.get(`${rule} ${server}`) ?? { passed: 0, failed: 0, skipped: 0 };
      cells.set(`${rule} ${server}`, cell);
      if (result.state === 'passed') cell.passed += 1;
      else if (result.state === 'failed') cell.failed += 1;
      else if (result.state === 'skipped') {
        cell.skipped += 1;
        const why = `${server}: ${result.note ?? 'not part of this run'}`;
        reasons.set(why, (reasons.get(why) ?? new Set()).add(rule));
      }
    }

    // The rows of 4.3 are tested instead of 4.3 itself.
    const rules = [...readSpec().rules.keys()].filter((rule) => rule !== '4.3').sort();
    const servers = [...new Set(cases.map(serverOf))];
    const named = new Set([...cells.keys()].map((key) => key.split(' ')[0] as string));
    const width = Math.max(14, ...servers.map((server) => server.length + 2));

    console.log(`\nrule  ${servers.map((server) => server.padEnd(width)).join('')}`);
    for (const rule of rules.filter((each) => named.has(each) || !this.#isPart)) {
      const row = servers.map((server) => show(cells.get(`${rule} ${server}`)).padEnd(width));
      console.log(`${rule.padEnd(5)} ${row.join('')}`.trimEnd());
    }
    console.log('      passed, -skipped; reasons for skipping:');
    for (const [why, skipped] of [...reasons].sort()) console.log(`      ${why} (${[...skipped].sort().join(', ')})`);

    const untested = this.#isPart
      ? []
      : rules.filter((rule) =>
          servers.every(
            (server) =>
              (cells.get(`${rule} ${server}`)?.passed ?? 0) + (cells.get(`${rule} ${server}`)?.failed ?? 0) === 0,
          ),
        );
    const unknown = [...named].filter((rule) => !rules.includes(rule));
    if (untested.length > 0) fail(`no test ran for rule ${untested.join(', ')}`);
    if (unknown.length > 0) fail(`tests name rules that SPEC.md lacks: ${unknown.join(', ')}`);
    if (unnamed.length > 0) fail(`titles that do not begin with a rule: ${unnamed.join('; ')}`);
  }
}

/** The name of the server, which is that of the test's suite. */
function serverOf(test: TestCase): string {
  return test.parent.type === 'suite' ? test.parent.name : '';
}

/** Whether a test did not run because its server could not be reached. */
function neverBegan(test: TestCase): boolean {
  const result = test.result();
  const failed = test.parent.type === 'suite' && test.parent.errors().length > 0;
  return failed && result.state === 'skipped' && result.note === undefined;
}

function show(cell: Cell | undefined): string {
  if (!cell) return '';
  const { passed, failed, skipped } = cell;
  return `${failed > 0 ? `${failed} FAILED, ` : ''}${passed}${skipped > 0 ? ` -${skipped}` : ''}`;
}

function fail(message: string): void {
  console.error(`\nrules: ${message}`);
  process.exitCode = 1;
}
