// A scripted conversation of three real clients in two rooms of the chat example, as a transcript for people and tests.

import { Client, type Received } from '../tck/src/client.ts';

/** Holds the conversation on the chat server at `url`, and returns the lines of its transcript. */
export async function converse(url: string): Promise<string[]> {
  const transcript: string[] = [];
  const clients = new Map<string, Client>();

  /** One client acts, then each of the named clients receives one message. */
  const step = async (who: string, what: string, act: () => unknown, ...receivers: string[]) => {
    transcript.push(`${who} ${what}`);
    await act();
    for (const receiver of receivers) {
      const received = await (clients.get(receiver) as Client).next();
      transcript.push(`  ${receiver.padEnd(5)} < ${show(received)}`);
    }
  };
  const enter = (name: string, room: string) => async () => {
    clients.set(name, await Client.connect(`${url}/chat?room=${room}&name=${name}`));
  };
  const say = (name: string, text: string) => () => clients.get(name)?.text(text);

  await step('alice', 'enters the kitchen', enter('alice', 'kitchen'), 'alice');
  await step('bob', 'enters the kitchen', enter('bob', 'kitchen'), 'alice', 'bob');
  await step('carol', 'enters the garden', enter('carol', 'garden'), 'carol');
  await step('alice', 'says "tea?"', say('alice', 'tea?'), 'alice', 'bob');
  await step('bob', 'says "yes ☕"', say('bob', 'yes ☕'), 'alice', 'bob');
  await step('carol', 'says "anyone?"', say('carol', 'anyone?'), 'carol');
  await step('bob', 'says "/who"', say('bob', '/who'), 'bob');
  await step('bob', 'says "/quit"', say('bob', '/quit'), 'bob', 'bob', 'alice');
  await step('alice', 'says "/who"', say('alice', '/who'), 'alice');
  await step('carol', 'sends bytes', () => clients.get('carol')?.socket.send(Buffer.of(1, 2, 3)), 'carol');
  await step('alice', 'closes with 4001', () => clients.get('alice')?.close(4001, 'late'), 'alice');

  for (const [name, { inbox }] of clients) {
    for (const received of inbox) transcript.push(`  ${name.padEnd(5)} < ${show(received)}, unexpectedly`);
  }
  return transcript;
}

function show(received: Received): string {
  if ('text' in received) return received.text;
  if ('close' in received) return `closed: ${received.close} ${received.reason}`.trimEnd();
  return JSON.stringify(received);
}
