/** Calls `end` and exits when the input of this process ends: the parent process has closed it, or has died. */
export function untilInputEnds(end: () => Promise<unknown>): void {
  // Uncaught errors of an application are reported, and the host keeps running.
  process.on('uncaughtException', (error) => console.error('uncaught:', error));
  process.on('unhandledRejection', (error) => console.error('unhandled rejection:', error));
  // Writing fails once the parent process has died.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  process.stdin.resume().on('end', async () => {
    await end();
    process.exit();
  });
}
