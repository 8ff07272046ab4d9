/**
 * What a server can do, as far as its platform decides it. Each id stands for a rule of SPEC.md that a platform may be
 * unable to obey.
 */
export type Capability =
  /** Refuses an upgrade of HTTP/1.0 (rule 1.5). */
  | 'rejectsHttp10'
  /** Sends the headers that an application asks for with the 101 response (rule 1.5). */
  | 'setsHeaders'
  /** Keeps what a client sends before the handshake is answered (rule 1.3). */
  | 'keepsEarlyFrames'
  /** Closes with 1007 when text is not UTF-8 (rule 2.7). */
  | 'validatesUtf8'
  /** Can leave the check of UTF-8 out: `validateUtf8: false` (rule 2.7). */
  | 'canSkipUtf8Validation'
  /** Compresses messages: `compress: true`. */
  | 'compresses'
  /** Accepts messages as large as `maxMessageSize` says, however large (rule 4.3). */
  | 'largeMessages'
  /** Hands pings and pongs to `handleControl` (rule 2.8). */
  | 'receivesControlFrames'
  /** Sends the pings and pongs of a handler (rule 2.8). */
  | 'sendsControlFrames'
  /** Closes with the code of rule 4.3 when a client breaks the protocol. */
  | 'sendsProtocolErrorCodes'
  /** Closes with 1007 for data that cannot be inflated (rule 4.3). */
  | 'sendsInflationErrorCode'
  /** Refuses frames of a client without a mask (rule 4.3). */
  | 'rejectsUnmaskedFrames'
  /** Refuses control frames of more than 125 bytes (rule 4.3). */
  | 'rejectsLongControlFrames'
  /** Refuses a close frame of one byte (rule 4.3). */
  | 'rejectsShortCloseFrames'
  /** Sees the client's close frame when it arrives, not only when the socket is gone (rules 3.7 and 4.3). */
  | 'seesCloseFrames'
  /** Passes a client's close code of 1014 on to `terminate`. */
  | 'reportsRemote1014'
  /** Pings a client that has been silent for half of `idleTimeout` (rule 4.6). */
  | 'pingsByItself'
  /** Closes with 1002 when `idleTimeout` has passed (rule 4.3). */
  | 'sendsTimeoutCode'
  /** Has an `idleTimeout` of 60 seconds by default (rule 4.3). */
  | 'idleTimeoutByDefault'
  /** Pings and pongs count for `idleTimeout` (rule 4.3). */
  | 'idleCountsControlFrames'
  /** Fragments and parts of frames count for `idleTimeout` (rule 4.3). */
  | 'idleCountsFragments'
  /** Ends a socket without the client (rule 4.5). */
  | 'dropsSockets'
  /** Stops reading (rule 5.1). */
  | 'pausesReading'
  /** Knows how much waits to be sent (rule 5.3). */
  | 'knowsBacklog'
  /** Sees each byte that goes, not only whole messages (rule 5.3). */
  | 'seesSendProgress'
  /** Frees what a connection took when it is over. */
  | 'reportsMemory'
  /** Awaits a thenable as it does a promise; for servers of handlers in other languages. */
  | 'returnsThenables'
  /** Could write to bytes that it has given away; for servers of handlers in other languages. */
  | 'overwritesFrames';

/** What a platform cannot do, with the reason for each: `{ pausesReading: 'Deno has no way to stop reading' }`. */
export type Cannot = { readonly [Name in Capability]?: string };
