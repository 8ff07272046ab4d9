// The chat's handler, without a socket.

import { connect } from '@websock/adapter/testing';
import { expect, test } from 'vitest';
import { chat, createRooms } from './chat.ts';

test('a member who cannot enter, because the broker is away, is asked to try again later', async () => {
  const rooms = createRooms();
  const enter = () => Promise.reject(new Error('no broker'));
  const client = connect(chat({ ...rooms, enter }), { name: 'alice', room: 'kitchen' });
  expect(await client.next()).toEqual({ type: 'close', code: 1013, reason: 'try again later' });
  client.drop();
  expect(await client.closed).toEqual({ type: 'normal', code: 1013, reason: 'try again later' });
  expect(rooms.names('kitchen')).toEqual([]);
});
