// A Yjs document that several people edit at once: what y-websocket's provider expects of a server, over y-protocols.

import type { WebSock } from '@websock/spec';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { writePermissionDenied } from 'y-protocols/auth';
import * as awarenessProtocol from 'y-protocols/awareness';
import * as syncProtocol from 'y-protocols/sync';
import * as Y from 'yjs';

/** Who connects, and to which document: the application has read it from the request. */
export interface Visitor {
  readonly document: string;
  readonly mayEdit: boolean;
}

// The types of message, as y-websocket numbers them.
const SYNC = 0;
const AWARENESS = 1;
const AUTH = 2;
const QUERY_AWARENESS = 3;

/** Whoever has more than this to read, in bytes, is sent away, and synchronises anew when it comes back. */
const BACKLOG = 10_000_000;

/** A document that is open, and those who edit it. */
interface Room {
  readonly doc: Y.Doc;
  readonly awareness: awarenessProtocol.Awareness;
  readonly members: Set<Member>;
  /** Who spoke last for each client that is present. (Its old connection may be found dead after it has a new one.) */
  readonly speakers: Map<number, Member>;
}

/** One connection. */
interface Member {
  readonly document: string;
  readonly room: Room;
  readonly mailbox: WebSock.Mailbox<Uint8Array>;
  /** How many bytes are in the mailbox, and whether it has missed something for that. */
  waiting: number;
  behind: boolean;
}

function message(type: number, write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, type);
  write(encoder);
  return encoding.toUint8Array(encoder);
}

const awarenessMessage = ({ awareness }: Room, clients: Iterable<number>): Uint8Array =>
  message(AWARENESS, (encoder) => {
    encoding.writeVarUint8Array(encoder, awarenessProtocol.encodeAwarenessUpdate(awareness, [...clients]));
  });

type Received =
  | { readonly type: 'ask'; readonly stateVector: Uint8Array }
  | { readonly type: 'edit'; readonly update: Uint8Array }
  | { readonly type: 'awareness'; readonly update: Uint8Array }
  | { readonly type: 'query awareness' };

/**
 * Reads a message to its end and throws if it is malformed, so that nothing of it reaches the document of the others.
 * (The protocol's own readSyncMessage would log a malformed update and go on.)
 */
function read(bytes: Uint8Array): Received {
  const decoder = decoding.createDecoder(bytes);
  const type = decoding.readVarUint(decoder);
  if (type === QUERY_AWARENESS) return { type: 'query awareness' };
  if (type === AWARENESS) {
    const update = decoding.readVarUint8Array(decoder);
    awarenessProtocol.modifyAwarenessUpdate(update, (state) => state);
    return { type: 'awareness', update };
  }
  const step = type === SYNC ? decoding.readVarUint(decoder) : undefined;
  if (step === syncProtocol.messageYjsSyncStep1) {
    const stateVector = decoding.readVarUint8Array(decoder);
    Y.decodeStateVector(stateVector);
    return { type: 'ask', stateVector };
  }
  if (step === syncProtocol.messageYjsSyncStep2 || step === syncProtocol.messageYjsUpdate) {
    const update = decoding.readVarUint8Array(decoder);
    Y.decodeUpdate(update);
    return { type: 'edit', update };
  }
  throw new Error('unknown message type');
}

/** Posts to a member, unless it reads too slowly: a mailbox has no bound of its own. */
function tell(member: Member, data: Uint8Array): void {
  member.behind ||= member.waiting > BACKLOG;
  if (member.behind) return; // handleInfo sends it away
  member.waiting += data.byteLength;
  member.mailbox.post(data.slice()); // a copy for each, because what is sent belongs to the server (rule 2.7)
}

