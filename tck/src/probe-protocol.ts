// The JSON that the kit and the probe exchange. The README of the package specifies it, for hosts in any language; each
// type names the section that does.

import type { WebSock } from '@websock/spec';

/** A callback of the probe. */
export type Callback = 'init' | 'handleIn' | 'handleControl' | 'handleInfo' | 'terminate';

/** What a callback does (README: "Instructions"). Without any of these it returns `ok`. */
export interface Instruction {
  /** Returns this result, with a new object as its state. */
  readonly result?: { readonly type: string; readonly messages?: unknown; readonly [property: string]: unknown };
  /** Returns this value, valid or not, without a state. */
  readonly raw?: unknown;
  /** Returns `undefined`. */
  readonly nothing?: true;
  /** In `terminate`: throws an error that states the reason, and whether the state was the last one. */
  readonly tell?: true;
  /** Throws an error with this text, or rejects with it. */
  readonly throw?: string;
  /** Throws the reason of the signal; with `throw`, an error with that text whose cause is the reason. */
  readonly throwAbort?: true;
  /** Settles after this number of milliseconds, which may be 0. */
  readonly wait?: number;
  /** Settles when the signal of its mailbox is aborted. */
  readonly untilAbort?: true;
  /** Settles when the control connection says `release`. */
  readonly gate?: true;
  /** Never settles. */
  readonly forever?: true;
  /** Returns an object with a `then` method instead of a promise. */
  readonly thenable?: true;
  /** Posts these values to its own mailbox first. */
  readonly post?: readonly unknown[];
  /** Reads the signal of its mailbox, and writes its abortion to the trace. */
  readonly signal?: true;
  /** Calls `stop` of its mailbox with this value, valid or not; with `true`, without a value. */
  readonly stop?: unknown;
  /** In a posted message: posts `{ stream: stream - 1 }` to its own mailbox, until it is 0. */
  readonly stream?: number;
  /** Overwrites the bytes of a frame with zeros. */
  readonly overwrite?: true;
  /** Returns this value as the state, instead of a new object. */
  readonly state?: unknown;
  /** Returns `undefined` as the state. */
  readonly noState?: true;
  /** Changes the last state in place, and returns it instead of a new object. */
  readonly inPlace?: true;
  /** Returns a state that cannot be saved. */
  readonly unsavable?: true;
  /** Returns a state that cannot be restored: to restore it throws an error with this text. */
  readonly unrestorable?: string;
  /** Returns a result whose messages, and their data, differ when they are read again. */
  readonly changing?: true;
}

/** The form in which a message of `result` holds its bytes (README: "Instructions"). */
export type ByteForm = 'Uint8Array' | 'ArrayBuffer' | 'DataView' | 'Uint16Array' | 'offset' | 'shared';

/** A command on the control connection (README: "`/control`"). */
export type Command =
  | { readonly trace: string }
  | { readonly kept: string }
  | { readonly returned: string }
  | { readonly post: string; readonly infos: readonly unknown[]; readonly times?: number; readonly detached?: true }
  | { readonly stop: string; readonly close?: unknown; readonly detached?: true }
  | { readonly waiting: string }
  | { readonly signal: string }
  | { readonly release: string }
  | { readonly suspend: string }
  | { readonly count: true }
  | { readonly forget: true };

/** One line of a trace (README: "The trace"). */
export interface TraceEvent {
  /**
   * The call of a callback, the moment before it settles, the moments before and after a post, those before and after a
   * stop, the abortion of the signal, or the restoring of a state.
   */
  readonly event: 'begin' | 'settle' | 'post' | 'posted' | 'stop' | 'stopped' | 'abort' | 'restore';
  /** The callback of `begin` and `settle`. */
  readonly callback?: Callback;
  /** The value that the callback received, that was posted, or with which `stop` was called; an {@link Abortion}. */
  readonly given?: unknown;
  /** Of `posted` and `stopped`: the number of posted messages that wait, as the mailbox says. */
  readonly waiting?: number;
  /** Whether the state was identical to the last one that a result gave; `true` for `init`. */
  readonly sameState?: boolean;
  /** Whether `this` was the handler. */
  readonly sameThis?: boolean;
  /** For `init` and `handleInfo`: whether the arg, or the posted message, was identical to the one passed in. */
  readonly sameValue?: boolean;
}

/** The reason of an aborted signal. */
export interface Abortion {
  /** The name of the error. */
  readonly name: string;
  /** The error as text, as a report shows it. */
  readonly text: string;
  /** Its cause: what `terminate` receives. The `error` of a reason is text. */
  readonly cause: unknown;
}

/** What a server that suspends connections saves of the probe's state (README: "Suspension"). */
export interface SavedProbe {
  /** The name of the probe. */
  readonly id: string;
  /** The number of the state. */
  readonly number: number;
  /** The error of {@link Instruction.unrestorable}. */
  readonly unrestorable?: string;
}

/** The arg of the probe: its id, and an instruction for each callback. */
export interface ProbeArg {
  /** The name of the probe in commands. */
  readonly id: string;
  /** Its instructions. */
  readonly on: { readonly [Name in Callback]?: Instruction };
}

/** A probe with a handler of its own, instead of the handler that all other probes share. */
export interface OwnHandler {
  /** Callbacks that the handler lacks. */
  readonly without?: readonly ('handleControl' | 'terminate')[];
}

/** The options of a connection in JSON, which cannot express infinity. */
export type RouteOptions = Omit<WebSock.ConnectionOptions, 'idleTimeout'> & { idleTimeout?: number | 'Infinity' };

/**
 * Text or bytes as a trace shows them. Long data is abbreviated to its length and both ends.
 *
 * @internal
 */
export function abbreviate(data: string | Uint8Array): string {
  const show = (part: string | Uint8Array) => (typeof part === 'string' ? part : toHex(part));
  return data.length > 1_000 ? `${data.length}: ${show(data.slice(0, 10))}…${show(data.slice(-10))}` : show(data);
}

/** @internal */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
