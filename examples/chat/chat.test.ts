// The chat's handler, without a socket.

import { connect } from '@websock/adapter/testing';
import { expect, test } from 'vitest';
import { chat, localRooms } from './chat.ts';

test('a member whose arrival cannot be announced does not stay in the room', async () => {
  const rooms = localRooms();
  const say = () => Promise.reject(new Error('no broker'));
  const client = connect(chat({ ...rooms, say }), { name: 'alice', room: 'kitchen' });
  expect(await client.closed).toMatchObject({ type: 'error', code: 1011 });
  expect(rooms.names('kitchen')).toEqual([]);
});
