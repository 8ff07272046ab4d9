// A reporter for vitest: rules × servers. It fails the run if a rule of SPEC.md has no test that ran, or a test names a
// rule that SPEC.md lacks.

import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';
import { readSpec } from '../../tck/src/spec-rules.ts';

interface Cell {
  passed: number;
  failed: number;
  skipped: number;
}

export default class Table implements Reporter {
  /** Whether the run is of some tests only. */
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
        const why = `${server}: ${result.note ?? 'left out of this run'}`;
        reasons.set(why, (reasons.get(why) ?? new Set()).add(rule));
      }
    }

    // 4.3 itself is tested row by row.
    const rules = [...readSpec().rules.keys()].filter((rule) => rule !== '4.3').sort();
    const servers = [...new Set(cases.map(serverOf))];
    const named = new Set([...cells.keys()].map((key) => key.split(' ')[0] as string));
    const width = Math.max(14, ...servers.map((server) => server.length + 2));

    console.log(`\nrule  ${servers.map((server) => server.padEnd(width)).join('')}`);
    for (const rule of rules.filter((each) => named.has(each) || !this.#isPart)) {
      const row = servers.map((server) => show(cells.get(`${rule} ${server}`)).padEnd(width));
      console.log(`${rule.padEnd(5)} ${row.join('')}`.trimEnd());
    }
    console.log('      passed, -skipped; skipped because');
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
    if (unknown.length > 0)
      fail(`SPEC.md has no rule ${unknown.join(', ')}, which a test names, or it is one of the awaited`);
    if (unnamed.length > 0) fail(`these tests do not begin with a rule: ${unnamed.join('; ')}`);
  }
}

/** Tests stand in a block that is named after the server. */
function serverOf(test: TestCase): string {
  return test.parent.type === 'suite' ? test.parent.name : '';
}

/** Whether a test did not run because its server could not be reached: of such a server there is nothing to tell. */
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
