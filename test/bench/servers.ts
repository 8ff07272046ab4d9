// `npm run bench`, second part: what the adapter costs at run time, beside the same platform used bare and, on node:http,
// beside crossws. Platform by platform and case by case, all in turn in every round, with processes of their own: the luck
// of one is worth a tenth, and what a process has served before costs the next case as much.
//
//   tsx test/bench/servers.ts [ROUNDS [MS [PLATFORM [CASE]]]]     CASE is a part of its name, such as async
//
// A short time may see no garbage collection, or two: on workerd there are two or three in 100 000 messages.

import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { type Host, launch, type Platform, platforms, processFolders } from '../toolkit/host.ts';
import { Client, type Sample, sample } from './client.ts';

const [ROUNDS = '3', TIME = '400', PLATFORM, CASE = ''] = process.argv.slice(2);
const rounds = Number(ROUNDS);
/** How long each server is measured in a round, in each case. */
const MS = Number(TIME);
/** In how many turns: the shorter they are, the more alike is what else the machine does meanwhile. */
const TURNS = 4;
const chosen = platforms.filter((platform) => (PLATFORM ?? platform) === platform);

interface Case {
  readonly name: string;
  readonly path: string;
  readonly message: Sample;
  readonly connections: number;
  /** How many messages are on their way at any time: of each connection, or of the room. */
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

/** The rows, in their order; the last is no speed, and is measured in another way. */
const rows: readonly (Case | { readonly name: string })[] = [...cases, { name: ACCEPT }, { name: IDLE }];
const chosenRows = rows.filter(({ name }) => name.includes(CASE));
const speeds = chosenRows.filter(({ name }) => name !== IDLE);
const memoryIsChosen = speeds.length < chosenRows.length;

/** What the adapter is to reach, as its part of the other's figure: of messages, and of processor time and memory. */
const GOALS = {
  bare: { rate: 0.95, cpu: 1 / 0.95, accept: 1.3, memory: 1.5 },
  crossws: { rate: 1, cpu: 1, accept: 1, memory: 1 },
} as const;
type Other = keyof typeof GOALS;

// glibc gives the top of the heap back to the system, and takes it again, or not, by the luck of what lies there: with
// messages of 64 KiB, page faults then cost as much as all else. So no server gives it back.
const MALLOC = { MALLOC_TRIM_THRESHOLD_: '1000000000', MALLOC_TOP_PAD_: '64000000' };

type Kind = 'adapter' | Other;

function start(platform: Platform, kind: Kind): Promise<Host> {
  const folder = join(import.meta.dirname, kind === 'adapter' ? 'adapter' : 'bare');
  const file = join(folder, `${kind === 'crossws' ? kind : platform}.ts`);
  if (platform !== 'cloudflare') return launch(platform, [file], MALLOC);
  return launch(platform, ['test/toolkit/hosts/cloudflare.ts', file, file], MALLOC); // hosts nothing but its worker
}

/** What was measured of one server in one round. `rate` by the second, `cpu` in µs for each; of memory both are kB. */
interface Figures {
  readonly rate: number;
  readonly cpu: number;
}

async function main(): Promise<void> {
  const began = performance.now();
  if (chosen.length === 0) throw new Error(`there is no platform ${PLATFORM}; they are ${platforms.join(', ')}`);
  if (chosenRows.length === 0) {
    throw new Error(`no case has ${CASE} in its name; they are ${rows.map(({ name }) => name).join('; ')}`);
  }
  console.log('The adapter beside the same platform used bare, and beside crossws (node:http).');
  console.log(
    `Medians of ${rounds} rounds, each of new processes and of ${MS} ms for every cell; of ratios the quartiles, too.`,
  );
  console.log('A * marks a ratio that misses its goal. Processor time is that of the server alone.');
  for (const platform of chosen) {
    const kinds: readonly Kind[] = platform === 'node' ? ['bare', 'adapter', 'crossws'] : ['bare', 'adapter'];
    const measured = new Map<Kind, Map<string, Figures[]>>(kinds.map((kind) => [kind, new Map()]));
    const add = (kind: Kind, name: string, figures: Figures) => {
      const all = measured.get(kind) as Map<string, Figures[]>;
      all.set(name, [...(all.get(name) ?? []), figures]);
    };
    for (let round = 0; round < rounds; round++) await measure(platform, round % 2 ? [...kinds].reverse() : kinds, add);
    for (const kind of kinds) {
      if (kind !== 'adapter') show(platform, kind, measured);
    }
  }
  const load = loadavg()[0]?.toFixed(1);
  console.log(`\n${Math.round((performance.now() - began) / 1000)} s; load ${load} on ${availableParallelism()} cores`);
}

/** One round: all kinds of server of one platform, in new processes. */
async function measure(
  platform: Platform,
  kinds: readonly Kind[],
  add: (kind: Kind, name: string, figures: Figures) => void,
): Promise<void> {
  if (memoryIsChosen) {
    await withServers(platform, kinds, async (servers) => {
      for (const server of servers) {
        const memory = await idleMemory(server);
        add(server.kind, IDLE, { rate: memory, cpu: memory });
      }
    });
  }
  for (const each of speeds) {
    const sendsMessages = 'path' in each;
    await withServers(platform, kinds, async (servers) => {
      const loads = new Map<Server, Load>();
      for (const server of servers) {
        const load = sendsMessages ? await Messages.open(server, each) : new Accepts(server);
        loads.set(server, load);
        await load.warmUp(4 * MS);
      }
      const counts = new Map(servers.map((server) => [server, new Count()]));
      const duration = sendsMessages ? MS : 3 * MS; // a connection costs as much as ten messages
      for (let turn = 0; turn < TURNS; turn++) {
        // Back and forth, so that all are measured at the same time on average.
        for (const server of turn % 2 ? [...servers].reverse() : servers) {
          await (loads.get(server) as Load).run(duration / TURNS, counts.get(server));
        }
      }
      for (const [server, count] of counts) add(server.kind, each.name, count.figures());
      for (const load of loads.values()) load.close();
    });
  }
}

/** Starts a server of each kind for what is done with them, and ends them. */
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

