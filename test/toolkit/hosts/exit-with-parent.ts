// How long a host lives, alike on every platform.

/** Ends the process, by way of `end`, when its input ends: the one who started it has closed it, or has died. */
export function untilInputEnds(end: () => Promise<unknown>): void {
  // What an application forgets to catch is reported, and harms nothing else.
  process.on('uncaughtException', (error) => console.error('uncaught:', error));
  process.on('unhandledRejection', (error) => console.error('unhandled rejection:', error));
  // Nobody reads any more what is written here, once the one who started this host has died.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  process.stdin.resume().on('end', async () => {
    await end();
    process.exit();
  });
}
