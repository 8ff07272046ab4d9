// Ends a host with its parent process, on every platform.

/** Calls `end`, and then ends the process, when its input ends: the parent process has closed it, or has died. */
export function untilInputEnds(end: () => Promise<unknown>): void {
  // An application's uncaught errors are reported, and nothing else fails.
  process.on('uncaughtException', (error) => console.error('uncaught:', error));
  process.on('unhandledRejection', (error) => console.error('unhandled rejection:', error));
  // After the parent's death, writing fails.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  process.stdin.resume().on('end', async () => {
    await end();
    process.exit();
  });
}
