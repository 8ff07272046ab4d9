// Updates the table of implementers in the kit's README: `npx tsx test/tck/implementers.ts NAME PLATFORM report.json`, with
// a report that `npx @websock/tck URL --slow --json report.json` has written.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome, Report } from '../../tck/src/run.ts';
import { root } from '../toolkit/compilers.ts';

const [name, platform, file] = process.argv.slice(2);
if (!name || !platform || !file) throw new Error('give the name of the server, its platform and the file of a report');

const { outcomes, spec, date } = JSON.parse(readFileSync(file, 'utf8')) as Report;
const count = (wanted: (outcome: Outcome) => boolean) => outcomes.filter(wanted).length;
const passed = (should: boolean) => {
  const ran = count((each) => each.outcome !== 'skipped' && each.should === should);
  return `${count((each) => each.outcome === 'passed' && each.should === should)} of ${ran}`;
};
const skipped = count(({ outcome }) => outcome === 'skipped');
const row = `| ${name} | ${platform} | ${passed(false)} | ${passed(true)} | ${skipped} | ${spec} | ${date.slice(0, 10)} |`;

const readme = join(root, 'tck/README.md');
const text = readFileSync(readme, 'utf8');
writeFileSync(
  readme,
  text.replace(/(?<=<!-- implementers -->\n\n)[\s\S]*?(?=\n\n<!-- \/implementers -->)/, (table) => {
    const others = table.split('\n').filter((line) => !line.startsWith(`| ${name} | ${platform} |`));
    return [...others, row].join('\n');
  }),
);
