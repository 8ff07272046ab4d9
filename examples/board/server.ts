// Express for the page, the login and the administrator; WebSockets on the same port.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { limitConnections, limitMessages } from '@websock/adapter/limits';
import { accept, attach } from '@websock/adapter/node';
import express from 'express';
import { register } from 'prom-client';
import { createBoard } from './board.ts';
import { observer } from './metrics.ts';

const { PORT = '8080', DATABASE = 'board.db', ADMIN_TOKEN } = process.env;

const database = new DatabaseSync(DATABASE);
const { handler, throwOut } = createBoard(database);
const limited = limitMessages(handler, { perSecond: 10, burst: 30, over: 'wait' });

// ---- Sessions ----

database.exec('create table if not exists sessions (id text primary key, user text) strict');
const addSession = database.prepare('insert into sessions values (?, ?)');
const endSessions = database.prepare('delete from sessions where user = ?');
const session = database.prepare('select user from sessions where id = ?');

function userOf(cookies: string | null | undefined): string | undefined {
  const id = /(?:^|; )session=([^;]+)/.exec(cookies ?? '')?.[1];
  return id && (session.get(id)?.['user'] as string | undefined);
}

// ---- HTTP ----

const app = express();
app.use(express.static(join(import.meta.dirname, 'page')));

app.post('/login', express.urlencoded(), (request, response) => {
  const name = String(request.body?.name ?? '').trim(); // a real login checks a password
  if (!/^[\p{L}\p{N} ]{1,20}$/u.test(name)) return void response.status(400).send('1 to 20 letters, digits or spaces');
  const id = randomUUID();
  addSession.run(id, name);
  response.cookie('session', id, { httpOnly: true, sameSite: 'lax', secure: request.secure }).redirect(303, '/');
});

// A browser hides why a WebSocket was refused, so the page asks here.
app.get('/notes', (request, response) => void response.sendStatus(userOf(request.headers.cookie) ? 426 : 401));

const forAdmin: express.RequestHandler = (request, response, next) => {
  if (ADMIN_TOKEN && request.headers.authorization === `Bearer ${ADMIN_TOKEN}`) next();
  else response.sendStatus(401);
};
app.get('/metrics', forAdmin, async (_request, response) => {
  response.type(register.contentType).send(await register.metrics());
});
app.delete('/users/:user', forAdmin, ({ params }, response) => {
  const user = String(params['user']);
  endSessions.run(user);
  response.json({ connections: throwOut(user) });
});

// ---- WebSockets ----

const server = createServer(app);
const notes = limitConnections(
  (request) => {
    if (new URL(request.url).pathname !== '/notes') return undefined;
    const origin = request.headers.get('origin'); // only browsers send it
    if (origin !== null && origin.replace(/^https?:\/\//, '') !== request.headers.get('host')) {
      return new Response('not from that page\n', { status: 403 });
    }
    const user = userOf(request.headers.get('cookie'));
    return user ? accept(limited, user, { maxMessageSize: 4_096 }) : new Response('log in\n', { status: 401 });
  },
  { key: (request) => userOf(request.headers.get('cookie')) ?? '', max: 5 },
);
const sockets = attach(server, notes, { observer });

server.listen(Number(PORT), '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}`));

let isStopping = false;
async function stop(): Promise<void> {
  if (isStopping) return; // npm and tsx forward a Ctrl-C that this process has received, too
  isStopping = true;
  await sockets.shutdown({ close: { code: 1012, reason: 'back in a moment' } });
  server.close(() => database.close());
  setTimeout(() => server.closeAllConnections(), 1_000).unref(); // browsers hold connections without a request
}
process.on('SIGINT', stop).on('SIGTERM', stop);
