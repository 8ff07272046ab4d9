// `npm run bench`, second part: what the reference servers cost at run time. Each hosts the echo handler, beside the
// same platform used bare, and crossws's adapter for node:http, in one run: round by round, each for a short time.
//
//   tsx test/bench/servers.ts [ROUNDS]

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { WebSocket } from 'ws';
import { type Host, host, launch, type Platform, platforms } from '../servers/host.ts';

const rounds = Number(process.argv[2] ?? 9);

const GOALS = { bare: 0.95, crossws: 1 };

/** Lengths in ms: of a round for one server, and before it, when what the server did last still counts. */
const ROUND = 350;
const RUN_UP = 50;
const WARM_UP = 1_000;

/** What is measured. So many messages of each connection are on their way at any time. */
const cases = [
  { name: '64 B × 1', message: 'a'.repeat(64), connections: 1, inFlight: 16 },
  { name: '64 B × 100', message: 'a'.repeat(64), connections: 100, inFlight: 4 },
  { name: '64 KiB × 1', message: Buffer.alloc(65_536, 97), connections: 1, inFlight: 4 },
  { name: '64 KiB × 100', message: Buffer.alloc(65_536, 97), connections: 100, inFlight: 1 },
] as const;
type Case = (typeof cases)[number];

const IDLE = 1_000;

const application = 'test/bench/echo.application.ts';

type Kind = 'bare' | 'reference' | 'crossws';

const starts: { readonly [K in Kind]: (platform: Platform) => Promise<Host> } = {
  reference: (platform) => host(platform, application),
  bare: (platform) => {
    const bare = join(__dirname, `bare/${platform}.ts`);
    if (platform !== 'workerd') return launch(platform, [bare]);
    return launch(platform, ['test/servers/hosts/workerd.ts', resolve(application), bare]);
  },
  crossws: (platform) => launch(platform, [join(__dirname, 'bare/crossws.ts')]),
};

interface Server {
  readonly platform: Platform;
  readonly kind: Kind;
  readonly host: Host;
}

async function main(): Promise<void> {
  const began = performance.now();
  const servers: Server[] = [];
  try {
    console.log(`Echo: ${rounds} rounds of ${ROUND} ms for each server, after a warm-up of ${WARM_UP} ms`);
    for (const platform of platforms) {
      const kinds: Kind[] = platform === 'ws' ? ['bare', 'reference', 'crossws'] : ['bare', 'reference'];
      for (const kind of kinds) servers.push({ platform, kind, host: await starts[kind](platform) });
    }
    for (const each of cases) report(each, await measure(each, servers));
  } finally {
    await Promise.all(servers.map((server) => server.host.stop()));
  }
  console.log(`${Math.round((performance.now() - began) / 1000)} s; load ${loadavg()[0]?.toFixed(1)}`);
}

/** Messages per second of each server, by round. */
async function measure(each: Case, servers: readonly Server[]): Promise<Map<Server, number[]>> {
  const loads = new Map<Server, Load>();
  for (const server of servers) {
    const load = await Load.open(server.host.url, each);
    await load.run(WARM_UP);
    loads.set(server, load);
  }
  const results = new Map(servers.map((server) => [server, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    // Back and forth, so that none is always the first or the last.
    for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
      const load = loads.get(server) as Load;
      const c = cpu(server.host);
      const r = await load.run(ROUND);
      (results.get(server) as number[]).push(r.rate);
      const d = cpu(server.host) - c;
      (cpus[`${each.name} ${server.platform} ${server.kind}`] ??= []).push((d / r.count) * 1e6, (d / r.time) * 100);
    }
  }
  for (const load of loads.values()) load.close();
  return results;
}
const cpus: any = {};

import { readFileSync } from 'node:fs';

function cpu(h: Host) {
  const pid = h.process.pid!;
  const kids = (p: number) =>
    readFileSync(`/proc/${p}/task/${p}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  let t = 0;
  const visit = (p: number) => {
    const s = readFileSync(`/proc/${p}/stat`, 'utf8').split(') ')[1]!.split(' ');
    t += Number(s[11]) + Number(s[12]);
    kids(p).forEach(visit);
  };
  visit(pid);
  return t / 100;
}

/** The client's side of a case: connections that keep a server busy while they are told to. */
class Load {
  readonly #sockets: WebSocket[] = [];
  readonly #message: string | Buffer;
  readonly #inFlight: number;
  #received = 0;
  #unanswered = 0;
  #busy = false;
  #quiet = () => {};

  static async open(url: string, { message, connections, inFlight }: Case): Promise<Load> {
    const load = new Load(message, inFlight);
    for (let count = 0; count < connections; count++) load.#sockets.push(await connect(url));
    for (const socket of load.#sockets) socket.on('message', () => load.#answered(socket));
    return load;
  }

  private constructor(message: string | Buffer, inFlight: number) {
    this.#message = message;
    this.#inFlight = inFlight;
  }

  /** Sends for so long, and waits for the last answers. Returns messages per second. */
  async run(duration: number) {
    this.#busy = true;
    for (const socket of this.#sockets) for (let sent = 0; sent < this.#inFlight; sent++) this.#send(socket);
    await after(RUN_UP);
    const from = performance.now();
    this.#received = 0;
    await after(duration);
    const rate = this.#received / ((performance.now() - from) / 1000);
    this.#busy = false;
    const count = this.#received;
    const time = (performance.now() - from) / 1000;
    if (this.#unanswered > 0) {
      await new Promise<void>((settle) => {
        this.#quiet = settle;
      });
    }
    return { rate, count, time };
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  #send(socket: WebSocket): void {
    this.#unanswered += 1;
    socket.send(this.#message);
  }

  #answered(socket: WebSocket): void {
    this.#received += 1;
    this.#unanswered -= 1;
    if (this.#busy) this.#send(socket);
    else if (this.#unanswered === 0) this.#quiet();
  }
}

async function connect(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  return socket;
}

function after(duration: number): Promise<void> {
  return new Promise((settle) => setTimeout(settle, duration));
}

function report(each: Case, results: ReadonlyMap<Server, readonly number[]>): void {
  console.log(each.name);
  for (const platform of platforms) {
    const of = (kind: Kind) =>
      [...results].find(([server]) => server.platform === platform && server.kind === kind)?.[1] ?? [];
    const [bare, reference, crossws] = [of('bare'), of('reference'), of('crossws')];
    const ratios = reference.map((rate, round) => rate / (bare[round] as number));
    const vs = reference.map((rate, round) => rate / (crossws[round] as number));
    const f = (k: string) => {
      const x = cpus[`${each.name} ${platform} ${k}`];
      if (!x) return '';
      return `${q(x.filter((_: any, i: number) => i % 2 === 0))
        .map((y) => y.toFixed(1))
        .join('/')}us busy ${q(x.filter((_: any, i: number) => i % 2 === 1))[1]!.toFixed(0)}%`;
    };
    console.log(
      ' ',
      platform.padEnd(8),
      ...[bare, reference, crossws].map((x) => q(x)[1]?.toFixed(0)),
      q(ratios)
        .map((x) => x?.toFixed(3))
        .join(' '),
      '|',
      q(vs)
        .map((x) => x?.toFixed(3))
        .join(' '),
      f('bare'),
      '|',
      f('reference'),
      '|',
      f('crossws'),
    );
  }
}

/** The quartiles. */
function q(figures: readonly number[]): number[] {
  const s = figures.toSorted((a, b) => a - b);
  return [0.25, 0.5, 0.75].map((at) => s[Math.round(at * (s.length - 1))] as number);
}

main().catch((e) => {
  console.error(e);
  process.exitCode = 1;
});
