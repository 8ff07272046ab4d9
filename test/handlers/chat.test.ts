// Chat with three real clients in two rooms.

import { expect, test } from 'vitest';
import { listen } from '../servers/listen.ts';
import { shutdown, upgrade } from '../servers/ws.ts';
import { chat, localRooms } from './chat.ts';
import { converse, visitor } from './conversation.ts';

test('what is said in a room reaches its members, in order, and nobody else', async () => {
  const handler = chat(localRooms());
  const host = await listen((request) => upgrade(request, handler, visitor(request.request.url)));
  const transcript = await converse(host.url);
  await shutdown();
  await host.stop();
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
});
