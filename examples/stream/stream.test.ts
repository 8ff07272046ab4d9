// The example, over real sockets and a real upstream: cancelled when the client leaves, slowed by a slow client.

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { accept, type Serving, serve } from '@websock/adapter/node';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import { asker } from './stream.ts';

const UNTIL = { timeout: 10_000, interval: 10 };

/** Leaves its responses to the test. */
const upstream = createServer((_request, response) => void responses.push(response));
const responses: ServerResponse[] = [];
const errors: unknown[] = [];
let server: Serving;

beforeEach(async () => {
  responses.length = 0;
  errors.length = 0;
  await new Promise<void>((listening) => upstream.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/`;
  const options = {
    port: 0,
    hostname: '127.0.0.1',
    maxUnsentBytes: 100_000,
    onError: (error: unknown) => errors.push(error),
  };
  server = await serve(() => accept(asker, url), options);
});
afterEach(async () => {
  await server.shutdown({ timeout: 1_000 });
  await new Promise((closed) => {
    upstream.close(closed);
    upstream.closeAllConnections();
  });
  expect(errors).toEqual([]);
});

/** The response to the question that the client asks. */
async function ask(client: Client, question = 'why?'): Promise<ServerResponse> {
  const before = responses.length;
  client.text(question);
  await vi.waitFor(() => expect(responses).toHaveLength(before + 1), UNTIL);
  const response = responses[before] as ServerResponse;
  response.flushHeaders();
  return response;
}

test('tokens arrive as they come', async () => {
  const client = await Client.connect(server.url);
  const response = await ask(client);
  for (const token of ['because', 'of', 'Ümläute']) {
    response.write(token);
    expect(await client.next()).toEqual({ text: token });
  }
  response.end();
  expect(await client.next()).toEqual({ text: 'the end' });
});

test('when the client leaves, before or during the answer, the upstream request is cancelled, and no error is reported', async () => {
  for (const leave of ['before', 'during', 'between tokens'] as const) {
    const client = await Client.connect(server.url);
    const before = responses.length;
    client.text('why?');
    await vi.waitFor(() => expect(responses).toHaveLength(before + 1), UNTIL);
    const response = responses[before] as ServerResponse;
    const cancelled = new Promise((resolve) => response.on('close', resolve));
    if (leave !== 'before') response.write('because');
    if (leave === 'between tokens') expect(await client.next()).toEqual({ text: 'because' });
    client.socket.terminate();
    await cancelled;
    expect(response.writableFinished).toBe(false);
  }
});

test('stop, and another question, cancel the answer', async () => {
  const client = await Client.connect(server.url);
  const first = await ask(client);
  first.write('one');
  expect(await client.next()).toEqual({ text: 'one' });
  const firstClosed = new Promise((resolve) => first.on('close', resolve));
  client.text('another?');
  first.write('two');
  await firstClosed;
  await vi.waitFor(() => expect(responses).toHaveLength(2), UNTIL);
  responses[1]?.write('three');
  expect(await client.next()).toEqual({ text: 'two' });
  expect(await client.next()).toEqual({ text: 'three' });
  client.text('stop');
  responses[1]?.write('four');
  expect(await client.next()).toEqual({ text: 'four' });
  expect(await client.next()).toEqual({ text: 'stopped' });
});

test('a client that reads nothing stops the upstream, whose tokens do not pile up, until it reads again', async () => {
  const client = await Client.connect(server.url);
  const response = await ask(client);
  client.socket.pause();
  const token = 'x'.repeat(60_000);
  let written = 0;
  const write = () => {
    while (written < 100_000_000 && !response.destroyed) {
      written += token.length;
      if (!response.write(token)) return void response.once('drain', write);
    }
    response.end();
  };
  write();
  let last = -1;
  await vi.waitFor(
    () => {
      const before = last;
      last = written;
      expect(written).toBe(before);
    },
    { timeout: 20_000, interval: 300 },
  );
  expect(written).toBeLessThan(60_000_000); // what fits into the sockets' buffers
  client.socket.resume();
  await vi.waitFor(() => expect(client.inbox.at(-1)).toEqual({ text: 'the end' }), { timeout: 30_000, interval: 50 });
  const length = client.inbox.reduce((sum, received) => sum + ('text' in received ? received.text.length : 0), 0);
  expect(length).toBe(written + 'the end'.length);
});
