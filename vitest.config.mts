// For `npm test` and `npx vitest run FILE`.

import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take a minute or more, the longest first: started late, they would leave processors idle at the end of a run.
 * Files that compute stand next to files that wait.
 */
const LONG = [
  'test/tck/rules',
  'test/package/commands',
  'test/tck/wrong-servers',
  'test/package/consumers',
  'test/pubsub/faults',
  'test/adapter/slow-readers',
  'test/contract/compilers',
  'examples/chat/redis',
  'test/adapter/stress',
  'test/conformance/messages',
  'test/tck/command',
  'examples/chat/browser',
];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = LONG.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return place < 0 ? LONG.length : place;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // One more than the number of processors, as the longest files mostly wait: test/tck/rules.test.ts nine tenths of its time.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongFirst },
    reporters: ['default', './test/tck/rules-reporter.ts'],
  },
});
