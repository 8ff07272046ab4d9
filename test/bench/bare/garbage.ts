// Memory is compared without what the next collection will free: a request that is no upgrade asks for one.

declare const Bun: { gc(now: true): void } | undefined;

export function collectGarbage(): void {
  if (typeof Bun !== 'undefined') Bun.gc(true);
  else (globalThis as { gc?: () => void }).gc?.();
}
