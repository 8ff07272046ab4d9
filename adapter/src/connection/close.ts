/** Whether a server may send this close code (rule 4.2; RFC 6455 §7.4 and the IANA registry). */
export function isSendableCode(code: unknown): code is number {
  if (typeof code !== 'number' || !Number.isInteger(code)) return false;
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && ![1004, 1005, 1006, 1010].includes(code);
}

/** Truncates a close reason to at most 123 bytes of UTF-8, between two characters (RFC 6455 §5.5). */
export function truncateReason(reason: string): string {
  return reason.slice(0, new TextEncoder().encodeInto(reason, new Uint8Array(123)).read);
}
