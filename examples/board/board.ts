// The board: notes in a database, and the connections that see them change.

import type { DatabaseSync } from 'node:sqlite';
import { json } from '@websock/adapter/json';
import { createPubSub } from '@websock/pubsub';
import type { WebSock } from '@websock/spec';
import { type FromServer, type Note, protocol } from './protocol.ts';

const MOST_NOTES = 500;

export function createBoard(database: DatabaseSync) {
  database.exec(
    'create table if not exists notes (id text primary key, author text, text text, x real, y real) strict',
  );
  const all = database.prepare('select * from notes');
  const put = database.prepare(`insert into notes select :id, :author, :text, :x, :y
    where (select count(*) from notes where id <> :id) < ${MOST_NOTES}
    on conflict do update set text = excluded.text, x = excluded.x, y = excluded.y returning *`);
  const remove = database.prepare('delete from notes where id = ?');

  const changes = createPubSub<FromServer>(); // with more processes: createPubSub<FromServer>({ broker: redis(client) })
  const users = new Map<WebSock.Mailbox<FromServer>, string>();

  const handler = json(protocol)({
    async init(user: string, mailbox: WebSock.Mailbox<FromServer>) {
      users.set(mailbox, user);
      mailbox.signal.addEventListener('abort', () => users.delete(mailbox));
      await changes.subscribe('board', mailbox); // first, so that no change is missed
      return { type: 'push', messages: { type: 'all', notes: all.all() as unknown as Note[] }, state: user };
    },
    async handleMessage({ type, ...note }, user) {
      if (type === 'remove') {
        remove.run(note.id);
        await changes.publish('board', { type, id: note.id });
      } else {
        const changed = put.get({ ...note, author: user }) as Note | undefined;
        if (!changed) return { type: 'push', messages: { type: 'full' }, state: user };
        await changes.publish('board', { type, note: changed });
      }
      return { type: 'ok', state: user };
    },
    handleInfo: (change, user) => ({ type: 'push', messages: change, state: user }),
  });

  /** Closes all connections of a user, and returns their number. */
  function throwOut(user: string): number {
    const theirs = [...users.keys()].filter((mailbox) => users.get(mailbox) === user);
    for (const mailbox of theirs) mailbox.stop({ code: 4001, reason: 'thrown out' });
    return theirs.length;
  }

  return { handler, throwOut };
}
