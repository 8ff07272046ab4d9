// Yjs documents that several people edit at the same time: the server side of y-websocket, over y-protocols.

import type { WebSock } from '@websock/spec';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { writePermissionDenied } from 'y-protocols/auth';
import * as awarenessProtocol from 'y-protocols/awareness';
import * as syncProtocol from 'y-protocols/sync';
import * as Y from 'yjs';

/** The document, and whether the client may edit it; the route has read both from the request. */
export interface Visitor {
  readonly document: string;
  readonly mayEdit: boolean;
}

// The message types of y-websocket.
const SYNC = 0;
const AWARENESS = 1;
const AUTH = 2;
const QUERY_AWARENESS = 3;

/** In bytes. A client with a larger backlog is disconnected; it synchronises again when it reconnects. */
const MAX_BACKLOG = 10_000_000;

/** An open document and its editors. */
interface Room {
  readonly doc: Y.Doc;
  readonly awareness: awarenessProtocol.Awareness;
  readonly members: Set<Member>;
  /** The connection that last sent the presence of each client. (A client may reconnect before its old connection has ended.) */
  readonly owners: Map<number, Member>;
}

/** One connection. */
interface Member {
  readonly document: string;
  readonly room: Room;
  readonly mailbox: WebSock.Mailbox<Uint8Array>;
  /** The bytes in the mailbox. */
  backlog: number;
  /** Whether a message was left out because of the backlog. */
  isBehind: boolean;
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
 * Decodes a whole message; throws if it is malformed, before any of it reaches the document. (`readSyncMessage` of
 * y-protocols would log a malformed update and continue.)
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

/** Posts to a member, unless it reads too slowly: the mailbox is not limited while the client reads. */
function postTo(member: Member, data: Uint8Array): void {
  member.isBehind ||= member.backlog > MAX_BACKLOG;
  if (member.isBehind) return; // handleInfo disconnects it
  member.backlog += data.byteLength;
  member.mailbox.post(data.slice()); // a copy for each member, because the bytes of a message belong to the server (rule 2.7)
}

function openRoom(content: Uint8Array | undefined): Room {
  const doc = new Y.Doc();
  if (content) Y.applyUpdate(doc, content);
  const room: Room = { doc, awareness: new awarenessProtocol.Awareness(doc), members: new Set(), owners: new Map() };
  room.awareness.setLocalState(null); // the server itself is not an editor

  doc.on('update', (update: Uint8Array, origin: unknown) => {
    const data = message(SYNC, (encoder) => syncProtocol.writeUpdate(encoder, update));
    for (const member of room.members) if (member !== origin) postTo(member, data);
  });

  type Change = { readonly [Kind in 'added' | 'updated' | 'removed']: readonly number[] };
  room.awareness.on('update', ({ added, updated, removed }: Change, origin: unknown) => {
    const data = awarenessMessage(room, [...added, ...updated, ...removed]);
    for (const client of removed) room.owners.delete(client);
    for (const member of room.members) {
      if (member === origin) for (const client of [...added, ...updated]) room.owners.set(client, member);
      postTo(member, data); // the sender included: a provider reconnects after 30 s without a message
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
 * A handler for any number of documents. `storage` has the content of those that are not open.
 *
 * After a close code of 4400 to 4499 a provider does not reconnect; after others it does.
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
      const member: Member = { document, room, mailbox, backlog: 0, isBehind: false };
      const messages: WebSock.Message[] = [
        { opcode: 'binary', data: message(SYNC, (encoder) => syncProtocol.writeSyncStep1(encoder, room.doc)) },
      ];
      const present = room.awareness.getStates();
      if (present.size > 0) messages.push({ opcode: 'binary', data: awarenessMessage(room, present.keys()) });
      rooms.set(document, room);
      room.members.add(member); // last: if `init` throws, `terminate` is not called
      return { type: 'push', messages, state: member };
    },

    handleIn(frame, member) {
      if (!member) return refuse(); // for the compiler: no callback follows a stop
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
      if (member.isBehind) return stop(member, 1013, 'too far behind');
      member.backlog -= data.byteLength;
      return { type: 'push', messages: { opcode: 'binary', data }, state: member };
    },

    terminate(_reason, member) {
      if (!member) return;
      const { document, room } = member;
      room.members.delete(member);
      const left = [...room.owners.keys()].filter((client) => room.owners.get(client) === member);
      awarenessProtocol.removeAwarenessStates(room.awareness, left, member);
      if (room.members.size > 0) return;
      storage.set(document, Y.encodeStateAsUpdate(room.doc));
      rooms.delete(document);
      room.doc.destroy(); // and its awareness, which has a timer
    },
  };
}
