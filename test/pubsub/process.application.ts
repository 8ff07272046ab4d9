// A process of faults.test.ts. It subscribes to a topic and tracks a presence over the broker of BROKER and PORT, obeys commands on its
// standard input, and reports on its standard output; one JSON value a line.

import { createInterface } from 'node:readline';
import { createPresence, createPubSub } from '@websock/pubsub';
import { type BrokerKind, createBroker } from './create-broker.ts';
import { TestMailbox } from './mailbox.ts';

/** What the process reports. */
export type Report =
  | { readonly ready: true }
  | { readonly message: unknown }
  | { readonly gap: readonly string[] }
  | { readonly joined: readonly string[]; readonly left: readonly string[] }
  /** The numbers of a stream that were accepted. */
  | { readonly accepted: readonly number[] }
  | { readonly published: boolean };

/** What the process does. */
export type Command =
  /** Publishes `NAME 1`, `NAME 2` and so on, until `stop`. */
  | { readonly stream: true }
  | { readonly stop: true }
  /** Publishes texts of this size, all at once, and reports once for all. */
  | { readonly flood: number; readonly size: number }
  | { readonly publish: string };

const { BROKER = '', PORT = '', NAME = '', LEASE = '10000', TOPIC = 'topic' } = process.env;

const report = (what: Report) => process.stdout.write(`${JSON.stringify(what)}\n`);

const lines = createPubSub<string>({
  broker: await createBroker(BROKER as BrokerKind, Number(PORT)),
  timeout: 3_000,
  onError: () => {},
});
const who = createPresence<string>(lines, { lease: Number(LEASE) });
const mailbox = new TestMailbox<string>();
// Long messages are reported by their beginning.
Object.assign(mailbox, { post: (message: string) => report({ message: message.slice(0, 40).trim() }) });
lines.onGap((gap) => report({ gap }));
who.onChange((_topic, { joined, left }) => report({ joined, left }));
await lines.subscribe(TOPIC, mailbox);
await who.track(TOPIC, mailbox, NAME);

let isStreaming = false;
async function stream(): Promise<void> {
  isStreaming = true;
  const accepted: number[] = [];
  for (let number = 1; isStreaming; number++) {
    await lines.publish(TOPIC, `${NAME} ${number}`).then(
      () => accepted.push(number),
      () => new Promise((resolve) => setTimeout(resolve, 5)),
    );
    if (number % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  report({ accepted });
}

const commands = createInterface({ input: process.stdin });
commands.on('line', async (line) => {
  const command = JSON.parse(line) as Command;
  if ('stream' in command) stream();
  else if ('stop' in command) isStreaming = false;
  else if ('flood' in command) {
    const all = Array.from({ length: command.flood }, (_, index) =>
      lines.publish(TOPIC, `${NAME} ${index + 1}${' '.repeat(command.size)}`),
    );
    const settled = await Promise.allSettled(all);
    report({ published: settled.every(({ status }) => status === 'fulfilled') });
  } else {
    const [settled] = await Promise.allSettled([lines.publish(TOPIC, command.publish)]);
    report({ published: settled.status === 'fulfilled' });
  }
});
commands.on('close', async () => {
  isStreaming = false;
  await lines.close();
  process.exit();
});
report({ ready: true });
