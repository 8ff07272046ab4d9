import { describe } from '../describe.ts';

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

/**
 * The code and reason of a close frame, the reason cut to size. Throws a TypeError if they are invalid (rule 4.2).
 *
 * @param where - begins the message, such as `"handleIn returned 'stop' with"`
 */
export function checkClose(where: string, close: unknown): { readonly code: number; readonly text: string } {
  if (typeof close !== 'object' || close === null) {
    throw new TypeError(`${where} a close that is ${describe(close)}; it must be { code, reason } (rule 4.2)`);
  }
  const { code, reason: text = '' } = close as { code?: unknown; reason?: unknown };
  if (!isSendableCode(code)) {
    const may = '1000-1003, 1007-1009, 1011-1014 and 3000-4999';
    throw new TypeError(`${where} the close code ${describe(code)}; a server may send ${may} (rule 4.2)`);
  }
  if (typeof text !== 'string') {
    throw new TypeError(`${where} the close reason ${describe(text)}; it must be a string (rule 4.2)`);
  }
  return { code, text: truncateReason(text) };
}
