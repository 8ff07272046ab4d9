// Rooms of many processes: Redis forwards each line to every process.
//
// A line is published only if every process with members in the room is subscribed; Redis checks that in the same step. If
// not, no member receives the line, and the sender is notified. Each process announces its members once per second.

import { createClient } from '@redis/client';
import { type Line, localRooms, type Rooms } from './chat.ts';

const CHANNEL = 'chat';

/** How often a process announces its members, in ms. */
const INTERVAL = 1_000;

/** After this long without an announcement, in ms, a process counts as dead, and its members as gone. */
const LEASE = 5_000;

/** How long to wait for an answer of Redis, in ms. */
const PATIENCE = 3_000;

/** The delay before reconnecting to Redis, in ms. */
const RETRY = 100;

// Publishes if all of the processes are subscribed, and returns 1; otherwise 0. Redis runs a script as one step.
const PUBLISH_TO_ALL = `
  for index = 2, #ARGV do
    if redis.call('PUBSUB', 'NUMSUB', KEYS[1] .. ':' .. ARGV[index])[2] == 0 then return 0 end
  end
  redis.call('PUBLISH', KEYS[1], ARGV[1])
  return 1`;

/** The messages on the channel, as JSON. */
type Broadcast =
  | { readonly type: 'line'; readonly room: string; readonly line: Line }
  | { readonly type: 'members'; readonly process: string; readonly rooms: [room: string, names: readonly string[]][] };

/** Rooms shared by all processes that use this Redis. Never throws; without Redis, no line is delivered. */
export function redisRooms(url: string): Rooms {
  const me = crypto.randomUUID();
  const local = localRooms();
  const localNames = new Set<string>(); // of rooms
  const others = new Map<string, { heardAt: number; readonly rooms: ReadonlyMap<string, readonly string[]> }>(); // by process
  let cutOff = false;

  // Without a connection, commands fail immediately instead of waiting for Redis to come back.
  const socket = { reconnectStrategy: RETRY, connectTimeout: PATIENCE, socketTimeout: PATIENCE };
  const publisher = createClient({ url, socket, disableOfflineQueue: true });
  const subscriber = publisher.duplicate();

  function notifyAll(text: string): void {
    for (const room of localNames) local.say(room, { from: '', text });
  }

  function receive(json: string): void {
    const broadcast = JSON.parse(json) as Broadcast;
    if (broadcast.type === 'line') local.say(broadcast.room, broadcast.line);
    else if (broadcast.process !== me) {
      if (!others.has(broadcast.process)) announceMembers(); // the other process does not know our members either
      others.set(broadcast.process, { heardAt: Date.now(), rooms: new Map(broadcast.rooms) });
    }
  }

  function announceMembers(): Promise<unknown> {
    const rooms = Array.from(localNames, (room): [string, readonly string[]] => [room, local.names(room)]);
    const broadcast: Broadcast = { type: 'members', process: me, rooms };
    return publisher.publish(CHANNEL, JSON.stringify(broadcast)).catch(() => {}); // the next announcement repeats it
  }

  async function keepAlive(): Promise<void> {
    await announceMembers();
    for (const [process, { heardAt, rooms }] of others) {
      if (cutOff || Date.now() - heardAt < LEASE) continue;
      others.delete(process);
      for (const [room, names] of rooms) {
        for (const name of names) local.say(room, { from: '', text: `${name} has left` });
      }
    }
    setTimeout(keepAlive, INTERVAL);
  }

  /** Resolves after the first attempt to connect, whether it succeeds or not. */
  const started = Promise.all([
    new Promise<unknown>((settle) => publisher.once('ready', settle).once('error', settle)),
    new Promise<unknown>((settle) => {
      subscriber.once('error', settle);
      subscriber.on('ready', () => subscribe().then(settle));
    }),
  ]);

  async function subscribe(): Promise<void> {
    try {
      // After reconnecting, the client subscribes again by itself; this waits for the confirmation.
      await subscriber.subscribe([CHANNEL, `${CHANNEL}:${me}`], receive);
    } catch {
      return; // the connection is lost; `ready` leads here again
    }
    if (!cutOff) return;
    cutOff = false;
    for (const other of others.values()) other.heardAt = Date.now(); // the others could not reach us
    notifyAll('back with the other servers');
  }

  subscriber.on('error', (error) => {
    if (cutOff) return;
    cutOff = true;
    console.error('chat: cut off from Redis:', error);
    // Lines that Redis has accepted may be lost on the way here, so the members must know.
    notifyAll('cut off from the other servers');
  });
  publisher.on('error', () => {}); // every `say` notifies its sender
  for (const client of [publisher, subscriber]) client.connect().catch(() => {}); // reported by 'error'
  started.then(keepAlive);

  return {
    enter(room, name, mailbox) {
      local.enter(room, name, mailbox);
      localNames.add(room);
      if (cutOff) mailbox.post({ from: '', text: 'cut off from the other servers' });
      announceMembers();
    },

    leave(room, mailbox) {
      local.leave(room, mailbox);
      if (local.names(room).length === 0) localNames.delete(room);
      announceMembers();
    },

    names(room) {
      return [...local.names(room), ...Array.from(others.values(), ({ rooms }) => rooms.get(room) ?? []).flat()];
    },

    /** `false` if the line was not delivered, or if that is unknown. No line reaches only a part of the room. */
    async say(room, line) {
      await started;
      const broadcast: Broadcast = { type: 'line', room, line };
      const concerned = [...others].filter(([, { rooms }]) => rooms.has(room)).map(([process]) => process);
      return within(
        PATIENCE,
        publisher
          .eval(PUBLISH_TO_ALL, { keys: [CHANNEL], arguments: [JSON.stringify(broadcast), me, ...concerned] })
          .then((published) => published === 1),
      );
    },

    restart: () => local.restart(),
  };
}

/** The value of the promise; `false` if it rejects or takes too long. */
async function within(ms: number, promise: Promise<boolean>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const result = await Promise.race([promise.catch(() => false), late]);
  clearTimeout(timer);
  return result;
}
