// The signal of a mailbox where the compiler knows AbortSignal: with `lib: ["dom"]`, or with @types/node.

import type { WebSock } from '@websock/spec';

type Same<One, Other> = (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;

export const isPlatforms: Same<WebSock.Signal, AbortSignal> = true;

export async function answer({ signal }: WebSock.Mailbox<string>): Promise<string> {
  signal.throwIfAborted();
  signal.addEventListener('abort', (event) => event.preventDefault(), { once: true });
  const response = await fetch('http://localhost', { signal });
  return response.text();
}

/** A signal of the platform in a mailbox of one's own, such as that of a test. */
export const mailbox: WebSock.Mailbox<string> = {
  post() {},
  stop() {},
  waiting: 0,
  signal: new AbortController().signal,
};

// refused: Property 'abortd' does not exist on type 'AbortSignal'
mailbox.signal.abortd;
