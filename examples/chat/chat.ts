// Chat rooms. A room reaches its members through their mailboxes.
//
// A text message goes to all members of the room, the sender included. `/who` lists the members, `/quit` leaves. Clients of
// plain text and clients of JSON share the rooms.

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

/** What is posted to a member: a line, or a request to connect again. */
export type News = Line | 'restart';

/** The members of all rooms. */
export interface Rooms {
  enter(room: string, name: string, mailbox: WebSock.Mailbox<News>): void;
  leave(room: string, mailbox: WebSock.Mailbox<News>): void;
  names(room: string): readonly string[];
  /** Sends a line to every member; `false` if it could not be delivered. */
  say(room: string, line: Line): WebSock.Awaitable<boolean>;
  /** Closes every connection of this process with 1012, so that the clients connect again; resolves when all have left. */
  restart(): Promise<void>;
}

interface State extends Visitor {
  readonly mailbox: WebSock.Mailbox<News>;
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
export function chat(rooms: Rooms, format: Format = plain): WebSock<State, News, Visitor> {
  const message = (line: Line, room: string): WebSock.Message => ({
    opcode: 'text',
    data: format.line(line, line.from === '' ? rooms.names(room) : []),
  });
  return {
    async init({ name, room }, mailbox) {
      rooms.enter(room, name, mailbox);
      try {
        await rooms.say(room, notice(`${name} is here`));
      } catch (error) {
        rooms.leave(room, mailbox); // if `init` throws, `terminate` is not called
        throw error;
      }
      return { type: 'ok', state: { name, room, mailbox } };
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

    handleInfo(news, state) {
      if (news === 'restart') {
        return { type: 'stop', reason: 'restart', close: { code: 1012, reason: 'back in a moment' }, state };
      }
      return { type: 'push', messages: message(news, state.room), state };
    },

    async terminate(_reason, { name, room, mailbox }) {
      rooms.leave(room, mailbox);
      await rooms.say(room, notice(`${name} has left`));
    },
  };
}

/** Rooms in the memory of one process. */
export function localRooms(): Rooms {
  const rooms = new Map<string, Map<WebSock.Mailbox<News>, string>>();
  const members = (room: string) => rooms.get(room) ?? new Map<WebSock.Mailbox<News>, string>();
  const leaving = new Map<WebSock.Mailbox<News>, () => void>(); // the members that a restart waits for
  return {
    enter(room, name, mailbox) {
      rooms.set(room, members(room).set(mailbox, name));
    },
    leave(room, mailbox) {
      members(room).delete(mailbox);
      if (members(room).size === 0) rooms.delete(room);
      leaving.get(mailbox)?.();
      leaving.delete(mailbox);
    },
    names: (room) => [...members(room).values()],
    say(room, line) {
      for (const mailbox of members(room).keys()) mailbox.post(line);
      return true;
    },
    async restart() {
      const mailboxes = [...rooms.values()].flatMap((room) => [...room.keys()]);
      const left = mailboxes.map((mailbox) => new Promise<void>((resolve) => leaving.set(mailbox, resolve)));
      for (const mailbox of mailboxes) mailbox.post('restart');
      await Promise.all(left);
    },
  };
}
