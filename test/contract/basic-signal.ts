// The signal of a mailbox where the compiler knows no AbortSignal: its basic members.

import type { WebSock } from '@websock/spec';

type Same<One, Other> = (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;

interface BasicSignal {
  readonly aborted: boolean;
  readonly reason: any;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
export const hasBasicMembers: Same<keyof WebSock.Signal, keyof BasicSignal> = true;
export const isBasic: Same<WebSock.Signal, BasicSignal> = true;

export function watch({ signal }: WebSock.Mailbox<string>, end: (reason: WebSock.CloseReason) => void): () => void {
  const listener = () => end(signal.reason.cause);
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener);
  return () => signal.removeEventListener('abort', listener);
}

declare const signal: WebSock.Signal;
// refused: Argument of type '"aborted"' is not assignable to parameter of type '"abort"'
signal.addEventListener('aborted', () => {});
// refused: because it is a read-only property
signal.aborted = true;
// refused: Property 'throwIfAborted' does not exist on type
signal.throwIfAborted();
// refused: Cannot find name 'AbortSignal'
export const isPlatforms: AbortSignal = signal;
