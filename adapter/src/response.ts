// Responses of routes: the platforms answer nothing, or end the process, where one cannot be sent.

import { describe } from './describe.ts';

declare const Bun: { inspect(value: unknown, options: { depth: number }): string };

const onBun = 'Bun' in globalThis;

const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/; // RFC 9110 §5.5

/** Why no platform can send a response, with the remedy; `undefined` if it can be sent. */
export function unsendable(response: Response): string | undefined {
  if (response.bodyUsed) return 'a Response whose body has already been read; return a new one for each request';
  if (response.type === 'error') return 'Response.error(), which cannot be sent; return a Response with a status';
  if (streamOf(response)?.locked) return 'a Response whose body is locked by a reader; release it, or return a new one';
  for (const [name, value] of response.headers) {
    if (!VALUE.test(value)) return `a Response with a control character in the header "${name}"; remove it`;
  }
  return undefined;
}

/**
 * The body of a response, if it may be a stream. On Bun, reading `body` loses the content type of a text, so it is read only
 * if the body is a stream; only the text that the console shows tells.
 */
function streamOf(response: Response): ReadableStream<unknown> | undefined {
  if (onBun && !/^ {2}ReadableStream/m.test(Bun.inspect(response, { depth: 0 }))) return undefined;
  return response.body ?? undefined;
}

/**
 * Reports a body that fails, and answers with 500 if it fails at once: in its first two chunks, without waiting for
 * anything. A body that waits for its first chunk does not delay the headers.
 *
 * @param report - receives the error
 * @param endsOnFailure - whether a body that fails later only ends; by default it aborts the response
 */
export async function guardBody(
  response: Response,
  report: (error: unknown) => void,
  endsOnFailure = false,
): Promise<Response> {
  const fail = (error: unknown) => {
    report(error);
    return new Response('Internal Server Error\n', { status: 500 });
  };
  const stream = streamOf(response);
  if (!stream) return response;
  if (stream.locked) return fail(new TypeError('the body of a Response was locked after the route returned it'));
  const reader = stream.getReader();
  const read = () => reader.read().then(checkChunk);
  const first = read();
  const second = first.then((chunk) => (chunk.done ? chunk : read()));
  second.catch(() => {}); // handled below, but perhaps later
  try {
    const ahead = await Promise.race([second, nextTurn()]);
    // With the whole body, the platform sends its length.
    if (ahead?.done && !onBun) return new Response((await first).value ?? new Uint8Array(), response);
  } catch (error) {
    return fail(error);
  }
  const chunks = [first, second];
  let cancelled = false;
  const source = {
    async pull(controller: ReadableStreamDefaultController) {
      try {
        const { done, value } = await (chunks.shift() ?? read());
        if (cancelled) return;
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        if (cancelled) return;
        report(error);
        if (endsOnFailure) controller.close();
        else controller.error(error);
      }
    },
    cancel(reason: unknown) {
      cancelled = true;
      return reader.cancel(reason).catch(report);
    },
  };
  return new Response(new ReadableStream(source, { highWaterMark: 0 }), response);
}

type Chunk = { readonly done: boolean; readonly value?: any };

/** Throws for a chunk that is not bytes; those of all kinds become a Uint8Array, which every platform can send. */
function checkChunk(chunk: Chunk): Chunk {
  const { done, value } = chunk;
  if (done || value instanceof Uint8Array || (onBun && typeof value === 'string')) return chunk;
  if (ArrayBuffer.isView(value)) {
    return { done, value: new Uint8Array(value.buffer, value.byteOffset, value.byteLength) };
  }
  if (value instanceof ArrayBuffer) return { done, value: new Uint8Array(value) };
  throw new TypeError(`the body of a Response has a chunk that is ${describe(value)}; enqueue bytes, as a Uint8Array`);
}

const nextTurn = () => new Promise<undefined>((resolve) => setTimeout(resolve, 0, undefined));
