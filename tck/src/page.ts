// Reports as a page for people: the rules by servers, and each failure with its rule.

import { count, rulesOf, whySkipped } from './outcomes.ts';
import type { Outcome, Report } from './run.ts';
import type { Spec } from './spec-rules.ts';

/** A report, and what the page calls the server. */
export interface NamedReport {
  readonly name: string;
  readonly report: Report;
}

const STYLE = `
:root { color-scheme: light dark; --pass: #1a7f37; --fail: #cf222e; --should: #9a6700; --skip: #6e7781; --line: #8884; }
@media (prefers-color-scheme: dark) { :root { --pass: #3fb950; --fail: #f85149; --should: #d29922; --skip: #8b949e; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; } h3 { margin-bottom: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: 0.2rem 0.8rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child { text-align: left; position: sticky; left: 0; background: Canvas; }
thead th { vertical-align: bottom; }
.rule { text-align: left; max-width: 26rem; overflow: hidden; text-overflow: ellipsis; }
.passed { color: var(--pass); } .failed { color: var(--fail); font-weight: bold; } .should { color: var(--should); font-weight: bold; }
.skipped, small { color: var(--skip); }
blockquote { margin: 0.3rem 0; padding-left: 0.8rem; border-left: 3px solid var(--line); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 0.6rem; border: 1px solid var(--line); border-radius: 6px; }`;

/** A page with the rules by servers, and what each server failed or skipped. */
export function page(reports: readonly NamedReport[], spec: Spec): string {
  const rules = rulesOf(reports.flatMap(({ report }) => report.outcomes));
  const versions = [...new Set(reports.map(({ report }) => report.spec))].join(', ');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>WebSock: ${reports.map(({ name }) => text(name)).join(', ')}</title>
<style>${STYLE}
</style>
<h1>WebSocket servers, tested by the rules of WebSock</h1>
<p>Each number is a number of tests of a rule in SPEC.md (version ${text(versions)}):
<span class="passed">all passed</span>, <span class="failed">a MUST failed</span>, <span class="should">only a SHOULD
failed</span>, <span class="skipped">skipped</span>, because the server lacks what they need.</p>
<div class="wide"><table>
<thead><tr><th>rule</th><th></th>${reports.map(({ name }) => `<th>${text(name)}</th>`).join('')}</tr></thead>
<tbody>
${rules.map((rule) => row(rule, reports, spec)).join('\n')}
</tbody>
</table></div>
${reports.map((each) => section(each, spec)).join('\n')}
</html>
`;
}

function row(rule: string, reports: readonly NamedReport[], spec: Spec): string {
  const cells = reports.map(({ report }) => cell(report, rule));
  return `<tr><th>${text(rule)}</th><td class="rule">${prose(spec.rules.get(rule))}</td>${cells.join('')}</tr>`;
}

function cell(report: Report, rule: string): string {
  const outcomes = report.outcomes.filter((each) => each.rule === rule);
  const [passed, failed] = [count(outcomes, 'passed'), count(outcomes, 'failed')];
  const skipped = count(outcomes, 'skipped');
  const kind =
    count(outcomes, 'failed', false) > 0 ? 'failed' : failed > 0 ? 'should' : passed > 0 ? 'passed' : 'skipped';
  const ran = failed > 0 ? `${passed} of ${passed + failed}` : passed > 0 ? passed : '';
  const rest = skipped > 0 ? ` <small>${skipped} skipped</small>` : '';
  return `<td class="${kind}">${ran}${rest}</td>`;
}

function section({ name, report }: NamedReport, spec: Spec): string {
  const { outcomes, url, date, passed } = report;
  const failures = outcomes.filter(({ outcome }) => outcome === 'failed');
  const skipped = whySkipped(outcomes).map((each) => `<li>${text(each)}</li>`);
  return `<section>
<h2>${text(name)}: ${passed ? '<span class="passed">conforms</span>' : '<span class="failed">does not conform</span>'}</h2>
<p><small>${text(url)}, ${text(date)}</small></p>
${failures.map((failure) => description(failure, spec)).join('\n')}
${skipped.length > 0 ? `<details><summary>Skipped</summary><ul>\n${skipped.join('\n')}\n</ul></details>` : ''}
</section>`;
}

function description({ rule, title, should, why = '' }: Outcome, spec: Spec): string {
  return `<h3 class="${should ? 'should' : 'failed'}">${text(rule)} (${should ? 'SHOULD' : 'MUST'}): ${text(title)}</h3>
<blockquote>${prose(spec.rules.get(rule))}</blockquote>
<pre>${text(why)}</pre>`;
}

/** The text of a rule, in which code is in backticks. */
function prose(rule = ''): string {
  return text(rule).replace(/&#96;(.*?)&#96;/g, '<code>$1</code>');
}

/** Text in HTML, also in an attribute. */
function text(value: string): string {
  return value.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}
