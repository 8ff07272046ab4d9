// Hosts the probe on the independent server until stdin ends or SIGTERM comes: `tsx test/tck/independent-host.ts`. The
// environment variable PORT gives the port; without it, one is chosen.

import { serveProbe } from './serve-probe.ts';

const { PORT } = process.env;
const { url, shutdown } = await serveProbe({ port: Number(PORT ?? 0), onReport: console.error });
console.log(url);
const stop = async () => {
  await shutdown();
  process.exit();
};
if (PORT === undefined) process.stdin.resume().on('end', stop);
process.once('SIGTERM', stop);
