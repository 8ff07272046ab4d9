// `npm run bench`, second part: what the reference servers cost at run time. Each hosts the echo handler, beside the
// same platform used bare, and crossws's adapter for node:http, in one run: round by round, each for a short time.
//
//   tsx test/bench/servers.ts [ROUNDS [MS [PLATFORM]]]

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { WebSocket } from 'ws';
import { platforms as all, type Host, host, launch, type Platform } from '../toolkit/host.ts';

const rounds = Number(process.argv[2] ?? 7);
const platforms = all.filter((platform) => (process.argv[4] ?? platform) === platform);

/** What the reference server is to reach, as its part of the other's messages per second. */
const GOALS = { bare: 0.95, crossws: 1 };

// In ms: how long a server is measured in each round, what goes before it uncounted, and before the first round.
const ROUND = Number(process.argv[3] ?? 300);
const RUN_UP = ROUND / 6;
const WARM_UP = ROUND * 2;

interface Case {
  readonly name: string;
  readonly message: string | Buffer;
  readonly connections: number;
  /** How many messages of each connection are on their way at any time. */
  readonly inFlight: number;
}

const text = 'a'.repeat(64);
const binary = Buffer.alloc(65_536, 'a');
const cases: readonly Case[] = [
  { name: '64-byte texts, 1 connection', message: text, connections: 1, inFlight: 16 },
  { name: '64-byte texts, 100 connections', message: text, connections: 100, inFlight: 4 },
  { name: '64-KiB binaries, 1 connection', message: binary, connections: 1, inFlight: 4 },
  { name: '64-KiB binaries, 100 connections', message: binary, connections: 100, inFlight: 1 },
];

// Idle connections, and those before them, which make a server load what it needs.
const IDLE = 1_000;
const FIRST = 200;
const SETTLE = 300; // ms

const kinds = ['bare', 'reference', 'crossws'] as const;
type Kind = (typeof kinds)[number];

const application = resolve(import.meta.dirname, '../apps/echo/application.ts');

function start(platform: Platform, kind: Kind): Promise<Host> {
  if (kind === 'reference') return host(platform, application);
  const file = join(import.meta.dirname, 'bare', kind === 'crossws' ? 'crossws.ts' : `${platform}.ts`);
  if (platform !== 'cloudflare') return launch(platform, [file]);
  return launch(platform, ['test/toolkit/hosts/cloudflare.ts', application, file]);
}

class Server {
  readonly rates: number[] = [];
  /** Seconds of the processor's time, and the messages that took them. */
  cpu = 0;
  messages = 0;

  constructor(
    readonly platform: Platform,
    readonly kind: Kind,
    readonly host: Host,
  ) {}
}

async function main(): Promise<void> {
  const began = performance.now();
  console.log(`Reference servers beside the same platform bare, and beside crossws (node:http): echo,`);
  console.log(`${rounds} rounds of ${ROUND} ms for each; medians, and of the ratios by round the quartiles too.`);
  console.log('CPU: processor time of the server for a message, which what else runs here disturbs least.');
  const servers: Server[] = [];
  try {
    for (const platform of platforms) {
      for (const kind of kinds) {
        if (kind === 'crossws' && platform !== 'node') continue;
        servers.push(new Server(platform, kind, await start(platform, kind)));
      }
    }
    await measureMemory(servers);
    for (const each of cases) await measureSpeed(each, servers);
  } finally {
    await Promise.all(servers.map((server) => server.host.stop()));
  }
  const load = loadavg()[0]?.toFixed(1);
  console.log(`\n${Math.round((performance.now() - began) / 1000)} s; load ${load} on ${availableParallelism()} cores`);
}

// ---- Memory ----

async function measureMemory(servers: readonly Server[]): Promise<void> {
  console.log(`\nkB for each of ${IDLE} idle connections`);
  print('', ...kinds);
  const memory = new Map<Server, number>();
  for (const server of servers) {
    const sockets = await connect(server.host.url, FIRST);
    await after(SETTLE);
    const before = usage(server).memory;
    sockets.push(...(await connect(server.host.url, IDLE)));
    await after(SETTLE);
    memory.set(server, (usage(server).memory - before) / IDLE / 1000);
    for (const socket of sockets) socket.terminate();
  }
  for (const platform of platforms) {
    print(platform, ...byKind(servers, platform).map((server) => server && memory.get(server)?.toFixed(1)));
  }
}

// ---- Speed ----

