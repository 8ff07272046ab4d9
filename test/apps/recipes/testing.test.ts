// Handlers tested without a socket.

import { connect } from '@websock/adapter/testing';
import { expect, test } from 'vitest';
import { chat, localRooms } from '../chat/chat.ts';
import { echo } from '../echo/echo.ts';

test('says who is there, and goodbye', async () => {
  const client = connect(chat(localRooms()), { name: 'alice', room: 'kitchen' });
  expect(await client.next()).toEqual({ opcode: 'text', data: '* alice is here' });
  client.text('/quit');
  expect(await client.next()).toEqual({ opcode: 'text', data: '* bye' });
  expect(await client.next()).toEqual({ type: 'close', code: 1000, reason: '' });
  expect(await client.closed).toEqual({ type: 'normal', code: 1000, reason: '' });
});

test('a silent client is pinged, then closed', async () => {
  const client = connect(echo, undefined, { idleTimeout: 10_000 });
  await client.advance(5_000);
  expect(await client.next()).toMatchObject({ opcode: 'ping' });
  await client.advance(5_000);
  expect(await client.next()).toEqual({ type: 'close', code: 1002, reason: '' });
});
