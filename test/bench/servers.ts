// `npm run bench`, second part: the adapter's cost at run time, compared with the bare platform, on node:http with crossws,
// with a TCP echo, and with what an application may add to it. Each round measures each case on all servers of a platform, in new processes: two processes of the same server
// differ by a tenth at random, and the cases that a process has served before change its speed by as much.
//
//   tsx test/bench/servers.ts [ROUNDS [MS [PLATFORM [CASE]]]]     CASE is a part of its name, such as async
//
// A short measurement may contain no garbage collection, or two: workerd has two or three per 100 000 messages.

import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { type Host, launch, type Platform, platforms, processFolders } from '../toolkit/host.ts';
import type { Extra } from './adapter/extras.ts';
import { Client, type Sample, sample } from './client.ts';

const [ROUNDS = '3', TIME = '400', PLATFORM, CASE = ''] = process.argv.slice(2);
const rounds = Number(ROUNDS);
/** The duration of the measurement of each server in each case, per round. */
const MS = Number(TIME);
/** The number of turns per measurement: the shorter they are, the more equally other load affects all servers. */
const TURNS = 4;
const chosen = platforms.filter((platform) => (PLATFORM ?? platform) === platform);

/** What an application may add to the adapter. */
const EXTRAS: readonly Extra[] = ['observer', 'json', 'limits', 'signal'];
const isExtra = (kind: Kind): kind is Extra => (EXTRAS as readonly Kind[]).includes(kind);

interface Case {
  readonly name: string;
  readonly path: string;
  readonly message: Sample;
  readonly connections: number;
  /** The number of unanswered messages at any time, of each connection or of the room. */
  readonly inFlight: number;
}

const text = sample('text', 64);
const binary = sample('binary', 65_536);
const cases: readonly Case[] = [
  { name: '64-byte texts, 1 connection', path: '/', message: text, connections: 1, inFlight: 16 },
  { name: '64-byte texts, 100 connections', path: '/', message: text, connections: 100, inFlight: 4 },
  { name: '64-KiB binaries, 1 connection', path: '/', message: binary, connections: 1, inFlight: 4 },
  { name: '64-KiB binaries, 100 connections', path: '/', message: binary, connections: 100, inFlight: 1 },
  { name: 'async handler, 100 connections', path: '/async', message: text, connections: 100, inFlight: 4 },
  { name: 'posts to itself, 100 connections', path: '/post', message: text, connections: 100, inFlight: 4 },
  { name: 'broadcast to 1 000 clients', path: '/room', message: text, connections: 1_000, inFlight: 2 },
];
const ACCEPT = 'connections accepted';
const ACCEPTED_AT_ONCE = 8;
const IDLE = 'kB for an idle connection';

/** The rows of a table, in order. The last one is not a speed, and is measured separately. */
const rows: readonly (Case | { readonly name: string })[] = [...cases, { name: ACCEPT }, { name: IDLE }];
const chosenRows = rows.filter(({ name }) => name.includes(CASE));
const speeds = chosenRows.filter(({ name }) => name !== IDLE);
const memoryIsChosen = speeds.length < chosenRows.length;

type Kind = 'adapter' | 'bare' | 'crossws' | 'tcp' | Extra;

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
  ...EXTRAS.map((extra) => ({
    title: `the adapter with ${extra}, compared with the adapter alone`,
    theirs: 'adapter' as const,
    ours: extra,
    on: platforms,
  })),
];

/** The rows in which an extra is measured. */
const EXTRA_ROWS: readonly string[] = ['64-byte texts, 100 connections', ACCEPT, IDLE];

/** Whether a kind of server is measured in a row. */
function isMeasured(kind: Kind, row: Case | { readonly name: string }): boolean {
  if (kind === 'tcp') return 'path' in row && row.path === '/';
  return !isExtra(kind) || EXTRA_ROWS.includes(row.name);
}

// glibc may repeatedly return the top of the heap to the system and take it back, depending on what happens to lie there.
// With messages of 64 KiB, the page faults then double the cost. These settings keep every server from returning it.
const MALLOC = { MALLOC_TRIM_THRESHOLD_: '1000000000', MALLOC_TOP_PAD_: '64000000' };

function start(platform: Platform, kind: Kind): Promise<Host> {
  const extra = isExtra(kind) ? kind : undefined;
  const file = join(
    import.meta.dirname,
    kind === 'crossws' ? 'bare/crossws.ts' : `${extra ? 'adapter' : kind}/${platform}.ts`,
  );
  const env = { ...MALLOC, ADAPTER_OPTIONS: JSON.stringify({ with: extra }) };
  if (platform !== 'cloudflare') return launch(platform, [file], env);
  return launch(platform, ['test/toolkit/hosts/cloudflare.ts', file, file], env); // the worker replaces an application
}

