// For responses.test.ts: `serve` on the platform that runs this file, with a route that returns responses of every kind. What
// `onError` receives goes to standard error, as JSON.

import { accept, type Route, type ServeOptions, type Serving } from '@websock/adapter';
import { echo } from '../../examples/echo/echo.ts';
import { untilInputEnds } from '../toolkit/hosts/exit-with-parent.ts';
import { LOOPBACK } from '../toolkit/hosts/run.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const turn = () => new Promise((resolve) => setTimeout(resolve, 20));
const stream = (source: object, strategy?: QueuingStrategy) => new Response(new ReadableStream(source, strategy));
const fail = (message: string) => {
  throw new Error(message);
};

let reads = 0;
const unreadable = Object.defineProperty({ ...echo }, 'handleControl', {
  get: () => (reads++ > 1 ? fail('handleControl cannot be read') : undefined),
});

const responses: { readonly [path: string]: () => unknown } = {
  '/text': () => new Response('fine'),
  '/html': () => new Response('<p>', { headers: { 'Content-Type': 'text/html', 'X-Latin': '\xe9', 'X-Tab': 'a\tb' } }),
  '/empty': () => new Response(null, { status: 204 }),
  '/chunks': () => {
    const chunks = ['fi', 'n', 'e'];
    return stream({
      async pull(controller: ReadableStreamDefaultController) {
        await turn();
        const chunk = chunks.shift();
        if (chunk === undefined) controller.close();
        else controller.enqueue(bytes(chunk));
      },
    });
  },
  '/control': () => new Response('x', { headers: { 'X-Id': 'a\x01b' } }),
  '/delete': () => new Response('x', { headers: { 'X-Id': 'a\x7fb' } }),
  '/locked': () => {
    const response = new Response(new ReadableStream({}));
    response.body?.getReader();
    return response;
  },
  '/read': async () => {
    const response = new Response('x');
    await response.text();
    return response;
  },
  '/start': () => stream({ start: () => fail('start failed') }),
  '/error': () =>
    stream({ start: (controller: ReadableStreamDefaultController) => controller.error(new Error('errored')) }),
  '/pull': () => stream({ pull: () => fail('pull failed') }),
  '/read-on-demand': () => stream({ pull: () => fail('pull failed on demand') }, { highWaterMark: 0 }),
  '/second': () => {
    let pulls = 0;
    return stream({
      pull: (controller: ReadableStreamDefaultController) =>
        pulls++ === 0 ? controller.enqueue(bytes('x')) : fail('the second chunk failed'),
    });
  },
  '/number': () => stream({ start: (controller: ReadableStreamDefaultController) => controller.enqueue(5) }),
  '/late': () => {
    let pulls = 0;
    return stream({
      async pull(controller: ReadableStreamDefaultController) {
        await turn();
        if (pulls++ === 0) controller.enqueue(bytes('so far'));
        else fail('the body failed late');
      },
    });
  },
  '/events': () =>
    stream({
      start: (controller: ReadableStreamDefaultController) => controller.enqueue(bytes('first')),
      cancel: () => console.error('cancelled'),
    }),
  '/silent': () => stream({}),
  '/unreadable': () => accept(unreadable),
  '/echo': () => accept(echo),
};

const route = ((request) => responses[new URL(request.url).pathname]?.()) as Route;
const options = {
  ...LOOPBACK,
  closeTimeout: 500,
  onError: (error: unknown, { callback }: { callback: string }) =>
    console.error(JSON.stringify({ callback, error: String(error) })),
};

const entry = 'Bun' in globalThis ? '@websock/adapter/bun' : '@websock/adapter/deno';
const { serve } = (await import(entry)) as { serve(route: Route, options: ServeOptions): Promise<Serving> };
const server = await serve(route, options);
console.log(server.url);
// Where this is set, the process must end by itself.
const end = process.env['ENDS_BY_ITSELF']
  ? () => process.stdin.once('end', () => server.shutdown()).resume()
  : undefined;
if (end) end();
else untilInputEnds(() => server.shutdown());
