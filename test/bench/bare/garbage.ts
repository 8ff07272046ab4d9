// Collects garbage on request, so that memory can be compared without it: the servers do so for any request that is not an
// upgrade.

declare const Bun: { gc(now: true): void } | undefined;

export function collectGarbage(): void {
  if (typeof Bun !== 'undefined') Bun.gc(true);
  else (globalThis as { gc?: () => void }).gc?.();
}