  /** Bytes in memory and seconds of processor time, of its process and of those that this one has started. */
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
const SETTLE = 300; // ms

/** kB for each of many idle connections. As many come before them: they take what the process has free by then. */
async function idleMemory(server: Server): Promise<number> {
  const clients: Client[] = [];
  const connect = async () => {
    const end = clients.length + IDLE_CONNECTIONS;
    while (clients.length < end) {
      clients.push(...(await server.connect(100, '/')));
      await fetch(server.url.replace('ws:', 'http:')); // collects garbage: only what a connection keeps is compared
    }
    await after(SETTLE);
    return server.usage().memory;
  };
  const before = await connect();
  const each = ((await connect()) - before) / IDLE_CONNECTIONS / 1000;
  for (const client of clients) client.drop();
  await after(SETTLE);
  return each;
}

// ---- Speed ----

/** What came of one server, in how much time: of the clock, and of the processor. */
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

/** What keeps one server busy while it is told to. */
abstract class Load {
  protected done = 0;
  protected busy = false;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  /** Runs, uncounted, until the server has worked for so long: its compiler waits for work done, not for time to pass. */
  async warmUp(duration: number): Promise<void> {
    const end = this.#server.usage().cpu + duration / 1000;
    do await this.run(MS / TURNS);
    while (this.#server.usage().cpu < end);
  }

  /** Runs for so long, then until all is answered; the clock is read from when the load is under way. */
  async run(duration: number, count?: Count): Promise<void> {
    const { cpu } = this.#server.usage();
    const first = this.done;
    this.busy = true;
    const rest = this.start();
    await after(duration / 6);
    const from = performance.now();
    const before = this.done;
    await after(duration);
    const [done, seconds] = [this.done - before, (performance.now() - from) / 1000];
    this.busy = false;
    await within(rest, this.#server);
    count?.add(done, seconds, this.done - first, this.#server.usage().cpu - cpu);
  }

  /** Begins; settles when the last answer has come after `busy` has ended. */
  protected abstract start(): Promise<unknown>;

  abstract close(): void;
}

/** Connections that send; in a room the first sends, and all are answered. */
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
    for (const client of clients) client.listen(each.message.answer, (count) => this.#received(client, count));
  }

  protected start(): Promise<void> {
    const senders = this.#answers === 1 ? this.#clients : this.#clients.slice(0, 1);
    for (const client of senders) for (let sent = 0; sent < this.#case.inFlight; sent++) this.#send(client);
    return new Promise((settle) => {
      this.#answered = settle;
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

/** Clients that connect and leave, some at a time. */
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

/** Fails, with what the server has reported, if it does not answer in a bounded time. */
async function within(answered: Promise<unknown>, { kind, host }: Server): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_settle, fail) => {
    timer = setTimeout(() => fail(new Error(`${kind}: answers are missing\n${host.reports()}`)), 10_000);
  });
  await Promise.race([answered, late]);
  clearTimeout(timer);
}

// ---- Tables ----

function show(platform: Platform, other: Other, measured: ReadonlyMap<Kind, ReadonlyMap<string, Figures[]>>): void {
  const goals = GOALS[other];
  console.log(`\n${platform}, beside ${other === 'bare' ? 'the platform bare' : other}`);
  print('', 'each second', '', '', 'processor time, µs', '', '');
  print('', other, 'adapter', 'ratio', other, 'adapter', 'ratio');
  for (const { name } of speeds) {
    const [theirs, ours] = [other, 'adapter' as const].map((kind) => measured.get(kind)?.get(name) ?? []);
    print(
      name,
      ...compare(theirs, ours, 'rate', (ratio) => name !== ACCEPT && ratio < goals.rate),
      ...compare(theirs, ours, 'cpu', (ratio) => ratio > (name === ACCEPT ? goals.accept : goals.cpu)),
    );
  }
  if (!memoryIsChosen) return;
  const [theirs, ours] = [other, 'adapter' as const].map((kind) => measured.get(kind)?.get(IDLE) ?? []);
  print(IDLE, ...compare(theirs, ours, 'rate', (ratio) => ratio > goals.memory));
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
  return new Promise((settle) => setTimeout(settle, duration));
}

main().catch((error: Error) => {
  console.error(`\nthe bench of servers failed: ${error.message}`);
  process.exitCode = 1;
});
