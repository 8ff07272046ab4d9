// The rooms of the chat handler, past one process: what is said goes to Redis, and from there to every process.
//
// A line is delivered when every process with members in the room has it; Redis decides that, as one step. Else it goes
// nowhere, and the speaker is told. Each process tells the others who its members are, every now and then.

import { createClient } from '@redis/client';
import { type Line, localRooms, type Rooms } from '../chat/chat.ts';

const CHANNEL = 'chat';

/** How often a process tells the others who its members are, in ms. */
const BEAT = 1_000;

/** A process that has said nothing for so long is dead, in ms, and its members with it. */
const LEASE = 5_000;

/** How long Redis may take to answer, in ms. */
const PATIENCE = 3_000;

/** How long to wait before connecting to Redis again, in ms. */
const RETRY = 100;

// Publishes, unless one of the processes does not listen: 1 if it did. One step, as Redis does nothing meanwhile.
const PUBLISH_TO_ALL = `
  for index = 2, #ARGV do
    if redis.call('PUBSUB', 'NUMSUB', KEYS[1] .. ':' .. ARGV[index])[2] == 0 then return 0 end
  end
  redis.call('PUBLISH', KEYS[1], ARGV[1])
  return 1`;

/** What crosses the wire, as JSON. */
type Bulletin =
  | { readonly type: 'line'; readonly room: string; readonly line: Line }
  | { readonly type: 'members'; readonly process: string; readonly rooms: [room: string, names: readonly string[]][] };

/** The rooms of every process that is connected to this Redis. It never fails: without Redis, nothing is delivered. */
export function redisRooms(url: string): Rooms {
  const me = crypto.randomUUID();
  const local = localRooms();
  const localNames = new Set<string>(); // of rooms
  const others = new Map<string, { heardAt: number; readonly rooms: ReadonlyMap<string, readonly string[]> }>(); // by process
  let cutOff = false;

  // What cannot be sent now fails now: nobody waits for Redis to come back.
  const socket = { reconnectStrategy: RETRY, connectTimeout: PATIENCE, socketTimeout: PATIENCE };
  const publisher = createClient({ url, socket, disableOfflineQueue: true });
  const subscriber = publisher.duplicate();

  function tellAll(text: string): void {
    for (const room of localNames) local.say(room, { from: '', text });
  }

  function receive(json: string): void {
    const bulletin = JSON.parse(json) as Bulletin;
    if (bulletin.type === 'line') local.say(bulletin.room, bulletin.line);
    else if (bulletin.process !== me) {
      if (!others.has(bulletin.process)) tellMembers(); // it does not know us either
      others.set(bulletin.process, { heardAt: Date.now(), rooms: new Map(bulletin.rooms) });
    }
  }

  function tellMembers(): Promise<unknown> {
    const rooms = Array.from(localNames, (room): [string, readonly string[]] => [room, local.names(room)]);
    const bulletin: Bulletin = { type: 'members', process: me, rooms };
    return publisher.publish(CHANNEL, JSON.stringify(bulletin)).catch(() => {}); // the next beat says it again
  }

  async function beat(): Promise<void> {
    await tellMembers();
    for (const [process, { heardAt, rooms }] of others) {
      if (cutOff || Date.now() - heardAt < LEASE) continue;
      others.delete(process);
      for (const [room, names] of rooms) {
        for (const name of names) local.say(room, { from: '', text: `${name} has left` });
      }
    }
    setTimeout(beat, BEAT);
  }

  /** Settles when Redis has been reached for the first time, or not. */
  const started = Promise.all([
    new Promise<unknown>((settle) => publisher.once('ready', settle).once('error', settle)),
    new Promise<unknown>((settle) => {
      subscriber.once('error', settle);
      subscriber.on('ready', () => subscribe().then(settle));
    }),
  ]);

  async function subscribe(): Promise<void> {
    try {
      // After a new connection, the client itself has subscribed again, and this waits for the answer.
      await subscriber.subscribe([CHANNEL, `${CHANNEL}:${me}`], receive);
    } catch {
      return; // cut off; when it is ready again, this is tried again
    }
    if (!cutOff) return;
    cutOff = false;
    for (const other of others.values()) other.heardAt = Date.now(); // the silence was ours
    tellAll('back with the other servers');
  }

  subscriber.on('error', (error) => {
    if (cutOff) return;
    cutOff = true;
    console.error('chat: cut off from Redis:', error);
    // Lines that Redis has taken may be lost on their way to here: let nobody believe that he has heard all.
    tellAll('cut off from the other servers');
  });
  publisher.on('error', () => {}); // every `say` tells its speaker
  for (const client of [publisher, subscriber]) client.connect().catch(() => {}); // 'error' tells the same
  started.then(beat);

  return {
    enter(room, name, mailbox) {
      local.enter(room, name, mailbox);
      localNames.add(room);
      if (cutOff) mailbox.post({ from: '', text: 'cut off from the other servers' });
      tellMembers();
    },

    leave(room, mailbox) {
      local.leave(room, mailbox);
      if (local.names(room).length === 0) localNames.delete(room);
      tellMembers();
    },

    names(room) {
      return [...local.names(room), ...Array.from(others.values(), ({ rooms }) => rooms.get(room) ?? []).flat()];
    },

    /** `false` if the line was not delivered, or is not known to be; where it was not, nobody has seen it. */
    async say(room, line) {
      await started;
      const bulletin: Bulletin = { type: 'line', room, line };
      const concerned = [...others].filter(([, { rooms }]) => rooms.has(room)).map(([process]) => process);
      return within(
        PATIENCE,
        publisher
          .eval(PUBLISH_TO_ALL, { keys: [CHANNEL], arguments: [JSON.stringify(bulletin), me, ...concerned] })
          .then((published) => published === 1),
      );
    },
  };
}

/** What comes of the promise; `false` if it fails, or takes too long. */
async function within(ms: number, promise: Promise<boolean>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((settle) => {
    timer = setTimeout(settle, ms, false);
  });
  const result = await Promise.race([promise.catch(() => false), late]);
  clearTimeout(timer);
  return result;
}
