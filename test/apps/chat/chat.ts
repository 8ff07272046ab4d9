// Chat: rooms of people who see what the others say. A room reaches its members through their mailboxes.
//
// A text message is said to the room, the speaker included. `/who` lists the members, `/quit` leaves.

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

/** Where the members of every room are known. {@link localRooms} keeps them in memory. */
export interface Rooms {
  enter(room: string, name: string, mailbox: WebSock.Mailbox<Line>): void;
  leave(room: string, mailbox: WebSock.Mailbox<Line>): void;
  names(room: string): readonly string[];
  /** Says a line to every member; `false` if it could not be delivered. */
  say(room: string, line: Line): WebSock.Awaitable<boolean>;
}

interface State extends Visitor {
  readonly mailbox: WebSock.Mailbox<Line>;
}

/** A line of the server's own is from nobody. */
const notice = (text: string): Line => ({ from: '', text });

const message = ({ from, text }: Line): WebSock.Message => ({
  opcode: 'text',
  data: from === '' ? `* ${text}` : `${from}: ${text}`,
});

/** One chat handler, which serves every member of every room. */
export function chat(rooms: Rooms): WebSock<State, Line, Visitor> {
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
      if (text === '/quit') return { type: 'stop', reason: 'normal', messages: message(notice('bye')), state };
      if (text === '/who') {
        return { type: 'reply', status: 'who', messages: message(notice(rooms.names(room).join(', '))), state };
      }
      if (await rooms.say(room, { from: name, text })) return { type: 'ok', state };
      return { type: 'push', messages: message(notice(`not delivered: ${text}`)), state };
    },

    handleInfo: (line, state) => ({ type: 'push', messages: message(line), state }),

    async terminate(_reason, { name, room, mailbox }) {
      rooms.leave(room, mailbox);
      await rooms.say(room, notice(`${name} has left`));
    },
  };
}

/** The rooms of one process. */
export function localRooms(): Rooms {
  const rooms = new Map<string, Map<WebSock.Mailbox<Line>, string>>();
  const members = (room: string) => rooms.get(room) ?? new Map<WebSock.Mailbox<Line>, string>();
  return {
    enter(room, name, mailbox) {
      rooms.set(room, members(room).set(mailbox, name));
    },
    leave(room, mailbox) {
      members(room).delete(mailbox);
      if (members(room).size === 0) rooms.delete(room);
    },
    names: (room) => [...members(room).values()],
    say(room, line) {
      for (const mailbox of members(room).keys()) mailbox.post(line);
      return true;
    },
  };
}
