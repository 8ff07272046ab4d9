// Chat: rooms of people who see what the others say. A room reaches its members through their mailboxes.
//
// A text message is said to the room, the speaker included. `/who` lists the members, `/quit` leaves. Whether a client
// reads plain text or JSON, the rooms are the same.

import type { WebSock } from '@websock/spec';

/** Who connects, and to which room: the application has read it from the request. */
export interface Visitor {
  readonly name: string;
  readonly room: string;
}

/** What is said in a room. Plain JSON, so that it can also cross a wire. */
export interface Line {
  readonly from: string;
  readonly text: string;
}

/** What is posted to a member: a line, or that the server is about to restart. */
export type News = Line | 'restart';

/** Where the members of every room are known. {@link localRooms} keeps them in memory. */
export interface Rooms {
  enter(room: string, name: string, mailbox: WebSock.Mailbox<News>): void;
  leave(room: string, mailbox: WebSock.Mailbox<News>): void;
  names(room: string): readonly string[];
  /** Says a line to every member; `false` if it could not be delivered. */
  say(room: string, line: Line): WebSock.Awaitable<boolean>;
}

interface State extends Visitor {
  readonly mailbox: WebSock.Mailbox<News>;
}

/** A line of the server's own is from nobody. */
const notice = (text: string): Line => ({ from: '', text });

/** How the server writes to a client. */
export interface Format {
  /** A line. `names` are the members of the room at that moment. */
  line(line: Line, names: readonly string[]): string;
  /** The answer to `/who`. */
  who(names: readonly string[]): string;
}

/** For a person at a terminal. */
export const plain: Format = {
  line: ({ from, text }) => (from === '' ? `* ${text}` : `${from}: ${text}`),
  who: (names) => `* ${names.join(', ')}`,
};

/** For a program: a {@link Line}, with the members where they may have changed, or the members alone. */
export const json: Format = {
  line: (line, names) => JSON.stringify(line.from === '' ? { ...line, names } : line),
  who: (names) => JSON.stringify({ names }),
};

/** One chat handler, which serves every member of every room. */
export function chat(rooms: Rooms, format: Format = plain): WebSock<State, News, Visitor> {
  const message = (line: Line, room: string): WebSock.Message => ({
    opcode: 'text',
    data: format.line(line, line.from === '' ? rooms.names(room) : []),
  });
  return {
    async init({ name, room }, mailbox) {
      rooms.enter(room, name, mailbox);
      await rooms.say(room, notice(`${name} is here`));
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

/** The rooms of one process. */
export interface LocalRooms extends Rooms {
  /** Asks every member to connect again, with the close code 1012. Settles when all of them have left. */
  restart(): Promise<void>;
}

export function localRooms(): LocalRooms {
  const rooms = new Map<string, Map<WebSock.Mailbox<News>, string>>();
  const members = (room: string) => rooms.get(room) ?? new Map<WebSock.Mailbox<News>, string>();
  const farewells = new Map<WebSock.Mailbox<News>, () => void>(); // of those whom a restart waits for
  return {
    enter(room, name, mailbox) {
      rooms.set(room, members(room).set(mailbox, name));
    },
    leave(room, mailbox) {
      members(room).delete(mailbox);
      if (members(room).size === 0) rooms.delete(room);
      farewells.get(mailbox)?.();
      farewells.delete(mailbox);
    },
    names: (room) => [...members(room).values()],
    say(room, line) {
      for (const mailbox of members(room).keys()) mailbox.post(line);
      return true;
    },
    async restart() {
      const mailboxes = [...rooms.values()].flatMap((room) => [...room.keys()]);
      const left = mailboxes.map((mailbox) => new Promise<void>((settle) => farewells.set(mailbox, settle)));
      for (const mailbox of mailboxes) mailbox.post('restart');
      await Promise.all(left);
    },
  };
}
