// Metrics for Prometheus.

import type { Observer } from '@websock/adapter';
import { Counter, Gauge, Histogram } from 'prom-client';

const open = new Gauge({ name: 'board_connections', help: 'Open connections' });
const refused = new Counter({ name: 'board_refused_total', help: 'Refused requests', labelNames: ['status'] });
const closed = new Counter({ name: 'board_closed_total', help: 'Ends, by row of rule 4.3', labelNames: ['rule'] });
const seconds = new Histogram({ name: 'board_callback_seconds', help: 'Callbacks', labelNames: ['callback'] });

export const observer: Observer = {
  refused: ({ status }) => refused.inc({ status }),
  opened: () => open.inc(),
  handled: (_connection, { callback, ms }) => seconds.observe({ callback }, ms / 1_000),
  closed(_connection, { rule }) {
    open.dec();
    closed.inc({ rule });
  },
};
