// An observer as metrics need it: it counts.

import type { AdapterOptions, ClosedConnection } from '@websock/adapter';

const counts = { open: 0, milliseconds: 0, bytes: 0 };
const ends = new Map<ClosedConnection['rule'], number>();

/** The options of the adapter, with or without an observer, as JSON says. */
export function optionsOf(json = '{}'): AdapterOptions {
  if (!JSON.parse(json).observer) return {};
  return {
    observer: {
      opened() {
        counts.open += 1;
      },
      handled(_connection, { ms }) {
        counts.milliseconds += ms;
      },
      closed(_connection, closed) {
        counts.open -= 1;
        counts.bytes += closed.received.text.bytes;
        ends.set(closed.rule, (ends.get(closed.rule) ?? 0) + 1);
      },
    },
  };
}
