// A slow upstream, in place of a language model: repeats the question, one word every 100 ms, ten times.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** Listens on a free port, and returns its URL. */
export async function startUpstream(): Promise<{ readonly url: string; readonly close: () => void }> {
  const server = createServer(async (request, response) => {
    let question = '';
    for await (const part of request.setEncoding('utf8')) question += part;
    const words = `${question} `.repeat(10).trim().split(' ');
    response.on('close', () => console.log(response.writableFinished ? 'answered' : 'cancelled'));
    for (const word of words) {
      if (response.destroyed) return;
      response.write(`${word} `);
      await wait(100);
    }
    response.end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}
