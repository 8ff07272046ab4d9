// The tests of all brokers, on each of them: see pubsub/src/testing.ts.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect as connectToNats } from '@nats-io/transport-node';
import { createClient } from '@redis/client';
import type { Broker } from '@websock/pubsub';
import { ioredis } from '@websock/pubsub/ioredis';
import { nats } from '@websock/pubsub/nats';
import { redis } from '@websock/pubsub/redis';
import { type BrokerUnderTest, brokerTests } from '@websock/pubsub/testing';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { createClient as createClient5 } from 'redis-client-5';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { root } from '../toolkit/compilers.ts';
import { NatsServer, noNats } from '../toolkit/nats-server.ts';
import { execute } from '../toolkit/programs.ts';
import { noRedis, RedisServer } from '../toolkit/redis-server.ts';
import { TcpProxy } from '../toolkit/tcp-proxy.ts';
import { MemoryServer, memoryBroker } from './memory-broker.ts';

/** A server in a process of its own, or the reason why it cannot run. */
interface ServerProgram {
  readonly absent: string | undefined;
  readonly start: () => Promise<RedisServer | NatsServer>;
}

const redisProgram: ServerProgram = { absent: noRedis, start: () => RedisServer.start() };
const natsProgram: ServerProgram = { absent: noNats, start: () => NatsServer.start() };

/** What ends the clients that tests have made. */
const ends: (() => unknown)[] = [];

const brokers: Record<string, [ServerProgram, (port: number) => Broker | Promise<Broker>]> = {
  '@redis/client 6': [redisProgram, (port) => redis(createClient({ url: `redis://127.0.0.1:${port}` }))],
  '@redis/client 6, sharded': [
    redisProgram,
    (port) => redis(createClient({ socket: { port } }), { sharded: true, prefix: 'own:' }),
  ],
  '@redis/client 5': [redisProgram, (port) => redis(createClient5({ url: `redis://127.0.0.1:${port}` }))],
  'ioredis 6': [redisProgram, (port) => ioredis(new Redis(port, { lazyConnect: true }))],
  'ioredis 6, sharded': [
    redisProgram,
    (port) => ioredis(new Redis(port, { lazyConnect: true, keyPrefix: 'app:' }), { sharded: true }),
  ],
  'ioredis 5': [redisProgram, (port) => ioredis(new Redis5(port, { lazyConnect: true }))],
  '@nats-io/transport-node': [
    natsProgram,
    async (port) => {
      const connection = await connectToNats({
        port,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 20,
        reconnectJitter: 0,
      });
      ends.push(() => connection.close());
      return nats(connection);
    },
  ],
};

test.each(brokerTests)('memory: $title', async ({ run }) => {
  const server = new MemoryServer();
  await run({
    create: () => memoryBroker(server),
    cut: () => server.cut(),
    stop: async () => server.stop(),
    pause: async () => server.pause(),
  });
});

describe.each(Object.entries(brokers))('%s', (_name, [{ absent, start }, create]) => {
  let server: RedisServer | NatsServer;
  let proxy: TcpProxy;
  let underTest: BrokerUnderTest;

  beforeAll(async () => {
    if (absent !== undefined) return;
    server = await start();
    proxy = await TcpProxy.start(server.port);
    underTest = {
      create: () => create(proxy.port),
      cut: () => proxy.cut(),
      async stop() {
        await server.kill();
        return () => server.start();
      },
      async pause() {
        await server.pause();
        return () => server.resume();
      },
    };
  });

  afterAll(async () => {
    for (const end of ends.splice(0)) await end();
    await proxy?.stop();
    await server?.kill();
  });

  beforeEach(({ skip }) => skip(absent !== undefined, absent));

  test.each(brokerTests)('$title', ({ run }) => run(underTest));
});

describe.each([
  ['bun', []],
  ['deno', ['run', '--allow-all', '--no-lock']],
])('on %s', (platform, parameters) => {
  test.concurrent.for([
    ['redis', redisProgram],
    ['ioredis', redisProgram],
    ['nats', natsProgram],
  ] as const)('%s passes the tests that need nothing or a cut', async ([kind, { absent, start }], { skip }) => {
    skip(absent !== undefined, absent);
    const server = await start();
    const proxy = await TcpProxy.start(server.port);
    const control = createServer((_request, response) => {
      proxy.cut();
      response.end();
    }).listen(0, '127.0.0.1');
    await once(control, 'listening');
    try {
      const { port } = control.address() as AddressInfo;
      const env = { BROKER: kind, PORT: String(proxy.port), CONTROL: `http://127.0.0.1:${port}` };
      const program = join(root, 'node_modules/.bin', platform);
      const file = join(import.meta.dirname, 'brokers.application.ts');
      const { output } = await execute(program, [...parameters, file], root, { ...process.env, ...env });
      const possible = brokerTests.filter(({ needs }) => needs.every((need) => need === 'cut'));
      expect(JSON.parse(output)).toEqual({ passed: possible.length, failures: [] });
    } finally {
      control.close();
      await proxy.stop();
      await server.kill();
    }
  });
});

test('no two tests have the same title', () => {
  const titles = brokerTests.map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
});
