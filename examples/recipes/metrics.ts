// Metrics for Prometheus: an observer counts, and the route serves the counts at /metrics. For `serve(route, { observer })`.

import type { Observer, Route } from '@websock/adapter';
import { Counter, Gauge, Histogram, register } from 'prom-client';
import { route as chat } from './authorise.ts';

const open = new Gauge({ name: 'websocket_open', help: 'Open connections' });
const opened = new Counter({ name: 'websocket_opened_total', help: 'Handshakes' });
const refused = new Counter({ name: 'websocket_refused_total', help: 'Refused requests', labelNames: ['status'] });
const closed = new Counter({ name: 'websocket_closed_total', help: 'Ends, by row of rule 4.3', labelNames: ['rule'] });
const labelNames = ['direction', 'opcode'];
const messages = new Counter({ name: 'websocket_messages_total', help: 'Messages, counted at the end', labelNames });
const bytes = new Counter({ name: 'websocket_bytes_total', help: 'Their bytes', labelNames });
const seconds = new Histogram({ name: 'websocket_callback_seconds', help: 'Callbacks', labelNames: ['callback'] });

// No label has a value that clients choose, such as a URL or a close code: each new value costs memory.
export const observer: Observer = {
  refused: ({ status }) => refused.inc({ status }),
  opened() {
    open.inc();
    opened.inc();
  },
  handled: (_connection, { callback, ms }) => seconds.observe({ callback }, ms / 1_000),
  closed(_connection, { rule, received, sent }) {
    open.dec();
    closed.inc({ rule });
    for (const [direction, traffic] of Object.entries({ received, sent })) {
      for (const [opcode, { count, bytes: size }] of Object.entries(traffic)) {
        messages.inc({ direction, opcode }, count);
        bytes.inc({ direction, opcode }, size);
      }
    }
  },
};

export const route: Route = async (request, platform) => {
  if (new URL(request.url).pathname !== '/metrics') return chat(request, platform);
  // The counts show strangers how busy you are. Prometheus sends this header if its `authorization` has `credentials`.
  const token = process.env['METRICS_TOKEN'];
  if (!token || request.headers.get('authorization') !== `Bearer ${token}`) return new Response(null, { status: 401 });
  return new Response(await register.metrics(), { headers: { 'content-type': register.contentType } });
};
