import { connect } from '@nats-io/transport-node';
import { createClient } from '@redis/client';
import type { Broker } from '@websock/pubsub';
import { ioredis } from '@websock/pubsub/ioredis';
import { nats } from '@websock/pubsub/nats';
import { redis } from '@websock/pubsub/redis';
import { Redis } from 'ioredis';

export type BrokerKind = 'redis' | 'ioredis' | 'nats';

/** A broker with a client of its own, connected to a server of this machine. */
export async function createBroker(kind: BrokerKind, port: number): Promise<Broker> {
  if (kind === 'redis') return redis(createClient({ socket: { port } }));
  if (kind === 'ioredis') return ioredis(new Redis(port, { lazyConnect: true }));
  return nats(await connect({ port, maxReconnectAttempts: -1, reconnectTimeWait: 20, reconnectJitter: 0 }));
}