function openRoom(content: Uint8Array | undefined): Room {
  const doc = new Y.Doc();
  if (content) Y.applyUpdate(doc, content);
  const room: Room = { doc, awareness: new awarenessProtocol.Awareness(doc), members: new Set(), speakers: new Map() };
  room.awareness.setLocalState(null); // the server is nobody

  doc.on('update', (update: Uint8Array, origin: unknown) => {
    const data = message(SYNC, (encoder) => syncProtocol.writeUpdate(encoder, update));
    for (const member of room.members) if (member !== origin) tell(member, data);
  });

  type Change = { readonly [Kind in 'added' | 'updated' | 'removed']: readonly number[] };
  room.awareness.on('update', ({ added, updated, removed }: Change, origin: unknown) => {
    const data = awarenessMessage(room, [...added, ...updated, ...removed]);
    for (const client of removed) room.speakers.delete(client);
    for (const member of room.members) {
      if (member === origin) for (const client of [...added, ...updated]) room.speakers.set(client, member);
      tell(member, data); // also to whom it came from: a provider that hears nothing for 30 s takes the connection for dead
    }
  });
  return room;
}

const stop = <State>(
  state: State,
  code: number,
  reason: string,
  ...messages: WebSock.Message[]
): WebSock.Stop<State> => ({
  type: 'stop',
  reason: 'normal',
  close: { code, reason },
  messages,
  state,
});

/**
 * One handler for any number of documents. `storage` keeps the content of those that nobody has open.
 *
 * The codes 4400 to 4499 tell a provider not to come back, and others to try again.
 */
export function yjs(storage = new Map<string, Uint8Array>()): WebSock<Member | undefined, Uint8Array, Visitor> {
  const rooms = new Map<string, Room>();

  const refuse = () =>
    stop(undefined, 4403, 'permission denied', {
      opcode: 'binary',
      data: message(AUTH, (encoder) => writePermissionDenied(encoder, 'permission denied')),
    });

  return {
    init({ document, mayEdit }, mailbox) {
      if (!mayEdit) return refuse();
      const room = rooms.get(document) ?? openRoom(storage.get(document));
      rooms.set(document, room);
      const member: Member = { document, room, mailbox, waiting: 0, behind: false };
      room.members.add(member);
      const messages: WebSock.Message[] = [
        { opcode: 'binary', data: message(SYNC, (encoder) => syncProtocol.writeSyncStep1(encoder, room.doc)) },
      ];
      const present = room.awareness.getStates();
      if (present.size > 0) messages.push({ opcode: 'binary', data: awarenessMessage(room, present.keys()) });
      return { type: 'push', messages, state: member };
    },

    handleIn(frame, member) {
      if (!member) return refuse(); // for the compiler: nothing comes after a stop
      if (frame.opcode === 'text') return stop(member, 1003, 'binary only');
      let received: Received;
      try {
        received = read(frame.data);
      } catch {
        return stop(member, 4400, 'malformed message');
      }
      const { room } = member;
      switch (received.type) {
        case 'edit':
          Y.applyUpdate(room.doc, received.update, member);
          return { type: 'ok', state: member };
        case 'awareness':
          awarenessProtocol.applyAwarenessUpdate(room.awareness, received.update, member);
          return { type: 'ok', state: member };
        case 'query awareness': {
          const data = awarenessMessage(room, room.awareness.getStates().keys());
          return { type: 'reply', status: 'awareness', messages: { opcode: 'binary', data }, state: member };
        }
        case 'ask': {
          const { stateVector } = received;
          const data = message(SYNC, (encoder) => syncProtocol.writeSyncStep2(encoder, room.doc, stateVector));
          return { type: 'reply', status: 'sync', messages: { opcode: 'binary', data }, state: member };
        }
      }
    },

    handleInfo(data, member) {
      if (!member) return refuse();
      if (member.behind) return stop(member, 1013, 'too far behind');
      member.waiting -= data.byteLength;
      return { type: 'push', messages: { opcode: 'binary', data }, state: member };
    },

    terminate(_reason, member) {
      if (!member) return;
      const { document, room } = member;
      room.members.delete(member);
      const gone = [...room.speakers.keys()].filter((client) => room.speakers.get(client) === member);
      awarenessProtocol.removeAwarenessStates(room.awareness, gone, member);
      if (room.members.size > 0) return;
      storage.set(document, Y.encodeStateAsUpdate(room.doc));
      rooms.delete(document);
      room.doc.destroy(); // and its awareness, which has a timer
    },
  };
}