async function measureSpeed(each: Case, servers: readonly Server[]): Promise<void> {
  console.log(`\n${each.name}, ${each.inFlight} in flight on each`);
  print('messages/s', ...kinds, '', 'reference/bare', '', 'reference/crossws', 'CPU µs', ...kinds);
  const loads = new Map<Server, Load>();
  for (const server of servers) {
    const load = new Load(await connect(server.host.url, each.connections), each);
    await load.run(WARM_UP);
    loads.set(server, load);
    server.rates.length = 0;
    server.cpu = 0;
    server.messages = 0;
  }
  for (let round = 0; round < rounds; round++) {
    // Back and forth, so that neither of two is always the first.
    for (const server of round % 2 === 0 ? servers : [...servers].reverse()) {
      const before = usage(server).cpu;
      const { rate, messages } = await (loads.get(server) as Load).run(ROUND);
      server.rates.push(rate);
      server.messages += messages;
      server.cpu += usage(server).cpu - before;
    }
  }
  for (const load of loads.values()) load.close();
  for (const platform of platforms) {
    const three = byKind(servers, platform);
    const [bare, reference, crossws] = three;
    print(
      platform,
      ...three.map((server) => server && quartiles(server.rates)[1].toFixed()),
      ...ratio(reference, bare, GOALS.bare),
      ...ratio(reference, crossws, GOALS.crossws),
      '',
      ...three.map((server) => server && ((server.cpu / server.messages) * 1e6).toFixed(1)),
    );
  }
}

function ratio(one: Server | undefined, other: Server | undefined, goal: number): [mark: string, ratio: string] {
  if (!one || !other) return ['', ''];
  const [low, median, high] = quartiles(one.rates.map((rate, round) => rate / (other.rates[round] as number)));
  const mark = median < goal ? `under ${goal}` : '';
  return [mark, `${median.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`];
}

/** The client of one server: connections that keep it busy while they are told to. */
class Load {
  readonly #sockets: readonly WebSocket[];
  readonly #case: Case;
  #answers = 0;
  #unanswered = 0;
  #busy = false;
  #answered = () => {};

  constructor(sockets: readonly WebSocket[], each: Case) {
    this.#sockets = sockets;
    this.#case = each;
    for (const socket of sockets) {
      socket.on('message', () => {
        this.#answers += 1;
        this.#unanswered -= 1;
        if (this.#busy) this.#send(socket);
        else if (this.#unanswered === 0) this.#answered();
      });
    }
  }

  /** Sends for so long, and waits for the last answers. */
  async run(duration: number): Promise<{ readonly rate: number; readonly messages: number }> {
    const first = this.#answers;
    this.#busy = true;
    for (const socket of this.#sockets) for (let sent = 0; sent < this.#case.inFlight; sent++) this.#send(socket);
    await after(RUN_UP);
    const from = performance.now();
    const before = this.#answers;
    await after(duration);
    const rate = ((this.#answers - before) / (performance.now() - from)) * 1000;
    this.#busy = false;
    await new Promise<void>((settle) => {
      this.#answered = settle;
    });
    return { rate, messages: this.#answers - first };
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  #send(socket: WebSocket): void {
    this.#unanswered += 1;
    socket.send(this.#case.message);
  }
}

async function connect(url: string, count: number): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  while (sockets.length < count) {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, 'open');
    sockets.push(socket);
  }
  return sockets;
}

// ---- Helpers ----

/** Bytes in memory and seconds of processor time, of a server's process and of those that it has started. */
function usage({ host }: Server): { readonly memory: number; readonly cpu: number } {
  const sum = { memory: 0, cpu: 0 };
  const add = (pid: string) => {
    // See proc(5); on a system without it there are no such figures.
    const stat = (readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop() as string).split(' ');
    sum.cpu += (Number(stat[11]) + Number(stat[12])) / 100;
    sum.memory += Number(stat[21]) * 4096;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    for (const child of children.split(' ')) if (child !== '') add(child);
  };
  try {
    add(String(host.process.pid));
    return sum;
  } catch {
    return { memory: Number.NaN, cpu: Number.NaN };
  }
}

function byKind(servers: readonly Server[], platform: Platform): (Server | undefined)[] {
  return kinds.map((kind) => servers.find((server) => server.platform === platform && server.kind === kind));
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

function after(duration: number): Promise<void> {
  return new Promise((settle) => setTimeout(settle, duration));
}

const WIDTHS = [10, 10, 10, 10, 11, 17, 11, 18, 8, 7, 10, 8];

function print(...cells: readonly (string | undefined)[]): void {
  const line = cells.map((cell = '-', index) => {
    const width = WIDTHS[index] as number;
    return index === 0 ? cell.padEnd(width) : cell.padStart(width);
  });
  console.log(line.join(' ').trimEnd());
}

main().catch((error: Error) => {
  console.error(`\nthe bench of servers failed: ${error.message}`);
  process.exitCode = 1;
});
