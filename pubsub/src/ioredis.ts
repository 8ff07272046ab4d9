import { Buffer } from 'node:buffer';
import type { Broker } from './broker.ts';
import type { Bytes } from './codec.ts';
import { type RedisOptions, redisBroker } from './redis-broker.ts';

export type { RedisOptions } from './redis-broker.ts';

/** What the broker needs of a client of `ioredis`, versions 5 and 6. */
export interface IoRedisClient {
  /** Makes another client with the same options. */
  duplicate(override?: any): any;
  /** Distinguishes ioredis from other clients. */
  sendCommand(...args: any[]): any;
}

/** Makes ioredis report a lost connection instead of reconnecting, and send no command twice. */
const NEVER_AGAIN = {
  lazyConnect: true,
  retryStrategy: () => null,
  reconnectOnError: null,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  keyPrefix: '',
};

/**
 * A broker over Redis, by `ioredis` 5 or 6. It makes two connections with the options of the client, and does not use the
 * client itself, which need not be connected. All messages of a topic come in one order.
 *
 * Throws a TypeError for an invalid client or option.
 */
export function ioredis(client: IoRedisClient, options: RedisOptions = {}): Broker {
  return redisBroker('ioredis', client, ['duplicate', 'sendCommand'], options, (events, connectTimeout, sharded) => {
    const own = client.duplicate({ ...NEVER_AGAIN, connectTimeout });
    let failure: unknown = new Error('the connection was closed');
    own
      .on('error', (error: unknown) => {
        failure = error;
      })
      .on('close', () => events.lost(failure));
    own.on(sharded ? 'smessageBuffer' : 'messageBuffer', (channel: Buffer, data: Buffer) =>
      events.message(channel.toString(), data as Bytes),
    );
    return {
      connect: () => own.connect(),
      // Sharded channels of one command would need the same slot.
      subscribe: (channels) =>
        sharded ? Promise.all(channels.map((channel) => own.ssubscribe(channel))) : own.subscribe(channels),
      unsubscribe: (channel) => (sharded ? own.sunsubscribe(channel) : own.unsubscribe(channel)),
      publish(channel, { buffer, byteOffset, byteLength }) {
        const data = Buffer.from(buffer, byteOffset, byteLength);
        return sharded ? own.spublish(channel, data) : own.publish(channel, data);
      },
      ping: () => own.ping(),
      destroy() {
        own.disconnect();
        own.stream?.destroy(); // disconnect waits for a server that may hang
      },
    };
  });
}
