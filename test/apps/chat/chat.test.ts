// Chat with three real clients in two rooms.

import { expect, test } from 'vitest';
import { host, platforms } from '../../toolkit/host.ts';
import { converse } from './conversation.ts';

test.each(platforms)(
  'on %s, what is said in a room reaches its members, in order, and nobody else',
  async (platform) => {
    const server = await host(platform, 'test/apps/chat/application.ts');
    const transcript = await converse(server.url);
    expect(await server.stop()).toBe(0);
    expect(server.reports()).toBe('');
    expect(transcript).toEqual([
      'alice enters the kitchen',
      '  alice < * alice is here',
      'bob enters the kitchen',
      '  alice < * bob is here',
      '  bob   < * bob is here',
      'carol enters the garden',
      '  carol < * carol is here',
      'alice says "tea?"',
      '  alice < alice: tea?',
      '  bob   < alice: tea?',
      'bob says "yes ☕"',
      '  alice < bob: yes ☕',
      '  bob   < bob: yes ☕',
      'carol says "anyone?"',
      '  carol < carol: anyone?',
      'bob says "/who"',
      '  bob   < * alice, bob',
      'bob says "/quit"',
      '  bob   < * bye',
      '  bob   < closed: 1000',
      '  alice < * bob has left',
      'alice says "/who"',
      '  alice < * alice',
      'carol sends bytes',
      '  carol < closed: 1003 text only',
      'alice closes with 4001',
      '  alice < closed: 4001 late',
    ]);
  },
);
