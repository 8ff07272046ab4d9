// Ann and Bob enter a room, and are silent until it sleeps. Then Bob speaks: Ann hears him, and his count has gone on.

import { once } from 'node:events';
import { WebSocket } from 'ws';

const server = `127.0.0.1:${process.env['PORT'] ?? 8080}`;
const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

async function enter(name: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://${server}/kitchen?name=${name}`);
  socket.on('message', (line) => console.log(`${name} hears: ${line}`));
  await once(socket, 'open');
  return socket;
}

/** How long ago the Durable Object was built, in ms. */
async function age(): Promise<number> {
  const milliseconds = Number(await (await fetch(`http://${server}/kitchen`)).text());
  console.log(`the object is ${milliseconds} ms old`);
  return milliseconds;
}

const ann = await enter('ann');
const bob = await enter('bob');
bob.send('is anybody there?');
await once(ann, 'message');
await age();
console.log('silence for 12 seconds');
await pause(12);
bob.send('good morning');
await once(ann, 'message');
const hasSlept = (await age()) < 12_000;
console.log(hasSlept ? 'the object has slept, and its members stayed connected' : 'the object has not slept');
for (const socket of [ann, bob]) socket.close();
process.exitCode = hasSlept ? 0 : 1;
