import type { EndRule } from '../observer.ts';

/** What a client's violation of the protocol is in rule 4.3. */
interface Fault {
  /** The code of the close frame. */
  readonly code: number;
  /** The row of the table. */
  readonly rule: EndRule;
}

/** The fault that a message of `ws`, Bun or Deno describes: these platforms give no code of their own. */
export function faultOf(message: string): Fault {
  if (/max payload|payload length >|too big message|too large/i.test(message)) return { code: 1009, rule: '4.3j' };
  if (/too many/i.test(message)) return { code: 1008, rule: '4.3k' };
  if (/UTF-8/i.test(message)) return { code: 1007, rule: '4.3h' };
  // Messages of `ws` name the frame, those of zlib do not.
  if (/compressed/i.test(message) || /^Error: (?!Invalid WebSocket)/.test(message)) return { code: 1007, rule: '4.3i' };
  return { code: 1002, rule: /close code|status code/i.test(message) ? '4.3f' : '4.3l' };
}
