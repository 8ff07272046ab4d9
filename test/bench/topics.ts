// `npm run bench`, third part: topics of `@websock/pubsub`, compared with rooms by hand and with those of other libraries. Each
// round measures each kind of server in new processes, as servers.ts does.
//
//   tsx test/bench/topics.ts [ROUNDS [MS [PART]]]     PART is node, bun, deno, redis, nats or subscriptions
//
// In a room of a broker, half of the members are in each of two processes.

import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { type Host, launch, type Platform } from '../toolkit/host.ts';
import { NatsServer } from '../toolkit/nats-server.ts';
import { RedisServer } from '../toolkit/redis-server.ts';
import { type Greeting, type Sample, sample } from './client.ts';
import {
  after,
  compare,
  type Figures,
  MALLOC,
  Messages,
  measureInTurns,
  print,
  type Server,
  withServers,
} from './load.ts';

const [ROUNDS = '3', TIME = '400', PART] = process.argv.slice(2);
const rounds = Number(ROUNDS);
/** The duration of the measurement of each server, per round. */
const MS = Number(TIME);

/** A kind of server. */
interface Kind {
  /** Its file in this folder. */
  readonly file: string;
  readonly path: string;
  readonly message: Sample;
  readonly greeting?: Greeting;
  /** The least ratio of our message rate to its rate. */
  readonly goal?: number;
}

const words = 'a'.repeat(64);
const text = sample('text', words);
const ADAPTER = 'adapter/topics.ts';
const OURS = 'pubsub';
const ours: Kind = { file: ADAPTER, path: '/pubsub', message: text };
const byHand: Kind = { file: ADAPTER, path: '/by-hand', message: text, goal: 0.95 };
const bare = (platform: Platform, goal: number): Kind => ({
  file: `bare/${platform}.ts`,
  path: '/topic',
  message: text,
  goal,
});
const crossws = (file: string): Kind => ({ file: `bare/${file}.ts`, path: '/topic', message: text, goal: 1 });
const socketIo: Kind = {
  file: 'bare/socket-io.ts',
  path: '/socket.io/?EIO=4&transport=websocket',
  // an event named `m`
  message: sample('text', `42["m","${words}"]`),
  greeting: { frame: sample('text', '40').frame, answer: '40{"sid"' },
  goal: 1,
};

/** A part of the bench: kinds of server, of which the last is ours. */
interface Part {
  readonly title: string;
  readonly platform: Platform;
  readonly members: number;
  readonly inFlight: number;
  readonly kinds: Readonly<Record<string, Kind>>;
  readonly broker?: typeof RedisServer | typeof NatsServer;
}

const inOneProcess = (platform: Platform, kinds: Part['kinds']): Part => ({
  title: `${platform}: a topic with 1 000 members in one process`,
  platform,
  members: 1_000,
  inFlight: 2,
  kinds: { ...kinds, [OURS]: ours },
});
const inTwo = { platform: 'node', members: 10, inFlight: 64 } as const;

const parts: Readonly<Record<string, Part>> = {
  node: inOneProcess('node', {
    'by hand': byHand,
    'by hand, bare ws': bare('node', 0.95),
    crossws: crossws('crossws'),
    'Socket.IO': socketIo,
  }),
  bun: inOneProcess('bun', {
    'by hand': byHand,
    "Bun's own": bare('bun', 0.8),
    'crossws, by Bun’s own': { ...crossws('crossws-fetch'), goal: 0.8 },
  }),
  deno: inOneProcess('deno', {
    'by hand': byHand,
    'by hand, bare Deno': bare('deno', 0.95),
    crossws: crossws('crossws-fetch'),
  }),
  redis: {
    ...inTwo,
    title: 'Redis: a topic with 10 members in two processes',
    broker: RedisServer,
    kinds: { 'crossws, sync': crossws('crossws'), 'Socket.IO, redis-adapter': socketIo, [OURS]: ours },
  },
  nats: {
    ...inTwo,
    title: 'NATS: a topic with 10 members in two processes',
    broker: NatsServer,
    kinds: { 'by hand, bare client': { ...byHand, goal: 0.9 }, [OURS]: ours },
  },
};
const SUBSCRIPTIONS = 'subscriptions';
const names = [...Object.keys(parts), SUBSCRIPTIONS];

/** Figures by kind and by what was measured. */
class Table {
  readonly #figures = new Map<string, Figures[]>();

  add(kind: string, what: string, figures: Figures): void {
    const key = `${kind}\n${what}`;
    this.#figures.set(key, [...(this.#figures.get(key) ?? []), figures]);
  }

  of(kind: string, what: string): readonly Figures[] {
    return this.#figures.get(`${kind}\n${what}`) ?? [];
  }
}

