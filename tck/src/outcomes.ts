// What the text and the page of a report count.

import type { Outcome } from './run.ts';

/** The number of tests with an outcome; with `should`, only those of a SHOULD, or of a MUST. */
export function count(outcomes: readonly Outcome[], wanted: Outcome['outcome'], should?: boolean): number {
  return outcomes.filter((each) => each.outcome === wanted && (should === undefined || each.should === should)).length;
}

/** The rules that have tests, in order. */
export function rulesOf(outcomes: readonly Outcome[]): string[] {
  return [...new Set(outcomes.map(({ rule }) => rule))].sort();
}

/** The reasons why tests were skipped, each with its rules, such as `it takes long; run it with --slow (4.3n, 4.5)`. */
export function whySkipped(outcomes: readonly Outcome[]): string[] {
  const reasons = new Map<string, Set<string>>();
  for (const { rule, outcome, why = '' } of outcomes) {
    if (outcome === 'skipped') reasons.set(why, (reasons.get(why) ?? new Set()).add(rule));
  }
  return Array.from(reasons, ([why, rules]) => `${why} (${[...rules].join(', ')})`);
}
