// Wraps a handler: an OpenTelemetry span for each message, and a log line for each connection.

import { SpanStatusCode, trace } from '@opentelemetry/api';
import type { WebSock } from '@websock/spec';

const tracer = trace.getTracer('websock');

export function traced<State, Info, Arg>(inner: WebSock<State, Info, Arg>): WebSock<State, Info, Arg> {
  return {
    // not `...inner`: the callbacks of a class are not its own properties
    init: (arg, mailbox) => inner.init(arg, mailbox),
    handleInfo: (info, state) => inner.handleInfo(info, state),
    handleControl: (frame, state) => inner.handleControl?.(frame, state) ?? { type: 'ok', state },
    handleIn: (frame, state) =>
      tracer.startActiveSpan('handleIn', async (span) => {
        try {
          return await inner.handleIn(frame, state);
        } catch (error) {
          span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
          throw error; // to onError; the connection closes with 1011
        } finally {
          span.end();
        }
      }),
    terminate(reason, state) {
      console.log(JSON.stringify({ type: reason.type, code: reason.code }));
      return inner.terminate?.(reason, state);
    },
  };
}