async function main(): Promise<void> {
  const start = performance.now();
  if (PART !== undefined && !names.includes(PART)) {
    throw new Error(`there is no part ${PART}; the parts are ${names.join(', ')}`);
  }
  console.log(
    `Medians of ${rounds} rounds, each with new processes and ${MS} ms for every cell; for ratios also the quartiles.`,
  );
  console.log('A * marks a ratio that misses its goal. Processor time is the time of the servers, without the client.');
  for (const [name, part] of Object.entries(parts)) if ((PART ?? name) === name) await runPart(part);
  if ((PART ?? SUBSCRIPTIONS) === SUBSCRIPTIONS) {
    for (const platform of ['node', 'bun', 'deno'] as const) await runSubscriptions(platform);
  }
  const load = loadavg()[0]?.toFixed(1);
  console.log(`\n${Math.round((performance.now() - start) / 1000)} s; load ${load} on ${availableParallelism()} cores`);
}

function launchKind(platform: Platform, { file }: Kind, env: Record<string, string> = {}): Promise<Host> {
  return launch(platform, [join(import.meta.dirname, file)], { ...MALLOC, ...env });
}

// ---- Messages ----

async function runPart(part: Part): Promise<void> {
  const table = new Table();
  const kinds = Object.keys(part.kinds);
  for (let round = 0; round < rounds; round++) await measure(part, round % 2 ? kinds.toReversed() : kinds, table);
  console.log(`\n${part.title}`);
  print('', 'per second', '', '', 'processor time, µs', '', '');
  print('', 'other', OURS, 'ratio', 'other', OURS, 'ratio');
  const others = Object.entries(part.kinds).filter(([kind]) => kind !== OURS);
  for (const [kind, { goal = 0 }] of others) {
    const figures = [table.of(kind, 'speed'), table.of(OURS, 'speed')] as const;
    print(
      kind,
      ...compare(...figures, 'rate', (ratio) => ratio < goal),
      ...compare(...figures, 'cpu', (ratio) => ratio > 1 / goal),
    );
  }
  if (!part.broker) return;
  print('', 'latency, µs: p50', '', '', 'p99', '', '');
  for (const [kind] of others) {
    const figures = [table.of(kind, 'latency'), table.of(OURS, 'latency')] as const;
    print(kind, ...compare(...figures, 'rate', (ratio) => ratio > 1), ...compare(...figures, 'cpu', () => false));
  }
}

async function measure(part: Part, kinds: readonly string[], table: Table): Promise<void> {
  const { platform, members, inFlight, broker } = part;
  const kindOf = (name: string) => part.kinds[name] as Kind;
  const server = await broker?.start();
  const env = server instanceof RedisServer ? { REDIS_URL: server.url } : { NATS_PORT: String(server?.port) };
  const start = (name: string) =>
    server
      ? Promise.all([0, 1].map(() => launchKind(platform, kindOf(name), env)))
      : launchKind(platform, kindOf(name));
  const open = async (own: Server<string>, inFlight: number) => {
    const { path, message, greeting } = kindOf(own.kind);
    const load = await Messages.open(own, {
      name: own.kind,
      path,
      message,
      greeting,
      connections: members,
      inFlight,
      isRoom: true,
    });
    if (server) await after(SUBSCRIBED);
    return load;
  };
  try {
    await withServers(kinds, start, async (servers) => {
      await measureInTurns(
        servers,
        (own) => open(own, inFlight),
        [4 * MS, MS],
        (kind, figures) => table.add(kind, 'speed', figures),
      );
      if (!server) return;
      for (const own of servers) {
        const load = await open(own, 1);
        table.add(own.kind, 'latency', await load.latency(MS));
        load.close();
      }
    });
  } finally {
    await server?.kill();
  }
}

/** After this time, in ms, servers have subscribed that do not say when they have. */
const SUBSCRIBED = 300;

// ---- Subscriptions ----

async function runSubscriptions(platform: Platform): Promise<void> {
  const table = new Table();
  const kinds = ['by hand', OURS];
  const rows = {
    bytes: 'bytes of memory',
    join: 'joining, ns',
    leave: 'leaving, ns',
    alone: 'publishing to 10, one topic, ns',
    among: 'the same among 10 000 topics, ns',
  };
  for (let round = 0; round < rounds; round++) {
    for (const kind of round % 2 ? kinds.toReversed() : kinds) {
      const host = await launchKind(platform, ours);
      try {
        const response = await fetch(`${host.url.replace('ws:', 'http:')}/subscriptions/${kind}`);
        const figures = (await response.json()) as Record<keyof typeof rows, number>;
        for (const what of Object.keys(rows) as (keyof typeof rows)[]) {
          table.add(kind, what, { rate: figures[what], cpu: Number.NaN });
        }
      } finally {
        await host.stop();
      }
    }
  }
  console.log(`\n${platform}: 100 000 subscriptions to 10 000 topics`);
  print('each', 'by hand', OURS, 'ratio');
  for (const [what, name] of Object.entries(rows)) {
    print(name, ...compare(table.of('by hand', what), table.of(OURS, what), 'rate', () => false));
  }
}

main().catch((error: Error) => {
  console.error(`\nthe bench of topics failed: ${error.message}`);
  process.exitCode = 1;
});
