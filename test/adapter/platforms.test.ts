// Bursts, floods, slow and silent clients, on every platform: in addition to the rules that the kit tests over the wire.
// Titles begin with the rule.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Cannot, Capability } from '@websock/adapter';
import { cannot as bun } from '@websock/adapter/bun';
import { cannot as workerd } from '@websock/adapter/cloudflare';
import { cannot as deno } from '@websock/adapter/deno';
import { cannot as node } from '@websock/adapter/node';
import { afterAll, beforeAll, describe, expect, type TestContext, test, vi } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import { BINARY, frame, PONG, RawClient, TEXT } from '../../tck/src/raw-client.ts';
import { type Host, host, type Platform, platforms } from '../toolkit/host.ts';

const cannots: Record<Platform, Cannot> = { node, bun, deno, cloudflare: workerd };

const FILE = 'test/adapter/platforms.application.ts';
const BOUNDS = { stallTimeout: 2_000, closeTimeout: 1_000 };

describe.each(platforms)('on %s', (platform) => {
  const cannot = cannots[platform];
  let server: Host;

  beforeAll(async () => {
    server = await host(platform, FILE, { ADAPTER_OPTIONS: JSON.stringify(BOUNDS) });
  });
  afterAll(async () => {
    expect(await server?.stop(), 'the exit code of the server').toBe(0);
    expect(server.reports()).not.toMatch(/uncaught|unhandled/);
  });

  /** A test that needs capabilities which some platforms lack. */
  const rule = (title: string, run: () => Promise<void>, ...needs: Capability[]) => {
    test(title, async ({ skip }: TestContext) => {
      const reason = needs.map((capability) => cannot[capability]).find((why) => why !== undefined);
      if (reason !== undefined) skip(reason);
      await run();
    }, 60_000);
  };

  const url = (path: string, options: object = {}) =>
    `${server.url}${path}${path.includes('?') ? '&' : '?'}options=${JSON.stringify(options)}`;

  /** The reasons with which connections of a handler have ended so far. */
  const ends = (path: string): string[] =>
    [...server.reports().matchAll(/^(\S+) ended: (.*)$/gm)].flatMap(([, of, reason]) =>
      of === path ? [reason as string] : [],
    );

  rule('2.7 every type of data arrives unchanged', async () => {
    const client = await Client.connect(url('/kinds'));
    client.text('send');
    const control = cannot.sendsControlFrames ? [] : [{ ping: 'ping' }, { pong: '\x01' }];
    const expected = [...control, { binary: '0203' }, { binary: '070707' }, { text: 'half a pair: \ufffd' }];
    for (const message of expected) expect(await client.next()).toEqual(message);
    client.close();
  });

  rule('5.1 a burst of 50 000 messages to a synchronous handler is echoed completely', async () => {
    const messages = 50_000;
    const client = await RawClient.connect(url('/echo'));
    let bytes = 0;
    const all = new Promise<void>((settle, fail) => {
      client.socket.on('data', (chunk) => {
        bytes += chunk.length;
        if (bytes >= messages * 10) settle(); // two bytes of header, eight of data
      });
      client.socket.on('close', () => fail(new Error(`closed after ${bytes / 10} messages`)));
    });
    client.socket.write(Buffer.concat(Array.from({ length: messages }, () => frame(TEXT, '12345678'))));
    await all;
    expect(bytes).toBe(messages * 10);
    client.cut();
  });

  rule('2.2 after a flood of empty frames and a reset, the connection ends, and others are served', async () => {
    const flood = Buffer.concat(Array.from({ length: 100_000 }, () => frame(BINARY)));
    // workerd serves no other connection until it has delivered all of them, with or without this package
    const blocks = platform === 'cloudflare' ? 1 : 10;
    const client = await RawClient.connect(url('/sink'));
    const other = await Client.connect(url('/echo'));
    for (let block = 0; block < blocks; block++) client.socket.write(flood);
    other.text('and I?');
    expect(await other.next()).toEqual({ text: 'and I?' });
    client.socket.resetAndDestroy();
    await vi.waitUntil(() => ends('/sink').length > 0, 30_000);
    expect(ends('/sink')).toEqual(['{"type":"remote","code":1006,"reason":""}']);
    other.text('still?');
    expect(await other.next()).toEqual({ text: 'still?' });
    other.close();
  });

  rule('2.9 a million posted messages arrive, and other connections are served meanwhile', async () => {
    const busy = Client.connect(url('/infos?count=1000000'));
    const other = await Client.connect(url('/echo'));
    other.text('and I?');
    expect(await other.next()).toEqual({ text: 'and I?' });
    other.close();
    const client = await busy;
    expect(await client.next()).toEqual({ text: 'all' });
    client.close();
  });

  rule('4.4 a thrown value that cannot be inspected affects no other connection', async () => {
    const client = await Client.connect(url('/hostile'));
    client.text('throw');
    expect(await client.closed()).toEqual({ close: 1011, reason: '' });
    await vi.waitFor(() => expect(server.reports()).toContain('WebSock: handleIn failed:')); // not over the client's socket
  });

  describe.concurrent('slow and silent clients', () => {
    rule('4.5 a stop delivers 20 MB to a client that reads slowly, for longer than every time limit', async () => {
      const client = await RawClient.connect(url('/pour-and-stop?count=20'));
      client.send(frame(TEXT, 'go'));
      expect(await readSlowly(client)).toBe(20 * 1_000_010 + 4);
      await vi.waitUntil(() => ends('/pour-and-stop').length > 0);
      expect(ends('/pour-and-stop')).toEqual(['{"type":"normal","code":1000,"reason":""}']);
    });

    rule('5.3 a client that reads slowly, for longer than every time limit, receives everything', async () => {
      const client = await RawClient.connect(url('/pour?count=20&stop'));
      client.send(frame(TEXT, 'go'));
      expect(await readSlowly(client)).toBe(20 * 1_000_010 + 4);
      client.cut();
    });

    rule(
      '5.3 a client that reads nothing while data is buffered for it is dropped',
      async () => {
        const client = await RawClient.connect(url('/pour?count=30'));
        client.send(frame(TEXT, 'go'));
        client.socket.pause();
        await vi.waitUntil(() => ends('/pour').some((end) => end.includes('does not read')), 30_000);
        client.cut();
      },
      'knowsBacklog',
    );

    /** Stops the connection of a client that reads about 3 MB/s of 30 MB, and does not close. */
    const throwOut = async (code: number) => {
      const client = await RawClient.connect(url(`/thrown-out?code=${code}`));
      const other = await Client.connect(url(`/throw-out?code=${code}`));
      const { socket } = client;
      socket.removeAllListeners('data');
      const reading = once(socket, 'data');
      client.send(frame(TEXT, 'go'));
      await reading;
      let bytes = 0;
      socket.on('data', (chunk) => {
        bytes += chunk.length;
        socket.pause();
      });
      const trickle = setInterval(() => {
        socket.resume(); // until the next chunk of at most 64 KiB
        socket.write(frame(PONG)); // a closed socket answers with a reset
      }, 20);
      socket.once('close', () => clearInterval(trickle));
      other.text('stop it');
      const terminated = new RegExp(`/thrown-out terminated: normal ${code}, after (\\d+) ms`);
      await vi.waitUntil(() => terminated.test(server.reports()), 30_000);
      other.close();
      return { client, received: () => bytes, ms: Number(terminated.exec(server.reports())?.[1]) };
    };

    rule('6.6 terminate follows mailbox.stop immediately, although the client reads slowly', async () => {
      const { client, ms } = await throwOut(4001);
      expect(ms).toBeLessThan(1_000); // 100 ms on a machine that has time
      client.cut();
    });

    rule(
      '6.6 the socket of a client that reads slowly is closed after mailbox.stop',
      async () => {
        const { client, received } = await throwOut(4002);
        await client.ended(30_000);
        expect(received()).toBeLessThan(15_000_000); // a limit without progress would end much later
      },
      'dropsSockets',
    );

    rule(
      '4.6 after an idle timeout, the socket of a client that does not answer is closed',
      async () => {
        const client = await RawClient.connect(url('/sink', { idleTimeout: 500 }));
        client.socket.allowHalfOpen = true; // or Node.js would close its side as well
        client.socket.removeAllListeners('end');
        const [, code] = await client.untilClose();
        expect(code).toBe(1001);
        // Not earlier, or it would restart the idle clock. A closed socket answers with a reset.
        const knock = setInterval(() => client.socket.write(frame(PONG)), 100);
        await client.ended();
        clearInterval(knock);
        await vi.waitUntil(() => ends('/sink').some((end) => end.includes('"timeout"')));
      },
      'pingsByItself',
    );

    rule(
      '4.6 a client that only answers pings stays connected',
      async () => {
        const client = await Client.connect(url('/echo', { idleTimeout: 400 }));
        for (let ping = 0; ping < 4; ping++) expect(await client.next()).toEqual({ ping: '' });
        client.text('here');
        expect(await client.next()).toEqual({ text: 'here' });
        client.close();
      },
      'pingsByItself',
    );
  });

  test('the host ends when its parent process dies', async () => {
    const start =
      "require('./test/toolkit/host.ts').host(...process.argv.slice(1)).then(({ url }) => console.log(url))";
    const args = ['--require', 'tsx/cjs', '--eval', start, platform, FILE];
    const starter = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [printed] = (await once(starter.stdout.setEncoding('utf8'), 'data')) as [string];
    const echo = `${printed.trim()}/echo`;
    const client = await Client.connect(echo);
    starter.kill('SIGKILL');
    expect(await client.closed()).toEqual({ close: 1001, reason: '' });
    const refused = () =>
      Client.connect(echo).then(
        () => false,
        () => true,
      );
    await vi.waitUntil(refused, { timeout: 10_000 });
  });
});

/** Reads 5 MB/s until a close frame or the end of the stream; returns the number of bytes. */
async function readSlowly(client: RawClient): Promise<number> {
  const { socket } = client;
  let bytes = 0;
  let closed = false;
  socket.removeAllListeners('data');
  const done = new Promise<void>((settle) => {
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      closed = chunk.length >= 4 && chunk.readUInt32BE(chunk.length - 4) === 0x880203e8; // a close frame of 1000
      socket.pause();
      setTimeout(() => socket.resume(), chunk.length / 5_000);
      if (closed) settle();
    });
    socket.once('close', settle);
  });
  await done;
  return bytes;
}
