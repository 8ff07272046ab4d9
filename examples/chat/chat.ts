// Chat rooms. A room reaches its members through their mailboxes.
//
// A text message goes to all members of the room, the sender included. `/who` lists the members, `/quit` leaves. Clients of
// plain text and clients of JSON share the rooms.

import { type Broker, createPresence, createPubSub } from '@websock/pubsub';
import type { WebSock } from '@websock/spec';

/** The person and the room, which the route has read from the request. */
export interface Visitor {
  readonly name: string;
  readonly room: string;
}

/** A line of the chat; plain JSON, so that it can be sent to other processes. */
export interface Line {
  /** The sender; `''` for a notice of the server. */
  readonly from: string;
  readonly text: string;
}

/** The rooms, in one process or in all that share a broker. */
export interface Rooms {
  /** Adds a member, until its connection ends. Rejects if the broker is away. */
  enter(room: string, name: string, mailbox: WebSock.Mailbox<Line>): Promise<void>;
  /** Who is in a room, in all processes. */
  names(room: string): readonly string[];
  /** Sends a line to every member; `false` if the broker has not accepted it. */
  say(room: string, line: Line): Promise<boolean>;
  close(): Promise<void>;
}

const notice = (text: string): Line => ({ from: '', text });

/** How messages to a client are written. */
export interface Format {
  /** A line; `names` are the members of the room when it is sent. */
  line(line: Line, names: readonly string[]): string;
  /** The answer to `/who`. */
  who(names: readonly string[]): string;
}

/** For people at a terminal. */
export const plain: Format = {
  line: ({ from, text }) => (from === '' ? `* ${text}` : `${from}: ${text}`),
  who: (names) => `* ${names.join(', ')}`,
};

/** For programs: a {@link Line}, with the members if they may have changed, or the members alone. */
export const json: Format = {
  line: (line, names) => JSON.stringify(line.from === '' ? { ...line, names } : line),
  who: (names) => JSON.stringify({ names }),
};

/** A handler for all members of all rooms. */
export function chat(rooms: Rooms, format: Format = plain): WebSock<Visitor, Line, Visitor> {
  const message = (line: Line, room: string): WebSock.Message => ({
    opcode: 'text',
    data: format.line(line, line.from === '' ? rooms.names(room) : []),
  });
  return {
    async init({ name, room }, mailbox) {
      const state = { name, room };
      try {
        await rooms.enter(room, name, mailbox);
      } catch {
        return { type: 'stop', close: { code: 1013, reason: 'try again later' }, state };
      }
      return { type: 'ok', state };
    },

    async handleIn(frame, state) {
      if (frame.opcode === 'binary') {
        return { type: 'stop', reason: 'normal', close: { code: 1003, reason: 'text only' }, state };
      }
      const { name, room } = state;
      const text = frame.data;
      if (text === '/quit') return { type: 'stop', reason: 'normal', messages: message(notice('bye'), room), state };
      if (text === '/who') {
        const messages: WebSock.Message = { opcode: 'text', data: format.who(rooms.names(room)) };
        return { type: 'reply', status: 'who', messages, state };
      }
      if (await rooms.say(room, { from: name, text })) return { type: 'ok', state };
      return { type: 'push', messages: message(notice(`not delivered: ${text}`), room), state };
    },

    handleInfo: (line, state) => ({ type: 'push', messages: message(line, state.room), state }),
  };
}

/** Rooms in the memory of this process or, with a broker, in all its processes. */
export function createRooms(broker?: Broker): Rooms {
  const lines = createPubSub<Line>({ broker, timeout: 3_000 });
  const who = createPresence<string>(lines, { lease: 5_000 });
  const local = createPubSub<Line>(); // for notices to the members in this process

  who.onChange((room, { joined, left }) => {
    for (const name of left) local.publish(room, notice(`${name} has left`));
    for (const name of joined) local.publish(room, notice(`${name} is here`));
  });
  lines.onGap((rooms) => {
    for (const room of rooms) local.publish(room, notice('some lines may be missing'));
  });

  return {
    async enter(room, name, mailbox) {
      await lines.subscribe(room, mailbox);
      await local.subscribe(room, mailbox);
      await who.track(room, mailbox, name);
    },
    names: (room) => who.list(room),
    say: (room, line) =>
      lines.publish(room, line).then(
        () => true,
        () => false,
      ),
    close: () => lines.close(),
  };
}
