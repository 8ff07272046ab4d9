// Topics and presence in one process of each platform (on Cloudflare, in one object), with real clients.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import { type Host, host, platforms } from '../toolkit/host.ts';

/** The next text that a client gets. */
async function next(client: Client): Promise<unknown> {
  const received = await client.next();
  return 'text' in received ? received.text : received;
}

describe.each(platforms)('on %s', (platform) => {
  let server: Host;

  beforeAll(async () => {
    server = await host(platform, 'test/pubsub/platforms.application.ts', {
      ADAPTER_OPTIONS: JSON.stringify({ maxUnsentBytes: 100_000, maxHeldInfos: 50 }),
    });
  });

  afterAll(() => server.stop());

  test('1, 4, 6: members of a room get what each says, know who is there, and leave by themselves', async () => {
    const enter = (name: string, room = 'kitchen') => Client.connect(`${server.url}/?name=${name}&room=${room}`);
    const alice = await enter('alice');
    expect(await next(alice)).toBe('here: alice');
    const bob = await enter('bob');
    expect(await next(bob)).toBe('here: alice, bob');
    const carol = await enter('carol', 'garden');
    expect(await next(carol)).toBe('here: carol');
    for (let index = 0; index < 50; index++) alice.text(String(index));
    for (const client of [alice, bob]) {
      for (let index = 0; index < 50; index++) expect(await next(client)).toBe(`alice: ${index}`);
    }
    carol.text('only flowers');
    expect(await next(carol)).toBe('carol: only flowers');
    alice.close();
    for (let attempt = 0; ; attempt++) {
      const dave = await enter(`dave${attempt}`);
      if ((await next(dave)) === `here: bob, dave${attempt}`) break;
      expect(attempt).toBeLessThan(20);
      dave.close();
    }
    expect(server.reports()).toBe('');
  });

  test('7: a client that does not read is dropped, and the others get all', async () => {
    const enter = (name: string) => Client.connect(`${server.url}/?name=${name}&room=hall`);
    const slow = await enter('slow');
    expect(await next(slow)).toBe('here: slow');
    slow.socket.pause();
    const [alice, bob] = [await enter('alice'), await enter('bob')];
    for (const client of [alice, bob]) await next(client);
    const text = 'x'.repeat(100_000);
    for (let index = 0; index < 150; index++) {
      alice.text(text);
      for (const client of [alice, bob]) expect(String(await next(client)).length).toBe(text.length + 7);
    }
    const carol = await enter('carol');
    if (platform !== 'cloudflare') expect(await next(carol)).toBe('here: alice, bob, carol');
  });
});
