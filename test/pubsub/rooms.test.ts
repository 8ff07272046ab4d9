import { connect } from '@websock/adapter/testing';
import { expect, test } from 'vitest';
import { member } from './rooms.ts';

test('members of a room get what each says, know who is there, and leave by themselves', async () => {
  const alice = connect(member, { name: 'alice', room: 'kitchen' });
  expect(await alice.next()).toEqual({ opcode: 'text', data: 'here: alice' });
  const bob = connect(member, { name: 'bob', room: 'kitchen' });
  expect(await bob.next()).toEqual({ opcode: 'text', data: 'here: alice, bob' });
  alice.text('hello');
  for (const client of [alice, bob]) expect(await client.next()).toEqual({ opcode: 'text', data: 'alice: hello' });
  alice.drop();
  await alice.closed;
  bob.text('bye');
  expect(await bob.next()).toEqual({ opcode: 'text', data: 'bob: bye' });
  const carol = connect(member, { name: 'carol', room: 'kitchen' });
  expect(await carol.next()).toEqual({ opcode: 'text', data: 'here: bob, carol' });
});
