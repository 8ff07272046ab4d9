// `npm run bench`, second part: the adapter's cost at run time, compared with the bare platform, on node:http with crossws,
// with a TCP echo, on Cloudflare with hibernation, and with what an application may add to it. Each round measures each case on all servers of a platform, in new processes: two processes of the same server
// differ by a tenth at random, and the cases that a process has served before change its speed by as much.
//
//   tsx test/bench/servers.ts [ROUNDS [MS [PLATFORM [CASE]]]]     CASE is a part of its name, such as async
//
// A short measurement may contain no garbage collection, or two: workerd has two or three per 100 000 messages.

import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { type Host, launch, type Platform, platforms } from '../toolkit/host.ts';
import type { Extra } from './adapter/extras.ts';
import { Client, sample } from './client.ts';
import {
  after,
  type Case,
  CONNECTED_AT_ONCE,
  compare,
  type Figures,
  Load,
  MALLOC,
  Messages,
  measureInTurns,
  print,
  type Server,
  withServers,
} from './load.ts';

const [ROUNDS = '3', TIME = '400', PLATFORM, CASE = ''] = process.argv.slice(2);
const rounds = Number(ROUNDS);
/** The duration of the measurement of each server in each case, per round. */
const MS = Number(TIME);
const chosen = platforms.filter((platform) => (PLATFORM ?? platform) === platform);

/** What an application may add to the adapter. */
const EXTRAS: readonly Extra[] = ['observer', 'json', 'limits', 'signal'];
const isExtra = (kind: Kind): kind is Extra => (EXTRAS as readonly Kind[]).includes(kind);

const text = sample('text', 64);
const binary = sample('binary', 65_536);
/** Its handler has a state that changes with each message, as there is nothing to save otherwise. */
const COUNTED = '/count';
const cases: readonly Case[] = [
  { name: '64-byte texts, 1 connection', path: '/', message: text, connections: 1, inFlight: 16 },
  { name: '64-byte texts, 100 connections', path: '/', message: text, connections: 100, inFlight: 4 },
  { name: '64-KiB binaries, 1 connection', path: '/', message: binary, connections: 1, inFlight: 4 },
  { name: '64-KiB binaries, 100 connections', path: '/', message: binary, connections: 100, inFlight: 1 },
  { name: 'async handler, 100 connections', path: '/async', message: text, connections: 100, inFlight: 4 },
  { name: 'posts to itself, 100 connections', path: '/post', message: text, connections: 100, inFlight: 4 },
  { name: 'broadcast to 1 000 clients', path: '/room', message: text, connections: 1_000, inFlight: 2, isRoom: true },
  { name: 'counted texts, 1 connection', path: COUNTED, message: text, connections: 1, inFlight: 16 },
  { name: 'counted texts, 100 connections', path: COUNTED, message: text, connections: 100, inFlight: 4 },
];
const ACCEPT = 'connections accepted';
const IDLE = 'kB for an idle connection';

/** The rows of a table, in order. The last one is not a speed, and is measured separately. */
type Row = Case | { readonly name: string };
const rows: readonly Row[] = [...cases, { name: ACCEPT }, { name: IDLE }];
const chosenRows = rows.filter(({ name }) => name.includes(CASE));
const speeds = chosenRows.filter(({ name }) => name !== IDLE);
const memoryIsChosen = speeds.length < chosenRows.length;

type Kind = 'adapter' | 'bare' | 'crossws' | 'tcp' | 'hibernation' | 'by hand' | Extra;

/** The programs whose names are not those of their platform. */
const FILES: { readonly [Of in Kind]?: string } = {
  crossws: 'bare/crossws.ts',
  hibernation: 'adapter/hibernation.ts',
  'by hand': 'bare/hibernation.ts',
};

/** Two servers in one table: `ours` is divided by `theirs`. */
interface Comparison {
  readonly title: string;
  readonly theirs: Kind;
  readonly ours: Kind;
  readonly on: readonly Platform[];
  /** Goals for the ratios of message rate, processor time and memory. */
  readonly goals?: { readonly rate: number; readonly cpu: number; readonly accept: number; readonly memory: number };
}

