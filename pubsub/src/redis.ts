import { Buffer } from 'node:buffer';
import type { Broker } from './broker.ts';
import type { Bytes } from './codec.ts';
import { type RedisOptions, redisBroker } from './redis-broker.ts';

export type { RedisOptions } from './redis-broker.ts';

/** What the broker needs of a client of `@redis/client` or `redis`, versions 5 and 6. */
export interface RedisClient {
  /** Makes another client with the same options. */
  duplicate(overrides?: any): any;
  /** Sends a command: a pool or a cluster has no such method. */
  ping(...args: any[]): any;
}

/**
 * A broker over Redis, by `@redis/client` (or `redis`) 5 or 6. It makes two connections with the options of the client, and
 * does not use the client itself, which need not be connected. All messages of a topic come in one order.
 *
 * Throws a TypeError for an invalid client or option.
 */
export function redis(client: RedisClient, options: RedisOptions = {}): Broker {
  return redisBroker('redis', client, ['duplicate', 'ping'], options, (events, connectTimeout, sharded) => {
    const { socket } = (client as { options?: { socket?: object } }).options ?? {};
    const own = client.duplicate({ socket: { ...socket, connectTimeout, reconnectStrategy: false } });
    own.on('error', events.lost).on('end', () => events.lost(new Error('the connection was closed')));
    // The slot of a channel has moved to another server, which ends the subscription.
    own.on('sharded-channel-moved', (channel: string) => events.lost(new Error(`the channel ${channel} has moved`)));
    const message = (data: Buffer, channel: Buffer) => events.message(channel.toString(), data as Bytes);
    return {
      connect: () => own.connect(),
      // Sharded channels of one command would need the same slot.
      subscribe: (channels) =>
        sharded
          ? Promise.all(channels.map((channel) => own.sSubscribe(channel, message, true)))
          : own.subscribe(channels, message, true),
      unsubscribe: (channel) => (sharded ? own.sUnsubscribe(channel) : own.unsubscribe(channel)),
      publish(channel, { buffer, byteOffset, byteLength }) {
        const data = Buffer.from(buffer, byteOffset, byteLength);
        return sharded ? own.sPublish(channel, data) : own.publish(channel, data);
      },
      ping: () => own.ping(),
      destroy() {
        try {
          own.destroy();
        } catch {
          // It was closed already.
        }
      },
    };
  });
}
