import type { ShutdownOptions } from '@websock/adapter';

/**
 * Calls `end` and exits when the input of this process ends: the parent process has closed it, or has died. `end` receives
 * the options of the shutdown, which are all that the input contains.
 */
export function untilInputEnds(end: (options?: ShutdownOptions) => Promise<unknown>): void {
  // Uncaught errors of an application are reported, and the host keeps running.
  process.on('uncaughtException', (error) => console.error('uncaught:', error));
  process.on('unhandledRejection', (error) => console.error('unhandled rejection:', error));
  // Writing fails once the parent process has died.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  let options = '';
  process.stdin
    .setEncoding('utf8')
    .on('data', (text) => {
      options += text;
    })
    .on('end', async () => {
      await end(options === '' ? undefined : JSON.parse(options));
      process.exit();
    });
}