const comparisons: readonly Comparison[] = [
  {
    title: 'the adapter, compared with the bare platform',
    theirs: 'bare',
    ours: 'adapter',
    on: platforms,
    goals: { rate: 0.95, cpu: 1 / 0.95, accept: 1.3, memory: 1.5 },
  },
  {
    title: 'the adapter, compared with crossws',
    theirs: 'crossws',
    ours: 'adapter',
    on: ['node'],
    goals: { rate: 1, cpu: 1, accept: 1, memory: 1 },
  },
  {
    title: 'the adapter, compared with a TCP echo of the same bytes',
    theirs: 'tcp',
    ours: 'adapter',
    on: ['node', 'bun', 'deno'], // workerd cannot listen for TCP
  },
  {
    title: 'the adapter with hibernation, compared with the adapter alone',
    theirs: 'adapter',
    ours: 'hibernation',
    on: ['cloudflare'],
  },
  {
    title: 'the adapter with hibernation, compared with hibernation by hand',
    theirs: 'by hand',
    ours: 'hibernation',
    on: ['cloudflare'],
  },
  ...EXTRAS.map((extra) => ({
    title: `the adapter with ${extra}, compared with the adapter alone`,
    theirs: 'adapter' as const,
    ours: extra,
    on: platforms,
  })),
];

/** The rows in which an extra is measured. */
const EXTRA_ROWS: readonly string[] = ['64-byte texts, 100 connections', ACCEPT, IDLE];

/** Whether a kind of server can be measured in a row. */
function isMeasured(kind: Kind, row: Row): boolean {
  const path = 'path' in row ? row.path : undefined;
  if (kind === 'tcp') return path === '/';
  if (kind === 'hibernation' || kind === 'by hand') return path === COUNTED || row.name === ACCEPT;
  if (path === COUNTED) return kind === 'adapter';
  return !isExtra(kind) || EXTRA_ROWS.includes(row.name);
}

const isCompared = ({ theirs, ours }: Comparison, row: Row) => isMeasured(theirs, row) && isMeasured(ours, row);

function start(platform: Platform, kind: Kind): Promise<Host> {
  const extra = isExtra(kind) ? kind : undefined;
  const file = join(import.meta.dirname, FILES[kind] ?? `${extra ? 'adapter' : kind}/${platform}.ts`);
  const env = { ...MALLOC, ADAPTER_OPTIONS: JSON.stringify({ with: extra }) };
  if (platform !== 'cloudflare') return launch(platform, [file], env);
  return launch(platform, ['test/toolkit/hosts/cloudflare.ts', file, file], env); // the worker replaces an application
}

async function main(): Promise<void> {
  const start = performance.now();
  if (chosen.length === 0) throw new Error(`unknown platform ${PLATFORM}; the platforms are ${platforms.join(', ')}`);
  if (chosenRows.length === 0) {
    throw new Error(`no case has ${CASE} in its name; the cases are ${rows.map(({ name }) => name).join('; ')}`);
  }
  console.log(
    `Medians of ${rounds} rounds, each with new processes and ${MS} ms for every cell; for ratios also the quartiles.`,
  );
  console.log('A * marks a ratio that misses its goal. Processor time is the time of the server, without the client.');
  for (const platform of chosen) {
    const tables = comparisons.filter(({ on }) => on.includes(platform));
    const kinds = [...new Set(tables.flatMap(({ theirs, ours }) => [theirs, ours]))];
    const measured = new Map<Kind, Map<string, Figures[]>>(kinds.map((kind) => [kind, new Map()]));
    const add = (kind: Kind, name: string, figures: Figures) => {
      const all = measured.get(kind) as Map<string, Figures[]>;
      all.set(name, [...(all.get(name) ?? []), figures]);
    };
    const kindsOf = (row: Row) => {
      const compared = tables.filter((table) => isCompared(table, row)).flatMap(({ theirs, ours }) => [theirs, ours]);
      return kinds.filter((kind) => compared.includes(kind));
    };
    for (let round = 0; round < rounds; round++) {
      await measure(platform, (row) => (round % 2 ? kindsOf(row).reverse() : kindsOf(row)), add);
    }
    for (const table of tables) show(platform, table, measured);
    if (kinds.includes('hibernation')) await showSavedBytes(platform);
  }
  const load = loadavg()[0]?.toFixed(1);
  console.log(`\n${Math.round((performance.now() - start) / 1000)} s; load ${load} on ${availableParallelism()} cores`);
}

