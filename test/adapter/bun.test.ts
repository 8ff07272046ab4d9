// Behavior specific to Bun: upgrades before and after an await, and one message size limit for all connections.

import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { BINARY, frame, RawClient, TEXT } from '../../tck/src/raw-client.ts';
import { type Host, launch } from '../toolkit/host.ts';
import { execute } from '../toolkit/programs.ts';

let running: Host;

beforeAll(async () => {
  running = await launch('bun', ['test/adapter/bun.application.ts']);
});
afterAll(async () => {
  expect(await running?.stop()).toBe(0);
  expect(running.reports()).not.toMatch(/^(uncaught|unhandled)/m);
});

const early = { earlyBytes: frame(TEXT, 'early') };
const DEFLATE = 'Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover';

/** A binary message of zeros, compressed (RFC 7692 §7.2.1). */
function zeros(length: number): Buffer {
  const deflated = deflateRawSync(Buffer.alloc(length), { finishFlush: 2 }); // Z_SYNC_FLUSH
  const message = frame(BINARY, deflated.subarray(0, -4));
  message[0] = 0xc2; // with the bit for a compressed message
  return message;
}

test.each(['/fetch', '/adapter'])(
  '1.3 %s: with a synchronous route, a message sent with the request is received',
  async (path) => {
    const client = await RawClient.connect(`${running.url}${path}`, early);
    expect(client.status).toBe(101);
    expect(await client.next()).toMatchObject({ payload: Buffer.from('early') });
    client.cut();
  },
);

test('1.3 after an await, Bun refuses a client that has sent a message with the request, and no callback runs', async () => {
  const client = await RawClient.connect(`${running.url}/fetch?await`, early);
  expect(client.status).toBe(400);
  const patient = await RawClient.connect(`${running.url}/fetch?await`);
  expect(patient.status).toBe(101);
  patient.send(frame(TEXT, 'in time'));
  expect(await patient.next()).toMatchObject({ payload: Buffer.from('in time') });
  patient.cut();
});

test('a request that the route declines is left to the rest of the server', async () => {
  const response = await fetch(`${running.url.replace('ws:', 'http:')}/nothing`);
  expect([response.status, await response.text()]).toEqual([404, 'not mine']);
});

test('1.5 without the option `protocol`, the answer has no subprotocol', async () => {
  const client = await RawClient.connect(`${running.url}/fetch`, { extraHeaders: ['Sec-WebSocket-Protocol: a, b'] });
  expect(client.answer).not.toMatch(/Sec-WebSocket-Protocol/i);
  client.cut();
});

test('4.3 a message that inflates to more than maxPayloadLength closes with 1009', async () => {
  const client = await RawClient.connect(`${running.url}/fetch?compress`, { extraHeaders: [DEFLATE] });
  expect(client.answer).toMatch(/permessage-deflate/i);
  client.send(zeros(1_000_000));
  expect(await client.next()).toMatchObject({ opcode: BINARY });
  client.send(zeros(2_000_001));
  expect((await client.untilClose())[1]).toBe(1009);
  await vi.waitUntil(() => running.reports().includes('"code":1009'));
});

test('a maxMessageSize over maxPayloadLength is an error that names both, where it is given', async () => {
  for (const max of ['2000001', '10000000', 'Infinity']) {
    expect((await RawClient.connect(`${running.url}/fetch?max=${max}`)).status).toBe(500);
    const limit = "over the server's maxPayloadLength, which is 2000000";
    await vi.waitUntil(() => running.reports().includes(`the option "maxMessageSize" is ${max}, ${limit}`));
  }
  for (const path of ['/fetch', '/fetch?max=2000000']) {
    const client = await RawClient.connect(running.url + path);
    expect(client.status).toBe(101); // without the option, its default is no wish for more
    client.cut();
  }
});

test('5.1 inflated messages that are queued during a pending callback take limited memory', async () => {
  const before = await memory();
  const clients = await Promise.all(
    Array.from({ length: 10 }, () => RawClient.connect(`${running.url}/stuck?compress`, { extraHeaders: [DEFLATE] })),
  );
  const bomb = Buffer.concat(Array.from({ length: 100 }, () => zeros(2_000_000)));
  for (const client of clients) client.socket.write(bomb);
  for (const client of clients) expect((await client.untilClose())[1]).toBe(1013);
  expect((await memory()) - before).toBeLessThan(400_000_000); // of 2 GB
  for (const client of clients) client.cut();
});

test('the entry for Node.js refuses to run, and names the one for Bun', async () => {
  const program = `
    import { attach, createAdapter, serve } from '@websock/adapter/node';
    import { createServer } from 'node:http';
    const calls = [() => serve(() => undefined), () => attach(createServer(), () => undefined), () => createAdapter()];
    for (const call of calls) await Promise.resolve().then(call).catch((error) => console.log(error.message));
  `;
  const root = join(import.meta.dirname, '../..');
  const { output } = await execute(join(root, 'node_modules/.bin/bun'), ['-e', program], root);
  const remedy = '@websock/adapter/node needs Node.js; on Bun, import @websock/adapter/bun';
  expect(output.trim().split('\n')).toEqual(['serve', 'attach', 'createAdapter'].map((name) => `${name}: ${remedy}`));
});

async function memory(): Promise<number> {
  return Number(await (await fetch(`${running.url.replace('ws:', 'http:')}/memory`)).text());
}
