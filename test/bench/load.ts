// What the benches of servers share: servers in processes of their own, clients that keep them busy, and the tables.

import { readdirSync, readFileSync } from 'node:fs';
import { type Host, processFolders } from '../toolkit/host.ts';
import { Client, type Greeting, type Sample } from './client.ts';

/** The number of turns per measurement: the shorter they are, the more equally other load affects all servers. */
const TURNS = 4;
export const CONNECTED_AT_ONCE = 8;

// glibc may repeatedly return the top of the heap to the system and take it back, depending on what happens to lie there.
// With messages of 64 KiB, the page faults then double the cost. These settings keep every server from returning it.
export const MALLOC = { MALLOC_TRIM_THRESHOLD_: '1000000000', MALLOC_TOP_PAD_: '64000000' };

/** Connections that send messages, and receive the answers. */
export interface Case {
  readonly name: string;
  readonly path: string;
  readonly message: Sample;
  /** What a client sends and receives when its connection is open. */
  readonly greeting?: Greeting | undefined;
  readonly connections: number;
  /** The number of unanswered messages at any time, of each connection or of the room. */
  readonly inFlight: number;
  /** Whether the first connection sends, and all receive. */
  readonly isRoom?: boolean;
}

/** The figures of one server in one round: `rate` per second, and `cpu` in µs each; for memory, both are in kB. */
export interface Figures {
  readonly rate: number;
  readonly cpu: number;
}

/** Starts a server of each kind, calls `run` with them, and stops them. */
export async function withServers<Kind extends string>(
  kinds: readonly Kind[],
  start: (kind: Kind) => Promise<Host> | Promise<Host[]>,
  run: (servers: readonly Server<Kind>[]) => Promise<void>,
): Promise<void> {
  const servers: Server<Kind>[] = [];
  try {
    for (const kind of kinds) servers.push(new Server(kind, [await start(kind)].flat()));
    await run(servers);
  } finally {
    await Promise.all(servers.flatMap(({ hosts }) => hosts.map((host) => host.stop())));
  }
}

/** Keeps servers busy in turn; adds the figures of each. */
export async function measureInTurns<Kind extends string>(
  servers: readonly Server<Kind>[],
  open: (server: Server<Kind>) => Promise<Load>,
  [warmUp, duration]: readonly [warmUp: number, duration: number],
  add: (kind: Kind, figures: Figures) => void,
): Promise<void> {
  const loads = new Map<Server<Kind>, Load>();
  for (const server of servers) {
    const load = await open(server);
    loads.set(server, load);
    await load.warmUp(warmUp, duration / TURNS);
  }
  const counts = new Map(servers.map((server) => [server, new Count()]));
  for (let turn = 0; turn < TURNS; turn++) {
    // In alternating order, so that the average time of measurement is the same for all.
    for (const server of turn % 2 ? [...servers].reverse() : servers) {
      await (loads.get(server) as Load).run(duration / TURNS, counts.get(server));
    }
  }
  for (const [server, count] of counts) add(server.kind, count.figures());
  for (const load of loads.values()) load.close();
}

/** A server in one or several processes. */
export class Server<Kind extends string> {
  readonly kind: Kind;
  readonly hosts: readonly Host[];

  constructor(kind: Kind, hosts: readonly Host[]) {
    this.kind = kind;
    this.hosts = hosts;
  }

  get url(): string {
    return this.hosts[0]?.url as string;
  }

  /** Opens connections, several at a time; the processes take turns. */
  async connect(count: number, path: string, greeting?: Greeting): Promise<Client[]> {
    const clients: Client[] = [];
    while (clients.length < count) {
      const few = Math.min(CONNECTED_AT_ONCE, count - clients.length);
      const urls = Array.from(
        { length: few },
        (_, index) => this.hosts[(clients.length + index) % this.hosts.length]?.url,
      );
      clients.push(...(await Promise.all(urls.map((url) => Client.connect(url as string, path, greeting)))));
    }
    return clients;
  }