/** Measures one round: the kinds of server of each row on one platform, in new processes. */
async function measure(
  platform: Platform,
  kindsOf: (row: Row) => readonly Kind[],
  add: (kind: Kind, name: string, figures: Figures) => void,
): Promise<void> {
  const run = (row: Row, measure: (servers: readonly Server<Kind>[]) => Promise<void>) =>
    withServers(kindsOf(row), (kind) => start(platform, kind), measure);
  if (memoryIsChosen) {
    await run({ name: IDLE }, async (servers) => {
      for (const server of servers) {
        const memory = await idleMemory(server);
        add(server.kind, IDLE, { rate: memory, cpu: memory });
      }
    });
  }
  for (const each of speeds) {
    const sendsMessages = 'path' in each;
    const duration = sendsMessages ? MS : 3 * MS; // fewer events per second: a connection costs as much as ten messages
    const open = async (server: Server<Kind>): Promise<Load> => {
      if (!sendsMessages) return new Accepts(server);
      const { frame } = each.message;
      return Messages.open(
        server,
        server.kind === 'tcp' ? { ...each, message: { frame, answer: frame.length } } : each,
      );
    };
    await run(each, (servers) =>
      measureInTurns(servers, open, [4 * MS, duration], (kind, figures) => add(kind, each.name, figures)),
    );
  }
}

// ---- Memory ----

const IDLE_CONNECTIONS = 3_000;
const REST = 300; // ms

/** The memory of an idle connection, in kB. First opens as many more, which use up the free memory of the process. */
async function idleMemory(server: Server<Kind>): Promise<number> {
  const clients: Client[] = [];
  const connect = async () => {
    const end = clients.length + IDLE_CONNECTIONS;
    while (clients.length < end) {
      clients.push(...(await server.connect(100, '/')));
      await fetch(server.url.replace('ws:', 'http:')); // collects garbage, so that only the memory in use is compared
    }
    await after(REST);
    return server.usage().memory;
  };
  const before = await connect();
  const each = ((await connect()) - before) / IDLE_CONNECTIONS / 1000;
  for (const client of clients) client.drop();
  await after(REST);
  return each;
}

/** The size of what hibernation saves, in V8's format, as workerd counts it. */
async function showSavedBytes(platform: Platform): Promise<void> {
  await withServers(
    ['hibernation'],
    (kind) => start(platform, kind),
    async ([server]) => {
      if (!server) return;
      const clients = [...(await server.connect(1, '/')), ...(await server.connect(1, COUNTED))];
      const saved = (await (await fetch(`${server.url.replace('ws:', 'http:')}/saved`)).json()) as readonly unknown[];
      const [empty, counted] = saved.map((attachment) => serialize(attachment).byteLength).sort((a, b) => a - b);
      console.log(`\nbytes saved for a connection: ${empty} without a state, ${counted} with { count: 0 }`);
      for (const client of clients) client.drop();
    },
  );
}

// ---- Speed ----

/** Clients that connect and leave, several at a time. */
class Accepts extends Load {
  readonly #url: string;

  constructor(server: Server<Kind>) {
    super(server);
    this.#url = server.url;
  }

  protected start(): Promise<unknown> {
    const connect = async () => {
      while (this.busy) {
        (await Client.connect(this.#url, '/')).drop();
        this.done += 1;
      }
    };
    return Promise.all(Array.from({ length: CONNECTED_AT_ONCE }, connect));
  }

  close(): void {}
}

// ---- Tables ----

function show(
  platform: Platform,
  table: Comparison,
  measured: ReadonlyMap<Kind, ReadonlyMap<string, Figures[]>>,
): void {
  const { title, theirs, ours, goals } = table;
  const { rate = 0, cpu = Number.POSITIVE_INFINITY, accept = cpu, memory = cpu } = goals ?? {};
  const figuresOf = (kind: Kind, name: string) => measured.get(kind)?.get(name) ?? [];
  const names = speeds.filter((row) => isCompared(table, row)).map(({ name }) => name);
  const showsMemory = memoryIsChosen && isCompared(table, { name: IDLE });
  if (names.length === 0 && !showsMemory) return;
  console.log(`\n${platform}: ${title}`);
  print('', 'per second', '', '', 'processor time, µs', '', '');
  print('', theirs, ours, 'ratio', theirs, ours, 'ratio');
  for (const name of names) {
    const pair = [figuresOf(theirs, name), figuresOf(ours, name)] as const;
    print(
      name,
      ...compare(...pair, 'rate', (ratio) => name !== ACCEPT && ratio < rate),
      ...compare(...pair, 'cpu', (ratio) => ratio > (name === ACCEPT ? accept : cpu)),
    );
  }
  if (!showsMemory) return;
  print(IDLE, ...compare(figuresOf(theirs, IDLE), figuresOf(ours, IDLE), 'rate', (ratio) => ratio > memory));
}

main().catch((error: Error) => {
  console.error(`\nthe bench of servers failed: ${error.message}`);
  process.exitCode = 1;
});
