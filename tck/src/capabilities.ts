// What some platforms cannot do. A server declares what it cannot do, and why: tests that need it are skipped, and the
// reason is shown. A server that declares nothing can do all of this.

/** Every capability, with what it means. The README of the package says more about each. */
export const CAPABILITIES = {
  rejectsHttp10: 'refuses an upgrade over HTTP/1.0 (1.5)',
  setsHeaders: 'sends the headers that the application asks for with the 101 response (1.5)',
  keepsEarlyFrames: 'keeps what the client sends before it has the 101 response (1.3)',
  returnsThenables: 'has promises other than those of the language itself (2.1)',
  validatesUtf8: 'closes for text that is not UTF-8 (4.3h)',
  canSkipUtf8Validation: 'decodes malformed text to U+FFFD where the application asks for it (2.7)',
  overwritesFrames: 'gives the handler bytes that the handler can write to (2.7)',
  compresses: 'speaks permessage-deflate (2.3)',
  largeMessages: 'accepts any message up to maxMessageSize, also above 32 MiB (2.3)',
  receivesControlFrames: 'shows pings and pongs to the handler (2.8)',
  sendsControlFrames: 'sends pings and pongs for the handler (2.8)',
  pingsByItself: 'pings a silent client when half of idleTimeout has passed (4.6)',
  sendsTimeoutCode: 'closes with 1002 when idleTimeout has passed (4.3n)',
  idleTimeoutByDefault: 'has an idle timeout of 60 seconds by default (4.3n)',
  sendsProtocolErrorCodes: 'sends the close code of the table when a client violates the protocol (4.3)',
  sendsInflationErrorCode: 'closes with 1007 for data that cannot be inflated (4.3i)',
  rejectsUnmaskedFrames: 'refuses frames without a mask (4.3l)',
  rejectsLongControlFrames: 'refuses control frames of more than 125 bytes (4.3l)',
  rejectsShortCloseFrames: 'refuses a close frame of one byte (4.3l)',
  seesCloseFrames: "sees the client's close frame before the socket is gone (3.7, 4.3e)",
  reportsRemote1014: 'accepts the close code 1014 from a client (4.3e)',
  idleCountsControlFrames: 'restarts the idle clock for pings and pongs (4.3n)',
  idleCountsFragments: 'restarts the idle clock for parts of messages (4.3n)',
  dropsSockets: 'can drop a socket without the client (4.5)',
  pausesReading: 'can stop reading from a client (5.1)',
  knowsBacklog: 'knows how many bytes wait to go out (5.3)',
  seesSendProgress: 'sees that part of a large message has gone out (4.5, 5.3)',
  reportsMemory: 'frees all memory of a connection that is over, and reports how much is in use',
} as const;

/** Something that a server may be unable to do. */
export type Capability = keyof typeof CAPABILITIES;

/** What a server cannot do: the names of capabilities, with the reason for each. */
export type Cannot = { readonly [Name in Capability]?: string };

/** Whether a name is that of a capability. */
export const isCapability = (name: string): name is Capability => Object.hasOwn(CAPABILITIES, name);

/** Throws for a declaration that is not a {@link Cannot}: a test that is skipped by mistake would not be missed. */
export function checkCannot(cannot: unknown, from: string): Cannot {
  if (typeof cannot !== 'object' || cannot === null || Array.isArray(cannot)) {
    throw new TypeError(`${from} must be an object of capabilities, with the reason for each, such as {}`);
  }
  for (const [name, reason] of Object.entries(cannot)) {
    if (!isCapability(name)) {
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
