// Tests a handler without a socket.

import { connect } from '@websock/adapter/testing';
import { expect, test } from 'vitest';
import { member } from './room.ts';

test('says who is here, and what they say', async () => {
  const client = connect(member, 'alice');
  expect(await client.next()).toEqual({ opcode: 'text', data: '* alice is here' });
  client.text('hello');
  expect(await client.next()).toEqual({ opcode: 'text', data: 'alice: hello' });
  client.close();
  expect(await client.closed).toEqual({ type: 'remote', code: 1005, reason: '' });
});

test('a silent client is pinged, then closed', async () => {
  const client = connect(member, 'alice', { idleTimeout: 10_000 });
  expect(await client.next()).toMatchObject({ opcode: 'text' });
  await client.advance(5_000);
  expect(await client.next()).toMatchObject({ opcode: 'ping' });
  await client.advance(5_000);
  expect(await client.next()).toEqual({ type: 'close', code: 1001, reason: '' });
});