  /** The memory in bytes and the processor time in seconds of its processes and their child processes. */
  usage(): { readonly memory: number; readonly cpu: number } {
    const sum = { memory: 0, cpu: 0 };
    try {
      for (const folder of this.hosts.flatMap(({ process }) => processFolders(process.pid))) {
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
export abstract class Load {
  protected done = 0;
  protected busy = false;
  protected readonly server: Server<string>;

  constructor(server: Server<string>) {
    this.server = server;
  }

  /** Runs without counting until the server has used `duration` ms of processor time, as JIT compilers count work done. */
  async warmUp(duration: number, turn: number): Promise<void> {
    const end = this.server.usage().cpu + duration / 1000;
    do await this.run(turn);
    while (this.server.usage().cpu < end);
  }

  /** Runs for `duration` ms, plus a start that does not count, and then until everything has been answered. */
  async run(duration: number, count?: Count): Promise<void> {
    const { cpu } = this.server.usage();
    const first = this.done;
    this.busy = true;
    const answered = this.start();
    await after(duration / 6);
    const from = performance.now();
    const before = this.done;
    await after(duration);
    const [done, seconds] = [this.done - before, (performance.now() - from) / 1000];
    this.busy = false;
    await orFail(answered, this.server);
    count?.add(done, seconds, this.done - first, this.server.usage().cpu - cpu);
  }

  /** Begins. Resolves with the last answer after `busy` has become false. */
  protected abstract start(): Promise<unknown>;

  abstract close(): void;
}

/** Connections that send messages and receive answers. In a room, the first one sends, and all receive. */
export class Messages extends Load {
  readonly #clients: readonly Client[];
  readonly #case: Case;
  readonly #answers: number;
  #unanswered = 0;
  #answered = () => {};

  static async open(server: Server<string>, each: Case): Promise<Messages> {
    return new Messages(server, await server.connect(each.connections, each.path, each.greeting), each);
  }

  private constructor(server: Server<string>, clients: readonly Client[], each: Case) {
    super(server);
    this.#clients = clients;
    this.#case = each;
    this.#answers = each.isRoom ? clients.length : 1;
    for (const client of clients) client.listen(each.message.answer, (count) => this.#received(client, count));
  }

  protected start(): Promise<void> {
    const senders = this.#answers === 1 ? this.#clients : this.#clients.slice(0, 1);
    for (const client of senders) for (let sent = 0; sent < this.#case.inFlight; sent++) this.#send(client);
    return new Promise((resolve) => {
      this.#answered = resolve;
    });
  }

  /** The times from a message to its last answer, one message after the other: `rate` is p50, and `cpu` is p99, in µs. */
  async latency(duration: number): Promise<Figures> {
    const times: number[] = [];
    const end = performance.now() + duration;
    while (performance.now() < end) {
      const answered = new Promise<void>((resolve) => {
        this.#answered = resolve;
      });
      const from = performance.now();
      this.#send(this.#clients[0] as Client);
      await orFail(answered, this.server);
      times.push((performance.now() - from) * 1_000);
    }
    times.sort((a, b) => a - b);
    const at = (share: number) => times[Math.floor(share * times.length)] as number;
    return { rate: at(0.5), cpu: at(0.99) };
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

/** Waits for the answers. Fails after a time limit, with the reports of the server. */
async function orFail(answered: Promise<unknown>, { kind, hosts }: Server<string>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${kind}: answers are missing\n${hosts.map((host) => host.reports()).join('')}`)),
      10_000,
    );
  });
  await Promise.race([answered, late]);
  clearTimeout(timer);
}

// ---- Tables ----

/** Compares medians: theirs, ours, and the ratio with its quartiles; `*` marks one that misses its goal. */
export function compare(
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

export function quartiles(figures: readonly number[]): [low: number, median: number, high: number] {
  const sorted = [...figures].sort((a, b) => a - b);
  const at = (part: number) => {
    const place = part * (sorted.length - 1);
    const [below = Number.NaN, above = below] = sorted.slice(Math.floor(place));
    return below + (above - below) * (place % 1);
  };
  return [at(0.25), at(0.5), at(0.75)];
}

/** Prints a row of a table. */
export function print(name: string, ...cells: readonly string[]): void {
  const widths = [10, 9, 18, 10, 9, 18];
  const line = cells.map((cell, index) => cell.padStart(widths[index] as number));
  console.log([name.padEnd(33), ...line].join(' ').trimEnd());
}

export function after(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration));
}
