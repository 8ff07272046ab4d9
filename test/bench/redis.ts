// The chat example in two processes over Redis, compared with one process: `tsx test/bench/redis.ts [MEMBERS]`. Each process
// has half of the members of a room. A line is sent by a client to its server, by the server to Redis, by Redis to both
// servers, and by them to all members.

import { Client } from '../../tck/src/client.ts';
import { host } from '../toolkit/host.ts';
import { RedisServer } from '../toolkit/redis-server.ts';

/** The number of lines that are sent one by one: each after the arrival of the previous one. */
const ONE_BY_ONE = 1_000;
/** The number of lines that all members send at once. */
const AT_ONCE = 5_000;

async function measure(members: number): Promise<void> {
  const redis = await RedisServer.start();
  const env = { REDIS_URL: redis.url };
  const servers = await Promise.all([1, 2].map(() => host('node', 'examples/chat/redis.application.ts', env)));
  const local = await host('node', 'test/chat.application.ts');
  for (const [label, urls] of [
    ['one process, in memory', [local.url, local.url]],
    ['two processes, Redis', servers.map(({ url }) => url)],
  ] as const) {
    const people: Client[] = [];
    for (let index = 0; index < members; index++) {
      people.push(await Client.connect(`${urls[index % 2]}/chat?room=bench&name=${index}`));
      for (const person of people) await heard(person, (text) => text === `* ${index} is here`);
    }
    const [speaker, listener] = people as [Client, Client];

    const times: number[] = [];
    for (let index = 0; index < ONE_BY_ONE; index++) {
      const start = performance.now();
      speaker.text(`alone ${index}`);
      await heard(listener, (text) => text === `0: alone ${index}`);
      times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    const at = (share: number) => `${times[Math.floor(share * times.length)]?.toFixed(2)} ms`;

    const start = performance.now();
    for (let index = 0; index < AT_ONCE; index++) people[index % members]?.text('together');
    await Promise.all(
      people.map(async (person) => {
        for (let count = 0; count < AT_ONCE; count++) await heard(person, (text) => text.endsWith(': together'));
      }),
    );
    const rate = Math.round((AT_ONCE / (performance.now() - start)) * 1_000);
    console.log(
      `${label.padEnd(24)} ${members} members: p50 ${at(0.5)}, p99 ${at(0.99)}; ` +
        `${rate} lines/s sent, ${rate * members} lines/s delivered`,
    );
    for (const person of people) person.close();
  }
  for (const server of [...servers, local]) await server.stop();
  await redis.kill();
}

/** Waits for the next line that matches. */
async function heard(person: Client, matches: (text: string) => boolean): Promise<void> {
  for (;;) {
    const received = await person.next();
    if (!('text' in received)) throw new Error(`the connection has ended: ${JSON.stringify(received)}`);
    if (matches(received.text)) return;
    if (received.text.startsWith('* not delivered')) throw new Error(received.text);
  }
}

measure(Number(process.argv[2] ?? 10));
