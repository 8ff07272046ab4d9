// Hosts the probe on the independent server, or on a wrong one that is made from it.

import type { AddressInfo } from 'node:net';
import { type Command, obey, route } from '../../tck/src/probe.ts';
import type { StartedServer } from '../../tck/src/test-context.ts';
import { createIndependentServer } from './independent-server.ts';

interface Options {
  readonly create?: typeof createIndependentServer;
  readonly bounds?: Parameters<typeof createIndependentServer>[2];
  readonly port?: number;
  /** Default: true. A server that saves states notices results without one, whatever else it overlooks (3.6). */
  readonly suspends?: boolean;
  /** Also receives each error report. */
  readonly onReport?: (report: string) => void;
}

export async function serveProbe({
  create = createIndependentServer,
  bounds,
  port = 0,
  suspends = true,
  onReport = () => {},
}: Options = {}): Promise<StartedServer & { close(): void }> {
  let reports = '';
  const { server, shutdown, suspend } = create(
    (url) => {
      if (suspends) return route(url, {}, perform);
      const service = route(url);
      return service && { ...service, suspension: undefined };
    },
    (callback, error) => {
      const report = `${callback}: ${error}`;
      reports += `${report}\n`;
      onReport(report);
    },
    bounds,
  );
  const perform = (command: Command) => ('suspend' in command ? suspend(command.suspend) : obey(command));
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  const address = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${address.port}`, shutdown, reports: () => reports, close: () => server.close() };
}