/** The figures of one server in one round: `rate` per second, and `cpu` in µs each; for memory, both are in kB. */
interface Figures {
  readonly rate: number;
  readonly cpu: number;
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
    for (let round = 0; round < rounds; round++) await measure(platform, round % 2 ? [...kinds].reverse() : kinds, add);
    for (const table of tables) show(platform, table, measured);
  }
  const load = loadavg()[0]?.toFixed(1);
  console.log(`\n${Math.round((performance.now() - start) / 1000)} s; load ${load} on ${availableParallelism()} cores`);
}

/** Measures one round: all kinds of server of one platform, in new processes. */
async function measure(
  platform: Platform,
  kinds: readonly Kind[],
  add: (kind: Kind, name: string, figures: Figures) => void,
): Promise<void> {
  if (memoryIsChosen) {
    const those = kinds.filter((kind) => isMeasured(kind, { name: IDLE }));
    await withServers(platform, those, async (servers) => {
      for (const server of servers) {
        const memory = await idleMemory(server);
        add(server.kind, IDLE, { rate: memory, cpu: memory });
      }
    });
  }
  for (const each of speeds) {
    const sendsMessages = 'path' in each;
    const those = kinds.filter((kind) => isMeasured(kind, each));
    await withServers(platform, those, async (servers) => {
      const loads = new Map<Server, Load>();
      for (const server of servers) {
        const load = sendsMessages ? await Messages.open(server, each) : new Accepts(server);
        loads.set(server, load);
        await load.warmUp(4 * MS);
      }
      const counts = new Map(servers.map((server) => [server, new Count()]));
      const duration = sendsMessages ? MS : 3 * MS; // fewer events per second: a connection costs as much as ten messages
      for (let turn = 0; turn < TURNS; turn++) {
        // In alternating order, so that the average time of measurement is the same for all.
        for (const server of turn % 2 ? [...servers].reverse() : servers) {
          await (loads.get(server) as Load).run(duration / TURNS, counts.get(server));
        }
      }
      for (const [server, count] of counts) add(server.kind, each.name, count.figures());
      for (const load of loads.values()) load.close();
    });
  }
}

/** Starts a server of each kind, calls `run` with them, and stops them. */
async function withServers(
  platform: Platform,
  kinds: readonly Kind[],
  run: (servers: readonly Server[]) => Promise<void>,
): Promise<void> {
  const servers: Server[] = [];
  try {
    for (const kind of kinds) servers.push(new Server(kind, await start(platform, kind)));
    await run(servers);
  } finally {
    await Promise.all(servers.map(({ host }) => host.stop()));
  }
}

class Server {
  readonly kind: Kind;
  readonly host: Host;

  constructor(kind: Kind, host: Host) {
    this.kind = kind;
    this.host = host;
  }

  get url(): string {
    return this.host.url;
  }

  connect(count: number, path: string): Promise<Client[]> {
    return connectAll(this.url, path, count);
  }

