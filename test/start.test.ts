// `npm start`, as a person runs it.

import { expect, test } from 'vitest';
import { root } from './toolkit/compilers.ts';
import { execute } from './toolkit/programs.ts';

test('npm start checks the samples, shows faults, and prints one transcript for all platforms', async () => {
  const { code, output } = await execute('npm', ['start'], root);
  expect(output).toContain(`
   alice enters the kitchen
     alice < * alice is here
   bob enters the kitchen
     alice < * bob is here
     bob   < * bob is here
   carol enters the garden
     carol < * carol is here
   alice says "tea?"
     alice < alice: tea?
     bob   < alice: tea?
   bob says "yes ☕"
     alice < bob: yes ☕
     bob   < bob: yes ☕
   carol says "anyone?"
     carol < carol: anyone?
   bob says "/who"
     bob   < * alice, bob
   bob says "/quit"
     bob   < * bye
     bob   < closed: 1000
     alice < * bob has left
   alice says "/who"
     alice < * alice
   carol sends bytes
     carol < closed: 1003 text only
   alice closes with 4001
     alice < closed: 4001 late
`);
  expect(output).toMatch(/^Done: one handler, 4 servers, one transcript\.$/m);
  expect(code).toBe(0);
}, 120_000);
