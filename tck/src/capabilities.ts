// The capabilities that some platforms lack. A server declares those with the reasons; tests that need one are skipped.

import type { Cannot, Capability } from '@websock/spec/conformance';

/** What each capability means, with its rule. The README of the package says more about each. */
export const CAPABILITIES: { readonly [Name in Capability]: string } = {
  rejectsHttp10: 'refuses an upgrade over HTTP/1.0 (1.5)',
  setsHeaders: "sends the application's headers with the 101 response (1.5)",
  keepsEarlyFrames: 'keeps frames that the client sends before it has the 101 response (1.3)',
  returnsThenables: 'awaits any object with a `then` method, not only promises of the language (2.1)',
  validatesUtf8: 'closes the connection for text that is not UTF-8 (4.3h)',
  canSkipUtf8Validation: 'decodes malformed text to U+FFFD if validateUtf8 is false (2.7)',
  overwritesFrames: 'passes bytes to which a handler can write (2.7)',
  compresses: 'supports permessage-deflate (2.3)',
  largeMessages: 'accepts messages of more than 64 MiB if maxMessageSize allows them (4.3j)',
  receivesControlFrames: 'passes pings and pongs to the handler (2.8)',
  sendsControlFrames: 'sends pings and pongs for the handler (2.8)',
  pingsByItself: 'pings a client that has been silent for half of idleTimeout (4.6)',
  idleTimeoutByDefault: 'has an idle timeout of 60 seconds by default (4.3n)',
  sendsProtocolErrorCodes: 'sends the close code of the table when a client violates the protocol (4.3)',
  sendsInflationErrorCode: 'closes with 1007 for data that cannot be inflated (4.3i)',
  rejectsUnmaskedFrames: 'rejects frames without a mask (4.3l)',
  rejectsLongControlFrames: 'rejects control frames of more than 125 bytes (4.3l)',
  rejectsShortCloseFrames: 'rejects a close frame of one byte (4.3l)',
  seesCloseFrames: "sees the client's close frame when it arrives, not only when the socket is gone (3.7, 4.3e)",
  reportsRemote1014: 'accepts the close code 1014 from a client (4.3e)',
  idleCountsControlFrames: 'restarts the idle clock for pings and pongs (4.3n)',
  idleCountsFragments: 'restarts the idle clock for parts of messages (4.3n)',
  dropsSockets: 'can close a socket without waiting for the client (4.5)',
  pausesReading: 'can stop reading from a client (5.1)',
  knowsBacklog: 'knows how many bytes wait to go out (5.3)',
  seesSendProgress: 'sees when part of a large message has gone out (4.5, 5.3)',
  suspends: 'suspends idle connections, and goes on with what it has saved (7.1 to 7.4)',
  reportsMemory: 'frees all memory of a closed connection, and reports how much is in use',
};

/** Throws for an invalid declaration: a misspelled name would otherwise have no effect. */
export function checkCannot(cannot: unknown, from: string): Cannot {
  if (typeof cannot !== 'object' || cannot === null || Array.isArray(cannot)) {
    throw new TypeError(`${from} must be an object of capabilities with the reason for each, or {}`);
  }
  for (const [name, reason] of Object.entries(cannot)) {
    if (!Object.hasOwn(CAPABILITIES, name)) {
      throw new TypeError(
        `${from} names an unknown capability: '${name}'; the known ones are ${Object.keys(CAPABILITIES).join(', ')}`,
      );
    }
    if (typeof reason !== 'string' || reason === '') {
      throw new TypeError(`${from} gives ${JSON.stringify(reason)} for '${name}'; give the reason, a string`);
    }
  }
  return cannot as Cannot;
}
