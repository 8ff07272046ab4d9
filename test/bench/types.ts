// `npm run bench`, first part: the compiler's cost of checking handlers, by their form and number.
//
//   tsx test/bench/types.ts [COUNT | COMPILER]...   for example 1 10 typescript-7.0

import { nameOf } from '../toolkit/compilers.ts';
import { type Cost, costOf, kinds, measured } from './measure.ts';

const chosen = process.argv.slice(2);
const isCount = (argument: string) => /^\d+$/.test(argument);
const counts = chosen.some(isCount) ? chosen.filter(isCount).map(Number) : [1, 10, 100, 1000];
const compilers = measured.filter((compiler) => chosen.includes(compiler));

async function main(): Promise<void> {
  for (const compiler of compilers.length > 0 ? compilers : measured) {
    print(nameOf(compiler), 'files', 'instantiations', 'types', 'memory', 'check time');
    for (const kind of kinds) {
      const costs: Cost[] = [];
      for (const count of counts) {
        const cost = await costOf(compiler, kind, count);
        print(kind, count, cost.instantiations, cost.types, `${cost.memory} MB`, `${cost.checkTime.toFixed(2)} s`);
        costs.push(cost);
      }
      const [smaller, larger] = costs.slice(-2);
      const [few = 0, many = 0] = counts.slice(-2);
      if (smaller === undefined || larger === undefined) continue;
      const perFile = (figure: keyof Cost) => (larger[figure] - smaller[figure]) / (many - few);
      print(
        'one more',
        '',
        perFile('instantiations').toFixed(1),
        perFile('types').toFixed(1),
        `${(perFile('memory') * 1000).toFixed()} kB`,
        `${(perFile('checkTime') * 1000).toFixed(2)} ms`,
      );
    }
    console.log();
  }
}

function print(name: string, ...cells: readonly (string | number)[]): void {
  console.log(name.padEnd(20) + cells.map((cell) => String(cell).padStart(15)).join(''));
}

void main();
