// OpenTelemetry: a wrapped handler for traces, an observer for metrics. Start the SDK before this file is imported.

import { metrics, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Observer } from '@websock/adapter';
import type { WebSock } from '@websock/spec';

const tracer = trace.getTracer('websock');

/** A span for each callback, active during it: what it calls, such as a database, adds its spans below. */
export function traced<State, Info, Arg>(inner: WebSock<State, Info, Arg>): WebSock<State, Info, Arg> {
  return {
    // not `...inner`: the callbacks of a class are not its own properties
    init: (arg, mailbox) => inSpan('init', () => inner.init(arg, mailbox)),
    handleIn: (frame, state) => inSpan('handleIn', () => inner.handleIn(frame, state)),
    handleInfo: (info, state) => inSpan('handleInfo', () => inner.handleInfo(info, state)),
    handleControl: (frame, state) => inner.handleControl?.(frame, state) ?? { type: 'ok', state },
    terminate: (reason, state) => inner.terminate?.(reason, state),
  };
}

const inSpan = <Result>(name: string, call: () => WebSock.Awaitable<Result>): Promise<Result> =>
  tracer.startActiveSpan(name, async (span) => {
    try {
      return await call();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
      throw error; // to onError; the connection closes with 1011
    } finally {
      span.end();
    }
  });

const meter = metrics.getMeter('websock');
const open = meter.createUpDownCounter('websocket.open', { description: 'Open connections' });
const refused = meter.createCounter('websocket.refused', { description: 'Refused requests, by status' });
const closed = meter.createCounter('websocket.closed', { description: 'Ends, by row of rule 4.3' });
const duration = meter.createHistogram('websocket.callback.duration', { unit: 'ms' });

export const observer: Observer = {
  refused: ({ status }) => refused.add(1, { status }),
  opened: () => open.add(1),
  handled: (_connection, { callback, ms }) => duration.record(ms, { callback }),
  closed(_connection, { rule }) {
    open.add(-1);
    closed.add(1, { rule });
  },
};
