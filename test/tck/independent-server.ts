// A server that owes nothing to the reference servers: another's reading of the rules, by which the lifecycle suite is
// tried as it is used, on a URL. `tsx test/tck/independent-server.ts` hosts the probe until its input ends.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WebSock } from '@websock/spec';
import { type WebSocket, WebSocketServer } from 'ws';
import { application } from './application.ts';

const CODES: { readonly [reason: string]: number } = { normal: 1000, restart: 1012 };
const MAY_SEND = (code: number) =>
  [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014].includes(code) ||
  (Number.isInteger(code) && code >= 3000 && code < 5000);

const server = createServer((_request, response) => response.writeHead(404).end());

server.on('upgrade', (request, socket, head) => {
  const service = application({ url: request.url ?? '/' });
  if (!service || request.httpVersion === '1.0') {
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    return;
  }
  const { timeout = 60_000, compress = false, maxFrameSize = 10_000_000, ...options } = service.options ?? {};
  const { validateUtf8 = true, protocol } = options;
  const webSocketServer = new WebSocketServer({
    noServer: true,
    perMessageDeflate: compress,
    maxPayload: maxFrameSize,
    skipUTF8Validation: !validateUtf8,
    handleProtocols: (offered) => (protocol && offered.has(protocol) ? protocol : false),
  });
  webSocketServer.handleUpgrade(request, socket, head, (webSocket) => {
    serve(webSocket, service.handler, service.arg, timeout, (heard) => socket.on('data', heard));
  });
});

/** One loop for one connection: it takes the next event, awaits the callback, applies the result. */
async function serve(
  webSocket: WebSocket,
  handler: WebSock.Any,
  arg: unknown,
  timeout: number,
  onData: (heard: () => void) => void,
): Promise<void> {
  const events: { info: boolean; call: (state: unknown) => unknown }[] = [];
  let reason: WebSock.CloseReason | undefined;
  let over = false;
  let wake = () => {};
  const add = (info: boolean, call: (state: unknown) => unknown) => {
    if (reason) return;
    events.push({ info, call });
    wake();
  };
  const end = (why: WebSock.CloseReason) => {
    reason ??= why;
    wake();
  };
  const close = (why: WebSock.CloseReason, code: number, text?: string) => {
    if (reason || webSocket.readyState !== webSocket.OPEN) return;
    over = true;
    end(why);
    webSocket.close(code, text);
    setTimeout(() => webSocket.terminate(), 3_000);
  };

  // The clock is paused while a callback runs: what was left of it is left afterwards.
  let clock: ReturnType<typeof setTimeout> | undefined;
  let left = timeout;
  let since = Date.now();
  const stopClock = () => {
    clearTimeout(clock);
    left -= Date.now() - since;
  };
  const startClock = () => {
    since = Date.now();
    clearTimeout(clock);
    if (left !== Number.POSITIVE_INFINITY) clock = setTimeout(() => close({ type: 'timeout' }, 1002), left);
  };
  onData(() => {
    left = timeout;
    since = Date.now();
    if (!webSocket.isPaused) startClock();
  });

  webSocket.on('message', (data: Buffer, binary) =>
    add(false, (state) =>
      binary
        ? handler.handleIn({ opcode: 'binary', data: Uint8Array.from(data) }, state)
        : handler.handleIn({ opcode: 'text', data: data.toString() }, state),
    ),
  );
  for (const opcode of ['ping', 'pong'] as const) {
    webSocket.on(opcode, (data) => {
      if (!handler.handleControl) return;
      add(false, (state) => handler.handleControl?.({ opcode, data: Uint8Array.from(data) }, state));
    });
  }
  webSocket.on('error', (error) => end({ type: 'error', error }));
  webSocket.on('close', (code, text) => end({ type: 'remote', code, reason: text.toString() }));

  const mailbox = {
    post: (info: unknown) => queueMicrotask(() => add(true, (state) => handler.handleInfo(info, state))),
  };
  let state: unknown;
  let living = false;
  startClock();

  events.unshift({ info: false, call: () => handler.init(arg, mailbox) });
  for (;;) {
    const next = over ? undefined : events.shift();
    if (!next) {
      if (reason) break;
      await new Promise<void>((woken) => {
        wake = woken;
      });
      continue;
    }
    if (reason && next.info) continue;
    try {
      stopClock();
      webSocket.pause();
      const result = (await next.call(state)) as WebSock.HandleResult<unknown>;
      const messages = check(result);
      state = result.state;
      living = true;
      if (!reason && webSocket.readyState === webSocket.OPEN) {
        for (const { opcode, data = '' } of messages) {
          if (opcode === 'ping' || opcode === 'pong') webSocket[opcode](data);
          else webSocket.send(data, { binary: opcode === 'binary' });
        }
        while (webSocket.bufferedAmount > 1_000_000) await new Promise((later) => setTimeout(later, 5));
        if (result.type === 'stop') {
          const why = result.reason;
          const told: WebSock.CloseReason =
            typeof why === 'string' ? { type: 'normal' } : { type: 'error', error: why.error };
          const code = result.close?.code ?? (typeof why === 'string' ? CODES[why] : 1011) ?? 1011;
          close(told, code, cut(result.close?.reason ?? ''));
        }
      }
    } catch (error) {
      console.error(error);
      close({ type: 'error', error }, 1011);
      over = true;
    }
    webSocket.resume();
    if (!reason) startClock();
  }
  stopClock();
  if (!living) return;
  try {
    await handler.terminate?.(reason as WebSock.CloseReason, state);
  } catch (error) {
    console.error(error);
  }
}

/** The messages of a result; throws for what is none. */
function check(result: WebSock.HandleResult<unknown>): readonly WebSock.Message[] {
  const wrong = () => {
    throw new Error('not a result');
  };
  if (typeof result !== 'object' || result === null || !('state' in result)) return wrong();
  const { type, messages = [], close } = result;
  const list = Array.isArray(messages) ? (messages as readonly WebSock.Message[]) : [messages as WebSock.Message];
  if (!['ok', 'push', 'reply', 'stop'].includes(type) || (type === 'ok' && result.messages !== undefined))
    return wrong();
  if ((type === 'push' || type === 'reply') && result.messages === undefined) return wrong();
  if (type === 'stop' && typeof result.reason !== 'object' && !CODES[result.reason]) return wrong();
  if (close !== undefined && !MAY_SEND(close.code)) return wrong();
  for (const { opcode, data } of list) {
    const bytes = ArrayBuffer.isView(data) || data instanceof ArrayBuffer;
    if (opcode === 'text' ? typeof data !== 'string' : opcode === 'binary' && !bytes) return wrong();
    if (!['text', 'binary', 'ping', 'pong'].includes(opcode)) return wrong();
    const size = typeof data === 'string' ? Buffer.byteLength(data) : (data?.byteLength ?? 0);
    if ((opcode === 'ping' || opcode === 'pong') && size > 125) return wrong();
  }
  return list;
}

function cut(text: string): string {
  let short = text;
  while (Buffer.byteLength(short) > 123) short = [...short].slice(0, -1).join('');
  return short;
}

server.listen(0, '127.0.0.1', () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));
process.stdin.resume().on('end', () => process.exit());