  /** The memory in bytes and the processor time in seconds of its process and child processes. */
  usage(): { readonly memory: number; readonly cpu: number } {
    const sum = { memory: 0, cpu: 0 };
    try {
      for (const folder of processFolders(this.host.process.pid)) {
        for (const task of readdirSync(`${folder}/task`)) {
          sum.cpu += Number(readFileSync(`${folder}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e9;
        }
        sum.memory += Number(readFileSync(`${folder}/statm`, 'utf8').split(' ')[1]) * 4096;
      }
      return sum;
    } catch {
      return { memory: Number.NaN, cpu: Number.NaN };
    }
  }
}

// ---- Memory ----

const IDLE_CONNECTIONS = 3_000;
const REST = 300; // ms

/** The memory of an idle connection, in kB. First opens as many more, which use up the free memory of the process. */
async function idleMemory(server: Server): Promise<number> {
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

// ---- Speed ----

/** What one server has done, in seconds of the clock and of the processor. */
class Count {
  #done = 0;
  #seconds = 0;
  #doneByCpu = 0;
  #cpu = 0;

  add(done: number, seconds: number, doneByCpu: number, cpu: number): void {
    this.#done += done;
    this.#seconds += seconds;
    this.#doneByCpu += doneByCpu;
    this.#cpu += cpu;
  }

  figures(): Figures {
    return { rate: this.#done / this.#seconds, cpu: (this.#cpu / this.#doneByCpu) * 1e6 };
  }
}

/** Keeps one server busy. */
abstract class Load {
  protected done = 0;
  protected busy = false;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  /** Runs without counting until the server has used `duration` ms of processor time, as JIT compilers count work done. */
  async warmUp(duration: number): Promise<void> {
    const end = this.#server.usage().cpu + duration / 1000;
    do await this.run(MS / TURNS);
    while (this.#server.usage().cpu < end);
  }

  /** Runs for `duration` ms, plus a start that does not count, and then until everything has been answered. */
  async run(duration: number, count?: Count): Promise<void> {
    const { cpu } = this.#server.usage();
    const first = this.done;
    this.busy = true;
    const answered = this.start();
    await after(duration / 6);
    const from = performance.now();
    const before = this.done;
    await after(duration);
    const [done, seconds] = [this.done - before, (performance.now() - from) / 1000];
    this.busy = false;
    await orFail(answered, this.#server);
    count?.add(done, seconds, this.done - first, this.#server.usage().cpu - cpu);
  }

  /** Begins. Resolves with the last answer after `busy` has become false. */
  protected abstract start(): Promise<unknown>;

  abstract close(): void;
}

/** Connections that send messages and receive answers. In a room, the first one sends, and all receive. */
class Messages extends Load {
  readonly #clients: readonly Client[];
  readonly #case: Case;
  readonly #answers: number;
  #unanswered = 0;
  #answered = () => {};

  static async open(server: Server, each: Case): Promise<Messages> {
    return new Messages(server, await server.connect(each.connections, each.path), each);
  }

  private constructor(server: Server, clients: readonly Client[], each: Case) {
    super(server);
    this.#clients = clients;
    this.#case = each;
    this.#answers = each.path === '/room' ? clients.length : 1;
    const size = server.kind === 'tcp' ? each.message.frame.length : each.message.answer;
    for (const client of clients) client.listen(size, (count) => this.#received(client, count));
  }

  protected start(): Promise<void> {
    const senders = this.#answers === 1 ? this.#clients : this.#clients.slice(0, 1);
    for (const client of senders) for (let sent = 0; sent < this.#case.inFlight; sent++) this.#send(client);
    return new Promise((resolve) => {
      this.#answered = resolve;
    });
  }

  close(): void {
    for (const client of this.#clients) client.drop();
  }

  #received(client: Client, count: number): void {
    this.done += count;
    this.#unanswered -= count;
    if (!this.busy) {
      if (this.#unanswered === 0) this.#answered();
    } else if (this.#answers === 1) {
      for (let answer = 0; answer < count; answer++) this.#send(client);
    } else if (this.#unanswered <= (this.#case.inFlight - 1) * this.#answers) {
      this.#send(this.#clients[0] as Client);
    }
  }

  #send(client: Client): void {
    this.#unanswered += this.#answers;
    client.send(this.#case.message.frame);
  }
}

/** Clients that connect and leave, several at a time. */
class Accepts extends Load {
  readonly #url: string;

  constructor(server: Server) {
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
    return Promise.all(Array.from({ length: ACCEPTED_AT_ONCE }, connect));
  }

  close(): void {}
}

async function connectAll(url: string, path: string, count: number): Promise<Client[]> {
  const clients: Client[] = [];
  while (clients.length < count) {
    const few = Math.min(ACCEPTED_AT_ONCE, count - clients.length);
    clients.push(...(await Promise.all(Array.from({ length: few }, () => Client.connect(url, path)))));
  }
  return clients;
}

/** Waits for the answers. Fails after a time limit, with the reports of the server. */
async function orFail(answered: Promise<unknown>, { kind, host }: Server): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${kind}: answers are missing\n${host.reports()}`)), 10_000);
  });
  await Promise.race([answered, late]);
  clearTimeout(timer);
}

// ---- Tables ----

function show(
  platform: Platform,
  { title, theirs, ours, goals }: Comparison,
  measured: ReadonlyMap<Kind, ReadonlyMap<string, Figures[]>>,
): void {
  const { rate = 0, cpu = Number.POSITIVE_INFINITY, accept = cpu, memory = cpu } = goals ?? {};
  const figuresOf = (kind: Kind, name: string) => measured.get(kind)?.get(name) ?? [];
  const names = speeds.filter((row) => isMeasured(ours, row) && isMeasured(theirs, row)).map(({ name }) => name);
  const showsMemory = memoryIsChosen && isMeasured(ours, { name: IDLE }) && isMeasured(theirs, { name: IDLE });
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

function compare(
  theirs: readonly Figures[] = [],
  ours: readonly Figures[] = [],
  figure: keyof Figures,
  misses: (ratio: number) => boolean,
): [string, string, string] {
  const median = (all: readonly Figures[]) => {
    const middle = quartiles(all.map((each) => each[figure]))[1];
    return middle.toFixed(middle < 1_000 ? 1 : 0);
  };
  const ratios = ours.map((each, round) => each[figure] / (theirs[round]?.[figure] ?? Number.NaN));
  const [low, middle, high] = quartiles(ratios);
  const mark = misses(middle) ? '*' : '';
  return [median(theirs), median(ours), `${mark}${middle.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`];
}

function quartiles(figures: readonly number[]): [low: number, median: number, high: number] {
  const sorted = [...figures].sort((a, b) => a - b);
  const at = (part: number) => {
    const place = part * (sorted.length - 1);
    const [below = Number.NaN, above = below] = sorted.slice(Math.floor(place));
    return below + (above - below) * (place % 1);
  };
  return [at(0.25), at(0.5), at(0.75)];
}

function print(name: string, ...cells: readonly string[]): void {
  const widths = [10, 9, 18, 10, 9, 18];
  const line = cells.map((cell, index) => cell.padStart(widths[index] as number));
  console.log([name.padEnd(33), ...line].join(' ').trimEnd());
}

function after(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration));
}

main().catch((error: Error) => {
  console.error(`\nthe bench of servers failed: ${error.message}`);
  process.exitCode = 1;
});
